/* Every status word, error body, odd number and odd shape of Schwab. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "executor/schwab_answers.h"

#include "executor/broker_json.h"

#include <stdio.h>
#include <string.h>

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

static struct shares whole(int64_t count)
{
	struct shares value = {0};

	assert_true(shares_from_integer(count, &value));
	return value;
}

static int64_t time_of(const char *text)
{
	int64_t wall_ms = 0;

	assert_true(broker_time_parse(text, &wall_ms));
	return wall_ms;
}

static void every_status_word_is_open_filled_or_ended(void **state)
{
	static const char *const open[] = {"AWAITING_PARENT_ORDER",
					   "AWAITING_CONDITION",
					   "AWAITING_STOP_CONDITION",
					   "AWAITING_MANUAL_REVIEW",
					   "ACCEPTED",
					   "AWAITING_UR_OUT",
					   "PENDING_ACTIVATION",
					   "QUEUED",
					   "WORKING",
					   "PENDING_CANCEL",
					   "PENDING_REPLACE",
					   "NEW",
					   "AWAITING_RELEASE_TIME",
					   "PENDING_ACKNOWLEDGEMENT",
					   "PENDING_RECALL",
					   "UNKNOWN",
					   "A_WORD_OF_2027",
					   "filled"};
	static const char *const ended[] = {"REJECTED", "CANCELED", "REPLACED", "EXPIRED"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(open); i++)
		assert_int_equal(schwab_order_state(open[i]), BROKER_ORDER_OPEN);
	for (size_t i = 0; i < ARRAY_LENGTH(ended); i++)
		assert_int_equal(schwab_order_state(ended[i]), BROKER_ORDER_ENDED);
	assert_int_equal(schwab_order_state("FILLED"), BROKER_ORDER_FILLED);
}

static void an_instruction_fits_what_the_order_does(void **state)
{
	enum direction direction;

	(void)state;
	assert_string_equal(schwab_instruction(DIRECTION_BUY, ORDER_EFFECT_LONG), "BUY");
	assert_string_equal(schwab_instruction(DIRECTION_SELL, ORDER_EFFECT_LONG), "SELL");
	assert_string_equal(schwab_instruction(DIRECTION_SELL, ORDER_EFFECT_SHORT), "SELL_SHORT");
	assert_string_equal(schwab_instruction(DIRECTION_BUY, ORDER_EFFECT_COVER), "BUY_TO_COVER");
	assert_null(schwab_instruction(DIRECTION_BUY, ORDER_EFFECT_SHORT));
	assert_null(schwab_instruction(DIRECTION_SELL, ORDER_EFFECT_COVER));
	assert_true(schwab_direction("BUY_TO_COVER", &direction));
	assert_int_equal(direction, DIRECTION_BUY);
	assert_true(schwab_direction("SELL_SHORT_EXEMPT", &direction));
	assert_int_equal(direction, DIRECTION_SELL);
	assert_false(schwab_direction("EXCHANGE", &direction));
}

#define LEG(activity_, execution_, quantity_, price_)                                              \
	"{\"activityType\":\"" activity_ "\",\"executionType\":\"" execution_                      \
	"\",\"quantity\":" quantity_ ",\"executionLegs\":[{\"legId\":1,\"quantity\":" quantity_    \
	",\"price\":" price_ ",\"time\":\"2026-05-15T18:55:30+0000\"}]}"

/* An order for 10 AAPL with those members. */
static enum outcome read_order(const char *members, struct schwab_order *order)
{
	char text[2048];
	struct error error;

	(void)snprintf(text, sizeof(text),
		       "{\"orderId\":1006387238791,\"orderType\":\"MARKET\",\"quantity\":10.0,"
		       "\"enteredTime\":\"2026-05-15T18:55:30+0000\",\"accountNumber\":12345678,"
		       "\"orderLegCollection\":[{\"instruction\":\"SELL\",\"quantity\":10.0,"
		       "\"instrument\":{\"symbol\":\"AAPL\",\"assetType\":\"EQUITY\"}}],%s}",
		       members);
	return schwab_read_order(bytes_of(text), order, &error);
}

static enum outcome report(const char *members, struct broker_report *made)
{
	struct schwab_order order;
	struct error error;

	assert_int_equal(read_order(members, &order), OUTCOME_OK);
	return schwab_report(&order, made, &error);
}

static void a_fill_in_two_legs_has_their_exact_average(void **state)
{
	struct broker_report made;

	(void)state;
	assert_int_equal(report("\"status\":\"FILLED\",\"filledQuantity\":10.0,"
				"\"orderActivityCollection\":[" LEG(
					"EXECUTION", "FILL", "4.0",
					"150.1") "," LEG("EXECUTION", "FILL", "6.0", "150.2") "]",
				&made),
			 OUTCOME_OK);
	assert_int_equal(made.state, BROKER_ORDER_FILLED);
	assert_string_equal(usd_text(made.average_price).text, "150.16");
}

static void only_executions_that_are_fills_count(void **state)
{
	struct broker_report made;

	(void)state;
	assert_int_equal(
		report("\"status\":\"CANCELED\",\"filledQuantity\":3,"
		       "\"orderActivityCollection\":[" LEG("EXECUTION", "FILL", "3", "150") "," LEG(
			       "ORDER_ACTION", "FILL", "10",
			       "0") "," LEG("EXECUTION", "CANCEL_REPLACE", "7", "0") "]",
		       &made),
		OUTCOME_OK);
	assert_int_equal(made.state, BROKER_ORDER_ENDED);
	assert_string_equal(shares_text(made.filled_shares).text, "3");
	assert_string_equal(usd_text(made.average_price).text, "150");
	assert_int_equal(
		report("\"status\":\"REJECTED\",\"filledQuantity\":0.0,"
		       "\"statusDescription\":\"oversold\",\"orderActivityCollection\":[" LEG(
			       "ORDER_ACTION", "UNKNOWN", "10", "0") "]",
		       &made),
		OUTCOME_OK);
	assert_true(shares_is_zero(made.filled_shares));
	assert_false(made.has_average_price);
	assert_string_equal(made.reason, "schwab: REJECTED oversold");
}

static void an_end_whose_legs_do_not_add_up_yet_is_doubted(void **state)
{
	struct broker_report made;

	(void)state;
	assert_int_equal(report("\"status\":\"FILLED\",\"filledQuantity\":10", &made),
			 OUTCOME_UNKNOWN);
	assert_int_equal(report("\"status\":\"EXPIRED\",\"filledQuantity\":3", &made),
			 OUTCOME_UNKNOWN);
	assert_int_equal(
		report("\"status\":\"FILLED\",\"filledQuantity\":9,"
		       "\"orderActivityCollection\":[" LEG("EXECUTION", "FILL", "9", "1") "]",
		       &made),
		OUTCOME_UNKNOWN);
	/* While it is open nothing is decided by them. */
	assert_int_equal(report("\"status\":\"WORKING\",\"filledQuantity\":3", &made), OUTCOME_OK);
	assert_int_equal(made.state, BROKER_ORDER_OPEN);
}

static void what_is_no_order_is_refused(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"orderId\":\"x1\",\"status\":\"NEW\",\"quantity\":1}",
		"{\"orderId\":1.5,\"status\":\"NEW\",\"quantity\":1}",
		"{\"orderId\":-1,\"status\":\"NEW\",\"quantity\":1}",
		"{\"orderId\":1,\"quantity\":1}",
		"{\"orderId\":1,\"status\":\"NEW\"}",
		"{\"orderId\":1,\"status\":\"NEW\",\"quantity\":1,\"filledQuantity\":-1}",
		"{\"orderId\":1,\"status\":\"NEW\",\"quantity\":1,\"orderActivityCollection\":[{"
		"\"activityType\":\"EXECUTION\",\"executionType\":\"FILL\",\"executionLegs\":[{}]}]"
		"}",
		"<html>Access Denied</html>",
		"",
	};
	struct schwab_order order;
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_int_equal(schwab_read_order(bytes_of(texts[i]), &order, &error),
				 OUTCOME_REJECTED);
}

static void an_order_is_ours_only_when_everything_fits(void **state)
{
	struct broker_order sent = {.shares = whole(10), .direction = DIRECTION_SELL};
	struct schwab_order order;
	struct schwab_order other;

	(void)state;
	assert_true(symbol_set(&sent.symbol, "AAPL"));
	sent.submitted_at_ms = time_of("2026-05-15T18:55:35Z");
	assert_int_equal(read_order("\"status\":\"WORKING\"", &order), OUTCOME_OK);
	assert_true(schwab_order_matches(&order, &sent)); /* five seconds early: still */
	other = order;
	other.entered_at_ms -= 1;
	assert_false(schwab_order_matches(&other, &sent));
	other = order;
	other.quantity = whole(11);
	assert_false(schwab_order_matches(&other, &sent));
	other = order;
	memcpy(other.instruction, "BUY", sizeof("BUY"));
	assert_false(schwab_order_matches(&other, &sent));
	other = order;
	memcpy(other.order_type, "LIMIT", sizeof("LIMIT"));
	assert_false(schwab_order_matches(&other, &sent));
	other = order;
	memcpy(other.symbol, "AAP", sizeof("AAP"));
	assert_false(schwab_order_matches(&other, &sent));
	other = order;
	other.has_entered_at = false;
	assert_false(schwab_order_matches(&other, &sent));
	other = order;
	memcpy(other.instruction, "SELL_SHORT", sizeof("SELL_SHORT"));
	assert_true(schwab_order_matches(&other, &sent));
}

static void a_share_class_has_two_spellings(void **state)
{
	(void)state;
	assert_true(schwab_same_symbol("BRK.B", "BRK/B"));
	assert_false(schwab_same_symbol("BRK.B", "BRK.A"));
	assert_false(schwab_same_symbol("BRK", "BRK.B"));
	assert_false(schwab_same_symbol("BRK.B", "BRK"));
}

static void the_order_id_is_what_stands_behind_orders(void **state)
{
	static const char *const wrong[] = {
		"",
		"https://api.schwabapi.com/trader/v1/accounts/AB/orders/",
		"https://api.schwabapi.com/trader/v1/accounts/AB",
		"/orders/12x",
		"/orders/12/legs",
		"/orders/-12",
		"/orders/12345678901234567890"};
	char id[21];

	(void)state;
	assert_true(schwab_order_id_of(
		"https://api.schwabapi.com/trader/v1/accounts/AB/orders/1006387238791", id,
		sizeof(id)));
	assert_string_equal(id, "1006387238791");
	assert_true(schwab_order_id_of("/trader/v1/accounts/AB/orders/7", id, sizeof(id)));
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
		assert_false(schwab_order_id_of(wrong[i], id, sizeof(id)));
}

static void every_refusal_is_told_apart(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum outcome outcome;
	} answers[] = {
		{400, "{\"message\":\"A validation error occurred while processing the request.\"}",
		 OUTCOME_REJECTED},
		{400, "{\"message\":\"x\",\"errors\":[\"y\"]}", OUTCOME_REJECTED},
		{401,
		 "{\"errors\":[{\"id\":\"x\",\"status\":401,\"title\":\"Unauthorized\",\"detail\":"
		 "\"Client not authorized\"}]}",
		 OUTCOME_RETRY},
		{401, "{\"fault\":{\"faultstring\":\"x\",\"detail\":{\"errorcode\":\"y\"}}}",
		 OUTCOME_RETRY},
		{403, "{\"message\":\"forbidden\"}", OUTCOME_REJECTED},
		{404, "{\"message\":\"not found\"}", OUTCOME_REJECTED},
		{422, "{\"message\":\"x\"}", OUTCOME_REJECTED},
		{403, "<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD></HTML>", OUTCOME_UNKNOWN},
		{400, "upstream request timeout", OUTCOME_UNKNOWN},
		{401, "", OUTCOME_UNKNOWN},
		{408, "{\"message\":\"x\"}", OUTCOME_UNKNOWN},
		{409, "{\"message\":\"x\"}", OUTCOME_UNKNOWN},
		{500, "{\"message\":\"x\"}", OUTCOME_UNKNOWN},
		{502, "<html>502</html>", OUTCOME_UNKNOWN},
		{504, "", OUTCOME_UNKNOWN},
		{302, "", OUTCOME_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
		struct error error = {.kind = ERROR_KIND_NONE};

		assert_int_equal(
			schwab_judge_refusal(answers[i].status, bytes_of(answers[i].body), &error),
			answers[i].outcome);
	}
}

static void the_account_is_found_by_its_number(void **state)
{
	static const char accounts[] = "[{\"accountNumber\":\"99\",\"hashValue\":\"AA\"},"
				       "{\"accountNumber\":\"12345678\",\"hashValue\":\"BB\"}]";
	char hash[SCHWAB_HASH_SIZE];
	struct error error;

	(void)state;
	assert_int_equal(schwab_read_account_hash(bytes_of(accounts), "12345678", hash,
						  sizeof(hash), &error),
			 OUTCOME_OK);
	assert_string_equal(hash, "BB");
	assert_int_equal(
		schwab_read_account_hash(bytes_of(accounts), "1", hash, sizeof(hash), &error),
		OUTCOME_REJECTED);
	assert_int_equal(schwab_read_account_hash(bytes_of("[]"), "1", hash, sizeof(hash), &error),
			 OUTCOME_REJECTED);
	assert_int_equal(schwab_read_account_hash(bytes_of("{}"), "1", hash, sizeof(hash), &error),
			 OUTCOME_RETRY);
	assert_int_equal(schwab_read_account_hash(
				 bytes_of("[{\"accountNumber\":\"1\",\"hashValue\":\"../x\"}]"),
				 "1", hash, sizeof(hash), &error),
			 OUTCOME_RETRY);
}

static void what_is_held_is_long_less_short(void **state)
{
	struct symbol symbol;
	struct account_state account;
	struct error error;
	char description[64];

	(void)state;
	assert_true(symbol_set(&symbol, "BRK.B"));
	assert_int_equal(
		schwab_read_account(
			bytes_of("{\"securitiesAccount\":{\"type\":\"MARGIN\",\"positions\":[{"
				 "\"longQuantity\":0.0,\"shortQuantity\":3.0,\"instrument\":{"
				 "\"symbol\":\"BRK/B\"}}],\"currentBalances\":{"
				 "\"availableFundsNonMarginableTrade\":12.5}}}"),
			&symbol, &account, description, sizeof(description), &error),
		OUTCOME_OK);
	assert_string_equal(shares_text(account.held).text, "-3");
	assert_true(account.may_short && account.has_cash);
	assert_string_equal(usd_text(account.cash).text, "12.5");
	assert_int_equal(
		schwab_read_account(
			bytes_of("{\"securitiesAccount\":{\"type\":\"CASH\",\"currentBalances\":{"
				 "\"cashAvailableForTrading\":7}}}"),
			&symbol, &account, description, sizeof(description), &error),
		OUTCOME_OK);
	assert_true(shares_is_zero(account.held));
	assert_false(account.may_short);
	assert_int_equal(schwab_read_account(bytes_of("{}"), &symbol, &account, description,
					     sizeof(description), &error),
			 OUTCOME_REJECTED);
}

static struct broker_market market_at(const char *text, const char *now)
{
	struct broker_market market = {.open = false};
	struct error error;

	assert_int_equal(schwab_read_market(bytes_of(text), time_of(now), &market, &error),
			 OUTCOME_OK);
	return market;
}

static void the_market_is_open_within_the_days_regular_session(void **state)
{
	static const char half_day[] =
		"{\"equity\":{\"EQ\":{\"date\":\"2026-11-27\",\"marketType\":\"EQUITY\","
		"\"product\":"
		"\"EQ\",\"isOpen\":true,\"sessionHours\":{\"preMarket\":[{\"start\":"
		"\"2026-11-27T07:00:00-05:00\",\"end\":\"2026-11-27T09:30:00-05:00\"}],"
		"\"regularMarket\":[{\"start\":\"2026-11-27T09:30:00-05:00\",\"end\":"
		"\"2026-11-27T13:00:00-05:00\"}]}}}}";
	static const char closed[] =
		"{\"equity\":{\"equity\":{\"date\":\"2026-11-26\",\"marketType\":\"EQUITY\","
		"\"product\":\"equity\",\"isOpen\":false}}}";
	struct broker_market market;
	struct error error;

	(void)state;
	assert_false(market_at(half_day, "2026-11-27T14:29:59Z").open);
	assert_int_equal(market_at(half_day, "2026-11-27T14:29:59Z").changes_in_ms, 1000);
	assert_true(market_at(half_day, "2026-11-27T14:30:00Z").open);
	market = market_at(half_day, "2026-11-27T17:59:59Z");
	assert_true(market.open);
	assert_int_equal(market.changes_in_ms, 1000);
	assert_false(market_at(half_day, "2026-11-27T18:00:00Z").open);
	assert_false(market_at(closed, "2026-11-26T16:00:00Z").open);
	assert_int_equal(schwab_read_market(bytes_of("{\"equity\":{}}"), 0, &market, &error),
			 OUTCOME_REJECTED);
	assert_int_equal(schwab_read_market(bytes_of("{\"equity\":{\"EQ\":{\"isOpen\":true}}}"), 0,
					    &market, &error),
			 OUTCOME_REJECTED);
}

static void a_dead_login_is_told_from_a_bad_day(void **state)
{
	static const char dead[] =
		"{\"error\":\"unsupported_token_type\",\"error_description\":\"400 Bad Request: "
		"\\\"{\\\"error_description\\\":\\\"Exception while authenticating refresh token "
		"[tokenDigest=SECRETDIGEST, Exception=Failed]\\\"}\\\"\"}";
	struct schwab_tokens tokens;
	struct error error;

	(void)state;
	assert_int_equal(schwab_read_tokens(400, bytes_of(dead), &tokens, &error),
			 OUTCOME_REJECTED);
	assert_null(strstr(error.text, "SECRETDIGEST"));
	assert_int_equal(
		schwab_read_tokens(400, bytes_of("{\"error\":\"invalid_grant\"}"), &tokens, &error),
		OUTCOME_REJECTED);
	assert_int_equal(schwab_read_tokens(401, bytes_of("{\"error\":\"invalid_client\"}"),
					    &tokens, &error),
			 OUTCOME_REJECTED);
	assert_int_equal(
		schwab_read_tokens(403, bytes_of("<HTML>Access Denied</HTML>"), &tokens, &error),
		OUTCOME_RETRY);
	assert_int_equal(schwab_read_tokens(500, bytes_of("{\"error\":\"x\"}"), &tokens, &error),
			 OUTCOME_RETRY);
	assert_int_equal(
		schwab_read_tokens(200, bytes_of("{\"access_token\":\"a\"}"), &tokens, &error),
		OUTCOME_RETRY);
	assert_int_equal(schwab_read_tokens(200,
					    bytes_of("{\"expires_in\":1800,\"access_token\":\"a@+/="
						     "\",\"refresh_token\":\"r\"}"),
					    &tokens, &error),
			 OUTCOME_OK);
	assert_string_equal(tokens.access, "a@+/=");
	assert_int_equal(tokens.expires_in_s, 1800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_word_is_open_filled_or_ended),
		cmocka_unit_test(an_instruction_fits_what_the_order_does),
		cmocka_unit_test(a_fill_in_two_legs_has_their_exact_average),
		cmocka_unit_test(only_executions_that_are_fills_count),
		cmocka_unit_test(an_end_whose_legs_do_not_add_up_yet_is_doubted),
		cmocka_unit_test(what_is_no_order_is_refused),
		cmocka_unit_test(an_order_is_ours_only_when_everything_fits),
		cmocka_unit_test(a_share_class_has_two_spellings),
		cmocka_unit_test(the_order_id_is_what_stands_behind_orders),
		cmocka_unit_test(every_refusal_is_told_apart),
		cmocka_unit_test(the_account_is_found_by_its_number),
		cmocka_unit_test(what_is_held_is_long_less_short),
		cmocka_unit_test(the_market_is_open_within_the_days_regular_session),
		cmocka_unit_test(a_dead_login_is_told_from_a_bad_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
