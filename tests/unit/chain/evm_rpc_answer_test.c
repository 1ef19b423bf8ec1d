/* Answers of a node: each is right in every field, or refused whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID   17
#define HASH "0x00000000000000000000000000000000000000000000000000000000000000"

/* The members of a log as we asked for it; each macro is one of them. */
#define ADDRESS "\"address\":\"0x00000000000000000000000000000000000000ab\","
#define TOPICS	"\"topics\":[\"" HASH "0a\"],"
#define DATA	"\"data\":\"0xc0ffee\","
#define NUMBER	"\"blockNumber\":\"0x13\","
#define BLOCK	"\"blockHash\":\"" HASH "b1\","
#define TX	"\"transactionHash\":\"" HASH "77\","
#define INDEX	"\"logIndex\":\"0x4\""
#define LOG	ADDRESS TOPICS DATA NUMBER BLOCK TX INDEX

struct fixture {
	struct evm_address address;
	struct evm_word topics[2];
	struct evm_logs logs;
	struct error error;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.address.bytes[EVM_ADDRESS_SIZE - 1] = 0xab;
	fixture.topics[0].bytes[EVM_WORD_SIZE - 1] = 0x0a;
	fixture.topics[1].bytes[EVM_WORD_SIZE - 1] = 0x0b;
	evm_logs_init(&fixture.logs);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	evm_logs_free(&fixture->logs);
	return 0;
}

/* The answer to a question about blocks 0x10 to 0x20. */
static enum outcome judge_logs_text(struct fixture *fixture, const char *text)
{
	fixture->error = (struct error){.kind = ERROR_KIND_NONE};
	return evm_rpc_answer_logs(text, strlen(text), ID, &fixture->address, fixture->topics, 2,
				   0x10, 0x20, &fixture->logs, &fixture->error);
}

static enum outcome judge_logs(struct fixture *fixture, const char *result)
{
	char text[8192];

	assert_true(snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":%s}",
			     ID, result) < (int)sizeof(text));
	return judge_logs_text(fixture, text);
}

static void assert_logs_refused(struct fixture *fixture, const char *result)
{
	/* A good log before the bad one: nothing of it may stay. */
	assert_int_equal(judge_logs(fixture, "[{" LOG "}]"), OUTCOME_OK);
	if (judge_logs(fixture, result) != OUTCOME_REJECTED ||
	    fixture->error.kind != ERROR_KIND_MALFORMED)
		fail_msg("accepted: %s", result);
	/* It is the log that is wrong, not a slip of this test. */
	assert_null(strstr(fixture->error.text, "not JSON"));
	assert_int_equal(fixture->logs.count, 0);
	assert_int_equal(fixture->logs.data.length, 0);
}

static void no_logs_is_an_answer(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(judge_logs(fixture, "[]"), OUTCOME_OK);
	assert_int_equal(fixture->logs.count, 0);
}

static void a_log_is_read_in_every_field(void **state)
{
	static const uint8_t data[] = {0xc0, 0xff, 0xee};
	struct fixture *fixture = *state;
	const struct evm_log *log;

	assert_int_equal(judge_logs(fixture,
				    "[{" LOG ",\"removed\":false,\"blockTimestamp\":\"0x6553f100\","
				    "\"transactionIndex\":null,\"other\":[1,2]}]"),
			 OUTCOME_OK);
	assert_int_equal(fixture->logs.count, 1);
	log = &fixture->logs.items[0];
	assert_memory_equal(&log->address, &fixture->address, sizeof(log->address));
	assert_int_equal(log->topic_count, 1);
	assert_memory_equal(&log->topics[0], &fixture->topics[0], sizeof(log->topics[0]));
	assert_int_equal(log->block_number, 0x13);
	assert_int_equal(log->block_hash.bytes[31], 0xb1);
	assert_int_equal(log->tx_hash.bytes[31], 0x77);
	assert_int_equal(log->log_index, 4);
	assert_false(log->removed);
	assert_true(log->has_block_timestamp);
	assert_int_equal(log->block_timestamp, 1700000000);
	assert_int_equal(evm_logs_data(&fixture->logs, log).length, sizeof(data));
	assert_memory_equal(evm_logs_data(&fixture->logs, log).data, data, sizeof(data));
}

static void a_block_timestamp_may_be_absent_or_null(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(judge_logs(fixture, "[{" LOG "}]"), OUTCOME_OK);
	assert_false(fixture->logs.items[0].has_block_timestamp);
	assert_int_equal(judge_logs(fixture, "[{" LOG ",\"blockTimestamp\":null}]"), OUTCOME_OK);
	assert_false(fixture->logs.items[0].has_block_timestamp);
	assert_logs_refused(fixture, "[{" LOG ",\"blockTimestamp\":1700000000}]");
	assert_logs_refused(fixture, "[{" LOG ",\"blockTimestamp\":\"\"}]");
}

static void logs_come_out_in_chain_order(void **state)
{
	struct fixture *fixture = *state;

#define AT(number, index)                                                                          \
	"{" ADDRESS TOPICS DATA BLOCK TX "\"blockNumber\":\"" number "\",\"logIndex\":\"" index    \
	"\"}"
	assert_int_equal(judge_logs(fixture, "[" AT("0x20", "0x0") "," AT("0x10", "0xa") "," AT(
						     "0x10", "0x9") "]"),
			 OUTCOME_OK);
	assert_int_equal(fixture->logs.count, 3);
	assert_int_equal(fixture->logs.items[0].log_index, 9);
	assert_int_equal(fixture->logs.items[1].log_index, 10);
	assert_int_equal(fixture->logs.items[2].block_number, 0x20);
	/* The same place twice, not side by side in the answer. */
	assert_logs_refused(fixture,
			    "[" AT("0x10", "0x9") "," AT("0x10", "0xa") "," AT("0x10", "0x9") "]");
#undef AT
}

static void a_missing_or_odd_field_refuses_the_whole_answer(void **state)
{
	static const char *const results[] = {
		"null",
		"{}",
		"\"0x\"",
		"[null]",
		"[17]",
		"[[]]",
		"[\"" HASH "0a\"]",
		"[{}]",
		"[{" TOPICS DATA NUMBER BLOCK TX INDEX "}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX "}]",
		"[{" ADDRESS TOPICS NUMBER BLOCK TX INDEX "}]",
		"[{" ADDRESS TOPICS DATA BLOCK TX INDEX "}]",
		"[{" ADDRESS TOPICS DATA NUMBER TX INDEX "}]",
		"[{" ADDRESS TOPICS DATA NUMBER BLOCK INDEX "}]",
		"[{" ADDRESS TOPICS DATA NUMBER BLOCK TX "\"other\":1}]",
		/* pending: without a block */
		"[{" ADDRESS TOPICS DATA BLOCK TX INDEX ",\"blockNumber\":null}]",
		"[{" ADDRESS TOPICS DATA NUMBER TX INDEX ",\"blockHash\":null}]",
		"[{" ADDRESS TOPICS DATA NUMBER BLOCK TX "\"logIndex\":null}]",
		"[{" ADDRESS TOPICS DATA BLOCK TX INDEX ",\"blockNumber\":19}]",
		"[{" ADDRESS TOPICS DATA BLOCK TX INDEX ",\"blockNumber\":\"19\"}]",
		"[{" ADDRESS TOPICS DATA NUMBER BLOCK TX "\"logIndex\":\"0x8000000000000000\"}]",
		"[{" ADDRESS TOPICS DATA NUMBER TX INDEX ",\"blockHash\":\"0xb1\"}]",
		"[{" ADDRESS TOPICS DATA NUMBER BLOCK INDEX ",\"transactionHash\":\"" HASH "7\"}]",
		"[{" ADDRESS TOPICS DATA NUMBER BLOCK INDEX ",\"transactionHash\":\"" HASH
		"777\"}]",
		"[{" ADDRESS TOPICS DATA NUMBER BLOCK INDEX ",\"transactionHash\":\"" HASH "7g\"}]",
		"[{" TOPICS DATA NUMBER BLOCK TX INDEX ",\"address\":\"0xab\"}]",
		"[{" TOPICS DATA NUMBER BLOCK TX INDEX ",\"address\":\"" HASH "ab\"}]",
		"[{" ADDRESS TOPICS NUMBER BLOCK TX INDEX ",\"data\":null}]",
		"[{" ADDRESS TOPICS NUMBER BLOCK TX INDEX ",\"data\":\"\"}]",
		"[{" ADDRESS TOPICS NUMBER BLOCK TX INDEX ",\"data\":\"c0ffee\"}]",
		"[{" ADDRESS TOPICS NUMBER BLOCK TX INDEX ",\"data\":\"0xc0ffe\"}]",
		"[{" ADDRESS TOPICS NUMBER BLOCK TX INDEX ",\"data\":\"0xc0fxee\"}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":null}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":\"" HASH "0a\"}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":[null]}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":[\"0x0a\"]}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":[\"" HASH "0a\",null]}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":[\"" HASH "0a\",\"" HASH
		"0a\",\"" HASH "0a\",\"" HASH "0a\",\"" HASH "0a\"]}]",
		"[{" LOG ",\"removed\":null}]",
		"[{" LOG ",\"removed\":\"false\"}]",
		"[{" LOG ",\"removed\":0}]",
		"[{" LOG "},{}]",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(results); i++)
		assert_logs_refused(*state, results[i]);
}

static void what_was_not_asked_for_refuses_the_whole_answer(void **state)
{
	static const char *const results[] = {
		/* another contract */
		"[{" TOPICS DATA NUMBER BLOCK TX INDEX
		",\"address\":\"0x00000000000000000000000000000000000000ac\"}]",
		/* another topic, no topic, the right one in second place */
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":[\"" HASH "0c\"]}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":[]}]",
		"[{" ADDRESS DATA NUMBER BLOCK TX INDEX ",\"topics\":[\"" HASH "0c\",\"" HASH
		"0a\"]}]",
		/* blocks before and behind the range */
		"[{" ADDRESS TOPICS DATA BLOCK TX INDEX ",\"blockNumber\":\"0xf\"}]",
		"[{" ADDRESS TOPICS DATA BLOCK TX INDEX ",\"blockNumber\":\"0x21\"}]",
		/* a block that left the chain */
		"[{" LOG ",\"removed\":true}]",
		/* twice the same place, whatever else differs */
		"[{" LOG "},{" LOG "}]",
		"[{" LOG "},{" ADDRESS TOPICS NUMBER BLOCK TX INDEX ",\"data\":\"0x\"}]",
	};

	for (size_t i = 0; i < ARRAY_LENGTH(results); i++)
		assert_logs_refused(*state, results[i]);
}

static void the_first_and_the_last_block_of_the_range_belong_to_it(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(judge_logs(fixture, "[{" ADDRESS TOPICS DATA BLOCK TX INDEX
					     ",\"blockNumber\":\"0x10\"}]"),
			 OUTCOME_OK);
	assert_int_equal(judge_logs(fixture, "[{" ADDRESS TOPICS DATA BLOCK TX INDEX
					     ",\"blockNumber\":\"0x20\"}]"),
			 OUTCOME_OK);
	assert_int_equal(judge_logs(fixture, "[{" ADDRESS DATA NUMBER BLOCK TX INDEX
					     ",\"topics\":[\"" HASH "0b\",\"" HASH "01\"]}]"),
			 OUTCOME_OK);
}

static void an_envelope_that_is_not_ours_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"<html>502 Bad Gateway</html>",
		"[]",
		"{}",
		"null",
		"{\"id\":17}",
		"{\"result\":[]}",
		"{\"id\":18,\"result\":[]}",
		"{\"id\":null,\"result\":[]}",
		"{\"id\":17.0,\"result\":[]}",
		"{\"id\":\"0x11\",\"result\":[]}",
		"{\"id\":true,\"result\":[]}",
		"[{\"id\":17,\"result\":[]}]",
		"{\"id\":17,\"id\":17,\"result\":[]}",
		"{\"id\":17,\"result\":[],\"result\":[]}",
		"{\"id\":17,\"result\":[]}{\"id\":17,\"result\":[]}",
		"{\"id\":17,\"result\":[]",
		"{\"id\":17,\"result\":[],\"error\":{\"code\":1,\"message\":\"x\"}}",
		"{\"id\":17,\"error\":{}}",
		"{\"id\":17,\"error\":\"rate limit\"}",
		"{\"id\":17,\"error\":{\"code\":1}}",
		"{\"id\":17,\"error\":{\"message\":\"rate limit\"}}",
		"{\"id\":17,\"error\":{\"code\":\"1\",\"message\":\"rate limit\"}}",
		"{\"id\":18,\"error\":{\"code\":1,\"message\":\"rate limit\"}}",
		"{\"id\":17,\"error\":null}",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		if (judge_logs_text(fixture, texts[i]) != OUTCOME_REJECTED ||
		    fixture->error.kind != ERROR_KIND_MALFORMED)
			fail_msg("accepted: %s", texts[i]);
	}
}

static void an_id_in_a_string_and_a_null_error_are_tolerated(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(judge_logs_text(fixture, "{\"id\":\"17\",\"result\":[]}"), OUTCOME_OK);
	assert_int_equal(judge_logs_text(fixture, "{\"id\":17,\"result\":[],\"error\":null}"),
			 OUTCOME_OK);
}

static void assert_error(struct fixture *fixture, const char *members, enum outcome outcome,
			 enum error_kind kind)
{
	char text[4096];

	assert_true(snprintf(text, sizeof(text), "{\"id\":17,\"error\":{%s}}", members) <
		    (int)sizeof(text));
	if (judge_logs_text(fixture, text) != outcome || fixture->error.kind != kind)
		fail_msg("%s was taken for %s", members, error_kind_name(fixture->error.kind));
	assert_true(fixture->error.text[0] != '\0');
}

static void an_error_is_classified_and_its_words_are_kept_for_people(void **state)
{
	struct fixture *fixture = *state;

	assert_error(fixture,
		     "\"code\":-32005,\"message\":\"query returned more than 10000 results\"",
		     OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
	assert_non_null(strstr(fixture->error.text, "query returned more than 10000 results"));
	assert_non_null(strstr(fixture->error.text, "-32005"));
	assert_error(fixture, "\"code\":429,\"message\":\"\"", OUTCOME_RETRY,
		     ERROR_KIND_RATE_LIMITED);
	assert_error(fixture,
		     "\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x08c379a0\"",
		     OUTCOME_REJECTED, ERROR_KIND_RPC);
	assert_error(fixture, "\"code\":-32603,\"message\":\"Internal error\"", OUTCOME_RETRY,
		     ERROR_KIND_RPC);
	assert_int_equal(judge_logs_text(fixture, "{\"id\":null,\"error\":{\"code\":-32014,"
						  "\"message\":\"block not yet imported\"}}"),
			 OUTCOME_RETRY);
	assert_int_equal(fixture->error.kind, ERROR_KIND_BEHIND);
}

/* "invalid params" alone would be a refusal, and the range would never be split. */
static void the_words_may_stand_in_the_errors_data(void **state)
{
	struct fixture *fixture = *state;

	assert_error(fixture, "\"code\":-32602,\"message\":\"invalid params\"", OUTCOME_REJECTED,
		     ERROR_KIND_RPC);
	assert_error(fixture,
		     "\"code\":-32602,\"message\":\"invalid params\",\"data\":{\"error_id\":\"4e\","
		     "\"payload\":\"range 9009594 is bigger than range limit 2000\"}",
		     OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
	assert_non_null(strstr(fixture->error.text, "bigger than range limit 2000"));
	assert_error(
		fixture,
		"\"code\":-32602,\"message\":\"invalid params\",\"data\":\"Query returned more "
		"than 10000 results. Try with this block range [0x800000, 0x800054].\"",
		OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
	assert_error(fixture, "\"code\":-32602,\"message\":\"invalid params\",\"data\":[1]",
		     OUTCOME_REJECTED, ERROR_KIND_RPC);
	assert_error(fixture,
		     "\"code\":-32602,\"message\":\"invalid params\",\"data\":{\"payload\":7}",
		     OUTCOME_REJECTED, ERROR_KIND_RPC);
}

static void an_endless_message_is_cut(void **state)
{
	struct fixture *fixture = *state;
	char members[3000];
	char filler[2001];

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	assert_true(snprintf(members, sizeof(members),
			     "\"code\":1,\"message\":\"%s\",\"data\":\"rate limit\"",
			     filler) < (int)sizeof(members));
	assert_error(fixture, members, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED);
	assert_true(strlen(fixture->error.text) < ERROR_TEXT_SIZE);
}

static void every_answer_cut_anywhere_is_refused(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":17,\"result\":[{" LOG "}]}";
	struct fixture *fixture = *state;

	assert_int_equal(judge_logs_text(fixture, text), OUTCOME_OK);
	for (size_t length = 0; length < sizeof(text) - 1; length++) {
		char *copy = malloc(length);

		assert_non_null(copy);
		memcpy(copy, text, length);
		assert_int_equal(evm_rpc_answer_logs(copy, length, ID, &fixture->address,
						     fixture->topics, 2, 0x10, 0x20, &fixture->logs,
						     &fixture->error),
				 OUTCOME_REJECTED);
		assert_int_equal(fixture->logs.count, 0);
		free(copy);
	}
}

static enum outcome judge_quantity(const char *result, uint64_t *quantity, struct error *error)
{
	char text[256];

	assert_true(snprintf(text, sizeof(text), "{\"id\":17,\"result\":%s}", result) <
		    (int)sizeof(text));
	return evm_rpc_answer_quantity(text, strlen(text), ID, quantity, error);
}

static void a_quantity_is_read_or_refused(void **state)
{
	static const char *const bad[] = {"null", "1", "\"0x\"", "\"0x8000000000000000\"", "[]"};
	struct error error;
	uint64_t quantity = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_int_equal(judge_quantity(bad[i], &quantity, &error), OUTCOME_REJECTED);
	assert_int_equal(quantity, 77);
	assert_int_equal(judge_quantity("\"0x2105\"", &quantity, &error), OUTCOME_OK);
	assert_int_equal(quantity, 8453);
}

static enum outcome judge_block(const char *result, struct evm_block *block, struct error *error)
{
	char text[1024];

	assert_true(snprintf(text, sizeof(text), "{\"id\":17,\"result\":%s}", result) <
		    (int)sizeof(text));
	*error = (struct error){.kind = ERROR_KIND_NONE};
	return evm_rpc_answer_block(text, strlen(text), ID, block, error);
}

static void a_block_is_read_in_every_field(void **state)
{
	struct evm_block block;
	struct error error;

	(void)state;
	assert_int_equal(judge_block("{\"number\":\"0x13\",\"hash\":\"" HASH
				     "b1\",\"parentHash\":\"" HASH "b0\",\"timestamp\":"
				     "\"0x6553f100\",\"transactions\":[],\"baseFeePerGas\":null}",
				     &block, &error),
			 OUTCOME_OK);
	assert_int_equal(block.number, 0x13);
	assert_int_equal(block.hash.bytes[31], 0xb1);
	assert_int_equal(block.parent_hash.bytes[31], 0xb0);
	assert_int_equal(block.timestamp, 1700000000);
}

#define BATCH_BLOCK(id, number)                                                                    \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{\"number\":\"" number                      \
	"\",\"hash\":\"" HASH "b1\",\"parentHash\":\"" HASH "b0\",\"timestamp\":\"0x1\"}}"

/* The answer to a batch about blocks 0x13 and 0x14. */
static enum outcome judge_batch(const char *text, struct evm_block *blocks, struct error *error)
{
	static const uint64_t numbers[] = {0x13, 0x14};

	*error = (struct error){.kind = ERROR_KIND_NONE};
	return evm_rpc_answer_blocks(text, strlen(text), ID, numbers, 2, blocks, error);
}

static void a_batch_may_be_answered_in_any_order(void **state)
{
	struct evm_block blocks[2] = {{.number = 0}};
	struct error error;

	(void)state;
	assert_int_equal(
		judge_batch("[" BATCH_BLOCK("18", "0x14") "," BATCH_BLOCK("17", "0x13") "]", blocks,
			    &error),
		OUTCOME_OK);
	assert_int_equal(blocks[0].number, 0x13);
	assert_int_equal(blocks[1].number, 0x14);
}

static void a_batch_is_refused_unless_each_call_has_its_answer(void **state)
{
	static const char *const bad[] = {
		"[" BATCH_BLOCK("17", "0x13") "]",
		"[" BATCH_BLOCK("17", "0x13") "," BATCH_BLOCK("17", "0x13") "]",
		"[" BATCH_BLOCK("17", "0x14") "," BATCH_BLOCK("18", "0x13") "]",
		"[" BATCH_BLOCK("17", "0x13") "," BATCH_BLOCK("19", "0x14") "]",
		"[" BATCH_BLOCK("17", "0x13") ",7]",
		BATCH_BLOCK("17", "0x13"),
		"7",
		"[",
	};
	struct evm_block blocks[2];
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_int_equal(judge_batch(bad[i], blocks, &error), OUTCOME_REJECTED);
		assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	}
}

static void an_error_in_a_batch_decides_and_one_error_is_the_whole_answer(void **state)
{
	struct evm_block blocks[2];
	struct error error;

	(void)state;
	assert_int_equal(
		judge_batch(
			"[" BATCH_BLOCK("17", "0x13") ",{\"id\":18,\"error\":{"
						      "\"code\":429,\"message\":\"slow down\"}}]",
			blocks, &error),
		OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_RATE_LIMITED);
	assert_int_equal(judge_batch("[" BATCH_BLOCK("17", "0x13") ",{\"id\":18,\"result\":"
								   "null}]",
				     blocks, &error),
			 OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_BEHIND);
	assert_int_equal(judge_batch("{\"id\":null,\"error\":{\"code\":-32600,\"message\":"
				     "\"no batches\"}}",
				     blocks, &error),
			 OUTCOME_REJECTED);
	assert_int_equal(error.kind, ERROR_KIND_RPC);
}

static void a_block_that_the_node_does_not_have_is_waited_for(void **state)
{
	struct evm_block block;
	struct error error;

	(void)state;
	assert_int_equal(judge_block("null", &block, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_BEHIND);
}

static void a_block_with_a_missing_field_is_refused(void **state)
{
#define N  "\"number\":\"0x13\""
#define H  "\"hash\":\"" HASH "b1\""
#define P  "\"parentHash\":\"" HASH "b0\""
#define TS "\"timestamp\":\"0x6553f100\""
	static const char *const bad[] = {
		"{" H "," P "," TS "}",
		"{" N "," P "," TS "}",
		"{" N "," H "," TS "}",
		"{" N "," H "," P "}",
		"{" N ",\"hash\":null," P "," TS "}",
		"{\"number\":null," H "," P "," TS "}",
		"{" N "," H "," P ",\"timestamp\":1700000000}",
		"[]",
		"\"0x13\"",
	};
	struct evm_block block = {.number = 77};
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_int_equal(judge_block(bad[i], &block, &error), OUTCOME_REJECTED);
		assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
		assert_int_equal(block.number, 77);
	}
	assert_int_equal(judge_block("{" N "," H "," P "," TS "}", &block, &error), OUTCOME_OK);
#undef N
#undef H
#undef P
#undef TS
}

static enum outcome judge_data(const char *result, struct buffer *data, struct error *error)
{
	char text[256];

	assert_true(snprintf(text, sizeof(text), "{\"id\":17,\"result\":%s}", result) <
		    (int)sizeof(text));
	return evm_rpc_answer_data(text, strlen(text), ID, data, error);
}

static void call_data_is_appended_or_refused_without_a_trace(void **state)
{
	static const char *const bad[] = {"null",	  "1",	      "\"\"",	   "\"0xa\"",
					  "\"0xaabbg0\"", "\"aabb\"", "[\"0xaa\"]"};
	struct buffer data;
	struct error error;

	(void)state;
	buffer_init(&data, 4);
	assert_int_equal(judge_data("\"0xaa\"", &data, &error), OUTCOME_OK);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_int_equal(judge_data(bad[i], &data, &error), OUTCOME_REJECTED);
		assert_int_equal(data.length, 1);
	}
	/* Larger than the caller has room for. */
	assert_int_equal(judge_data("\"0x11223344\"", &data, &error), OUTCOME_REJECTED);
	assert_int_equal(data.length, 1);
	assert_int_equal(judge_data("\"0x\"", &data, &error), OUTCOME_OK);
	assert_int_equal(judge_data("\"0xBbCc\"", &data, &error), OUTCOME_OK);
	assert_int_equal(data.length, 3);
	assert_memory_equal(data.bytes, "\xaa\xbb\xcc", 3);
	buffer_free(&data);
}

static void a_subscription_id_is_a_short_text(void **state)
{
	static const char *const bad[] = {"null", "1", "\"\"", "true", "[\"0xcd\"]"};
	struct evm_subscription_id subscription = {.text = "before"};
	struct error error;
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		(void)snprintf(text, sizeof(text), "{\"id\":17,\"result\":%s}", bad[i]);
		assert_int_equal(
			evm_rpc_answer_subscribe(text, strlen(text), ID, &subscription, &error),
			OUTCOME_REJECTED);
	}
	(void)snprintf(text, sizeof(text), "{\"id\":17,\"result\":\"%0*d\"}",
		       EVM_SUBSCRIPTION_ID_SIZE, 0);
	assert_int_equal(evm_rpc_answer_subscribe(text, strlen(text), ID, &subscription, &error),
			 OUTCOME_REJECTED);
	assert_string_equal(subscription.text, "before");
	(void)snprintf(text, sizeof(text), "{\"id\":17,\"result\":\"%0*d\"}",
		       EVM_SUBSCRIPTION_ID_SIZE - 1, 0);
	assert_int_equal(evm_rpc_answer_subscribe(text, strlen(text), ID, &subscription, &error),
			 OUTCOME_OK);
	assert_int_equal(strlen(subscription.text), EVM_SUBSCRIPTION_ID_SIZE - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_logs_is_an_answer),
		TEST(a_log_is_read_in_every_field),
		TEST(a_block_timestamp_may_be_absent_or_null),
		TEST(logs_come_out_in_chain_order),
		TEST(a_missing_or_odd_field_refuses_the_whole_answer),
		TEST(what_was_not_asked_for_refuses_the_whole_answer),
		TEST(the_first_and_the_last_block_of_the_range_belong_to_it),
		TEST(an_envelope_that_is_not_ours_is_refused),
		TEST(an_id_in_a_string_and_a_null_error_are_tolerated),
		TEST(an_error_is_classified_and_its_words_are_kept_for_people),
		TEST(the_words_may_stand_in_the_errors_data),
		TEST(an_endless_message_is_cut),
		TEST(every_answer_cut_anywhere_is_refused),
		TEST(a_quantity_is_read_or_refused),
		TEST(a_block_is_read_in_every_field),
		TEST(a_batch_may_be_answered_in_any_order),
		TEST(a_batch_is_refused_unless_each_call_has_its_answer),
		TEST(an_error_in_a_batch_decides_and_one_error_is_the_whole_answer),
		TEST(a_block_that_the_node_does_not_have_is_waited_for),
		TEST(a_block_with_a_missing_field_is_refused),
		TEST(call_data_is_appended_or_refused_without_a_trace),
		TEST(a_subscription_id_is_a_short_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
