/*
 * What a node answers, for the tests of the reader and of the commit: headers, and logs of one
 * small orderbook. Made with cast abi-encode: see event_ingest_test.c for what the words say.
 */
#ifndef BALLAST_TESTS_BACKFILLER_TEST_ANSWERS_H
#define BALLAST_TESTS_BACKFILLER_TEST_ANSWERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backfiller/range_reader.h"
#include "base/compiler.h"
#include "chain/orderbook_events.h"

#define OWNER	 0xaaU
#define STRANGER 0xbbU

/* A block's hash is its number with this byte in front; another branch has another one. */
#define CANONICAL 0xc0U
#define OTHER	  0xd0U

enum test_log_kind {
	TEST_LOG_TAKE,	/* of OWNER's order */
	TEST_LOG_CLEAR, /* STRANGER's order against OWNER's */
	TEST_LOG_AFTER_CLEAR,
	TEST_LOG_STRANGERS_TAKE,
};

struct test_log {
	enum test_log_kind kind;
	uint64_t block_number;
	uint64_t log_index;
	unsigned int branch;
};

/* What a header says of the logs of its block. */
enum test_bloom {
	TEST_BLOOM_NONE, /* the field is absent */
	TEST_BLOOM_ZERO,
	TEST_BLOOM_OURS, /* the orderbook has logged a TakeOrderV2 */
	TEST_BLOOM_STRANGERS,
	TEST_BLOOM_FULL,
};

struct test_header {
	uint64_t number;
	unsigned int branch;
	unsigned int parent_branch; /* 0: the same */
	enum test_bloom bloom;
};

struct test_answers {
	struct evm_address orderbook;
	struct config_addresses owners;
	struct event_ingest ingest;
	struct logs_bloom_question bloom;
	struct range_reader reader;
	uint64_t next_id;
	char text[32768];
	size_t length;
	struct error error;
	char method[32]; /* of the question asked last */
};

static inline void answers_init(struct test_answers *test)
{
	memset(test, 0, sizeof(*test));
	test->orderbook.bytes[0] = 0x0b;
	test->owners.count = 1;
	test->owners.items[0].bytes[EVM_ADDRESS_SIZE - 1] = OWNER;
	test->next_id = 40;
	event_ingest_init(&test->ingest, NULL, &test->owners, EVENT_SOURCE_BACKFILLER, 0);
	logs_bloom_ask(&test->bloom, &test->orderbook, orderbook_topics, ORDERBOOK_TOPIC_COUNT);
	range_reader_init(&test->reader, &test->orderbook, &test->ingest, &test->bloom);
}

static inline void answers_free(struct test_answers *test)
{
	range_reader_clear(&test->reader);
	event_ingest_free(&test->ingest);
}

static inline void write_text(struct test_answers *test, const char *format, ...) PRINTF_LIKE(2, 3);

static inline void write_text(struct test_answers *test, const char *format, ...)
{
	va_list arguments;
	int written;

	va_start(arguments, format);
	written = vsnprintf(test->text + test->length, sizeof(test->text) - test->length, format,
			    arguments);
	va_end(arguments);
	assert_true(written >= 0 && (size_t)written < sizeof(test->text) - test->length);
	test->length += (size_t)written;
}

static inline void write_words(struct test_answers *test, const uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		write_text(test, "%064llx", (unsigned long long)words[i]);
}

static inline void write_data(struct test_answers *test, enum test_log_kind kind)
{
	const uint64_t owner = kind == TEST_LOG_STRANGERS_TAKE ? STRANGER : OWNER;
	const uint64_t take[] = {
		STRANGER,  0x80,  0xde0b6b3a7640000,
		0x8f0d180, 0x80,  0,
		0,	   0x2a0, owner,
		0xa0,	   0x120, 0x1a0,
		0,	   1,	  2,
		0x60,	   0,	  1,
		1,	   6,	  1,
		1,	   2,	  18,
		2,	   0,
	};
	static const uint64_t clear[] = {
		1, 0x120, 0x340, 0,    0, 0, 0, 1, 1, STRANGER, 0xa0, 0x120, 0x1a0, 0,	   1,
		2, 0x60,  0,	 1,    1, 6, 1, 1, 2, 18,	2,    OWNER, 0xa0,  0x120, 0x1a0,
		0, 1,	  2,	 0x60, 0, 1, 1, 6, 1, 1,	2,    18,    2,
	};
	static const uint64_t after_clear[] = {1, 5, 6, 6, 5};

	switch (kind) {
	case TEST_LOG_TAKE:
	case TEST_LOG_STRANGERS_TAKE:
		write_words(test, take, ARRAY_LENGTH(take));
		return;
	case TEST_LOG_CLEAR:
		write_words(test, clear, ARRAY_LENGTH(clear));
		return;
	case TEST_LOG_AFTER_CLEAR:
		write_words(test, after_clear, ARRAY_LENGTH(after_clear));
		return;
	}
}

static inline size_t topic_of(enum test_log_kind kind)
{
	switch (kind) {
	case TEST_LOG_TAKE:
	case TEST_LOG_STRANGERS_TAKE:
		return 0;
	case TEST_LOG_CLEAR:
		return 1;
	case TEST_LOG_AFTER_CLEAR:
		return 2;
	}
	return 0;
}

static inline void write_log(struct test_answers *test, const struct test_log *log)
{
	unsigned int branch = log->branch != 0 ? log->branch : CANONICAL;

	write_text(test,
		   "{\"address\":\"%s\",\"topics\":[\"%s\"],\"blockNumber\":\"0x%llx\","
		   "\"blockHash\":\"0x%02x%062llx\",\"transactionHash\":\"0x%064llx\","
		   "\"logIndex\":\"0x%llx\",\"transactionIndex\":\"0x0\",\"removed\":false,"
		   "\"blockTimestamp\":\"0x1\",\"data\":\"0x",
		   evm_address_text(&test->orderbook).text,
		   evm_word_text(&orderbook_topics[topic_of(log->kind)]).text,
		   (unsigned long long)log->block_number, branch,
		   (unsigned long long)log->block_number, (unsigned long long)log->block_number,
		   (unsigned long long)log->log_index);
	write_data(test, log->kind);
	write_text(test, "\"}");
}

/* Has the reader ask its question, and notes what it asked. */
static inline void ask(struct test_answers *test)
{
	struct buffer request;
	const char *method;

	buffer_init(&request, BUFFER_MAX_HTTP_REQUEST);
	range_reader_request(&test->reader, test->next_id, &request);
	method = strstr(buffer_text(&request), "eth_");
	assert_non_null(method);
	(void)snprintf(test->method, sizeof(test->method), "%.*s", (int)strcspn(method, "\""),
		       method);
	buffer_free(&request);
	test->length = 0;
}

static inline enum outcome give(struct test_answers *test)
{
	const struct http_filter *filter = range_reader_filter(&test->reader);
	struct http_answer answer = {
		.outcome = OUTCOME_OK,
		.status = 200,
		.body = {.data = (const uint8_t *)test->text, .length = test->length},
	};
	struct buffer rest;
	enum outcome outcome;

	buffer_init(&rest, sizeof(test->text));
	if (filter != NULL) {
		assert_true(filter->take(filter->context, test->text, test->length, &rest));
		answer.body.data = (const uint8_t *)buffer_text(&rest);
		answer.body.length = rest.length;
	}
	test->next_id++;
	memset(&test->error, 0, sizeof(test->error));
	outcome = range_reader_answer(&test->reader, &answer, &test->error);
	buffer_free(&rest);
	return outcome;
}

static inline void write_bloom(struct test_answers *test, enum test_bloom kind)
{
	const struct logs_bloom_bits address = logs_bloom_bits_of_address(&test->orderbook);
	const struct logs_bloom_bits topic = logs_bloom_bits_of_word(&orderbook_topics[0]);
	struct logs_bloom bloom;

	if (kind == TEST_BLOOM_NONE)
		return;
	memset(&bloom, kind == TEST_BLOOM_FULL ? 0xff : 0, sizeof(bloom));
	if (kind == TEST_BLOOM_OURS)
		logs_bloom_add(&bloom, &address);
	if (kind == TEST_BLOOM_OURS || kind == TEST_BLOOM_STRANGERS)
		logs_bloom_add(&bloom, &topic);
	write_text(test, "\"logsBloom\":\"0x");
	for (size_t i = 0; i < sizeof(bloom.bytes); i++)
		write_text(test, "%02x", bloom.bytes[i]);
	write_text(test, "\",");
}

/* A header, whose timestamp is its number times ten. */
static inline enum outcome give_header(struct test_answers *test, const struct test_header *header)
{
	unsigned int parent = header->parent_branch != 0 ? header->parent_branch : header->branch;

	ask(test);
	assert_string_equal(test->method, "eth_getBlockByNumber");
	write_text(test, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":{",
		   (unsigned long long)test->next_id);
	write_bloom(test, header->bloom);
	write_text(test,
		   "\"number\":\"0x%llx\",\"hash\":\"0x%02x%062llx\","
		   "\"parentHash\":\"0x%02x%062llx\",\"timestamp\":\"0x%llx\"}}",
		   (unsigned long long)header->number, header->branch,
		   (unsigned long long)header->number, parent,
		   (unsigned long long)header->number - 1, (unsigned long long)header->number * 10);
	return give(test);
}

/* The header of a block of a chain without blooms. */
static inline enum outcome give_block(struct test_answers *test, uint64_t number,
				      unsigned int branch)
{
	const struct test_header header = {.number = number, .branch = branch};

	return give_header(test, &header);
}

static inline enum outcome give_logs(struct test_answers *test, const struct test_log *logs,
				     size_t count)
{
	ask(test);
	assert_string_equal(test->method, "eth_getLogs");
	write_text(test, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":[",
		   (unsigned long long)test->next_id);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			write_text(test, ",");
		write_log(test, &logs[i]);
	}
	write_text(test, "]}");
	return give(test);
}

/* The receipts of one block: one with these logs, or no receipt at all. */
static inline enum outcome give_receipts(struct test_answers *test, const struct test_log *logs,
					 size_t count, bool any)
{
	ask(test);
	assert_string_equal(test->method, "eth_getBlockReceipts");
	write_text(test, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":[%s",
		   (unsigned long long)test->next_id, any ? "{\"logs\":[" : "");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			write_text(test, ",");
		write_log(test, &logs[i]);
	}
	write_text(test, any ? "]}]}" : "]}");
	return give(test);
}

#endif
