/*
 * The executor's steps on a real database, against a broker that does what the test says. After
 * every story the broker's own journal is compared with the rows: never two orders for one
 * execution.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "executor/executor.h"
#include "unit/store/test_store.h"

#include <stdio.h>
#include <string.h>

#define SCRIPT_LENGTH 16

struct fake_broker {
	enum outcome submit_outcomes[SCRIPT_LENGTH];
	size_t submits;
	enum outcome find_outcomes[SCRIPT_LENGTH];
	size_t finds;
	struct broker_report reports[SCRIPT_LENGTH];
	size_t reported;
	size_t submits_before_report[SCRIPT_LENGTH];
	const char *symbol_during_report; /* an execution that is new when the first report comes */
	char client_order_ids[SCRIPT_LENGTH][CLIENT_ORDER_ID_SIZE];
	struct executor *executor; /* whose rows are looked at from inside submit */
	bool halts;		   /* somebody halts trading while the first order is on its way */
	enum execution_status status_during_submit;
};

struct fixture {
	struct test_file files;
	struct executor executor;
	struct fake_broker fake;
};

static enum outcome answer(enum outcome outcome, const struct broker_order *order,
			   struct broker_acceptance *acceptance, struct error *error)
{
	if (outcome == OUTCOME_OK) {
		(void)snprintf(acceptance->order_id, sizeof(acceptance->order_id), "order of %s",
			       order->client_order_id);
		acceptance->shares = order->shares;
		return OUTCOME_OK;
	}
	return error_set(error, outcome, ERROR_KIND_NONE, "as the test says");
}

static enum outcome fake_submit(void *context, const struct broker_order *order,
				struct broker_acceptance *acceptance, struct error *error)
{
	struct fake_broker *fake = context;
	struct execution execution;

	assert_true(fake->submits < SCRIPT_LENGTH);
	(void)snprintf(fake->client_order_ids[fake->submits], CLIENT_ORDER_ID_SIZE, "%s",
		       order->client_order_id);
	assert_true(
		executions_next(&fake->executor->executions, EXECUTION_SUBMITTING, 0, &execution));
	fake->status_during_submit = execution.status;
	assert_string_equal(execution.client_order_id, order->client_order_id);
	assert_false(fake->executor->store.in_transaction);
	if (fake->halts) {
		assert_true(store_begin(&fake->executor->store));
		controls_set_trading_halted(&fake->executor->controls, true, "test");
		store_commit(&fake->executor->store);
	}
	return answer(fake->submit_outcomes[fake->submits++], order, acceptance, error);
}

/* OK: found; REJECTED: surely not there; UNKNOWN: several could be it; RETRY: could not look. */
static enum outcome fake_find(void *context, const struct broker_order *order,
			      enum broker_search *search, struct broker_acceptance *acceptance,
			      struct error *error)
{
	struct fake_broker *fake = context;
	enum outcome outcome;

	assert_true(fake->finds < SCRIPT_LENGTH);
	outcome = answer(fake->find_outcomes[fake->finds++], order, acceptance, error);
	if (outcome == OUTCOME_RETRY)
		return outcome;
	*search = outcome == OUTCOME_OK	       ? BROKER_SEARCH_FOUND
		  : outcome == OUTCOME_UNKNOWN ? BROKER_SEARCH_AMBIGUOUS
					       : BROKER_SEARCH_ABSENT;
	return OUTCOME_OK;
}

static void insert_execution(struct executor *executor, const char *symbol_text,
			     const char *shares);

static enum outcome fake_report(void *context, const struct broker_order *order,
				struct broker_report *report, struct error *error)
{
	struct fake_broker *fake = context;

	(void)error;
	assert_non_null(strstr(order->order_id, order->client_order_id));
	assert_true(fake->reported < SCRIPT_LENGTH);
	fake->submits_before_report[fake->reported] = fake->submits;
	if (fake->reported == 0 && fake->symbol_during_report != NULL)
		insert_execution(fake->executor, fake->symbol_during_report, "1");
	*report = fake->reports[fake->reported++];
	return OUTCOME_OK;
}

static void fake_close(void *context)
{
	(void)context;
}

static const struct broker_operations fake_operations = {
	.name = "fake",
	.absence = {.proves_not_placed = true},
	.submit = fake_submit,
	.find = fake_find,
	.report = fake_report,
	.close = fake_close,
};

static void open_executor(struct fixture *fixture)
{
	const struct broker broker = {.operations = &fake_operations, .context = &fixture->fake};
	const struct executor_options options = {.once = true};
	struct store store;

	store_open(&store, fixture->files.path);
	executor_open(&fixture->executor, &store, &broker, &options);
	fixture->fake.executor = &fixture->executor;
}

static struct shares shares_of(const char *text)
{
	struct shares value;

	assert_true(shares_parse(text, &value));
	return value;
}

static void insert_execution(struct executor *executor, const char *symbol_text, const char *shares)
{
	struct symbol symbol;

	assert_true(symbol_set(&symbol, symbol_text));
	assert_true(store_begin(&executor->store));
	(void)executions_insert(&executor->executions, &symbol, shares_of(shares), DIRECTION_SELL);
	store_commit(&executor->store);
}

static void assert_status(struct fixture *fixture, int64_t id, enum execution_status status)
{
	struct execution execution;

	assert_true(executions_find(&fixture->executor.executions, id, &execution));
	assert_string_equal(execution_status_name(execution.status), execution_status_name(status));
}

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.files);
	open_executor(&fixture);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	executor_close(&fixture->executor);
	test_file_remove(&fixture->files);
	return 0;
}

static void an_order_is_submitting_on_disk_before_the_broker_hears_of_it(void **state)
{
	struct fixture *fixture = *state;

	insert_execution(&fixture->executor, "AAPL", "2");
	fixture->fake.reports[0].state = BROKER_ORDER_FILLED;
	fixture->fake.reports[0].filled_shares = shares_of("2");
	assert_true(executor_step(&fixture->executor));
	assert_int_equal(fixture->fake.status_during_submit, EXECUTION_SUBMITTING);
	assert_status(fixture, 1, EXECUTION_SUBMITTED);
	assert_true(executor_step(&fixture->executor));
	assert_status(fixture, 1, EXECUTION_FILLED);
	assert_false(executor_step(&fixture->executor));
	assert_int_equal(fixture->fake.submits, 1);
}

static void a_refused_order_fails_with_nothing_filled(void **state)
{
	struct fixture *fixture = *state;
	struct execution execution;

	insert_execution(&fixture->executor, "AAPL", "2");
	fixture->fake.submit_outcomes[0] = OUTCOME_REJECTED;
	assert_true(executor_step(&fixture->executor));
	assert_true(executions_find(&fixture->executor.executions, 1, &execution));
	assert_int_equal(execution.status, EXECUTION_FAILED);
	assert_true(shares_is_zero(execution.filled_shares));
	assert_string_equal(execution.error, "as the test says");
	assert_false(executor_step(&fixture->executor));
	assert_int_equal(fixture->fake.submits, 1);
}

static void an_unknown_outcome_is_asked_about_and_never_sent_again(void **state)
{
	struct fixture *fixture = *state;

	insert_execution(&fixture->executor, "AAPL", "2");
	fixture->fake.submit_outcomes[0] = OUTCOME_UNKNOWN;
	assert_true(executor_step(&fixture->executor));
	assert_status(fixture, 1, EXECUTION_SUBMITTING);
	assert_false(executor_step(&fixture->executor));
	assert_int_equal(fixture->fake.finds, 0);
	assert_true(executor_wait_ms(&fixture->executor) >= 0);
	order_timers_forget(&fixture->executor.timers, 1);
	fixture->fake.find_outcomes[0] = OUTCOME_OK;
	fixture->fake.reports[0].state = BROKER_ORDER_OPEN;
	fixture->fake.reports[0].ask_again_ms = 3600000;
	assert_true(executor_step(&fixture->executor));
	assert_status(fixture, 1, EXECUTION_SUBMITTED);
	assert_int_equal(fixture->fake.submits, 1);
}

static void a_row_found_submitting_after_a_crash_is_reconciled_before_anything_is_sent(void **state)
{
	struct fixture *fixture = *state;

	insert_execution(&fixture->executor, "AAPL", "2");
	fixture->fake.submit_outcomes[0] = OUTCOME_UNKNOWN;
	assert_true(executor_step(&fixture->executor));
	executor_close(&fixture->executor);
	open_executor(fixture);
	fixture->fake.find_outcomes[0] = OUTCOME_REJECTED;
	fixture->fake.submit_outcomes[1] = OUTCOME_OK;
	assert_true(executor_step(&fixture->executor));
	assert_int_equal(fixture->fake.finds, 1);
	assert_status(fixture, 1, EXECUTION_PENDING);
	order_timers_forget(&fixture->executor.timers, 1);
	assert_true(executor_step(&fixture->executor));
	assert_status(fixture, 1, EXECUTION_SUBMITTED);
	assert_int_equal(fixture->fake.submits, 2);
	assert_string_equal(fixture->fake.client_order_ids[0], fixture->fake.client_order_ids[1]);
}

static void what_the_broker_cannot_tell_is_held_and_left_alone(void **state)
{
	struct fixture *fixture = *state;

	insert_execution(&fixture->executor, "AAPL", "2");
	fixture->fake.submit_outcomes[0] = OUTCOME_UNKNOWN;
	assert_true(executor_step(&fixture->executor));
	order_timers_forget(&fixture->executor.timers, 1);
	fixture->fake.find_outcomes[0] = OUTCOME_UNKNOWN;
	assert_true(executor_step(&fixture->executor));
	assert_status(fixture, 1, EXECUTION_HELD);
	assert_false(executor_step(&fixture->executor));
	assert_int_equal(fixture->fake.submits, 1);
	assert_int_equal(fixture->fake.finds, 1);
}

static void an_unreachable_broker_leaves_the_order_pending_under_its_id(void **state)
{
	struct fixture *fixture = *state;

	insert_execution(&fixture->executor, "AAPL", "2");
	fixture->fake.submit_outcomes[0] = OUTCOME_RETRY;
	assert_true(executor_step(&fixture->executor));
	assert_status(fixture, 1, EXECUTION_PENDING);
	assert_false(executor_step(&fixture->executor));
	assert_int_equal(fixture->fake.submits, 1);
	order_timers_forget(&fixture->executor.timers, 1);
	assert_true(executor_step(&fixture->executor));
	assert_string_equal(fixture->fake.client_order_ids[0], fixture->fake.client_order_ids[1]);
}

static void the_filled_part_of_an_order_that_expired_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct execution execution;

	insert_execution(&fixture->executor, "AAPL", "5");
	fixture->fake.reports[0] = (struct broker_report){
		.state = BROKER_ORDER_ENDED,
		.filled_shares = shares_of("2"),
		.has_average_price = true,
		.reason = "expired",
	};
	assert_true(usd_parse("12.5", &fixture->fake.reports[0].average_price));
	assert_true(executor_step(&fixture->executor));
	assert_true(executor_step(&fixture->executor));
	assert_true(executions_find(&fixture->executor.executions, 1, &execution));
	assert_int_equal(execution.status, EXECUTION_FAILED);
	assert_string_equal(shares_text(execution.filled_shares).text, "2");
	assert_true(execution.has_average_price);
	assert_string_equal(usd_text(execution.average_price).text, "12.5");
	assert_string_equal(execution.error, "expired");
}

static void set_halted(struct fixture *fixture, bool halted)
{
	assert_true(store_begin(&fixture->executor.store));
	controls_set_trading_halted(&fixture->executor.controls, halted, "test");
	store_commit(&fixture->executor.store);
}

static void a_halt_stops_new_orders_and_follows_open_ones(void **state)
{
	struct fixture *fixture = *state;

	insert_execution(&fixture->executor, "AAPL", "5");
	fixture->fake.reports[0] = (struct broker_report){.state = BROKER_ORDER_FILLED,
							  .filled_shares = shares_of("5")};
	assert_true(executor_step(&fixture->executor));
	set_halted(fixture, true);
	insert_execution(&fixture->executor, "NVDA", "1");
	assert_true(executor_step(&fixture->executor));
	assert_status(fixture, 1, EXECUTION_FILLED);
	assert_false(executor_step(&fixture->executor));
	assert_status(fixture, 2, EXECUTION_PENDING);
	set_halted(fixture, false);
	assert_true(executor_step(&fixture->executor));
	assert_status(fixture, 2, EXECUTION_SUBMITTED);
}

static void a_halt_while_an_order_is_on_its_way_stops_the_next(void **state)
{
	struct fixture *fixture = *state;

	insert_execution(&fixture->executor, "AAPL", "1");
	insert_execution(&fixture->executor, "NVDA", "1");
	fixture->fake.halts = true;
	(void)executor_step(&fixture->executor);
	assert_int_equal(fixture->fake.submits, 1);
	assert_status(fixture, 1, EXECUTION_SUBMITTED);
	assert_status(fixture, 2, EXECUTION_PENDING);
}

static void new_orders_go_before_the_reports_on_open_ones(void **state)
{
	struct fixture *fixture = *state;

	insert_execution(&fixture->executor, "AAPL", "1");
	insert_execution(&fixture->executor, "NVDA", "1");
	assert_true(executor_step(&fixture->executor));
	insert_execution(&fixture->executor, "TSLA", "1");
	fixture->fake.symbol_during_report = "MSFT";
	assert_true(executor_step(&fixture->executor));
	assert_int_equal(fixture->fake.submits_before_report[0], 3);
	assert_int_equal(fixture->fake.submits_before_report[1], 4);
	assert_true(fixture->fake.reported >= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_order_is_submitting_on_disk_before_the_broker_hears_of_it, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_refused_order_fails_with_nothing_filled, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			an_unknown_outcome_is_asked_about_and_never_sent_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_row_found_submitting_after_a_crash_is_reconciled_before_anything_is_sent,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_the_broker_cannot_tell_is_held_and_left_alone,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_unreachable_broker_leaves_the_order_pending_under_its_id, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(the_filled_part_of_an_order_that_expired_is_kept,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_halt_stops_new_orders_and_follows_open_ones,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_halt_while_an_order_is_on_its_way_stops_the_next,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(new_orders_go_before_the_reports_on_open_ones,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
