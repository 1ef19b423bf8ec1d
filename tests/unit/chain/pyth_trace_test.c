/* The prices in a trace: which calls count, and what is no price. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/keccak.h"
#include "chain/pyth_trace.h"

#include <stdio.h>
#include <string.h>

#define ORACLE "0x8250f4aF4B972684F7b336503E2D6dFeDeB1487a"
#define FEED   "49f6b65cb1de6b10eaf75e7c03ca029c306d0357e91b5311b175084a5ad55688"
#define CALL   "\"type\":\"STATICCALL\",\"to\":\"" ORACLE "\",\"input\":\"0x96834ad3" FEED "\""
#define ZEROS  "000000000000000000000000000000000000000000000000"
#define ONES   "ffffffffffffffffffffffffffffffffffffffffffffffff"
/* 23012345 * 10^-5, plus or minus 4200 * 10^-5, at 1790000000 */
#define PRICE	   ZEROS "00000000015f23f9"
#define CONFIDENCE ZEROS "0000000000001068"
#define EXPONENT   ONES "fffffffffffffffb"
#define PUBLISHED  ZEROS "000000006ab13b80"
#define OUTPUT	   "\"output\":\"0x" PRICE CONFIDENCE EXPONENT PUBLISHED "\""

static enum outcome read_text(const char *result, struct pyth_prices *prices)
{
	static char text[1024 * 1024];
	struct evm_address oracle;
	struct error error;
	int length = snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":%s}",
			      result);

	assert_true(length > 0 && (size_t)length < sizeof(text));
	assert_true(evm_address_parse(ORACLE, &oracle));
	return pyth_trace_answer(
		(struct bytes){.data = (const uint8_t *)text, .length = (size_t)length}, 7, &oracle,
		prices, &error);
}

/* The outermost call with these inside. */
static struct pyth_prices prices_of(const char *calls)
{
	static char text[512 * 1024];
	struct pyth_prices prices = {.count = 77};

	assert_true(snprintf(text, sizeof(text), "{\"type\":\"CALL\",\"calls\":[%s]}", calls) <
		    (int)sizeof(text));
	assert_int_equal(read_text(text, &prices), OUTCOME_OK);
	return prices;
}

static void the_selectors_are_those_of_the_four_functions(void **state)
{
	static const char *const pairs[][2] = {
		{"getPriceNoOlderThan(bytes32,uint256)", "0xa4ae35e0"},
		{"getPriceUnsafe(bytes32)", "0x96834ad3"},
		{"getEmaPriceNoOlderThan(bytes32,uint256)", "0x711a2e28"},
		{"getEmaPriceUnsafe(bytes32)", "0x9474f45b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		const struct bytes text = {.data = (const uint8_t *)pairs[i][0],
					   .length = strlen(pairs[i][0])};
		struct evm_word hash = keccak_256(text);
		char call[512];

		assert_memory_equal(evm_word_text(&hash).text, pairs[i][1], 10);
		(void)snprintf(call, sizeof(call),
			       "{\"to\":\"" ORACLE "\",\"input\":\"%s" FEED ZEROS
			       "000000000000003c\"," OUTPUT "}",
			       pairs[i][1]);
		assert_int_equal(prices_of(call).count, 1);
	}
}

static void a_price_is_read_exactly(void **state)
{
	struct pyth_prices prices = prices_of("{" CALL "," OUTPUT "}");

	(void)state;
	assert_int_equal(prices.count, 1);
	assert_string_equal(evm_word_text(&prices.items[0].feed).text, "0x" FEED);
	assert_string_equal(usd_text(prices.items[0].price).text, "230.12345");
	assert_string_equal(usd_text(prices.items[0].confidence).text, "0.042");
	assert_int_equal(prices.items[0].published_s, 1790000000);
}

static void calls_are_found_at_any_depth_in_their_order(void **state)
{
	static char nested[64 * 1024];
	size_t used = 0;
	struct pyth_prices prices;

	(void)state;
	for (int i = 0; i < 100; i++)
		used += (size_t)snprintf(nested + used, sizeof(nested) - used,
					 "{\"type\":\"CALL\",\"calls\":[{\"type\":\"CALL\"},");
	used += (size_t)snprintf(nested + used, sizeof(nested) - used, "{" CALL "," OUTPUT "}");
	for (int i = 0; i < 100; i++)
		used += (size_t)snprintf(nested + used, sizeof(nested) - used, "]}");
	(void)snprintf(nested + used, sizeof(nested) - used,
		       ",{" CALL ",\"output\":\"0x" ZEROS
		       "0000000000000002" CONFIDENCE EXPONENT PUBLISHED "\"}");
	prices = prices_of(nested);
	assert_int_equal(prices.count, 2);
	assert_string_equal(usd_text(prices.items[0].price).text, "230.12345");
	assert_string_equal(usd_text(prices.items[1].price).text, "0.00002");
}

static void a_trace_deeper_than_any_is_refused(void **state)
{
	static char nested[256 * 1024];
	size_t used = 0;
	struct pyth_prices prices = {.count = 77};

	(void)state;
	for (int i = 0; i < 1000; i++)
		used += (size_t)snprintf(nested + used, sizeof(nested) - used,
					 "{\"type\":\"CALL\",\"calls\":[");
	for (int i = 0; i < 1000; i++)
		used += (size_t)snprintf(nested + used, sizeof(nested) - used, "]}");
	assert_int_equal(read_text(nested, &prices), OUTCOME_REJECTED);
	assert_int_equal(prices.count, 77);
}

static void what_failed_or_is_something_else_does_not_count(void **state)
{
	static const char *const others[] = {
		"{" CALL "," OUTPUT ",\"error\":\"execution reverted\"}",
		"{\"type\":\"CALL\",\"error\":\"out of gas\",\"calls\":[{" CALL "," OUTPUT "}]}",
		"{" CALL "}",
		"{" CALL ",\"output\":\"0x\"}",
		"{" CALL ",\"output\":\"0x" PRICE CONFIDENCE EXPONENT "\"}",
		"{" CALL ",\"output\":7}",
		"{\"to\":\"0x8250f4aF4B972684F7b336503E2D6dFeDeB1487b\",\"input\":\"0x96834ad3" FEED
		"\"," OUTPUT "}",
		"{\"to\":\"" ORACLE "\",\"input\":\"0x96834ad4" FEED "\"," OUTPUT "}",
		"{\"to\":\"" ORACLE "\",\"input\":\"0x96834ad3\"," OUTPUT "}",
		"{\"to\":null,\"input\":\"0x96834ad3" FEED "\"," OUTPUT "}",
		"null",
		"7",
		"[]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		if (prices_of(others[i]).count != 0)
			fail_msg("counted: %s", others[i]);
	}
}

static void what_is_no_price_is_left_out(void **state)
{
	static const char *const words[][4] = {
		{ZEROS "0000000000000000", CONFIDENCE, EXPONENT, PUBLISHED},
		{ONES "ffffffffffffffff", CONFIDENCE, EXPONENT, PUBLISHED},
		{ZEROS "8000000000000000", CONFIDENCE, EXPONENT, PUBLISHED},
		{PRICE, "01" ZEROS "00000000000000", EXPONENT, PUBLISHED},
		{PRICE, CONFIDENCE, ZEROS "000000007fffffff", PUBLISHED},
		{PRICE, CONFIDENCE, ONES "ffffffff80000000", PUBLISHED},
		{PRICE, CONFIDENCE, ONES "ffffffffffffffed", PUBLISHED},
		{PRICE, CONFIDENCE, ONES "7fffffffffffffff", PUBLISHED},
		{PRICE, CONFIDENCE, EXPONENT, ZEROS "0000003afff44180"},
		{PRICE, CONFIDENCE, EXPONENT, "01" ZEROS "00000000000000"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		char call[1024];

		(void)snprintf(call, sizeof(call), "{" CALL ",\"output\":\"0x%s%s%s%s\"}",
			       words[i][0], words[i][1], words[i][2], words[i][3]);
		if (prices_of(call).count != 0)
			fail_msg("a price: %s", call);
	}
}

static void no_more_prices_are_kept_than_there_is_room_for(void **state)
{
	static char calls[64 * 1024];
	size_t used = 0;

	(void)state;
	for (int i = 0; i < PYTH_PRICES_MAXIMUM + 5; i++)
		used += (size_t)snprintf(calls + used, sizeof(calls) - used,
					 "%s{" CALL "," OUTPUT "}", i == 0 ? "" : ",");
	assert_int_equal(prices_of(calls).count, PYTH_PRICES_MAXIMUM);
}

static void what_is_no_trace_is_refused(void **state)
{
	static const char *const wrong[] = {"null", "[]", "\"0x\"", "{}", "{\"type\":1}"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		struct pyth_prices prices = {.count = 77};

		assert_int_equal(read_text(wrong[i], &prices), OUTCOME_REJECTED);
		assert_int_equal(prices.count, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_selectors_are_those_of_the_four_functions),
		cmocka_unit_test(a_price_is_read_exactly),
		cmocka_unit_test(calls_are_found_at_any_depth_in_their_order),
		cmocka_unit_test(a_trace_deeper_than_any_is_refused),
		cmocka_unit_test(what_failed_or_is_something_else_does_not_count),
		cmocka_unit_test(what_is_no_price_is_left_out),
		cmocka_unit_test(no_more_prices_are_kept_than_there_is_room_for),
		cmocka_unit_test(what_is_no_trace_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
