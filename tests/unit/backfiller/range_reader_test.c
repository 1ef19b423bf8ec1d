/* One attempt at one range, with a node that tells the truth and with one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/backfiller/test_answers.h"

static int set_up(void **state)
{
	static struct test_answers test;

	answers_init(&test);
	range_reader_start(&test.reader, (struct block_range){10, 20}, false);
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
	assert_int_equal(give_block(test, 12, CANONICAL), OUTCOME_OK);
	assert_false(range_reader_is_complete(&test->reader));
	/* Block 13 has nothing of ours and is not asked for, nor is block 20 once more. */
	assert_int_equal(give_block(test, 14, CANONICAL), OUTCOME_OK);
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
	assert_int_equal(give_block(test, 12, CANONICAL), OUTCOME_OK);
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
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
	assert_non_null(strstr(test->error.text, "without its AfterClear"));
}

static void a_clear_without_its_after_clear_looks_truncated(void **state)
{
	struct test_answers *test = *state;
	const struct test_log log = {.kind = TEST_LOG_CLEAR, .block_number = 14, .log_index = 4};

	assert_int_equal(give_range(test, &log, 1), OUTCOME_RETRY);
	assert_int_equal(test->error.kind, ERROR_KIND_MALFORMED);
	assert_non_null(strstr(test->error.text, "ClearV2 without its AfterClear in block 14"));
	/* Until it is to be taken as it is. */
	range_reader_start(&test->reader, (struct block_range){10, 20}, true);
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
	assert_int_equal(give_transport(test, OUTCOME_OK, ERROR_KIND_NONE), OUTCOME_REJECTED);
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
	range_reader_start(&test->reader, (struct block_range){10, 20}, false);
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
	range_reader_start(&test->reader, (struct block_range){10, 20}, false);
	assert_int_equal(give_range(test, NULL, 0), OUTCOME_OK);
	assert_true(range_reader_is_complete(&test->reader));
	assert_int_equal(test->reader.logs.count, 0);
}

#define READER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
