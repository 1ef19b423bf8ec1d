/* An execution moves only along the arrows of its life, and keeps what it learned on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/executions.h"
#include "unit/store/test_sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct fixture {
	struct test_file file;
	struct store store;
	struct executions executions;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.file);
	store_open(&fixture.store, fixture.file.path);
	executions_open(&fixture.executions, &fixture.store);
	*state = &fixture;
	return store_begin(&fixture.store) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_rollback(&fixture->store);
	executions_close(&fixture->executions);
	store_close(&fixture->store);
	test_file_remove(&fixture->file);
	return 0;
}

static struct symbol a_symbol(const char *text)
{
	struct symbol symbol = {.text = ""};

	(void)snprintf(symbol.text, sizeof(symbol.text), "%s", text);
	return symbol;
}

static struct shares whole(int64_t count)
{
	struct shares shares = {0};

	return shares_from_integer(count, &shares) ? shares : (struct shares){0};
}

static struct usd dollars(const char *text)
{
	struct usd usd = {0};

	assert_true(usd_parse(text, &usd));
	return usd;
}

static int64_t insert(struct executions *executions, const char *symbol)
{
	struct symbol name = a_symbol(symbol);

	return executions_insert(executions, &name, whole(5), DIRECTION_SELL);
}

/* A new execution that is sent and accepted. */
static int64_t insert_submitted(struct executions *executions, const char *symbol)
{
	int64_t id = insert(executions, symbol);
	char word[32];

	(void)snprintf(word, sizeof(word), "ballast-%lld", (long long)id);
	executions_mark_submitting(executions, id, "dry-run", word, whole(5));
	executions_mark_submitted(executions, id, word, whole(5));
	return id;
}

static struct execution find(struct fixture *fixture, int64_t id)
{
	struct execution execution;

	assert_true(executions_find(&fixture->executions, id, &execution));
	return execution;
}

static void a_new_execution_is_pending_and_empty(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert(&fixture->executions, "BRK.B");
	struct execution execution = find(fixture, id);

	assert_int_equal(execution.id, id);
	assert_string_equal(execution.symbol.text, "BRK.B");
	assert_string_equal(shares_text(execution.shares).text, "5");
	assert_int_equal(execution.direction, DIRECTION_SELL);
	assert_int_equal(execution.status, EXECUTION_PENDING);
	assert_string_equal(execution.broker, "");
	assert_string_equal(execution.client_order_id, "");
	assert_string_equal(execution.order_id, "");
	assert_string_equal(shares_text(execution.filled_shares).text, "0");
	assert_false(execution.has_average_price);
	assert_string_equal(execution.error, "");
	assert_int_equal(execution.submitted_at_ms, 0);
	assert_int_equal(execution.executed_at_ms, 0);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct fixture *fixture = *state;
	struct execution execution;

	assert_false(executions_find(&fixture->executions, 1, &execution));
	assert_false(executions_next(&fixture->executions, EXECUTION_PENDING, 0, &execution));
}

static void a_filled_execution_has_walked_the_whole_way(void **state)
{
	struct fixture *fixture = *state;
	struct usd price = dollars("150.25");
	int64_t id = insert(&fixture->executions, "AAPL");
	struct execution execution;

	executions_mark_submitting(&fixture->executions, id, "dry-run", "ballast-1", whole(5));
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_SUBMITTING);
	assert_string_equal(execution.broker, "dry-run");
	assert_string_equal(execution.client_order_id, "ballast-1");
	assert_in_range(execution.submitted_at_ms, clock_wall_ms() - 60000, clock_wall_ms());

	executions_mark_submitted(&fixture->executions, id, "order-1", whole(5));
	assert_int_equal(find(fixture, id).submitted_at_ms, execution.submitted_at_ms);
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_SUBMITTED);
	assert_string_equal(execution.order_id, "order-1");

	executions_mark_filled(&fixture->executions, id, whole(5), &price);
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_FILLED);
	assert_string_equal(shares_text(execution.filled_shares).text, "5");
	assert_true(execution.has_average_price);
	assert_string_equal(usd_text(execution.average_price).text, "150.25");
	assert_in_range(execution.executed_at_ms, execution.submitted_at_ms, clock_wall_ms());
}

static void an_execution_goes_back_to_pending_with_its_client_order_id(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert(&fixture->executions, "AAPL");
	struct execution execution;

	executions_mark_submitting(&fixture->executions, id, "dry-run", "ballast-1", whole(5));
	executions_mark_pending(&fixture->executions, id, "unreachable");
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_PENDING);
	assert_string_equal(execution.client_order_id, "ballast-1");
	assert_string_equal(execution.error, "unreachable");
	assert_int_equal(execution.submitted_at_ms, 0);

	executions_mark_submitting(&fixture->executions, id, "dry-run", "ballast-1", whole(5));
	executions_mark_submitted(&fixture->executions, id, "order-1", whole(5));
	execution = find(fixture, id);
	assert_string_equal(execution.client_order_id, "ballast-1");
	assert_string_equal(execution.error, "");
}

static void a_fill_without_a_known_price_has_none(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert_submitted(&fixture->executions, "AAPL");

	executions_mark_filled(&fixture->executions, id, whole(5), NULL);
	assert_false(find(fixture, id).has_average_price);
	test_sql_expect(&fixture->store, "SELECT average_price AS value FROM executions", NULL);
}

static void a_failed_execution_keeps_what_was_filled_before(void **state)
{
	struct fixture *fixture = *state;
	struct usd price = dollars("99.5");
	int64_t id = insert_submitted(&fixture->executions, "AAPL");
	struct execution execution;

	executions_mark_failed(&fixture->executions, id, whole(2), &price, "expired");
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_FAILED);
	assert_string_equal(shares_text(execution.filled_shares).text, "2");
	assert_string_equal(usd_text(execution.average_price).text, "99.5");
	assert_string_equal(execution.error, "expired");
	assert_true(execution.executed_at_ms > 0);
}

static void an_order_may_be_refused_before_it_has_an_id(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert(&fixture->executions, "AAPL");

	executions_mark_submitting(&fixture->executions, id, "dry-run", "ballast-1", whole(5));
	executions_mark_failed(&fixture->executions, id, whole(0), NULL, "refused");
	assert_int_equal(find(fixture, id).status, EXECUTION_FAILED);
	assert_string_equal(find(fixture, id).order_id, "");
}

static void a_held_execution_stays_open(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert(&fixture->executions, "AAPL");

	executions_mark_submitting(&fixture->executions, id, "dry-run", "ballast-1", whole(5));
	executions_mark_held(&fixture->executions, id, "two orders match");
	assert_int_equal(find(fixture, id).status, EXECUTION_HELD);
	assert_string_equal(find(fixture, id).error, "two orders match");
	assert_int_equal(executions_count_open(&fixture->executions), 1);
}

static void a_person_resolves_what_is_held_in_three_ways(void **state)
{
	struct fixture *fixture = *state;
	struct executions *executions = &fixture->executions;
	struct usd price = dollars("150.25");
	int64_t id = insert(executions, "AAPL");
	struct execution execution;

	executions_mark_submitting(executions, id, "schwab", "ballast-1", whole(4));
	executions_mark_held(executions, id, "no such order");
	executions_resolve_not_placed(executions, id);
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_PENDING);
	assert_true(shares_is_zero(execution.order_shares));
	assert_int_equal(execution.submitted_at_ms, 0);

	executions_mark_submitting(executions, id, "schwab", "ballast-1", whole(4));
	executions_mark_held(executions, id, "no such order");
	assert_false(executions_order_is_known(executions, "schwab", "1234567890123"));
	executions_resolve_adopted(executions, id, "1234567890123");
	assert_true(executions_order_is_known(executions, "schwab", "1234567890123"));
	assert_false(executions_order_is_known(executions, "alpaca", "1234567890123"));
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_SUBMITTED);
	assert_int_equal(shares_compare(execution.accepted_shares, whole(4)), 0);

	executions_mark_held(executions, id, "its reports make no sense");
	execution = find(fixture, id);
	executions_resolve_ended(executions, &execution, whole(4), &price);
	execution = find(fixture, id);
	/* Five were asked for. */
	assert_int_equal(execution.status, EXECUTION_FAILED);
	assert_string_equal(execution.order_id, "1234567890123");
	assert_int_equal(shares_compare(execution.filled_shares, whole(4)), 0);
}

static void a_person_may_know_the_fill_and_not_the_order(void **state)
{
	struct fixture *fixture = *state;
	struct executions *executions = &fixture->executions;
	int64_t id = insert(executions, "AAPL");
	struct execution execution;

	executions_mark_submitting(executions, id, "schwab", "ballast-1", whole(5));
	executions_mark_held(executions, id, "no such order");
	execution = find(fixture, id);
	executions_resolve_ended(executions, &execution, whole(5), NULL);
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_FILLED);
	assert_string_equal(execution.order_id, "by-hand:ballast-1");
	assert_false(execution.has_average_price);
}

static void what_was_refused_and_what_waits_never_left(void **state)
{
	struct fixture *fixture = *state;
	struct executions *executions = &fixture->executions;
	struct symbol symbol = a_symbol("AAPL");
	int64_t id = insert(executions, "AAPL");
	struct execution execution;

	assert_string_equal(executions_last_error(executions, &symbol).text, "");
	executions_mark_waiting(executions, id, "the market is closed");
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_PENDING);
	assert_string_equal(execution.error, "the market is closed");
	executions_mark_refused(executions, id, "alpaca", "ballast-1", "MAX_ORDER_SHARES");
	execution = find(fixture, id);
	assert_int_equal(execution.status, EXECUTION_FAILED);
	assert_int_equal(execution.submitted_at_ms, 0);
	assert_true(shares_is_zero(execution.filled_shares));
	assert_string_equal(executions_last_error(executions, &symbol).text, "MAX_ORDER_SHARES");
	assert_int_equal(executions_count_submitted(executions, "alpaca", 0), 0);
}

static void the_orders_of_a_day_and_the_last_price_are_known(void **state)
{
	struct fixture *fixture = *state;
	struct executions *executions = &fixture->executions;
	struct symbol symbol = a_symbol("AAPL");
	struct usd price = dollars("150.25");
	struct usd last;
	int64_t id = insert_submitted(executions, "AAPL");

	assert_false(executions_last_price(executions, &symbol, &last));
	executions_mark_filled(executions, id, whole(5), &price);
	assert_true(executions_last_price(executions, &symbol, &last));
	assert_int_equal(usd_compare(last, price), 0);
	(void)insert_submitted(executions, "NVDA");
	assert_int_equal(executions_count_submitted(executions, "dry-run", 0), 2);
	assert_int_equal(executions_count_submitted(executions, "alpaca", 0), 0);
	assert_int_equal(executions_count_submitted(executions, "dry-run", clock_wall_ms() + 60000),
			 0);
}

static void an_error_of_any_length_can_be_read_back(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert(&fixture->executions, "AAPL");
	char error[1000];

	memset(error, 'e', sizeof(error) - 1);
	error[sizeof(error) - 1] = '\0';
	executions_mark_submitting(&fixture->executions, id, "dry-run", "ballast-1", whole(5));
	executions_mark_held(&fixture->executions, id, error);
	assert_int_equal(strlen(find(fixture, id).error), EXECUTION_ERROR_SIZE - 1);
}

static void words_of_the_greatest_length_can_be_read_back(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert(&fixture->executions, "AAPL");
	char broker[BROKER_NAME_SIZE], client[CLIENT_ORDER_ID_SIZE], order[ORDER_ID_SIZE];

	memset(broker, 'b', sizeof(broker) - 1);
	memset(client, 'c', sizeof(client) - 1);
	memset(order, 'o', sizeof(order) - 1);
	broker[sizeof(broker) - 1] = '\0';
	client[sizeof(client) - 1] = '\0';
	order[sizeof(order) - 1] = '\0';
	executions_mark_submitting(&fixture->executions, id, broker, client, whole(5));
	executions_mark_submitted(&fixture->executions, id, order, whole(5));
	assert_string_equal(find(fixture, id).broker, broker);
	assert_string_equal(find(fixture, id).client_order_id, client);
	assert_string_equal(find(fixture, id).order_id, order);
}

/* Each leaves a row in one state and asks for a change that state does not have. */
static void submit_twice(struct store *store)
{
	struct executions executions;
	int64_t id;

	executions_open(&executions, store);
	id = insert(&executions, "AAPL");
	executions_mark_submitting(&executions, id, "dry-run", "ballast-1", whole(5));
	executions_mark_submitting(&executions, id, "dry-run", "ballast-1", whole(5));
}

static void submit_under_another_id(struct store *store)
{
	struct executions executions;
	int64_t id;

	executions_open(&executions, store);
	id = insert(&executions, "AAPL");
	executions_mark_submitting(&executions, id, "dry-run", "ballast-1", whole(5));
	executions_mark_pending(&executions, id, "unreachable");
	executions_mark_submitting(&executions, id, "dry-run", "ballast-2", whole(5));
}

static void accept_what_was_not_sent(struct store *store)
{
	struct executions executions;

	executions_open(&executions, store);
	executions_mark_submitted(&executions, insert(&executions, "AAPL"), "order-1", whole(5));
}

static void fill_what_was_not_accepted(struct store *store)
{
	struct executions executions;
	int64_t id;

	executions_open(&executions, store);
	id = insert(&executions, "AAPL");
	executions_mark_submitting(&executions, id, "dry-run", "ballast-1", whole(5));
	executions_mark_filled(&executions, id, whole(5), NULL);
}

static void fill_twice(struct store *store)
{
	struct executions executions;
	int64_t id;

	executions_open(&executions, store);
	id = insert_submitted(&executions, "AAPL");
	executions_mark_filled(&executions, id, whole(5), NULL);
	executions_mark_filled(&executions, id, whole(5), NULL);
}

static void fail_what_is_pending(struct store *store)
{
	struct executions executions;

	executions_open(&executions, store);
	executions_mark_failed(&executions, insert(&executions, "AAPL"), whole(0), NULL, "why");
}

static void take_back_what_was_accepted(struct store *store)
{
	struct executions executions;

	executions_open(&executions, store);
	executions_mark_pending(&executions, insert_submitted(&executions, "AAPL"), "why");
}

static void hold_what_was_not_sent(struct store *store)
{
	struct executions executions;

	executions_open(&executions, store);
	executions_mark_held(&executions, insert(&executions, "AAPL"), "why");
}

static void a_change_from_another_state_is_a_bug(void **state)
{
	(void)state;
	test_sql_ends_as_bug(submit_twice, "changed == 1");
	test_sql_ends_as_bug(submit_under_another_id, "changed == 1");
	test_sql_ends_as_bug(accept_what_was_not_sent, "changed == 1");
	test_sql_ends_as_bug(fill_what_was_not_accepted, "changed == 1");
	test_sql_ends_as_bug(fill_twice, "changed == 1");
	test_sql_ends_as_bug(fail_what_is_pending, "changed == 1");
	test_sql_ends_as_bug(take_back_what_was_accepted, "changed == 1");
	test_sql_ends_as_bug(hold_what_was_not_sent, "changed == 1");
}

static void insert_with(struct store *store, struct shares shares)
{
	struct symbol symbol = a_symbol("AAPL");
	struct executions executions;

	executions_open(&executions, store);
	(void)executions_insert(&executions, &symbol, shares, DIRECTION_BUY);
}

static void insert_nothing(struct store *store)
{
	insert_with(store, whole(0));
}

static void insert_negative(struct store *store)
{
	insert_with(store, whole(-1));
}

static void insert_fraction(struct store *store)
{
	struct shares half = {0};

	if (shares_parse("1.5", &half))
		insert_with(store, half);
}

static void only_whole_positive_shares_become_an_execution(void **state)
{
	(void)state;
	test_sql_ends_as_bug(insert_nothing, "whole > 0");
	test_sql_ends_as_bug(insert_negative, "whole > 0");
	test_sql_ends_as_bug(insert_fraction, "whole > 0");
}

static void open_two_of_one_symbol(struct store *store)
{
	struct executions executions;

	executions_open(&executions, store);
	(void)insert(&executions, "AAPL");
	(void)insert(&executions, "AAPL");
}

static void a_symbol_has_one_open_execution(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert_submitted(&fixture->executions, "AAPL");

	(void)insert(&fixture->executions, "NVDA");
	executions_mark_filled(&fixture->executions, id, whole(5), NULL);
	assert_true(insert(&fixture->executions, "AAPL") > id);
	test_sql_ends_as_bug(open_two_of_one_symbol, "UNIQUE");
}

static void open_executions_are_walked_by_id_in_one_state(void **state)
{
	struct fixture *fixture = *state;
	int64_t first = insert(&fixture->executions, "ZZZ");
	int64_t sent = insert_submitted(&fixture->executions, "NVDA");
	int64_t last = insert(&fixture->executions, "AAPL");
	struct execution execution;

	assert_true(executions_next(&fixture->executions, EXECUTION_PENDING, 0, &execution));
	assert_int_equal(execution.id, first);
	assert_true(executions_next(&fixture->executions, EXECUTION_PENDING, first, &execution));
	assert_int_equal(execution.id, last);
	assert_false(executions_next(&fixture->executions, EXECUTION_PENDING, last, &execution));
	assert_true(executions_next(&fixture->executions, EXECUTION_SUBMITTED, 0, &execution));
	assert_int_equal(execution.id, sent);
	assert_false(executions_next(&fixture->executions, EXECUTION_SUBMITTING, 0, &execution));
	assert_int_equal(executions_count_open(&fixture->executions), 3);
}

static void open_executions_are_found_without_reading_the_ended_ones(void **state)
{
	struct fixture *fixture = *state;
	struct statement *next = &fixture->executions.next_open;
	struct execution execution;
	int64_t open;

	for (int i = 0; i < 1000; i++)
		executions_mark_filled(&fixture->executions,
				       insert_submitted(&fixture->executions, "AAPL"), whole(5),
				       NULL);
	open = insert(&fixture->executions, "AAPL");
	assert_true(executions_next(&fixture->executions, EXECUTION_PENDING, 0, &execution));
	assert_int_equal(execution.id, open);
	assert_int_equal(sqlite3_stmt_status(next->compiled, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0),
			 0);
	assert_int_equal(sqlite3_stmt_status(next->compiled, SQLITE_STMTSTATUS_SORT, 0), 0);
	assert_true(sqlite3_stmt_status(next->compiled, SQLITE_STMTSTATUS_VM_STEP, 0) < 100);
	assert_int_equal(executions_count_open(&fixture->executions), 1);
}

static void add_failed(struct fixture *fixture, const char *symbol, int64_t filled)
{
	executions_mark_failed(&fixture->executions, insert_submitted(&fixture->executions, symbol),
			       whole(filled), NULL, "expired");
}

static int64_t failures(struct fixture *fixture, const char *symbol)
{
	struct symbol name = a_symbol(symbol);

	return executions_recent_failures(&fixture->executions, &name).count;
}

static void failures_count_since_something_was_filled(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(failures(fixture, "AAPL"), 0);
	add_failed(fixture, "AAPL", 0);
	add_failed(fixture, "NVDA", 0);
	add_failed(fixture, "AAPL", 0);
	assert_int_equal(failures(fixture, "AAPL"), 2);
	executions_mark_filled(&fixture->executions, insert_submitted(&fixture->executions, "AAPL"),
			       whole(5), NULL);
	assert_int_equal(failures(fixture, "AAPL"), 0);
	add_failed(fixture, "AAPL", 0);
	add_failed(fixture, "AAPL", 1);
	assert_int_equal(failures(fixture, "AAPL"), 0);
	add_failed(fixture, "AAPL", 0);
	assert_int_equal(failures(fixture, "AAPL"), 1);
	(void)insert(&fixture->executions, "AAPL");
	assert_int_equal(failures(fixture, "AAPL"), 1);
	assert_int_equal(failures(fixture, "NVDA"), 1);
}

static void the_last_failure_tells_when_it_ended(void **state)
{
	struct fixture *fixture = *state;
	struct symbol symbol = a_symbol("AAPL");
	struct execution_failures recent;

	recent = executions_recent_failures(&fixture->executions, &symbol);
	assert_int_equal(recent.last_ended_at_ms, 0);
	add_failed(fixture, "AAPL", 0);
	add_failed(fixture, "AAPL", 0);
	(void)test_store_run(&fixture->store,
			     "UPDATE executions SET executed_at = '2026-01-01T00:00:0'"
			     " || id || '.000Z'");
	recent = executions_recent_failures(&fixture->executions, &symbol);
	assert_int_equal(recent.count, 2);
	assert_int_equal(recent.last_ended_at_ms, 1767225602000);
}

static void a_long_run_of_failures_is_read_no_further_than_64(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 70; i++)
		add_failed(fixture, "AAPL", 0);
	assert_int_equal(failures(fixture, "AAPL"), 64);
	assert_int_equal(sqlite3_stmt_status(fixture->executions.recent_failures.compiled,
					     SQLITE_STMTSTATUS_SORT, 0),
			 0);
}

static void states_have_the_names_of_the_schema_and_four_are_open(void **state)
{
	(void)state;
	assert_string_equal(execution_status_name(EXECUTION_PENDING), "PENDING");
	assert_string_equal(execution_status_name(EXECUTION_SUBMITTING), "SUBMITTING");
	assert_string_equal(execution_status_name(EXECUTION_SUBMITTED), "SUBMITTED");
	assert_string_equal(execution_status_name(EXECUTION_FILLED), "FILLED");
	assert_string_equal(execution_status_name(EXECUTION_FAILED), "FAILED");
	assert_string_equal(execution_status_name(EXECUTION_HELD), "HELD");
	assert_true(execution_is_open(EXECUTION_PENDING));
	assert_true(execution_is_open(EXECUTION_SUBMITTING));
	assert_true(execution_is_open(EXECUTION_SUBMITTED));
	assert_true(execution_is_open(EXECUTION_HELD));
	assert_false(execution_is_open(EXECUTION_FILLED));
	assert_false(execution_is_open(EXECUTION_FAILED));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_new_execution_is_pending_and_empty),
		WITH_STORE(what_is_not_there_is_not_found),
		WITH_STORE(a_filled_execution_has_walked_the_whole_way),
		WITH_STORE(an_execution_goes_back_to_pending_with_its_client_order_id),
		WITH_STORE(a_fill_without_a_known_price_has_none),
		WITH_STORE(a_failed_execution_keeps_what_was_filled_before),
		WITH_STORE(an_order_may_be_refused_before_it_has_an_id),
		WITH_STORE(a_held_execution_stays_open),
		WITH_STORE(the_orders_of_a_day_and_the_last_price_are_known),
		WITH_STORE(what_was_refused_and_what_waits_never_left),
		WITH_STORE(a_person_may_know_the_fill_and_not_the_order),
		WITH_STORE(a_person_resolves_what_is_held_in_three_ways),
		WITH_STORE(an_error_of_any_length_can_be_read_back),
		WITH_STORE(words_of_the_greatest_length_can_be_read_back),
		cmocka_unit_test(a_change_from_another_state_is_a_bug),
		cmocka_unit_test(only_whole_positive_shares_become_an_execution),
		WITH_STORE(a_symbol_has_one_open_execution),
		WITH_STORE(open_executions_are_walked_by_id_in_one_state),
		WITH_STORE(open_executions_are_found_without_reading_the_ended_ones),
		WITH_STORE(failures_count_since_something_was_filled),
		WITH_STORE(the_last_failure_tells_when_it_ended),
		WITH_STORE(a_long_run_of_failures_is_read_no_further_than_64),
		cmocka_unit_test(states_have_the_names_of_the_schema_and_four_are_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
