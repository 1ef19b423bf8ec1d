/* What nodes and providers say, word for word, and what it means for the next attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_rpc_errors.h"

#include <string.h>

struct saying {
	int64_t code;
	const char *message;
};

static void assert_meaning(const struct saying *sayings, size_t count, enum outcome outcome,
			   enum error_kind kind)
{
	for (size_t i = 0; i < count; i++) {
		enum error_kind found = ERROR_KIND_NONE;

		if (evm_rpc_classify_error(sayings[i].code, sayings[i].message, &found) !=
			    outcome ||
		    found != kind)
			fail_msg("%lld \"%s\" was taken for %s", (long long)sayings[i].code,
				 sayings[i].message, error_kind_name(found));
	}
}

#define assert_all_mean(sayings, outcome, kind)                                                    \
	assert_meaning(sayings, sizeof(sayings) / sizeof((sayings)[0]), outcome, kind)

static void a_range_that_is_too_large_is_asked_again_smaller(void **state)
{
	static const struct saying sayings[] = {
		{-32005, "query returned more than 10000 results"},
		{-32005, "query returned more than 10000 results. Try with this block range "
			 "[0xBDE5F8, 0x102DBCC]."},
		{-32602, "range 1000000 exceeds limit of 10000"},
		{-32602, "Log response size exceeded. You can make eth_getLogs requests with up to "
			 "a 2K block range and no limit on the response size, or you can request "
			 "any block range with a cap of 10K logs in the response. Based on your "
			 "parameters and the response size limit, this block range should work: "
			 "[0x10, 0x20]"},
		{-32600, "Under the Free tier plan, you can make eth_getLogs requests with up to a "
			 "10 block range."},
		{-32602, "query exceeds max results 20000, retry with the range 1-2"},
		{-32602, "query exceeds max block range 5000"},
		{-32602, "exceed maximum block range 50000"},
		{-32000, "exceed maximum block range: 5000"},
		{-32602, "query block range exceeds server limit, narrow your filter: 5"},
		{-32000, "query returns too many logs, narrow your filter: 20000"},
		{-32614, "eth_getLogs is limited to a 10,000 range"},
		{-32602, "invalid params range 9009594 is bigger than range limit 2000"},
		{-32000,
		 "block range is larger than max block range, block range = 5120, max block "
		 "range = 5000"},
		{-32005, "block range too large, max range: 1000"},
		{-32020, "backend response too large"},
		{-32012, "requested range too large"},
		{-32602, "Query returned more than 10000 results. Try with this block range "
			 "[0x852c16, 0x853273]."},
		{-32062, "Block range is too large"},
		{-32000, "block range is too wide"},
		{-32600, "block range too high"},
		{35, "ranges over 10000 blocks are not supported on freetier"},
		{-32008, "Response is too big"},
		{-32012, "words of another kind"},
		{-32614, "words of another kind"},
		{-32020, "words of another kind"},
	};

	(void)state;
	assert_all_mean(sayings, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
}

static void a_rate_is_waited_for(void **state)
{
	static const struct saying sayings[] = {
		{-32005, "daily request count exceeded, request rate limited"},
		{-32005, "project ID request rate exceeded"},
		{-32005, "limit exceeded"},
		{-32005, "Too Many Requests"},
		{-32007, "15/second request limit reached - reduce calls per second or upgrade"},
		{429, "Your app has exceeded its compute units per second capacity."},
		{-32000, "Your app has exceeded its compute units per second capacity."},
		{-32000, "Your app has exceeded its concurrent requests capacity."},
		{-32600, "Monthly capacity limit exceeded."},
		{-32000, "RATE LIMIT exceeded"},
		{-32090, "call rate limit exhausted, retry in 10s"},
		{-32097, "slow down"},
		{429, ""},
	};

	(void)state;
	assert_all_mean(sayings, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED);
}

static void a_node_that_is_behind_is_waited_for(void **state)
{
	static const struct saying sayings[] = {
		{-32602, "block range extends beyond current head block"},
		{-32602, "BlockOutOfRangeError: block height is 8 but requested was 18"},
		{-32014, "block not yet imported"},
		{-32014, "words of another kind"},
		{-32000, "unknown block"},
		{-32000, "header not found"},
		{-32000, "header for hash not found"},
	};

	(void)state;
	assert_all_mean(sayings, OUTCOME_RETRY, ERROR_KIND_BEHIND);
}

static void a_state_that_was_pruned_is_told_from_a_block_that_is_not_there_yet(void **state)
{
	static const struct saying sayings[] = {
		{-32000, "missing trie node 11 (path ) state 0x11 is not available"},
		{-32000, "required historical state unavailable (reexec=128)"},
		{-32000, "state at block #5 is pruned"},
		{-32002, "No state available for block 0x5"},
	};

	(void)state;
	assert_all_mean(sayings, OUTCOME_RETRY, ERROR_KIND_ABSENT);
}

static void what_can_never_succeed_is_refused(void **state)
{
	static const struct saying sayings[] = {
		{3, "execution reverted"},
		{3, "execution reverted: not enough"},
		{3, ""},
		{-32000, "execution reverted"},
		{-32015, "VM Exception: Execution Reverted"},
		{-32601, "the method eth_subscribe does not exist/is not available"},
		{-32602, "invalid argument 0: hex string has length 3"},
		{-32602, "invalid block range params"},
		{-32602, "exceed max addresses or topics per search position"},
		{-32600, "invalid request"},
	};

	(void)state;
	assert_all_mean(sayings, OUTCOME_REJECTED, ERROR_KIND_RPC);
}

static void a_revert_is_one_whatever_else_its_reason_says(void **state)
{
	static const struct saying sayings[] = {
		{3, "execution reverted: rate limit"},
		{-32000, "execution reverted: header not found"},
		{3, "query returned more than 10000 results"},
	};

	(void)state;
	assert_all_mean(sayings, OUTCOME_REJECTED, ERROR_KIND_RPC);
}

static void what_is_not_known_is_tried_again(void **state)
{
	static const struct saying sayings[] = {
		{-32603, "Internal error"},
		{-32000, "request timed out"},
		{4444, "pruned history unavailable"},
		{0, ""},
		{INT64_MIN, "x"},
		{INT64_MAX, "r"},
		/* Words that begin like known ones and end too early. */
		{-32000, "rate limi"},
		{-32000, "query returned more tha"},
	};

	(void)state;
	assert_all_mean(sayings, OUTCOME_RETRY, ERROR_KIND_RPC);
}

static void what_looks_like_a_key_does_not_reach_the_log(void **state)
{
	static const char *const pairs[][2] = {
		{"must be authenticated: https://node.test/v2/AbCdEf0123456789_-xyzKEY9 is unknown",
		 "must be authenticated: https://node.test/v2/... is unknown"},
		{"key 0123456789abcdef0123 is over", "key ... is over"},
		{"block range too large, max range: 10000",
		 "block range too large, max range: 10000"},
		{"this block range should work: [0x123456789abcdef0123456789, 0x2]",
		 "this block range should work: [0x123456789abcdef0123456789, 0x2]"},
		{"key 0xabcdefghijklmnopqrstuvwxyz is over", "key ... is over"},
		{"key 0x1234-0123456789abcdef is over", "key ... is over"},
		{"", ""},
	};
	char filled[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_string_equal(evm_rpc_words_for_people(pairs[i][0]).text, pairs[i][1]);
	memset(filled, ' ', sizeof(filled) - 1);
	filled[sizeof(filled) - 1] = '\0';
	assert_int_equal(strlen(evm_rpc_words_for_people(filled).text), EVM_RPC_WORDS_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_looks_like_a_key_does_not_reach_the_log),
		cmocka_unit_test(a_range_that_is_too_large_is_asked_again_smaller),
		cmocka_unit_test(a_rate_is_waited_for),
		cmocka_unit_test(a_node_that_is_behind_is_waited_for),
		cmocka_unit_test(
			a_state_that_was_pruned_is_told_from_a_block_that_is_not_there_yet),
		cmocka_unit_test(what_can_never_succeed_is_refused),
		cmocka_unit_test(a_revert_is_one_whatever_else_its_reason_says),
		cmocka_unit_test(what_is_not_known_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
