/* /metrics of databases as the programs leave them. */
#include "unit/monitor/test_ledger.h"

#include "monitor/metrics.h"

static struct test_ledger ledger;
static struct metrics metrics;
static struct buffer page;

static int open_metrics(void **state)
{
	const struct condition_options options = test_options();

	(void)state;
	test_ledger_open(&ledger, &options);
	metrics_open(&metrics, &ledger.conditions);
	buffer_init(&page, METRICS_MAXIMUM);
	return 0;
}

static int close_metrics(void **state)
{
	(void)state;
	buffer_free(&page);
	metrics_close(&metrics);
	test_ledger_close(&ledger);
	return 0;
}

static void scrape(void)
{
	buffer_clear(&page);
	test_read(&ledger);
	assert_true(metrics_write(&metrics, &ledger.list, NULL, &page));
}

/* The page has this line, once. */
static void expect_line(const char *line)
{
	char wanted[256];
	const char *found;
	const int length = snprintf(wanted, sizeof(wanted), "\n%s\n", line);

	assert_true(length > 0 && (size_t)length < sizeof(wanted));
	found = strstr(buffer_text(&page), wanted);
	if (found == NULL)
		fail_msg("no line \"%s\" in:\n%s", line, buffer_text(&page));
	assert_null(strstr(found + 1, wanted));
}

static void expect_none(const char *words)
{
	assert_null(strstr(buffer_text(&page), words));
}

static void add_trade(int64_t id, const char *symbol, const char *direction, const char *reverses)
{
	test_ledger_run(
		&ledger,
		"INSERT INTO onchain_trades (id, event_id, tx_hash, log_index, block_number,"
		" block_timestamp, order_owner, symbol, base_symbol, direction, amount,"
		" reverses_trade_id, unallocated) VALUES (%" PRId64 ", %" PRId64
		", '', 0, 1, '', printf('0x%%040d', 1), '%s0x', '%s', '%s', '1', %s, '0')",
		id, id, symbol, symbol, direction, reverses);
}

static void an_empty_database_has_every_family_that_needs_no_row(void **state)
{
	(void)state;
	scrape();
	assert_true(strncmp(buffer_text(&page), "# HELP ballast_build_info ", 26) == 0);
	expect_line("# TYPE ballast_up gauge");
	expect_line("ballast_up 1");
	expect_line("ballast_program_up{program=\"executor\"} 0");
	expect_line("ballast_condition{name=\"executor_absent\"} 1");
	expect_line("ballast_condition{name=\"execution_held\"} 0");
	expect_line("ballast_listener_session_open 0");
	expect_line("ballast_events_waiting 0");
	expect_line("ballast_events_oldest_waiting_age_seconds 0.000");
	expect_line("ballast_events_found_total{source=\"listener\"} 0");
	expect_line("ballast_executions_open{status=\"HELD\"} 0");
	expect_line("ballast_fill_to_order_seconds_count 0");
	expect_none("ballast_position_shares");
	expect_none("ballast_head_block");
	expect_none("ballast_coverage_contiguous_block");
}

static void blocks_and_programs_are_told(void **state)
{
	(void)state;
	test_make_well(&ledger);
	test_cover(&ledger, 100, 120);
	test_cover(&ledger, 131, 198);
	scrape();
	expect_line("ballast_head_block 200");
	expect_line("ballast_coverage_contiguous_block 120");
	expect_line("ballast_coverage_missing_blocks 10");
	expect_line("ballast_coverage_gaps 1");
	expect_line("ballast_listener_session_open 1");
	expect_line("ballast_listener_last_block 200");
	expect_line("ballast_program_up{program=\"backfiller\"} 1");
	expect_line("ballast_condition{name=\"executor_absent\"} 0");
}

static void amounts_are_the_databases_own_decimals(void **state)
{
	(void)state;
	test_ledger_run(&ledger,
			"INSERT INTO trade_accumulators (symbol, net_position, accumulated_short)"
			" VALUES ('BRK.B', '-0.300000000000000001', '0.300000000000000001')");
	scrape();
	expect_line("ballast_position_shares{symbol=\"BRK.B\"} -0.300000000000000001");
	expect_line("ballast_accumulated_long_shares{symbol=\"BRK.B\"} 0");
	expect_line("ballast_accumulated_short_shares{symbol=\"BRK.B\"} 0.300000000000000001");
}

static void a_label_cannot_leave_its_quotes(void **state)
{
	(void)state;
	test_add_position(&ledger, "A\"} 1\\\n\xc3", "1", "NULL");
	scrape();
	expect_line("ballast_position_shares{symbol=\"A\\\"} 1\\\\\\n\\\\xc3\"} 1");
}

static void events_are_counted_once_and_when_they_are_decided(void **state)
{
	(void)state;
	test_add_event(&ledger, 1, 1, "trade", "", 1000);
	test_add_event(&ledger, 2, 1, NULL, "", 90000);
	test_add_event(&ledger, 3, 1, NULL, "", 1000);
	scrape();
	expect_line("ballast_events_found_total{source=\"listener\"} 3");
	expect_line("ballast_events_processed_total{outcome=\"trade\"} 1");
	expect_line("ballast_events_waiting 2");
	test_ledger_run(&ledger, "UPDATE event_queue SET processed = 1, outcome = 'quarantined',"
				 " processed_at = '' WHERE id = 2");
	test_ledger_run(&ledger, "UPDATE event_queue SET removed = 1 WHERE id = 3");
	test_add_event(&ledger, 4, 1, "filtered", "", 1000);
	for (int i = 0; i < 3; i++) {
		scrape();
		expect_line("ballast_events_found_total{source=\"listener\"} 4");
		expect_line("ballast_events_processed_total{outcome=\"trade\"} 1");
		expect_line("ballast_events_processed_total{outcome=\"filtered\"} 1");
		expect_line("ballast_events_processed_total{outcome=\"quarantined\"} 1");
		expect_line("ballast_events_quarantined 1");
		expect_line("ballast_events_waiting 0");
	}
	assert_int_equal(metrics.counts.waiting.count, 0);
}

static void a_long_history_is_counted_in_parts_and_shown_when_it_is_whole(void **state)
{
	(void)state;
	for (int64_t id = 1; id <= 5; id++)
		test_add_event(&ledger, id, id, "filtered", "", 1000);
	store_begin_read(&ledger.reader);
	metrics_counts_step(&metrics.counts, 2);
	assert_false(metrics.counts.complete);
	assert_int_equal(metrics.counts.last_event, 2);
	metrics_counts_step(&metrics.counts, 2);
	assert_false(metrics.counts.complete);
	metrics_counts_step(&metrics.counts, 2);
	assert_true(metrics.counts.complete);
	store_end_read(&ledger.reader);
	scrape();
	expect_line("ballast_events_processed_total{outcome=\"filtered\"} 5");
}

static void fills_and_hedges_are_counted_by_ticker_and_side(void **state)
{
	(void)state;
	for (int64_t id = 1; id <= 3; id++)
		test_add_event(&ledger, id, 1, "trade", "", 1000);
	add_trade(1, "AAPL", "BUY", "NULL");
	add_trade(2, "AAPL", "SELL", "NULL");
	add_trade(3, "AAPL", "SELL", "1");
	test_add_execution(&ledger, 1, "AAPL", "FILLED", "", 1000);
	test_add_execution(&ledger, 2, "AAPL", "SUBMITTED", "", 1000);
	scrape();
	expect_line("ballast_fills_total{symbol=\"AAPL\",direction=\"BUY\"} 1");
	expect_line("ballast_fills_total{symbol=\"AAPL\",direction=\"SELL\"} 1");
	expect_line("ballast_fills_reversed_total{symbol=\"AAPL\"} 1");
	expect_line("ballast_hedged_shares_total{symbol=\"AAPL\",direction=\"BUY\"} 5");
	expect_line("ballast_executions_ended_total{status=\"FILLED\"} 1");
	expect_line("ballast_executions_open{status=\"SUBMITTED\"} 1");
	test_ledger_run(&ledger, "UPDATE executions SET status = 'FAILED', filled_shares = '1.25',"
				 " executed_at = '' WHERE id = 2");
	scrape();
	expect_line("ballast_hedged_shares_total{symbol=\"AAPL\",direction=\"BUY\"} 6.25");
	expect_line("ballast_executions_ended_total{status=\"FAILED\"} 1");
	expect_line("ballast_executions_open{status=\"SUBMITTED\"} 0");
}

static void the_time_from_fill_to_order_falls_into_its_bucket(void **state)
{
	(void)state;
	for (int64_t id = 1; id <= 2; id++) {
		test_add_event(&ledger, id, 1, "trade", "", 1000);
		add_trade(id, "AAPL", "BUY", "NULL");
	}
	test_add_execution(&ledger, 1, "AAPL", "FILLED", "", 1000);
	test_ledger_run(&ledger, "INSERT INTO trade_execution_links SELECT id, 1, '1' FROM"
				 " onchain_trades");
	test_ledger_run(&ledger, "UPDATE event_queue SET created_at = '2026-01-01T00:00:0' || id ||"
				 " '.000Z'");
	test_ledger_run(&ledger, "UPDATE executions SET submitted_at = '2026-01-01T00:00:02.030Z'");
	scrape();
	expect_line("# TYPE ballast_fill_to_order_seconds histogram");
	expect_line("ballast_fill_to_order_seconds_bucket{le=\"0.025\"} 0");
	expect_line("ballast_fill_to_order_seconds_bucket{le=\"0.05\"} 1");
	expect_line("ballast_fill_to_order_seconds_bucket{le=\"300.0\"} 1");
	expect_line("ballast_fill_to_order_seconds_bucket{le=\"+Inf\"} 1");
	expect_line("ballast_fill_to_order_seconds_sum 0.030");
	expect_line("ballast_fill_to_order_seconds_count 1");
	expect_line("ballast_orders_ended_total{broker=\"alpaca\"} 1");
}

static void symbols_without_end_are_counted_as_other(void **state)
{
	(void)state;
	test_ledger_run(
		&ledger,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 510)"
		" INSERT INTO executions (symbol, shares, direction, status, client_order_id,"
		" filled_shares, executed_at) SELECT 'S' || i, '1', 'SELL', 'FAILED', i, '0.5',"
		" '' FROM n");
	test_ledger_run(
		&ledger,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 510)"
		" INSERT INTO trade_accumulators (symbol) SELECT 'S' || i FROM n");
	scrape();
	expect_line("ballast_hedged_shares_total{symbol=\"S500\",direction=\"SELL\"} 0.5");
	expect_none("{symbol=\"S501\",direction");
	expect_line("ballast_hedged_shares_total{symbol=\"other\",direction=\"SELL\"} 5");
	assert_int_equal(metrics.counts.symbol_count, METRICS_SYMBOLS_MAXIMUM + 1);
	assert_true(page.length < METRICS_MAXIMUM / 2);
}

static void what_does_not_fit_is_told(void **state)
{
	struct buffer small;

	(void)state;
	buffer_init(&small, 1000);
	test_read(&ledger);
	assert_false(metrics_write(&metrics, &ledger.list, NULL, &small));
	buffer_free(&small);
}

static void profit_and_logins_are_told_when_there_are_any(void **state)
{
	static struct pnl_totals totals;

	(void)state;
	totals.symbol_count = 1;
	assert_true(symbol_set(&totals.symbols[0], "AAPL"));
	assert_true(usd_parse("-1.05", &totals.realised[0]));
	test_ledger_run(&ledger, "INSERT INTO broker_tokens VALUES ('schwab',"
				 " '2026-01-01T00:00:00.000Z', '', '', 1, '')");
	test_read(&ledger);
	assert_true(metrics_write(&metrics, &ledger.list, &totals, &page));
	expect_line("ballast_realised_profit_dollars{symbol=\"AAPL\"} -1.05");
	expect_line("ballast_login_end_time_seconds{broker=\"schwab\"} 1767830400.000");
}

static void an_unreadable_database_is_down_and_nothing_else(void **state)
{
	(void)state;
	assert_true(metrics_write_unreadable(&page));
	expect_line("ballast_up 0");
	expect_line("ballast_condition{name=\"database_unreadable\"} 1");
	expect_none("execution_held");
}

static void alarms_count_their_calls(void **state)
{
	static struct alarms alarms;

	(void)state;
	alarms.sent = 3;
	alarms.failed = 2;
	assert_true(buffer_append_text(&page, "ballast_up 1\n"));
	assert_true(metrics_write_alarms(&alarms, &page));
	expect_line("ballast_alert_calls_total 3");
	expect_line("ballast_alert_failures_total 2");
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, open_metrics, close_metrics)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_database_has_every_family_that_needs_no_row),
		TEST(blocks_and_programs_are_told),
		TEST(amounts_are_the_databases_own_decimals),
		TEST(a_label_cannot_leave_its_quotes),
		TEST(events_are_counted_once_and_when_they_are_decided),
		TEST(a_long_history_is_counted_in_parts_and_shown_when_it_is_whole),
		TEST(fills_and_hedges_are_counted_by_ticker_and_side),
		TEST(the_time_from_fill_to_order_falls_into_its_bucket),
		TEST(symbols_without_end_are_counted_as_other),
		TEST(what_does_not_fit_is_told),
		TEST(profit_and_logins_are_told_when_there_are_any),
		TEST(an_unreadable_database_is_down_and_nothing_else),
		TEST(alarms_count_their_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
