/* The dry run keeps its word across restarts and follows its script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "executor/broker_dry_run.h"

#include <string.h>

static struct broker open_broker(const char *script, int64_t delay_ms)
{
	const struct dry_run_options options = {.fill_delay_ms = delay_ms, .script = script};
	struct broker broker;

	assert_true(broker_dry_run_open(&broker, &options));
	return broker;
}

static struct broker_order an_order(void)
{
	struct broker_order order = {
		.client_order_id = "ballast-1-00ff",
		.order_id = "",
		.direction = DIRECTION_SELL,
		.submitted_at_ms = clock_wall_ms(),
		.has_reference_price = true,
	};

	assert_true(symbol_set(&order.symbol, "AAPL"));
	assert_true(shares_parse("5", &order.shares));
	assert_true(usd_parse("150.25", &order.reference_price));
	return order;
}

static void an_order_is_filled_whole_at_the_price_of_its_trades(void **state)
{
	struct broker broker = open_broker("", 0);
	struct broker_order order = an_order();
	struct broker_acceptance id;
	struct broker_report report;
	struct error error;

	(void)state;
	assert_int_equal(broker.operations->submit(broker.context, &order, &id, &error),
			 OUTCOME_OK);
	order.order_id = id.order_id;
	assert_int_equal(broker.operations->report(broker.context, &order, &report, &error),
			 OUTCOME_OK);
	assert_int_equal(report.state, BROKER_ORDER_FILLED);
	assert_string_equal(shares_text(report.filled_shares).text, "5");
	assert_true(report.has_average_price);
	assert_string_equal(usd_text(report.average_price).text, "150.25");
	broker.operations->close(broker.context);
}

static void the_script_is_followed_word_by_word_and_then_orders_fill(void **state)
{
	struct broker broker = open_broker("refuse,unreachable,lost,partial:2,expire", 0);
	struct broker_order order = an_order();
	enum broker_search search = BROKER_SEARCH_FOUND;
	struct broker_acceptance id;
	struct broker_report report;
	struct error error;

	(void)state;
	assert_int_equal(broker.operations->submit(broker.context, &order, &id, &error),
			 OUTCOME_REJECTED);
	assert_int_equal(broker.operations->submit(broker.context, &order, &id, &error),
			 OUTCOME_RETRY);
	assert_int_equal(broker.operations->submit(broker.context, &order, &id, &error),
			 OUTCOME_UNKNOWN);
	assert_int_equal(broker.operations->find(broker.context, &order, &search, &id, &error),
			 OUTCOME_OK);
	assert_int_equal(search, BROKER_SEARCH_ABSENT);

	assert_int_equal(broker.operations->submit(broker.context, &order, &id, &error),
			 OUTCOME_OK);
	order.order_id = id.order_id;
	assert_int_equal(broker.operations->report(broker.context, &order, &report, &error),
			 OUTCOME_OK);
	assert_int_equal(report.state, BROKER_ORDER_ENDED);
	assert_string_equal(shares_text(report.filled_shares).text, "2");

	assert_int_equal(broker.operations->submit(broker.context, &order, &id, &error),
			 OUTCOME_OK);
	order.order_id = id.order_id;
	assert_int_equal(broker.operations->report(broker.context, &order, &report, &error),
			 OUTCOME_OK);
	assert_int_equal(report.state, BROKER_ORDER_ENDED);
	assert_true(shares_is_zero(report.filled_shares));
	assert_false(report.has_average_price);

	assert_int_equal(broker.operations->submit(broker.context, &order, &id, &error),
			 OUTCOME_OK);
	assert_non_null(strstr(id.order_id, ":fill"));
	broker.operations->close(broker.context);
}

static void what_an_order_will_do_survives_a_restart(void **state)
{
	struct broker broker = open_broker("partial:2", 0);
	struct broker_order order = an_order();
	struct broker_acceptance id;
	struct broker_report report;
	struct error error;

	(void)state;
	assert_int_equal(broker.operations->submit(broker.context, &order, &id, &error),
			 OUTCOME_OK);
	broker.operations->close(broker.context);
	broker = open_broker("", 0);
	order.order_id = id.order_id;
	assert_int_equal(broker.operations->report(broker.context, &order, &report, &error),
			 OUTCOME_OK);
	assert_string_equal(shares_text(report.filled_shares).text, "2");
	broker.operations->close(broker.context);
}

static void a_delay_counts_from_the_submission_but_not_backwards(void **state)
{
	struct broker broker = open_broker("", 3600000);
	struct broker_order order = an_order();
	struct broker_report report;
	struct error error;

	(void)state;
	order.order_id = "dry-run:ballast-1-00ff:fill";
	assert_int_equal(broker.operations->report(broker.context, &order, &report, &error),
			 OUTCOME_OK);
	assert_int_equal(report.state, BROKER_ORDER_OPEN);
	assert_in_range(report.ask_again_ms, 3500000, 3600000);
	order.submitted_at_ms -= 3600000;
	assert_int_equal(broker.operations->report(broker.context, &order, &report, &error),
			 OUTCOME_OK);
	assert_int_equal(report.state, BROKER_ORDER_FILLED);
	order.submitted_at_ms = clock_wall_ms() + 86400000;
	assert_int_equal(broker.operations->report(broker.context, &order, &report, &error),
			 OUTCOME_OK);
	assert_int_equal(report.state, BROKER_ORDER_FILLED);
	broker.operations->close(broker.context);
}

static void a_script_with_an_unknown_word_is_refused(void **state)
{
	static const char *const bad[] = {
		"fil", "fill,,refuse", "partial:", "partial:x", "partial:-1", "fill, refuse"};
	struct broker broker;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		const struct dry_run_options options = {.script = bad[i]};

		assert_false(broker_dry_run_open(&broker, &options));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_is_filled_whole_at_the_price_of_its_trades),
		cmocka_unit_test(the_script_is_followed_word_by_word_and_then_orders_fill),
		cmocka_unit_test(what_an_order_will_do_survives_a_restart),
		cmocka_unit_test(a_delay_counts_from_the_submission_but_not_backwards),
		cmocka_unit_test(a_script_with_an_unknown_word_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
