/* Each condition of conditions.h, on a database as the programs leave it; the programs are played
 * by locks. */
#include "unit/monitor/test_ledger.h"

static struct test_ledger ledger;

static int open_well(void **state)
{
	const struct condition_options options = test_options();

	(void)state;
	test_ledger_open(&ledger, &options);
	test_make_well(&ledger);
	return 0;
}

static int close_ledger(void **state)
{
	(void)state;
	test_ledger_close(&ledger);
	return 0;
}

/* The ledger's options with one changed: opened anew. */
static void change_options(const struct condition_options *options)
{
	conditions_close(&ledger.conditions);
	conditions_open(&ledger.conditions, &ledger.reader, options);
}

static void a_group_at_work_needs_nobody(void **state)
{
	(void)state;
	test_expect(&ledger, NULL, "", "");
	ledger.now_ms += TEST_STALE_MS - 1;
	test_expect(&ledger, NULL, "", "");
}

static void halted_trading_tells_why(void **state)
{
	(void)state;
	test_ledger_run(&ledger, "INSERT INTO controls (name, value, reason) VALUES"
				 " ('trading_halted', '1', 'looked odd')");
	test_expect(&ledger, "trading_halted", "",
		    "looked odd (when its cause is gone: executor resume)");
}

static void each_held_execution_is_told_with_its_id(void **state)
{
	(void)state;
	test_add_execution(&ledger, 7, "AAPL", "HELD", "several orders could be it", 1000);
	test_expect(&ledger, "execution_held", "7", "several orders could be it");
	test_add_execution(&ledger, 9, "NVDA", "HELD", "", 1000);
	test_read(&ledger);
	assert_int_equal(ledger.list.count, 2);
	assert_string_equal(ledger.list.items[1].subject, "9");
}

static void quarantined_events_are_told_up_to_a_bound_and_then_counted(void **state)
{
	(void)state;
	for (int64_t id = 1; id <= 13; id++)
		test_add_event(&ledger, id, 150, "quarantined", "a symbol \x1b[31m that is none",
			       1000);
	test_read(&ledger);
	assert_int_equal(ledger.list.count, CONDITIONS_OF_A_KIND + 1);
	assert_int_equal(ledger.list.of_kind[CONDITION_EVENT_QUARANTINED], 13);
	assert_string_equal(ledger.list.items[0].subject, "1");
	assert_non_null(strstr(ledger.list.items[0].text, "a symbol \\x1b[31m that is none"));
	assert_string_equal(ledger.list.items[CONDITIONS_OF_A_KIND].subject, "more");
	assert_string_equal(ledger.list.items[CONDITIONS_OF_A_KIND].text,
			    "and 3 more of event_quarantined");
	test_ledger_run(&ledger, "UPDATE event_queue SET removed = 1 WHERE id <> 5");
	test_expect(&ledger, "event_quarantined", "5", "processor --retry-quarantined");
}

/* The chain goes on, and the listener hears it. */
static void hear_a_block(void)
{
	test_ledger_run(&ledger, "UPDATE listener_sessions SET last_block = last_block + 1");
}

static void a_gap_counts_when_it_has_stood_for_too_long(void **state)
{
	(void)state;
	test_cover(&ledger, 100, 120);
	test_cover(&ledger, 131, 190);
	test_ledger_run(&ledger, "UPDATE listener_sessions SET cutoff_block = 110");
	test_expect(&ledger, NULL, "", "");
	ledger.now_ms += TEST_STALE_MS - 1;
	test_expect(&ledger, NULL, "", "");
	/* Whoever reads it closes it from its beginning: it moves, and counts anew. */
	test_cover(&ledger, 100, 125);
	hear_a_block();
	ledger.now_ms += 1;
	test_expect(&ledger, NULL, "", "");
	ledger.now_ms += TEST_STALE_MS;
	hear_a_block();
	test_expect(&ledger, "coverage_gap", "",
		    "gap after block 125: blocks 126 to 130 are not covered");
	test_ledger_run(&ledger, "DELETE FROM block_coverage WHERE first_block = 131");
	test_cover(&ledger, 100, 190);
	test_expect(&ledger, NULL, "", "");
}

static void who_looks_once_is_told_of_a_gap_at_once(void **state)
{
	struct condition_options options = test_options();

	(void)state;
	options.at_once = true;
	change_options(&options);
	test_cover(&ledger, 100, 160);
	test_cover(&ledger, 171, 190);
	test_expect(&ledger, "coverage_gap", "", "blocks 161 to 170");
	/* What lies before the session is on its way, and holds up the session. */
	test_cover(&ledger, 100, 120);
	test_expect(&ledger, "coverage_behind", "", "blocks 121 to 149 before the session");
	test_ledger_run(&ledger, "DELETE FROM block_coverage");
	test_expect(&ledger, "coverage_behind", "", "no block is covered yet");
}

static void coverage_that_stands_still_below_the_head_is_behind(void **state)
{
	(void)state;
	test_expect(&ledger, NULL, "", "");
	ledger.now_ms += TEST_STALE_MS;
	test_ledger_run(&ledger, "UPDATE listener_sessions SET last_block = 260");
	test_expect(&ledger, "coverage_behind", "",
		    "stands still at block 198, the listener has heard of 260");
	test_cover(&ledger, 100, 199);
	test_expect(&ledger, NULL, "", "");
}

static void coverage_is_not_behind_where_there_was_nothing_to_cover(void **state)
{
	(void)state;
	test_cover(&ledger, 100, 200);
	test_expect(&ledger, NULL, "", "");
	ledger.now_ms += 10 * TEST_STALE_MS;
	/* A block after a long silence: the backfiller has its time from now on. */
	test_ledger_run(&ledger, "UPDATE listener_sessions SET last_block = 201");
	test_expect(&ledger, NULL, "", "");
	ledger.now_ms += TEST_STALE_MS - 1;
	test_ledger_run(&ledger, "UPDATE listener_sessions SET last_block = 202");
	test_expect(&ledger, NULL, "", "");
}

static void a_listener_that_hears_no_block_is_silent(void **state)
{
	(void)state;
	test_cover(&ledger, 100, 200);
	test_expect(&ledger, NULL, "", "");
	ledger.now_ms += TEST_STALE_MS;
	test_expect(&ledger, "listener_silent", "", "no block above 200 for 60 s");
	/* A new session alone is no block. */
	test_ledger_run(&ledger,
			"UPDATE listener_sessions SET ended_at = started_at, end_reason = ''");
	test_add_session(&ledger, 2, 190, 200, 0);
	test_expect(&ledger, "listener_silent", "", "no block above 200 for 60 s");
	test_ledger_run(&ledger, "UPDATE listener_sessions SET last_block = 201 WHERE id = 2");
	test_expect(&ledger, NULL, "", "");
}

static void a_session_that_never_heard_a_block_is_silent_since_its_beginning(void **state)
{
	(void)state;
	test_ledger_run(&ledger,
			"UPDATE listener_sessions SET ended_at = started_at, end_reason = ''");
	test_add_session(&ledger, 2, 199, 199, 2 * TEST_STALE_MS);
	test_expect(&ledger, "listener_silent", "", "no block above 199 for 120 s");
}

static void a_missing_listener_is_told_unless_nobody_needs_it(void **state)
{
	struct condition_options options = test_options();

	(void)state;
	instance_lock_release_session(&ledger.lock, 1);
	test_expect(&ledger, "listener_absent", "", "a listener runs, its log says");
	instance_lock_release(&ledger.lock, INSTANCE_LOCK_LISTENER);
	test_expect(&ledger, "listener_absent", "", "start it");
	options.needs_listener = false;
	change_options(&options);
	test_expect(&ledger, NULL, "", "");
}

static void each_program_is_missed_unless_cron_does_the_work(void **state)
{
	struct condition_options options = test_options();

	(void)state;
	instance_lock_release(&ledger.lock, INSTANCE_LOCK_BACKFILLER);
	test_expect(&ledger, "backfiller_absent", "", "no backfiller runs");
	instance_lock_share(&ledger.lock, INSTANCE_LOCK_BACKFILLER);
	instance_lock_release(&ledger.lock, INSTANCE_LOCK_PROCESSOR);
	test_expect(&ledger, "processor_absent", "", "no processor runs");
	instance_lock_claim(&ledger.lock, INSTANCE_LOCK_PROCESSOR);
	instance_lock_release(&ledger.lock, INSTANCE_LOCK_EXECUTOR);
	test_expect(&ledger, "executor_absent", "", "no executor runs");
	instance_lock_release_session(&ledger.lock, 1);
	options.resident = false;
	change_options(&options);
	test_expect(&ledger, NULL, "", "");
}

static void an_event_that_waits_tells_for_what(void **state)
{
	(void)state;
	test_add_event(&ledger, 1, 160, NULL, "", TEST_STALE_MS / 2);
	test_expect(&ledger, NULL, "", "");
	test_add_event(&ledger, 2, 161, NULL, "", 2 * TEST_STALE_MS);
	test_expect(&ledger, "event_waiting", "", "is the processor running?");
	test_cover(&ledger, 100, 140);
	test_expect(&ledger, "event_waiting", "", "coverage must reach it first");
	test_ledger_run(&ledger, "UPDATE event_queue SET removed = 1");
	test_expect(&ledger, NULL, "", "");
}

static void an_order_that_waits_tells_the_executors_reason(void **state)
{
	(void)state;
	test_add_execution(&ledger, 4, "AAPL", "PENDING", "no connection to the broker",
			   TEST_STALE_MS / 2);
	test_expect(&ledger, NULL, "", "");
	test_ledger_run(&ledger, "UPDATE executions SET created_at = '%s'",
			test_ago(2 * TEST_STALE_MS).text);
	test_expect(&ledger, "order_waiting", "4", "no connection to the broker");
	test_ledger_run(&ledger, "UPDATE executions SET status = 'SUBMITTING'");
	test_expect(&ledger, "order_waiting", "4", "SUBMITTING since");
	test_ledger_run(&ledger, "UPDATE executions SET status = 'SUBMITTED'");
	test_expect(&ledger, NULL, "", "");
	test_ledger_run(&ledger,
			"UPDATE executions SET status = 'PENDING', error = 'the market is closed'");
	test_expect(&ledger, NULL, "", "");
}

static void an_order_that_waits_for_what_is_told_is_not_told_again(void **state)
{
	(void)state;
	test_add_execution(&ledger, 4, "AAPL", "PENDING", "", 2 * TEST_STALE_MS);
	instance_lock_release(&ledger.lock, INSTANCE_LOCK_EXECUTOR);
	test_expect(&ledger, "executor_absent", "", "");
	instance_lock_claim(&ledger.lock, INSTANCE_LOCK_EXECUTOR);
	test_ledger_run(&ledger, "INSERT INTO controls (name, value, reason) VALUES"
				 " ('trading_halted', '1', '')");
	test_expect(&ledger, "trading_halted", "", "");
}

static void a_limit_is_named_once_for_each_ticker(void **state)
{
	(void)state;
	test_add_execution(&ledger, 4, "AAPL", "FAILED",
			   "MAX_ORDER_SHARES: the order is for more shares", 1000);
	test_expect(&ledger, NULL, "", "");
	test_add_position(&ledger, "AAPL", "5", "NULL");
	test_expect(&ledger, "limit_reached", "AAPL",
		    "MAX_ORDER_SHARES: the order is for more shares");
	test_add_execution(&ledger, 5, "AAPL", "PENDING", "MAX_DAILY_ORDERS: used up", 1000);
	test_expect(&ledger, "limit_reached", "AAPL", "MAX_DAILY_ORDERS: used up");
	test_ledger_run(&ledger,
			"UPDATE executions SET status = 'SUBMITTED', error = NULL WHERE id = 5");
	test_expect(&ledger, NULL, "", "");
}

static void a_limit_on_a_hedge_that_is_not_wanted_any_more_is_history(void **state)
{
	(void)state;
	test_add_execution(&ledger, 4, "AAPL", "FAILED", "ALLOWED_SYMBOLS: not among them", 1000);
	test_add_position(&ledger, "AAPL", "0.5", "NULL");
	test_expect(&ledger, NULL, "", "");
	/* An open execution has taken the shares out of the position: they are wanted. */
	test_ledger_run(&ledger, "UPDATE trade_accumulators SET pending_execution_id = 4");
	test_expect(&ledger, "limit_reached", "AAPL", "ALLOWED_SYMBOLS");
}

static void hedges_that_fail_three_times_in_a_row_are_told(void **state)
{
	(void)state;
	test_add_position(&ledger, "AAPL", "5", "NULL");
	test_add_execution(&ledger, 1, "AAPL", "FAILED", "old", 5000);
	test_add_execution(&ledger, 2, "AAPL", "FILLED", "", 4000);
	test_add_execution(&ledger, 3, "AAPL", "FAILED", "first", 3000);
	test_add_execution(&ledger, 4, "AAPL", "FAILED", "second", 2000);
	test_expect(&ledger, NULL, "", "");
	test_add_execution(&ledger, 5, "AAPL", "FAILED", "not tradable", 1000);
	test_expect(&ledger, "hedge_failing", "AAPL", "its last 3 orders all failed: not tradable");
	test_add_execution(&ledger, 6, "AAPL", "FILLED", "", 0);
	test_expect(&ledger, NULL, "", "");
}

static void put_login(int64_t age_minutes)
{
	test_ledger_run(
		&ledger,
		"INSERT OR REPLACE INTO broker_tokens VALUES ('schwab', '%s', '', '', 1, '')",
		test_ago(age_minutes * 60 * 1000).text);
}

static void a_login_is_told_two_days_before_its_end_and_after_it(void **state)
{
	struct condition_options options = test_options();

	(void)state;
	put_login((5 * 24 - 1) * 60);
	test_expect(&ledger, NULL, "", "");
	put_login((5 * 24 + 1) * 60 + 30);
	test_expect(&ledger, "login_ending", "schwab", "ends in 46 hours");
	put_login(7 * 24 * 60);
	test_expect(&ledger, "login_ended", "schwab", "executor auth");
	options.broker = "alpaca";
	change_options(&options);
	test_expect(&ledger, NULL, "", "");
	options.broker = "schwab";
	change_options(&options);
	test_expect(&ledger, "login_ended", "schwab", "has ended");
	test_ledger_run(&ledger, "DELETE FROM broker_tokens");
	test_expect(&ledger, "login_ended", "schwab", "there is no login");
}

static void a_disk_with_less_than_asked_for_is_low(void **state)
{
	struct condition_options options = test_options();

	(void)state;
	options.disk_low_bytes = INT64_MAX;
	change_options(&options);
	test_expect(&ledger, "disk_low", "", "MiB are left");
}

static void a_write_ahead_log_that_grows_is_told(void **state)
{
	(void)state;
	/* Its length counts, not what is in it; SQLite, which knows how far it has written, goes
	 * on. */
	assert_int_equal(truncate(test_file_beside(&ledger.writer.file, "-wal"), 129 * 1024 * 1024),
			 0);
	test_expect(&ledger, "wal_large", "", "grown to 129 MiB");
}

static void what_is_read_is_one_state_with_what_the_caller_reads(void **state)
{
	(void)state;
	store_begin_read(&ledger.reader);
	test_expect(&ledger, NULL, "", "");
	test_add_execution(&ledger, 7, "AAPL", "HELD", "", 1000);
	test_expect(&ledger, NULL, "", "");
	store_end_read(&ledger.reader);
	test_expect(&ledger, "execution_held", "7", "");
}

static void the_list_is_in_the_order_of_kinds(void **state)
{
	(void)state;
	test_add_event(&ledger, 1, 150, "quarantined", "", 1000);
	test_add_execution(&ledger, 7, "AAPL", "HELD", "", 1000);
	instance_lock_release(&ledger.lock, INSTANCE_LOCK_EXECUTOR);
	test_read(&ledger);
	assert_int_equal(ledger.list.count, 3);
	assert_int_equal(ledger.list.items[0].kind, CONDITION_EXECUTION_HELD);
	assert_int_equal(ledger.list.items[1].kind, CONDITION_EVENT_QUARANTINED);
	assert_int_equal(ledger.list.items[2].kind, CONDITION_EXECUTOR_ABSENT);
}

static void a_database_that_no_program_has_worked_on_is_told_of(void **state)
{
	const struct condition_options options = test_options();

	(void)state;
	conditions_close(&ledger.conditions);
	assert_int_equal(unlink(test_file_beside(&ledger.writer.file, ".lock")), 0);
	conditions_open(&ledger.conditions, &ledger.reader, &options);
	test_read(&ledger);
	assert_true(condition_list_has(&ledger.list, CONDITION_LISTENER_ABSENT));
	assert_true(condition_list_has(&ledger.list, CONDITION_EXECUTOR_ABSENT));
	/* It may come later: the monitor does not have to be started again. */
	instance_lock_close(&ledger.lock);
	instance_lock_open(&ledger.lock, ledger.writer.file.path);
	test_claim_all(&ledger);
	instance_lock_hold_session(&ledger.lock, 1);
	test_expect(&ledger, NULL, "", "");
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, open_well, close_ledger)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_group_at_work_needs_nobody),
		TEST(halted_trading_tells_why),
		TEST(each_held_execution_is_told_with_its_id),
		TEST(quarantined_events_are_told_up_to_a_bound_and_then_counted),
		TEST(a_gap_counts_when_it_has_stood_for_too_long),
		TEST(who_looks_once_is_told_of_a_gap_at_once),
		TEST(coverage_that_stands_still_below_the_head_is_behind),
		TEST(coverage_is_not_behind_where_there_was_nothing_to_cover),
		TEST(a_listener_that_hears_no_block_is_silent),
		TEST(a_session_that_never_heard_a_block_is_silent_since_its_beginning),
		TEST(a_missing_listener_is_told_unless_nobody_needs_it),
		TEST(each_program_is_missed_unless_cron_does_the_work),
		TEST(an_event_that_waits_tells_for_what),
		TEST(an_order_that_waits_tells_the_executors_reason),
		TEST(an_order_that_waits_for_what_is_told_is_not_told_again),
		TEST(a_limit_is_named_once_for_each_ticker),
		TEST(a_limit_on_a_hedge_that_is_not_wanted_any_more_is_history),
		TEST(hedges_that_fail_three_times_in_a_row_are_told),
		TEST(a_login_is_told_two_days_before_its_end_and_after_it),
		TEST(a_disk_with_less_than_asked_for_is_low),
		TEST(a_write_ahead_log_that_grows_is_told),
		TEST(what_is_read_is_one_state_with_what_the_caller_reads),
		TEST(the_list_is_in_the_order_of_kinds),
		TEST(a_database_that_no_program_has_worked_on_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
