/* An answer with logs as it arrives: limits, data that is let go, lists with something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_logs_stream.h"

#include <stdio.h>
#include <string.h>

#define ID   17
#define HASH "0x00000000000000000000000000000000000000000000000000000000000000"
#define LOG(index)                                                                                 \
	"{\"address\":\"0x00000000000000000000000000000000000000ab\",\"topics\":[\"" HASH "0a\"]," \
	"\"data\":\"0xc0ffee\",\"blockNumber\":\"0x13\",\"blockHash\":\"" HASH "b1\","             \
	"\"transactionHash\":\"" HASH "77\",\"logIndex\":\"" index "\"}"
#define ANSWER(logs) "{\"jsonrpc\":\"2.0\",\"id\":17,\"result\":[" logs "]}"

struct fixture {
	struct evm_address address;
	struct evm_word topic;
	struct evm_logs logs;
	struct evm_logs_stream stream;
	struct evm_logs_stream_options options;
	struct buffer rest;
	struct error error;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.address.bytes[EVM_ADDRESS_SIZE - 1] = 0xab;
	fixture.topic.bytes[EVM_WORD_SIZE - 1] = 0x0a;
	fixture.options.question = (struct evm_logs_question){.address = &fixture.address,
							      .topic_choices = &fixture.topic,
							      .topic_count = 1,
							      .last_block = 0x20};
	evm_logs_init(&fixture.logs);
	evm_logs_stream_init(&fixture.stream, &fixture.logs);
	buffer_init(&fixture.rest, 4 * 1024 * 1024);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	evm_logs_stream_free(&fixture->stream);
	evm_logs_free(&fixture->logs);
	buffer_free(&fixture->rest);
	return 0;
}

static bool feed(struct fixture *fixture, const char *text)
{
	evm_logs_stream_begin(&fixture->stream, &fixture->options);
	buffer_clear(&fixture->rest);
	return evm_logs_stream_feed(&fixture->stream, text, strlen(text), &fixture->rest);
}

static enum outcome judge(struct fixture *fixture, const char *text)
{
	struct bytes rest;

	assert_true(feed(fixture, text));
	rest.data = (const uint8_t *)buffer_text(&fixture->rest);
	rest.length = fixture->rest.length;
	fixture->error = (struct error){.kind = ERROR_KIND_NONE};
	return evm_logs_stream_end(&fixture->stream, rest, ID, &fixture->error);
}

static void logs_are_kept_in_order_one_answer_after_another(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(judge(fixture, ANSWER(LOG("0x2") "," LOG("0x1"))), OUTCOME_OK);
	assert_int_equal(fixture->logs.count, 2);
	assert_int_equal(fixture->logs.items[0].log_index, 1);
	assert_memory_equal(evm_logs_data(&fixture->logs, &fixture->logs.items[1]).data,
			    "\xc0\xff\xee", 3);
	assert_int_equal(judge(fixture, ANSWER("")), OUTCOME_OK);
	assert_int_equal(fixture->logs.count, 0);
}

static void a_list_with_something_else_is_refused(void **state)
{
	static const char *const bad[] = {
		ANSWER("0"),
		ANSWER(LOG("0x1") ",0"),
		ANSWER(LOG("0x1") ",null"),
		ANSWER("[]"),
		ANSWER("{}"),
		ANSWER(LOG("0x1") " " LOG("0x2")),
		ANSWER(LOG("0x1") ","),
		"{\"id\":17,\"result\":0}",
		ANSWER("{\"data\":\"0x\"}"),
		"{\"id\":17,\"result\":[" LOG("0x1"),
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_int_equal(judge(fixture, bad[i]), OUTCOME_REJECTED);
		assert_int_equal(fixture->error.kind, ERROR_KIND_MALFORMED);
		assert_int_equal(fixture->logs.count, 0);
	}
}

static void the_first_wrong_log_decides_and_no_later_one_is_read(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(judge(fixture, ANSWER(LOG("1") "," LOG("0x2"))), OUTCOME_REJECTED);
	assert_string_equal(fixture->error.text, "a log with a missing or malformed field");
	assert_int_equal(judge(fixture, ANSWER(LOG("0x2") "," LOG("0x2"))), OUTCOME_REJECTED);
	assert_string_equal(fixture->error.text, "the same log twice");
	/* An error of the node counts more than what stands beside it. */
	assert_int_equal(judge(fixture, "{\"id\":17,\"error\":{\"code\":-32005,\"message\":"
					"\"query returned more than 10000 results\"}}"),
			 OUTCOME_RETRY);
	assert_int_equal(fixture->error.kind, ERROR_KIND_RANGE_TOO_LARGE);
}

static void more_logs_or_more_data_than_wanted_end_the_answer(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.maximum_logs = 2;
	assert_int_equal(judge(fixture, ANSWER(LOG("0x1") "," LOG("0x2"))), OUTCOME_OK);
	assert_false(feed(fixture, ANSWER(LOG("0x1") "," LOG("0x2") "," LOG("0x3"))));
	fixture->options.maximum_logs = 0;
	fixture->options.maximum_bytes = 6;
	assert_int_equal(judge(fixture, ANSWER(LOG("0x1") "," LOG("0x2"))), OUTCOME_OK);
	assert_false(feed(fixture, ANSWER(LOG("0x1") "," LOG("0x2") "," LOG("0x3"))));
}

static void a_page_without_end_ends_the_answer(void **state)
{
	static char page[2 * 1024 * 1024];

	memset(page, ' ', sizeof(page) - 1);
	assert_false(feed(*state, page));
}

static bool has_even_index(void *context, const struct evm_logs *logs, const struct evm_log *log)
{
	(void)context;
	assert_int_equal(evm_logs_data(logs, log).length, 3);
	return log->log_index % 2 == 0;
}

static void data_that_is_not_wanted_is_let_go(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.keeps_data = has_even_index;
	fixture->options.maximum_bytes = 3;
	assert_int_equal(judge(fixture, ANSWER(LOG("0x1") "," LOG("0x2") "," LOG("0x3"))),
			 OUTCOME_OK);
	assert_int_equal(fixture->logs.count, 3);
	assert_true(fixture->logs.items[0].data_dropped);
	assert_int_equal(evm_logs_data(&fixture->logs, &fixture->logs.items[0]).length, 0);
	assert_false(fixture->logs.items[1].data_dropped);
	assert_int_equal(fixture->logs.data.length, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(logs_are_kept_in_order_one_answer_after_another),
		TEST(a_list_with_something_else_is_refused),
		TEST(the_first_wrong_log_decides_and_no_later_one_is_read),
		TEST(more_logs_or_more_data_than_wanted_end_the_answer),
		TEST(a_page_without_end_ends_the_answer),
		TEST(data_that_is_not_wanted_is_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
