/* What comes over a subscribed connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_rpc.h"

#include <stdio.h>
#include <string.h>

#define HASH "0x00000000000000000000000000000000000000000000000000000000000000"
#define LOG_BEFORE                                                                                 \
	"\"address\":\"0x00000000000000000000000000000000000000ab\",\"topics\":[\"" HASH "0a\"],"
#define LOG_BEHIND                                                                                 \
	",\"blockNumber\":\"0x13\",\"blockHash\":\"" HASH "b1\","                                  \
	"\"transactionHash\":\"" HASH "77\",\"transactionIndex\":\"0x0\",\"logIndex\":\"0x4\""
#define LOG	 LOG_BEFORE "\"data\":\"0xc0ffee\"" LOG_BEHIND
#define LOG_WITH LOG_BEFORE "%s" LOG_BEHIND
#define HEAD                                                                                       \
	"\"number\":\"0x13\",\"hash\":\"" HASH "b1\",\"parentHash\":\"" HASH "b0\","               \
	"\"timestamp\":\"0x6553f100\",\"logsBloom\":\"0x00\""

static enum outcome read_text(const char *text, struct evm_message *message, struct error *error)
{
	return evm_rpc_read_message(text, strlen(text), message, error);
}

/* A notification of subscription 0xcd with these members in its result. */
static enum outcome read_notification(const char *members, struct evm_message *message,
				      struct error *error)
{
	char text[4096];

	assert_true(snprintf(text, sizeof(text),
			     "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":"
			     "{\"subscription\":\"0xcd\",\"result\":{%s}}}",
			     members) < (int)sizeof(text));
	return read_text(text, message, error);
}

static void a_log_is_read_with_its_data(void **state)
{
	static const uint8_t data[] = {0xc0, 0xff, 0xee};
	struct evm_message message;
	struct error error;
	const struct evm_log *log;

	(void)state;
	evm_message_init(&message);
	/* Twice: the second replaces the first. */
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(read_notification(LOG ",\"removed\":false", &message, &error),
				 OUTCOME_OK);
	assert_int_equal(message.kind, EVM_MESSAGE_LOG);
	assert_string_equal(message.subscription.text, "0xcd");
	assert_int_equal(message.logs.count, 1);
	log = &message.logs.items[0];
	assert_int_equal(log->address.bytes[19], 0xab);
	assert_int_equal(log->topic_count, 1);
	assert_int_equal(log->topics[0].bytes[31], 0x0a);
	assert_int_equal(log->block_number, 0x13);
	assert_int_equal(log->block_hash.bytes[31], 0xb1);
	assert_int_equal(log->tx_hash.bytes[31], 0x77);
	assert_int_equal(log->log_index, 4);
	assert_false(log->removed);
	assert_false(log->has_block_timestamp);
	assert_int_equal(evm_logs_data(&message.logs, log).length, sizeof(data));
	assert_memory_equal(evm_logs_data(&message.logs, log).data, data, sizeof(data));
	evm_message_free(&message);
}

/* However its data stands there: plain data never becomes a value of JSON. */
static void data_is_read_or_refused_however_it_is_written(void **state)
{
	static const struct {
		const char *data;
		bool good;
	} cases[] = {
		{"\"data\":\"0xc0ffee\"", true},
		{"\"data\" : \"0x\"", true},
		{"\"data\":\"\\u0030xc0ffee\"", true},
		{"\"d\\u0061ta\":\"0xc0ffee\"", true},
		{"\"data\":\"0xc0ffe\"", false},
		{"\"data\":\"0xc0ff\\n\"", false},
		{"\"data\":\"0xc0\xff\"", false},
		{"\"data\":\"\"", false},
		{"\"data\":12", false},
		{"\"data\":null", false},
		{"\"data\":{\"data\":\"0xc0ffee\"}", false},
		{"\"data\":\"0xc0ffee\",\"data\":\"0xc0ffee\"", false},
		{"\"more\":\"0xc0ffee\"", false},
	};
	struct evm_message message;
	struct error error;
	char log[2048];

	(void)state;
	evm_message_init(&message);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(snprintf(log, sizeof(log), LOG_WITH, cases[i].data) < (int)sizeof(log));
		assert_int_equal(read_notification(log, &message, &error),
				 cases[i].good ? OUTCOME_OK : OUTCOME_REJECTED);
	}
	evm_message_free(&message);
}

static void a_removed_log_says_so(void **state)
{
	struct evm_message message;
	struct error error;

	(void)state;
	evm_message_init(&message);
	assert_int_equal(read_notification(LOG ",\"removed\":true", &message, &error), OUTCOME_OK);
	assert_int_equal(message.kind, EVM_MESSAGE_LOG);
	assert_true(message.logs.items[0].removed);
	evm_message_free(&message);
}

static void a_head_is_read(void **state)
{
	struct evm_message message;
	struct error error;

	(void)state;
	evm_message_init(&message);
	assert_int_equal(read_notification(HEAD, &message, &error), OUTCOME_OK);
	assert_int_equal(message.kind, EVM_MESSAGE_HEAD);
	assert_string_equal(message.subscription.text, "0xcd");
	assert_int_equal(message.block.number, 0x13);
	assert_int_equal(message.block.hash.bytes[31], 0xb1);
	assert_int_equal(message.block.parent_hash.bytes[31], 0xb0);
	assert_int_equal(message.block.timestamp, 1700000000);
	evm_message_free(&message);
}

static void an_answer_is_known_by_its_id(void **state)
{
	static const char *const texts[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":17,\"result\":\"0xcd\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"17\",\"result\":null}",
		"{\"jsonrpc\":\"2.0\",\"id\":17,\"error\":{\"code\":-32000,\"message\":\"no\"}}",
	};
	struct evm_message message;
	struct error error;

	(void)state;
	evm_message_init(&message);
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		message.id = 0;
		message.kind = EVM_MESSAGE_OTHER;
		assert_int_equal(read_text(texts[i], &message, &error), OUTCOME_OK);
		assert_int_equal(message.kind, EVM_MESSAGE_ANSWER);
		assert_int_equal(message.id, 17);
	}
	evm_message_free(&message);
}

static void other_json_is_neither_answer_nor_notification(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"x\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":-1,\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":17,\"method\":\"ping\"}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"eth_syncing\",\"params\":{}}",
	};
	struct evm_message message;
	struct error error;

	(void)state;
	evm_message_init(&message);
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		message.kind = EVM_MESSAGE_ANSWER;
		assert_int_equal(read_text(texts[i], &message, &error), OUTCOME_OK);
		assert_int_equal(message.kind, EVM_MESSAGE_OTHER);
	}
	evm_message_free(&message);
}

static void assert_malformed(const char *text)
{
	struct evm_message message;
	struct error error = {.kind = ERROR_KIND_NONE};

	evm_message_init(&message);
	if (read_text(text, &message, &error) != OUTCOME_REJECTED ||
	    error.kind != ERROR_KIND_MALFORMED)
		fail_msg("accepted: %s", text);
	evm_message_free(&message);
}

static void a_notification_of_another_shape_is_refused(void **state)
{
#define NOTIFICATION(params) "{\"method\":\"eth_subscription\",\"params\":" params "}"
	static const char *const texts[] = {
		"",
		"<html>",
		"17",
		"null",
		"\"eth_subscription\"",
		"{\"method\":\"eth_subscription\"}",
		NOTIFICATION("null"),
		NOTIFICATION("[]"),
		NOTIFICATION("{}"),
		NOTIFICATION("{\"subscription\":\"0xcd\"}"),
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":null}"),
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":\"0x1\"}"),
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":[]}"),
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":{}}"),
		NOTIFICATION("{\"result\":{" LOG "}}"),
		NOTIFICATION("{\"subscription\":\"\",\"result\":{" LOG "}}"),
		NOTIFICATION("{\"subscription\":205,\"result\":{" LOG "}}"),
		NOTIFICATION("{\"subscription\":null,\"result\":{" LOG "}}"),
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":{\"topics\":[]}}"),
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":{\"topics\":null}}"),
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":{\"parentHash\":null}}"),
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":{\"parentHash\":\"" HASH
			     "b0\"}}"),
		/* A log without its topics is not something else: it is a log that we would miss.
		 */
		NOTIFICATION("{\"subscription\":\"0xcd\",\"result\":{\"data\":\"0x\","
			     "\"logIndex\":\"0x4\",\"blockNumber\":\"0x13\"}}"),
	};
#undef NOTIFICATION

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_malformed(texts[i]);
}

static void a_subscription_id_that_is_too_long_is_refused(void **state)
{
	struct evm_message message;
	struct error error;
	char text[4096];
	char id[EVM_SUBSCRIPTION_ID_SIZE + 1];

	(void)state;
	memset(id, 'a', sizeof(id));
	evm_message_init(&message);
	for (size_t length = EVM_SUBSCRIPTION_ID_SIZE - 1; length <= EVM_SUBSCRIPTION_ID_SIZE;
	     length++) {
		id[length] = '\0';
		assert_true(snprintf(text, sizeof(text),
				     "{\"method\":\"eth_subscription\",\"params\":{"
				     "\"subscription\":\"%s\",\"result\":{" LOG "}}}",
				     id) < (int)sizeof(text));
		assert_int_equal(read_text(text, &message, &error),
				 length < EVM_SUBSCRIPTION_ID_SIZE ? OUTCOME_OK : OUTCOME_REJECTED);
		id[length] = 'a';
	}
	evm_message_free(&message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_is_read_with_its_data),
		cmocka_unit_test(data_is_read_or_refused_however_it_is_written),
		cmocka_unit_test(a_removed_log_says_so),
		cmocka_unit_test(a_head_is_read),
		cmocka_unit_test(an_answer_is_known_by_its_id),
		cmocka_unit_test(other_json_is_neither_answer_nor_notification),
		cmocka_unit_test(a_notification_of_another_shape_is_refused),
		cmocka_unit_test(a_subscription_id_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
