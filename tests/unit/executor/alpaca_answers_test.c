/* Every status word, error body and odd number of Alpaca. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "executor/alpaca_answers.h"

#include <stdio.h>
#include <string.h>

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

static void every_status_word_is_open_filled_or_ended(void **state)
{
	static const char *const open[] = {"new",
					   "partially_filled",
					   "done_for_day",
					   "pending_cancel",
					   "pending_replace",
					   "accepted",
					   "pending_new",
					   "accepted_for_bidding",
					   "stopped",
					   "suspended",
					   "calculated",
					   "held",
					   "a_word_of_2027",
					   ""};
	static const char *const ended[] = {"canceled", "expired", "rejected", "replaced"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(open); i++)
		assert_int_equal(alpaca_order_state(open[i]), BROKER_ORDER_OPEN);
	for (size_t i = 0; i < ARRAY_LENGTH(ended); i++)
		assert_int_equal(alpaca_order_state(ended[i]), BROKER_ORDER_ENDED);
	assert_int_equal(alpaca_order_state("filled"), BROKER_ORDER_FILLED);
}

/* An order with those members beside id, symbol and side. */
static enum outcome read_order(const char *members, struct alpaca_order *order)
{
	char text[512];
	struct error error;

	(void)snprintf(text, sizeof(text),
		       "{\"id\":\"61e69015\",\"client_order_id\":\"ballast-1\",\"symbol\":\"AAPL\","
		       "\"side\":\"sell\",%s}",
		       members);
	return alpaca_read_order(bytes_of(text), order, &error);
}

static enum outcome report(const char *members, struct broker_report *made)
{
	struct alpaca_order order;
	struct error error;

	assert_int_equal(read_order(members, &order), OUTCOME_OK);
	return alpaca_report(&order, made, &error);
}

static void an_order_is_read_with_strings_numbers_and_nulls(void **state)
{
	struct alpaca_order order;

	(void)state;
	assert_int_equal(read_order("\"qty\":\"10\",\"filled_qty\":\"4\",\"filled_avg_price\":"
				    "\"150.25\",\"status\":\"partially_filled\"",
				    &order),
			 OUTCOME_OK);
	assert_string_equal(shares_text(order.filled_shares).text, "4");
	assert_string_equal(usd_text(order.average_price).text, "150.25");
	assert_int_equal(order.direction, DIRECTION_SELL);
	assert_int_equal(read_order("\"qty\":10,\"filled_qty\":null,\"filled_avg_price\":null,"
				    "\"status\":\"new\"",
				    &order),
			 OUTCOME_OK);
	assert_true(shares_is_zero(order.filled_shares));
	assert_false(order.has_average_price);
}

static void what_is_no_order_is_refused(void **state)
{
	static const char *const members[] = {
		"\"qty\":\"10\"",
		"\"qty\":null,\"status\":\"new\"",
		"\"qty\":\"x\",\"status\":\"new\"",
		"\"qty\":\"-1\",\"status\":\"new\"",
		"\"qty\":\"10\",\"status\":\"new\",\"filled_qty\":\"-1\"",
		"\"qty\":\"10\",\"status\":\"new\",\"filled_qty\":\"many\"",
		"\"qty\":\"10\",\"status\":\"a status\"",
	};
	struct alpaca_order order;
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(members); i++)
		assert_int_equal(read_order(members[i], &order), OUTCOME_REJECTED);
	assert_int_equal(alpaca_read_order(bytes_of("[]"), &order, &error), OUTCOME_REJECTED);
	assert_int_equal(alpaca_read_order(bytes_of("<html>"), &order, &error), OUTCOME_REJECTED);
}

static void what_was_filled_counts_whatever_the_end_is_called(void **state)
{
	struct broker_report made;

	(void)state;
	assert_int_equal(report("\"qty\":\"10\",\"filled_qty\":\"12\",\"filled_avg_price\":\"1.5\","
				"\"status\":\"filled\"",
				&made),
			 OUTCOME_OK);
	assert_int_equal(made.state, BROKER_ORDER_FILLED);
	assert_string_equal(shares_text(made.filled_shares).text, "12");
	assert_int_equal(report("\"qty\":\"10\",\"filled_qty\":\"3\",\"filled_avg_price\":\"1.5\","
				"\"status\":\"canceled\"",
				&made),
			 OUTCOME_OK);
	assert_int_equal(made.state, BROKER_ORDER_ENDED);
	assert_string_equal(made.reason, "alpaca: canceled");
}

static void a_report_that_contradicts_itself_is_doubted(void **state)
{
	struct broker_report made;

	(void)state;
	assert_int_equal(report("\"qty\":\"10\",\"filled_qty\":\"9\",\"filled_avg_price\":\"1.5\","
				"\"status\":\"filled\"",
				&made),
			 OUTCOME_UNKNOWN);
	assert_int_equal(
		report("\"qty\":\"10\",\"filled_qty\":\"10\",\"status\":\"filled\"", &made),
		OUTCOME_UNKNOWN);
	assert_int_equal(report("\"qty\":\"10\",\"filled_qty\":\"2\",\"filled_avg_price\":\"0\","
				"\"status\":\"expired\"",
				&made),
			 OUTCOME_UNKNOWN);
}

static void every_refusal_is_told_apart(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum outcome outcome;
	} answers[] = {
		{422, "{\"code\":40010001,\"message\":\"client_order_id must be unique\"}",
		 OUTCOME_UNKNOWN},
		{422, "{\"code\":40010001,\"message\":\"client_order_id must be unique\",\"x\":1}",
		 OUTCOME_UNKNOWN},
		{400, "{\"code\":40010001,\"message\":\"request body format is invalid\"}",
		 OUTCOME_REJECTED},
		{401, "{\"message\":\"unauthorized.\"}", OUTCOME_RETRY},
		{403,
		 "{\"code\":40310000,\"message\":\"insufficient buying power\","
		 "\"buying_power\":\"1\",\"cost_basis\":\"2\"}",
		 OUTCOME_REJECTED},
		{403,
		 "{\"code\":40310000,\"existing_order_id\":\"x\",\"message\":\"potential wash "
		 "trade detected. use complex orders\",\"reject_reason\":\"opposite side\"}",
		 OUTCOME_REJECTED},
		{403, "{\"code\":40310000,\"message\":\"account is not allowed to short\"}",
		 OUTCOME_REJECTED},
		{403, "{\"code\":40310100,\"message\":\"pattern day trading protection\"}",
		 OUTCOME_REJECTED},
		{404, "{\"code\":40410000,\"message\":\"not found\"}", OUTCOME_REJECTED},
		{422, "{\"code\":42210000,\"message\":\"asset \\\"ZZZZ\\\" not found\"}",
		 OUTCOME_REJECTED},
		{422, "{\"code\":42210000,\"message\":\"potential wash trade detected\"}",
		 OUTCOME_REJECTED},
		{401, "<html>Unauthorized</html>", OUTCOME_UNKNOWN},
		{403, "<html>Forbidden</html>", OUTCOME_UNKNOWN},
		{404, "", OUTCOME_UNKNOWN},
		{408, "{\"message\":\"timeout\"}", OUTCOME_UNKNOWN},
		{500, "{\"code\":50010000,\"message\":\"internal server error occurred\"}",
		 OUTCOME_UNKNOWN},
		{502, "<html>502 Bad Gateway</html>", OUTCOME_UNKNOWN},
		{504, "", OUTCOME_UNKNOWN},
		{302, "", OUTCOME_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
		struct error error = {.kind = ERROR_KIND_NONE};

		assert_int_equal(
			alpaca_judge_refusal(answers[i].status, bytes_of(answers[i].body), &error),
			answers[i].outcome);
		assert_true(error.text[0] != '\0');
	}
}

static void only_id_and_status_of_an_account_are_promised(void **state)
{
	struct alpaca_account account;
	struct error error;

	(void)state;
	assert_int_equal(alpaca_read_account(bytes_of("{\"id\":\"x\",\"status\":\"ACTIVE\"}"),
					     &account, &error),
			 OUTCOME_OK);
	assert_false(account.blocked || account.may_short || account.has_cash);
	assert_int_equal(
		alpaca_read_account(
			bytes_of("{\"status\":\"ACTIVE\",\"account_number\":\"PA1\",\"cash\":"
				 "\"5000\",\"buying_power\":\"900.5\",\"shorting_enabled\":true,"
				 "\"trade_suspended_by_user\":true}"),
			&account, &error),
		OUTCOME_OK);
	assert_true(account.blocked && account.may_short);
	assert_string_equal(usd_text(account.cash).text, "900.5");
	assert_int_equal(alpaca_read_account(bytes_of("{\"id\":\"x\"}"), &account, &error),
			 OUTCOME_REJECTED);
}

static void a_short_position_is_negative_however_it_is_written(void **state)
{
	struct alpaca_position position;
	struct error error;

	(void)state;
	assert_int_equal(alpaca_read_position(bytes_of("{\"qty\":\"-5\",\"side\":\"short\"}"),
					      &position, &error),
			 OUTCOME_OK);
	assert_string_equal(shares_text(position.held).text, "-5");
	assert_int_equal(alpaca_read_position(bytes_of("{\"qty\":\"5\",\"side\":\"short\"}"),
					      &position, &error),
			 OUTCOME_OK);
	assert_string_equal(shares_text(position.held).text, "-5");
	assert_int_equal(alpaca_read_position(bytes_of("{\"qty\":\"5\",\"qty_available\":\"3\"}"),
					      &position, &error),
			 OUTCOME_OK);
	assert_string_equal(shares_text(position.available).text, "3");
	assert_int_equal(alpaca_read_position(bytes_of("{}"), &position, &error), OUTCOME_REJECTED);
}

static void the_clock_is_read_by_its_own_time(void **state)
{
	struct broker_market market;
	struct error error;

	(void)state;
	assert_int_equal(
		alpaca_read_clock(
			bytes_of("{\"timestamp\":\"2026-11-27T12:59:59.500000001-05:00\","
				 "\"is_open\":true,\"next_open\":\"2026-11-30T09:30:00-05:00\","
				 "\"next_close\":\"2026-11-27T13:00:00-05:00\"}"),
			&market, &error),
		OUTCOME_OK);
	assert_true(market.open);
	assert_int_equal(market.changes_in_ms, 500);
	assert_int_equal(
		alpaca_read_clock(
			bytes_of("{\"timestamp\":\"2026-11-27T18:00:01Z\",\"is_open\":false,"
				 "\"next_open\":\"2026-11-27T13:00:00-05:00\"}"),
			&market, &error),
		OUTCOME_OK);
	assert_false(market.open);
	assert_int_equal(market.changes_in_ms, 1);
	assert_int_equal(alpaca_read_clock(bytes_of("{\"is_open\":true}"), &market, &error),
			 OUTCOME_REJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_word_is_open_filled_or_ended),
		cmocka_unit_test(an_order_is_read_with_strings_numbers_and_nulls),
		cmocka_unit_test(what_is_no_order_is_refused),
		cmocka_unit_test(what_was_filled_counts_whatever_the_end_is_called),
		cmocka_unit_test(a_report_that_contradicts_itself_is_doubted),
		cmocka_unit_test(every_refusal_is_told_apart),
		cmocka_unit_test(only_id_and_status_of_an_account_are_promised),
		cmocka_unit_test(a_short_position_is_negative_however_it_is_written),
		cmocka_unit_test(the_clock_is_read_by_its_own_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
