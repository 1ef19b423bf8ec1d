/* One attempt at one range, with a node that tells the truth and with one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/backfiller/test_answers.h"

static const struct range_reading plain = {.linked = false};
static const struct range_reading patient = {.accept_incomplete = true};
static const struct range_reading linked = {.linked = true};

static int set_up(void **state)
{
	static struct test_answers test;

	answers_init(&test);
	range_reader_start(&test.reader, (struct block_range){10, 20}, &plain);
	*state = &test;
	return 0;
}

static int tear_down(void **state)
{
	answers_free(*state);
	return 0;
}

/* Up to the header of the last block for the second time. */
static enum outcome give_range(struct test_answers *test, const struct test_log *logs, size_t count)
{
	assert_int_equal(give_block(test, 20, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(test, logs, count), OUTCOME_OK);
	assert_false(range_reader_is_complete(&test->reader));
	return give_block(test, 20, CANONICAL);
}

static enum outcome give_text(struct test_answers *test, const char *text)
{
	ask(test);
	write_text(test, "%s", text);
	return give(test);
}

static enum outcome give_transport(struct test_answers *test, enum outcome outcome,
				   enum error_kind kind)
{
	struct http_answer answer = {.outcome = outcome, .status = 0};

	ask(test);
	answer.error.kind = kind;
	return range_reader_answer(&test->reader, &answer, &test->error);
}

static void an_empty_range_is_complete_when_its_last_block_stood_still(void **state)
{
	struct test_answers *test = *state;

	assert_int_equal(give_range(test, NULL, 0), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
}

static void events_are_proven_by_the_headers_of_their_blocks(void **state)
{
	struct test_answers *test = *state;
	const struct test_log logs[] = {
		{.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 0},
		{.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 1},
		{.kind = TEST_LOG_STRANGERS_TAKE, .block_number = 13, .log_index = 0},
		{.kind = TEST_LOG_CLEAR, .block_number = 14, .log_index = 4},
		{.kind = TEST_LOG_AFTER_CLEAR, .block_number = 14, .log_index = 6},
		{.kind = TEST_LOG_TAKE, .block_number = 20, .log_index = 0},
	};

	assert_int_equal(give_range(test, logs, ARRAY_LENGTH(logs)), OUTCOME_OK);
	assert_false(range_reader_is_complete(&test->reader));
	assert_int_equal(give_block(test, 14, CANONICAL), OUTCOME_OK);
	assert_false(range_reader_is_complete(&test->reader));
	/* Block 13 has nothing of ours and is not asked for, nor is block 20 once more. */
	assert_int_equal(give_block(test, 12, CANONICAL), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_int_equal(test->reader.logs.count, 6);
	assert_int_equal(test->reader.logs.items[0].block_timestamp, 120);
	assert_int_equal(test->reader.logs.items[1].block_timestamp, 120);
	assert_int_equal(test->reader.logs.items[3].block_timestamp, 140);
	assert_int_equal(test->reader.logs.items[5].block_timestamp, 200);
	/* What the node said of the stranger's time was not checked, and is not kept. */
	assert_false(test->reader.logs.items[2].has_block_timestamp);
}

static void a_node_without_the_last_block_is_behind(void **state)
{
	struct test_answers *test = *state;

	assert_int_equal(give_text(test, "{\"jsonrpc\":\"2.0\",\"id\":40,\"result\":null}"),
			 OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
}

static void a_last_block_that_is_gone_after_the_logs_is_behind(void **state)
{
	struct test_answers *test = *state;

	assert_int_equal(give_block(test, 20, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_text(test, "{\"jsonrpc\":\"2.0\",\"id\":42,\"result\":null}"),
			 OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
	assert_false(range_reader_is_complete(&test->reader));
}

static void a_last_block_that_changed_meanwhile_discards_the_answer(void **state)
{
	struct test_answers *test = *state;

	assert_int_equal(give_block(test, 20, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_block(test, 20, OTHER), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
	assert_false(range_reader_is_complete(&test->reader));
}

static void an_event_of_another_branch_discards_the_answer(void **state)
{
	struct test_answers *test = *state;
	const struct test_log logs[] = {
		{.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 0},
		{.kind = TEST_LOG_TAKE, .block_number = 15, .log_index = 0, .branch = OTHER},
	};

	assert_int_equal(give_range(test, logs, 2), OUTCOME_OK);
	assert_int_equal(give_block(test, 15, CANONICAL), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
	assert_false(range_reader_is_complete(&test->reader));
}

static void an_event_of_the_last_block_on_another_branch_discards_it_too(void **state)
{
	struct test_answers *test = *state;
	const struct test_log log = {
		.kind = TEST_LOG_TAKE, .block_number = 20, .log_index = 0, .branch = OTHER};

	assert_int_equal(give_range(test, &log, 1), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
}

static void two_events_of_one_block_with_different_hashes_discard_it(void **state)
{
	struct test_answers *test = *state;
	const struct test_log logs[] = {
		{.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 0},
		{.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 1, .branch = OTHER},
	};

	assert_int_equal(give_range(test, logs, 2), OUTCOME_OK);
	assert_int_equal(give_block(test, 12, CANONICAL), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
}

static void a_clear_and_its_after_clear_stand_in_one_block(void **state)
{
	struct test_answers *test = *state;
	const struct test_log logs[] = {
		{.kind = TEST_LOG_CLEAR, .block_number = 20, .log_index = 0},
		{.kind = TEST_LOG_AFTER_CLEAR, .block_number = 20, .log_index = 1, .branch = OTHER},
	};

	assert_int_equal(give_range(test, logs, 2), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
}

static void a_clear_without_its_after_clear_looks_truncated(void **state)
{
	struct test_answers *test = *state;
	const struct test_log log = {.kind = TEST_LOG_CLEAR, .block_number = 14, .log_index = 4};

	assert_int_equal(give_range(test, &log, 1), OUTCOME_OK);
	assert_int_equal(give_block(test, 14, CANONICAL), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
	assert_non_null(strstr(test->error.text, "ClearV2 without its AfterClear in block 14"));
	/* Until it is to be taken as it is. */
	range_reader_start(&test->reader, (struct block_range){10, 20}, &patient);
	assert_int_equal(give_range(test, &log, 1), OUTCOME_OK);
	assert_int_equal(give_block(test, 14, CANONICAL), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
}

static void a_log_outside_the_range_is_refused_with_the_whole_answer(void **state)
{
	struct test_answers *test = *state;
	const struct test_log logs[] = {
		{.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 0},
		{.kind = TEST_LOG_TAKE, .block_number = 21, .log_index = 0},
	};

	assert_int_equal(give_block(test, 20, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(test, logs, 2), OUTCOME_REJECTED);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
}

static void the_header_of_another_block_is_refused(void **state)
{
	struct test_answers *test = *state;

	assert_int_equal(give_block(test, 19, CANONICAL), OUTCOME_REJECTED);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
}

static void the_answer_to_another_question_is_refused(void **state)
{
	struct test_answers *test = *state;

	assert_int_equal(give_block(test, 20, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_text(test, "{\"jsonrpc\":\"2.0\",\"id\":40,\"result\":[]}"),
			 OUTCOME_REJECTED);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
}

static void garbage_and_nothing_at_all_are_refused(void **state)
{
	struct test_answers *test = *state;

	assert_int_equal(give_text(test, "<html>busy</html>"), OUTCOME_REJECTED);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
	assert_int_equal(give_text(test, ""), OUTCOME_REJECTED);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
}

static void too_large_is_said_of_logs_only(void **state)
{
	static const char too_large[] = "\"error\":{\"code\":-32005,\"message\":\"query returned "
					"more than 10000 results\"}}";
	struct test_answers *test = *state;
	char text[256];

	(void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":40,%s", too_large);
	assert_int_not_equal(give_text(test, text), OUTCOME_OK);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
	range_reader_start(&test->reader, (struct block_range){10, 20}, &plain);
	assert_int_equal(give_block(test, 20, CANONICAL), OUTCOME_OK);
	(void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":42,%s", too_large);
	assert_int_equal(give_text(test, text), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_RANGE_TOO_LARGE);
}

static void a_failed_transport_is_handed_on(void **state)
{
	struct test_answers *test = *state;

	assert_int_equal(give_transport(test, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE),
			 OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_UNREACHABLE);
	assert_int_equal(give_transport(test, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED),
			 OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_RATE_LIMITED);
}

static void started_again_it_knows_nothing_of_before(void **state)
{
	struct test_answers *test = *state;
	const struct test_log log = {.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 0};

	assert_int_equal(give_range(test, &log, 1), OUTCOME_OK);
	range_reader_start(&test->reader, (struct block_range){10, 20}, &plain);
	assert_int_equal(give_range(test, NULL, 0), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_int_equal(test->reader.logs.count, 0);
}

#define READER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* A linked range of three blocks up to the logs; its headers are asked for from the last one down.
 */
static void begin_linked(struct test_answers *test, const struct test_log *logs, size_t count)
{
	range_reader_start(&test->reader, (struct block_range){10, 12}, &linked);
	assert_int_equal(give_block(test, 12, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(test, logs, count), OUTCOME_OK);
}

static enum outcome give_bloom(struct test_answers *test, uint64_t number, enum test_bloom bloom)
{
	const struct test_header header = {.number = number, .branch = CANONICAL, .bloom = bloom};

	return give_header(test, &header);
}

static const struct test_log at_strangers[] = {
	{.kind = TEST_LOG_STRANGERS_TAKE, .block_number = 11, .log_index = 1},
};

static void a_linked_range_has_every_header(void **state)
{
	struct test_answers *test = *state;

	begin_linked(test, NULL, 0);
	assert_int_equal(give_bloom(test, 12, TEST_BLOOM_ZERO), OUTCOME_OK);
	assert_int_equal(give_bloom(test, 11, TEST_BLOOM_STRANGERS), OUTCOME_OK);
	assert_false(range_reader_is_complete(&test->reader));
	/* More than half of its bits are set: no reason to doubt. */
	assert_int_equal(give_bloom(test, 10, TEST_BLOOM_FULL), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_int_equal(range_reader_block(&test->reader, 10)->timestamp, 100);
	assert_null(range_reader_block(&test->reader, 9));
}

/* Answers a batch about the blocks from last down to first, which must be what was asked for. */
static enum outcome give_batch(struct test_answers *test, uint64_t last, uint64_t first,
			       unsigned int branch)
{
	struct buffer request;

	buffer_init(&request, BUFFER_MAX_HTTP_REQUEST);
	range_reader_request(&test->reader, test->next_id, &request);
	assert_int_equal(buffer_text(&request)[0], '[');
	buffer_free(&request);
	test->length = 0;
	for (uint64_t number = last; number >= first; number--) {
		write_text(test, "%s{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":{",
			   number == last ? "[" : ",",
			   (unsigned long long)(test->next_id + last - number));
		write_text(test,
			   "\"number\":\"0x%llx\",\"hash\":\"0x%02x%062llx\","
			   "\"parentHash\":\"0x%02x%062llx\",\"timestamp\":\"0x1\"}}",
			   (unsigned long long)number, branch, (unsigned long long)number, branch,
			   (unsigned long long)number - 1);
	}
	write_text(test, "]");
	return give(test);
}

static void begin_in_batches(struct test_answers *test, bool *takes_batches)
{
	const struct range_reading reading = {.linked = true, .takes_batches = takes_batches};

	range_reader_start(&test->reader, (struct block_range){10, 13}, &reading);
	assert_int_equal(give_block(test, 13, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
}

static void headers_are_asked_for_in_one_batch(void **state)
{
	struct test_answers *test = *state;
	bool takes_batches = true;

	begin_in_batches(test, &takes_batches);
	assert_int_equal(give_batch(test, 13, 10, CANONICAL), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_non_null(range_reader_block(&test->reader, 10));
	/* One call of it that is not answered fails the attempt, like any question. */
	begin_in_batches(test, &takes_batches);
	assert_int_equal(give_batch(test, 13, 11, CANONICAL), OUTCOME_REJECTED);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
	assert_true(takes_batches);
	/* The last block, which is in it once more, is another than before the logs. */
	begin_in_batches(test, &takes_batches);
	assert_int_equal(give_batch(test, 13, 10, OTHER), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
	assert_false(range_reader_is_complete(&test->reader));
}

static void a_node_that_takes_no_batches_is_asked_one_by_one(void **state)
{
	struct test_answers *test = *state;
	bool takes_batches = true;

	begin_in_batches(test, &takes_batches);
	assert_int_equal(give_text(test, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":"
					 "-32600,\"message\":\"no batches\"}}"),
			 OUTCOME_OK);
	assert_false(takes_batches);
	for (uint64_t number = 13; number >= 10; number--) {
		assert_false(range_reader_is_complete(&test->reader));
		assert_int_equal(give_block(test, number, CANONICAL), OUTCOME_OK);
	}
	assert_true(range_reader_is_complete(&test->reader));
}

static void a_batch_that_is_too_much_for_now_is_no_refusal_of_batches(void **state)
{
	struct test_answers *test = *state;
	bool takes_batches = true;

	begin_in_batches(test, &takes_batches);
	assert_int_equal(give_text(test, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":"
					 "429,\"message\":\"slow down\"}}"),
			 OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_RATE_LIMITED);
	assert_true(takes_batches);
}

static void of_other_peoples_events_a_final_range_keeps_the_place_alone(void **state)
{
	static const struct test_log logs[] = {
		{.kind = TEST_LOG_STRANGERS_TAKE, .block_number = 11, .log_index = 1},
		{.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 1},
	};
	struct test_answers *test = *state;

	assert_int_equal(give_block(test, 20, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(test, logs, 2), OUTCOME_OK);
	assert_int_equal(test->reader.logs.count, 2);
	assert_true(test->reader.logs.items[0].data_dropped);
	assert_int_equal(evm_logs_data(&test->reader.logs, &test->reader.logs.items[0]).length, 0);
	assert_false(test->reader.logs.items[1].data_dropped);
	/* In a linked one they are compared with receipts. */
	begin_linked(test, at_strangers, 1);
	assert_false(test->reader.logs.items[0].data_dropped);
}

static void a_header_that_is_not_the_parent_discards_the_range(void **state)
{
	struct test_answers *test = *state;
	const struct test_header other = {
		.number = 11, .branch = OTHER, .parent_branch = CANONICAL};

	begin_linked(test, NULL, 0);
	assert_int_equal(give_bloom(test, 12, TEST_BLOOM_ZERO), OUTCOME_OK);
	assert_int_equal(give_header(test, &other), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_BEHIND);
}

static const struct test_log at_11[] = {
	{.kind = TEST_LOG_TAKE, .block_number = 11, .log_index = 0},
	{.kind = TEST_LOG_TAKE, .block_number = 11, .log_index = 1},
};

/* Up to the question about block 11. */
static void doubt_11(struct test_answers *test, const struct test_log *logs, size_t count)
{
	begin_linked(test, logs, count);
	assert_int_equal(give_bloom(test, 12, TEST_BLOOM_ZERO), OUTCOME_OK);
	assert_int_equal(give_bloom(test, 11, TEST_BLOOM_OURS), OUTCOME_OK);
	assert_int_equal(give_bloom(test, 10, TEST_BLOOM_ZERO), OUTCOME_OK);
	assert_false(range_reader_is_complete(&test->reader));
}

static void a_block_with_logs_is_read_by_its_hash_as_well(void **state)
{
	struct test_answers *test = *state;

	doubt_11(test, at_11, 2);
	assert_int_equal(give_logs(test, at_11, 2), OUTCOME_OK);
	assert_false(range_reader_is_complete(&test->reader));
	assert_int_equal(give_receipts(test, at_11, 2, true), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	/* A log that both answers lack is taken from the receipts. */
	doubt_11(test, at_11, 1);
	assert_int_equal(give_logs(test, at_11, 1), OUTCOME_OK);
	assert_int_equal(give_receipts(test, at_11, 2, true), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_int_equal(test->reader.logs.count, 2);
	/* Receipts that lack one are not believed. */
	doubt_11(test, at_11, 2);
	assert_int_equal(give_logs(test, at_11, 2), OUTCOME_OK);
	assert_int_equal(give_receipts(test, at_11, 1, true), OUTCOME_RETRY);
	/* An answer that lacked one of them is not believed. */
	doubt_11(test, at_11, 1);
	assert_int_equal(give_logs(test, at_11, 2), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
	assert_non_null(strstr(test->error.text, "block 11 disagree"));
}

static void a_bloom_that_asks_for_logs_is_settled_by_the_receipts(void **state)
{
	struct test_answers *test = *state;

	/* The bits of others, by chance: there is no such log. */
	doubt_11(test, NULL, 0);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_receipts(test, NULL, 0, true), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_int_equal(test->reader.logs.count, 0);
	/* The node's index of logs has a hole. */
	doubt_11(test, NULL, 0);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_receipts(test, at_11, 2, true), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_int_equal(test->reader.logs.count, 2);
	assert_int_equal(test->reader.logs.items[1].block_timestamp, 110);
}

static enum outcome refuse_receipts(struct test_answers *test)
{
	ask(test);
	assert_string_equal(test->method, "eth_getBlockReceipts");
	write_text(test,
		   "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"error\":{\"code\":-32601,"
		   "\"message\":\"the method does not exist\"}}",
		   (unsigned long long)test->next_id);
	return give(test);
}

static void two_answers_that_agree_are_enough_where_there_are_no_receipts(void **state)
{
	struct test_answers *test = *state;

	doubt_11(test, at_11, 2);
	assert_int_equal(give_logs(test, at_11, 2), OUTCOME_OK);
	assert_int_equal(refuse_receipts(test), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_false(range_reader_block(&test->reader, 11)->arbitrated);
}

static void an_answer_that_was_cut_is_asked_for_again(void **state)
{
	struct test_answers *test = *state;

	doubt_11(test, NULL, 0);
	assert_int_equal(give_logs(test, at_11, 1), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
}

static void receipts_that_cannot_be_settle_nothing(void **state)
{
	struct test_answers *test = *state;
	const struct test_log other = {
		.kind = TEST_LOG_TAKE, .block_number = 11, .log_index = 0, .branch = OTHER};

	doubt_11(test, NULL, 0);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_receipts(test, NULL, 0, false), OUTCOME_RETRY);
	assert_non_null(strstr(test->error.text, "no receipts for block 11"));
	doubt_11(test, NULL, 0);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_receipts(test, &other, 1, true), OUTCOME_REJECTED);
	doubt_11(test, NULL, 0);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
	assert_int_not_equal(refuse_receipts(test), OUTCOME_OK);
	assert_non_null(strstr(test->error.text, "LOGS_BLOOM=ignore"));
}

static void a_log_that_the_bloom_excludes_is_invented(void **state)
{
	struct test_answers *test = *state;

	begin_linked(test, at_11, 1);
	assert_int_equal(give_bloom(test, 12, TEST_BLOOM_ZERO), OUTCOME_OK);
	assert_int_equal(give_bloom(test, 11, TEST_BLOOM_STRANGERS), OUTCOME_REJECTED);
	assert_non_null(strstr(test->error.text, "its logsBloom does not have"));
	/* A chain whose blooms are all zero says nothing by them. */
	begin_linked(test, at_11, 1);
	assert_int_equal(give_bloom(test, 12, TEST_BLOOM_ZERO), OUTCOME_OK);
	assert_int_equal(give_bloom(test, 11, TEST_BLOOM_ZERO), OUTCOME_OK);
	assert_int_equal(give_bloom(test, 10, TEST_BLOOM_ZERO), OUTCOME_OK);
	assert_int_equal(give_logs(test, at_11, 1), OUTCOME_OK);
	assert_int_equal(give_receipts(test, at_11, 1, true), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
}

static void blooms_can_be_ignored(void **state)
{
	struct test_answers *test = *state;

	test->reader.bloom = NULL;
	begin_linked(test, NULL, 0);
	assert_int_equal(give_bloom(test, 12, TEST_BLOOM_OURS), OUTCOME_OK);
	assert_int_equal(give_bloom(test, 11, TEST_BLOOM_OURS), OUTCOME_OK);
	assert_int_equal(give_bloom(test, 10, TEST_BLOOM_OURS), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
}

static void a_doubt_from_the_queue_is_asked_about(void **state)
{
	struct test_answers *test = *state;
	const struct evm_word hash = {.bytes = {[0] = CANONICAL, [31] = 11}};

	assert_int_equal(give_range(test, NULL, 0), OUTCOME_OK);
	/* The header first; with the event's hash, the block's logs and receipts. */
	range_reader_doubt(&test->reader, 11, &hash);
	assert_false(range_reader_is_complete(&test->reader));
	assert_int_equal(give_block(test, 11, CANONICAL), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	range_reader_doubt(&test->reader, 11, &hash);
	assert_int_equal(give_logs(test, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_receipts(test, NULL, 0, true), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_true(range_reader_block(&test->reader, 11)->arbitrated);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		READER_TEST(an_empty_range_is_complete_when_its_last_block_stood_still),
		READER_TEST(events_are_proven_by_the_headers_of_their_blocks),
		READER_TEST(a_node_without_the_last_block_is_behind),
		READER_TEST(a_last_block_that_is_gone_after_the_logs_is_behind),
		READER_TEST(a_last_block_that_changed_meanwhile_discards_the_answer),
		READER_TEST(an_event_of_another_branch_discards_the_answer),
		READER_TEST(an_event_of_the_last_block_on_another_branch_discards_it_too),
		READER_TEST(two_events_of_one_block_with_different_hashes_discard_it),
		READER_TEST(a_clear_and_its_after_clear_stand_in_one_block),
		READER_TEST(a_clear_without_its_after_clear_looks_truncated),
		READER_TEST(a_log_outside_the_range_is_refused_with_the_whole_answer),
		READER_TEST(the_header_of_another_block_is_refused),
		READER_TEST(the_answer_to_another_question_is_refused),
		READER_TEST(garbage_and_nothing_at_all_are_refused),
		READER_TEST(too_large_is_said_of_logs_only),
		READER_TEST(a_failed_transport_is_handed_on),
		READER_TEST(started_again_it_knows_nothing_of_before),
		READER_TEST(headers_are_asked_for_in_one_batch),
		READER_TEST(a_node_that_takes_no_batches_is_asked_one_by_one),
		READER_TEST(a_batch_that_is_too_much_for_now_is_no_refusal_of_batches),
		READER_TEST(of_other_peoples_events_a_final_range_keeps_the_place_alone),
		cmocka_unit_test_setup_teardown(a_linked_range_has_every_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_header_that_is_not_the_parent_discards_the_range,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_block_with_logs_is_read_by_its_hash_as_well,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_bloom_that_asks_for_logs_is_settled_by_the_receipts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_that_was_cut_is_asked_for_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			two_answers_that_agree_are_enough_where_there_are_no_receipts, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(receipts_that_cannot_be_settle_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_log_that_the_bloom_excludes_is_invented, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(blooms_can_be_ignored, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_doubt_from_the_queue_is_asked_about, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
