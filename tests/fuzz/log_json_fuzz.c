/*
 * Answers to eth_getLogs and eth_getBlockReceipts: what is accepted is exactly what was asked for,
 * in order, and says the same when it is written down and read again. The input is one answer to
 * the request with id 7 about the blocks 16 to 32.
 */
#include "fuzz/fuzz.h"

#include "base/hex.h"
#include "chain/evm_logs_stream.h"
#include "chain/evm_rpc.h"
#include "chain/orderbook_events.h"

#include <inttypes.h>

#define ID	    7
#define FIRST_BLOCK 0x10
#define LAST_BLOCK  0x20
#define BLOCK	    0x12

static const struct evm_address address = {
	{0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
	 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b},
};

struct range {
	uint64_t first, last;
};

static enum outcome judge(struct bytes text, uint64_t id, struct range range, struct evm_logs *logs,
			  struct error *error)
{
	return evm_rpc_answer_logs((const char *)text.data, text.length, id, &address,
				   orderbook_topics, ORDERBOOK_TOPIC_COUNT, range.first, range.last,
				   logs, error);
}

static bool was_asked_for(const struct evm_log *log, struct range range)
{
	bool topic = orderbook_is_take_order(log) || orderbook_is_clear(log) ||
		     orderbook_is_after_clear(log);

	return topic && !log->removed && evm_address_equal(&log->address, &address) &&
	       log->block_number >= range.first && log->block_number <= range.last;
}

static bool is_before(const struct evm_log *a, const struct evm_log *b)
{
	if (a->block_number != b->block_number)
		return a->block_number < b->block_number;
	return a->log_index < b->log_index;
}

static void check_log(const struct evm_logs *logs, const struct evm_log *log)
{
	size_t first;

	fuzz_require(log->topic_count >= 1 && log->topic_count <= EVM_LOG_MAX_TOPICS);
	fuzz_require(log->block_number <= INT64_MAX && log->log_index <= INT64_MAX);
	fuzz_require(!log->has_block_timestamp || log->block_timestamp <= INT64_MAX);
	fuzz_require(evm_logs_data(logs, log).length == log->data_length);
	fuzz_require(evm_logs_find(logs, log->block_number, log->log_index) == log);
	fuzz_require(evm_logs_of_block(logs, log->block_number, &first) > 0);
	fuzz_require(first <= (size_t)(log - logs->items));
}

static void check_accepted(const struct evm_logs *logs, struct range range)
{
	for (size_t i = 0; i < logs->count; i++) {
		fuzz_require(was_asked_for(&logs->items[i], range));
		fuzz_require(i == 0 || is_before(&logs->items[i - 1], &logs->items[i]));
		check_log(logs, &logs->items[i]);
	}
}

static void print_log(const struct evm_logs *logs, const struct evm_log *log, struct buffer *text)
{
	bool fits = buffer_append_format(
		text,
		"{\"address\":\"%s\",\"blockNumber\":\"0x%" PRIx64 "\",\"blockHash\":\"%s\","
		"\"transactionHash\":\"%s\",\"logIndex\":\"0x%" PRIx64 "\",\"topics\":[",
		evm_address_text(&log->address).text, log->block_number,
		evm_word_text(&log->block_hash).text, evm_word_text(&log->tx_hash).text,
		log->log_index);

	for (size_t i = 0; i < log->topic_count && fits; i++)
		fits = buffer_append_format(text, "%s\"%s\"", i == 0 ? "" : ",",
					    evm_word_text(&log->topics[i]).text);
	fuzz_require(fits && buffer_append_text(text, "],\"data\":\"") &&
		     hex_append_data(text, evm_logs_data(logs, log)) &&
		     buffer_append_text(text, "\"}"));
}

/* A block's logs in the place of the same block's: the same list. */
static void check_replaced(const struct evm_logs *logs, struct evm_logs *back)
{
	uint64_t block_number = logs->items[0].block_number;
	struct evm_logs block;
	size_t first;
	size_t count = evm_logs_of_block(logs, block_number, &first);

	evm_logs_init(&block);
	for (size_t i = first; i < first + count; i++)
		fuzz_require(evm_logs_add(&block, &logs->items[i],
					  evm_logs_data(logs, &logs->items[i])));
	fuzz_require(evm_logs_replace_block(back, block_number, &block));
	fuzz_require(back->count == logs->count);
	for (size_t i = 0; i < logs->count; i++)
		fuzz_require(evm_logs_agree(logs, back, logs->items[i].block_number));
	evm_logs_free(&block);
}

/* Written in the reverse order, read again: the same list. */
static void check_round_trip(const struct evm_logs *logs, struct range range)
{
	struct buffer text;
	struct evm_logs back;
	struct error error;

	buffer_init(&text, BUFFER_MAX_HTTP_ANSWER);
	evm_logs_init(&back);
	fuzz_require(buffer_append_text(&text, "{\"id\":7,\"result\":["));
	for (size_t i = logs->count; i-- > 0;) {
		print_log(logs, &logs->items[i], &text);
		fuzz_require(i == 0 || buffer_append_text(&text, ","));
	}
	fuzz_require(buffer_append_text(&text, "]}"));
	fuzz_require(judge((struct bytes){text.bytes, text.length}, ID, range, &back, &error) ==
		     OUTCOME_OK);
	fuzz_require(back.count == logs->count);
	for (size_t i = 0; i < logs->count; i++)
		fuzz_require(evm_logs_agree(logs, &back, logs->items[i].block_number));
	if (logs->count > 0)
		check_replaced(logs, &back);
	evm_logs_free(&back);
	buffer_free(&text);
}

/* Outside of the asked range is the one reason to refuse what a wider question accepts. */
static void check_ranges(struct bytes text, enum outcome narrow_outcome,
			 const struct evm_logs *narrow)
{
	const struct range wide = {.first = 0, .last = UINT64_MAX};
	const struct range asked = {.first = FIRST_BLOCK, .last = LAST_BLOCK};
	struct error error;
	struct evm_logs logs;
	bool outside = false;

	evm_logs_init(&logs);
	if (judge(text, ID, wide, &logs, &error) == OUTCOME_OK) {
		check_accepted(&logs, wide);
		for (size_t i = 0; i < logs.count; i++)
			outside = outside || !was_asked_for(&logs.items[i], asked);
		fuzz_require(outside == (narrow_outcome != OUTCOME_OK));
		fuzz_require(outside || logs.count == narrow->count);
		check_round_trip(&logs, wide);
		fuzz_require(judge(text, ID + 1, wide, &logs, &error) != OUTCOME_OK);
	} else {
		fuzz_require(narrow_outcome != OUTCOME_OK);
	}
	evm_logs_free(&logs);
}

static void check_receipts(struct bytes text)
{
	const struct evm_word *hash = &orderbook_topics[0];
	const struct evm_logs_filter filter = {
		.address = &address,
		.topic_choices = orderbook_topics,
		.topic_count = ORDERBOOK_TOPIC_COUNT,
		.block_number = BLOCK,
		.block_hash = *hash,
	};
	const struct range block = {.first = BLOCK, .last = BLOCK};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct evm_logs logs;
	size_t receipts = 77;
	enum outcome outcome;

	evm_logs_init(&logs);
	outcome = evm_rpc_answer_receipts((const char *)text.data, text.length, ID, &filter, &logs,
					  &receipts, &error);
	if (outcome == OUTCOME_OK) {
		check_accepted(&logs, block);
		fuzz_require(receipts <= text.length);
		for (size_t i = 0; i < logs.count; i++)
			fuzz_require(evm_word_equal(&logs.items[i].block_hash, hash));
	} else {
		fuzz_check_error(outcome, &error);
		fuzz_require(logs.count == 0 && receipts == 77);
	}
	evm_logs_free(&logs);
}

/* In pieces of that size, as a network brings it. */
static enum outcome judge_pieces(struct bytes text, size_t piece, struct evm_logs_stream *stream,
				 struct buffer *rest, struct error *error)
{
	for (size_t at = 0; at < text.length; at += piece) {
		size_t length = text.length - at < piece ? text.length - at : piece;

		fuzz_require(
			evm_logs_stream_feed(stream, (const char *)text.data + at, length, rest));
	}
	return evm_logs_stream_end(stream,
				   (struct bytes){(const uint8_t *)buffer_text(rest), rest->length},
				   ID, error);
}

/* What an answer says does not depend on where it was cut on its way. */
static void check_pieces(struct bytes text, struct range range, enum outcome whole_outcome,
			 const struct error *whole_error, const struct evm_logs *whole)
{
	const struct evm_logs_stream_options options = {
		.question = {.address = &address,
			     .topic_choices = orderbook_topics,
			     .topic_count = ORDERBOOK_TOPIC_COUNT,
			     .first_block = range.first,
			     .last_block = range.last},
	};
	const size_t pieces[] = {1, text.length > 0 ? 2 + text.data[0] % 61U : 2};
	struct evm_logs_stream stream;
	struct evm_logs logs;
	struct buffer rest;

	evm_logs_init(&logs);
	evm_logs_stream_init(&stream, &logs);
	buffer_init(&rest, BUFFER_MAX_HTTP_ANSWER);
	for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
		struct error error = {.kind = ERROR_KIND_NONE};

		evm_logs_stream_begin(&stream, &options);
		buffer_clear(&rest);
		fuzz_require(judge_pieces(text, pieces[i], &stream, &rest, &error) ==
			     whole_outcome);
		fuzz_require(error.kind == whole_error->kind && logs.count == whole->count);
		for (size_t log = 0; log < logs.count; log++)
			fuzz_require(evm_logs_agree(&logs, whole, whole->items[log].block_number));
	}
	buffer_free(&rest);
	evm_logs_stream_free(&stream);
	evm_logs_free(&logs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct range range = {.first = FIRST_BLOCK, .last = LAST_BLOCK};
	const struct bytes text = {.data = data, .length = size};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct evm_logs logs;
	enum outcome outcome;

	evm_logs_init(&logs);
	outcome = judge(text, ID, range, &logs, &error);
	if (outcome == OUTCOME_OK) {
		check_accepted(&logs, range);
	} else {
		fuzz_check_error(outcome, &error);
		fuzz_require(logs.count == 0);
	}
	check_pieces(text, range, outcome, &error, &logs);
	check_ranges(text, outcome, &logs);
	check_receipts(text);
	evm_logs_free(&logs);
	return 0;
}
