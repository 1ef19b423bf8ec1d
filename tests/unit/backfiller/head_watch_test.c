/* Where the head is, what has settled, and a node that is on another chain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/head_watch.h"
#include "base/log.h"
#include "unit/store/test_store.h"

#include <inttypes.h>

#define INTERVAL_MS 5000

static const struct evm_word genesis = {.bytes = {[31] = 0x11}};

static const char *const questions[] = {
	[HEAD_WATCH_GENESIS] = "\"0x0\",false",
	[HEAD_WATCH_NUMBER] = "eth_blockNumber",
	[HEAD_WATCH_FINALIZED] = "\"finalized\",false",
};

static enum outcome answer_text(struct head_watch *watch, const char *text, int64_t now_ms)
{
	const struct http_answer answer = {
		.outcome = OUTCOME_OK,
		.status = 200,
		.body = {.data = (const uint8_t *)text, .length = strlen(text)},
	};
	struct buffer request;

	buffer_init(&request, BUFFER_MAX_HTTP_REQUEST);
	head_watch_request(watch, 5, &request);
	assert_non_null(strstr(buffer_text(&request), questions[watch->stage]));
	buffer_free(&request);
	return head_watch_answer(watch, &answer, now_ms, NULL);
}

static enum outcome answer_block(struct head_watch *watch, int64_t number, const char *last_byte,
				 int64_t now_ms)
{
	char text[1024];
	char zeros[61];

	memset(zeros, '0', sizeof(zeros) - 1);
	zeros[sizeof(zeros) - 1] = '\0';
	(void)snprintf(text, sizeof(text),
		       "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"number\":\"0x%" PRIx64 "\","
		       "\"hash\":\"0x%s00%s\",\"parentHash\":\"0x%s0000\",\"timestamp\":\"0x1\"}}",
		       (uint64_t)number, zeros, last_byte, zeros);
	return answer_text(watch, text, now_ms);
}

static enum outcome answer_genesis(struct head_watch *watch, const char *last_byte)
{
	return answer_block(watch, 0, last_byte, 0);
}

static enum outcome tell_head(struct head_watch *watch, int64_t head, int64_t now_ms)
{
	char text[96];

	assert_int_equal(answer_genesis(watch, "11"), OUTCOME_OK);
	(void)snprintf(text, sizeof(text),
		       "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"0x%" PRIx64 "\"}",
		       (uint64_t)head);
	assert_int_equal(answer_text(watch, text, now_ms), OUTCOME_OK);
	return answer_block(watch, head / 2, "22", now_ms);
}

static void a_head_settles_when_it_is_known_for_the_whole_interval(void **state)
{
	struct head_watch watch;

	(void)state;
	head_watch_init(&watch, &genesis, INTERVAL_MS);
	assert_int_equal(watch.settled, HEAD_WATCH_UNKNOWN);
	assert_int_equal(tell_head(&watch, 100, 1000), OUTCOME_OK);
	assert_int_equal(watch.head, 100);
	assert_int_equal(watch.settled, HEAD_WATCH_UNKNOWN);
	assert_int_equal(watch.due_ms, 1000 + INTERVAL_MS);
	/* Asked early: what it says now has not been known for long. */
	head_watch_hurry(&watch);
	assert_int_equal(watch.due_ms, 0);
	assert_int_equal(tell_head(&watch, 103, 2000), OUTCOME_OK);
	assert_int_equal(watch.head, 103);
	assert_int_equal(watch.settled, HEAD_WATCH_UNKNOWN);
	assert_int_equal(tell_head(&watch, 105, 1000 + INTERVAL_MS), OUTCOME_OK);
	assert_int_equal(watch.settled, 100);
	assert_int_equal(tell_head(&watch, 110, 1000 + 2 * INTERVAL_MS), OUTCOME_OK);
	assert_int_equal(watch.settled, 105);
}

static void a_quiet_chain_settles_at_its_head(void **state)
{
	struct head_watch watch;

	(void)state;
	head_watch_init(&watch, &genesis, INTERVAL_MS);
	assert_int_equal(tell_head(&watch, 100, 0), OUTCOME_OK);
	assert_int_equal(tell_head(&watch, 100, INTERVAL_MS), OUTCOME_OK);
	assert_int_equal(watch.settled, 100);
}

static void a_node_that_falls_back_settles_nothing_that_it_lacks(void **state)
{
	struct head_watch watch;

	(void)state;
	head_watch_init(&watch, &genesis, INTERVAL_MS);
	assert_int_equal(tell_head(&watch, 100, 0), OUTCOME_OK);
	assert_int_equal(tell_head(&watch, 90, INTERVAL_MS), OUTCOME_OK);
	assert_int_equal(watch.settled, 90);
	assert_int_equal(watch.head, 90);
}

static void garbage_changes_nothing_and_is_asked_again_after_a_while(void **state)
{
	struct head_watch watch;

	(void)state;
	head_watch_init(&watch, &genesis, INTERVAL_MS);
	assert_int_equal(tell_head(&watch, 100, 0), OUTCOME_OK);
	assert_int_not_equal(answer_text(&watch, "{}", 7000), OUTCOME_OK);
	assert_int_equal(watch.head, 100);
	assert_true(watch.due_ms > 7000);
	assert_false(watch.asking);
	assert_int_equal(answer_genesis(&watch, "11"), OUTCOME_OK);
	assert_int_not_equal(
		answer_text(&watch,
			    "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"0x8000000000000000\"}", 0),
		OUTCOME_OK);
	assert_int_equal(watch.stage, HEAD_WATCH_GENESIS);
	assert_int_equal(watch.head, 100);
}

static void the_newest_final_block_ends_the_round(void **state)
{
	struct head_watch watch;

	(void)state;
	head_watch_init(&watch, &genesis, INTERVAL_MS);
	assert_int_equal(tell_head(&watch, 100, 1000), OUTCOME_OK);
	assert_int_equal(watch.finalized, 50);
	assert_int_equal(watch.rounds, 1);
}

static void a_node_may_know_of_no_final_block(void **state)
{
	static const char *const refusals[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":null}",
		"{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-32602,\"message\":\"no\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-39001,\"message\":\"none\"}}",
	};
	struct head_watch watch;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
		head_watch_init(&watch, &genesis, INTERVAL_MS);
		assert_int_equal(answer_genesis(&watch, "11"), OUTCOME_OK);
		assert_int_equal(answer_text(&watch,
					     "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"0x64\"}",
					     0),
				 OUTCOME_OK);
		assert_int_equal(answer_text(&watch, refusals[i], 0), OUTCOME_OK);
		assert_int_equal(watch.finalized, HEAD_WATCH_UNKNOWN);
		assert_int_equal(watch.rounds, 1);
	}
}

static void meet_another_chain(void *context)
{
	struct head_watch watch;

	(void)context;
	head_watch_init(&watch, &genesis, INTERVAL_MS);
	(void)answer_genesis(&watch, "22");
}

static void another_genesis_ends_the_process(void **state)
{
	struct test_child child = test_child_run(meet_another_chain, NULL);

	(void)state;
	test_child_assert(&child, EXIT_CODE_NEEDS_PERSON, "another chain");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_settles_when_it_is_known_for_the_whole_interval),
		cmocka_unit_test(a_quiet_chain_settles_at_its_head),
		cmocka_unit_test(a_node_that_falls_back_settles_nothing_that_it_lacks),
		cmocka_unit_test(garbage_changes_nothing_and_is_asked_again_after_a_while),
		cmocka_unit_test(the_newest_final_block_ends_the_round),
		cmocka_unit_test(a_node_may_know_of_no_final_block),
		cmocka_unit_test(another_genesis_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
