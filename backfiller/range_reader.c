/*
 * See range_reader.h. Timestamps that nodes send with logs are thrown away: only a header that has
 * the log's block hash tells when its block was.
 */
#include "backfiller/range_reader.h"

#include "base/log.h"
#include "chain/evm_node.h"
#include "chain/orderbook_events.h"

#include <inttypes.h>

void range_reader_init(struct range_reader *reader, const struct evm_address *orderbook,
		       const struct event_ingest *ingest)
{
	*reader = (struct range_reader){.orderbook = orderbook, .ingest = ingest};
	evm_logs_init(&reader->logs);
}

void range_reader_clear(struct range_reader *reader)
{
	evm_logs_free(&reader->logs);
	evm_logs_init(&reader->logs);
}

void range_reader_start(struct range_reader *reader, struct block_range range,
			bool accept_incomplete)
{
	invariant(range.first >= 0 && range.first <= range.last);
	range_reader_clear(reader);
	reader->range = range;
	reader->accept_incomplete = accept_incomplete;
	reader->phase = RANGE_READER_LAST_BEFORE;
	reader->cursor = 0;
}

bool range_reader_is_complete(const struct range_reader *reader)
{
	return reader->phase == RANGE_READER_COMPLETE;
}

void range_reader_request(struct range_reader *reader, uint64_t id, struct buffer *request)
{
	reader->request_id = id;
	switch (reader->phase) {
	case RANGE_READER_LAST_BEFORE:
	case RANGE_READER_LAST_AFTER:
		reader->asked_block = (uint64_t)reader->range.last;
		evm_rpc_request_block(request, id, reader->asked_block);
		return;
	case RANGE_READER_LOGS:
		evm_rpc_request_logs(request, id, reader->orderbook, orderbook_topics,
				     ORDERBOOK_TOPIC_COUNT, (uint64_t)reader->range.first,
				     (uint64_t)reader->range.last);
		return;
	case RANGE_READER_EVENT_BLOCK:
		evm_rpc_request_block(request, id, reader->asked_block);
		return;
	case RANGE_READER_COMPLETE:
		break;
	}
	invariant_unreachable("a complete range has no question");
}

/* The header of reader->asked_block, and of no other. */
static enum outcome judge_block(const struct range_reader *reader, struct bytes body,
				struct evm_block *block, struct error *error)
{
	struct evm_block read;
	enum outcome outcome = evm_rpc_answer_block((const char *)body.data, body.length,
						    reader->request_id, &read, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (read.number != reader->asked_block)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "asked for block %" PRIu64 ", got block %" PRIu64,
				 reader->asked_block, read.number);
	*block = read;
	return OUTCOME_OK;
}

static enum outcome judge_logs(struct range_reader *reader, struct bytes body, struct error *error)
{
	enum outcome outcome = evm_rpc_answer_logs(
		(const char *)body.data, body.length, reader->request_id, reader->orderbook,
		orderbook_topics, ORDERBOOK_TOPIC_COUNT, (uint64_t)reader->range.first,
		(uint64_t)reader->range.last, &reader->logs, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	for (size_t i = 0; i < reader->logs.count; i++)
		reader->logs.items[i].has_block_timestamp = false;
	return OUTCOME_OK;
}

/* A ClearV2's AfterClear stands in the same transaction: without it the answer was cut. */
static enum outcome require_whole(const struct range_reader *reader,
				  const struct orderbook_occurrence *occurrence,
				  struct error *error)
{
	if (occurrence->type == ORDERBOOK_TAKE_ORDER_V2 || occurrence->after_clear != NULL ||
	    reader->accept_incomplete)
		return OUTCOME_OK;
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_MALFORMED,
			 "ClearV2 without its AfterClear in block %" PRIu64 ", log index %" PRIu64,
			 occurrence->log->block_number, occurrence->log->log_index);
}

static const struct evm_block *find_header(const struct range_reader *reader, uint64_t block_number)
{
	if (reader->last.number == block_number)
		return &reader->last;
	if (reader->proven.number == block_number)
		return &reader->proven;
	return NULL;
}

/* Goes on until a header is missing or everything is proven. */
static enum outcome prove_events(struct range_reader *reader, struct error *error)
{
	struct orderbook_occurrence occurrence;
	size_t next = reader->cursor;

	for (; orderbook_next_occurrence(&reader->logs, &next, &occurrence);
	     reader->cursor = next) {
		struct evm_log *log = &reader->logs.items[occurrence.log - reader->logs.items];
		const struct evm_block *header = find_header(reader, log->block_number);
		enum outcome outcome;

		if (!event_ingest_wants(reader->ingest, &reader->logs, &occurrence))
			continue;
		outcome = require_whole(reader, &occurrence, error);
		if (outcome != OUTCOME_OK)
			return outcome;
		if (header == NULL) {
			reader->asked_block = log->block_number;
			reader->phase = RANGE_READER_EVENT_BLOCK;
			return OUTCOME_OK;
		}
		if (!evm_word_equal(&header->hash, &log->block_hash))
			return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
					 "a log of block %" PRIu64
					 " does not have the block's hash: the chain moved",
					 log->block_number);
		log->has_block_timestamp = true;
		log->block_timestamp = header->timestamp;
	}
	reader->phase = RANGE_READER_COMPLETE;
	return OUTCOME_OK;
}

static enum outcome take_last_again(struct range_reader *reader, struct bytes body,
				    struct error *error)
{
	struct evm_block again = {.number = 0};
	enum outcome outcome = judge_block(reader, body, &again, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (!evm_word_equal(&again.hash, &reader->last.hash))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				 "block %" PRIu64 " changed while its logs were read",
				 again.number);
	return prove_events(reader, error);
}

static enum outcome judge(struct range_reader *reader, struct bytes body, struct error *error)
{
	enum outcome outcome = OUTCOME_OK;

	switch (reader->phase) {
	case RANGE_READER_LAST_BEFORE:
		outcome = judge_block(reader, body, &reader->last, error);
		if (outcome == OUTCOME_OK) {
			reader->proven = reader->last;
			reader->phase = RANGE_READER_LOGS;
		}
		return outcome;
	case RANGE_READER_LOGS:
		outcome = judge_logs(reader, body, error);
		if (outcome == OUTCOME_OK)
			reader->phase = RANGE_READER_LAST_AFTER;
		return outcome;
	case RANGE_READER_LAST_AFTER:
		return take_last_again(reader, body, error);
	case RANGE_READER_EVENT_BLOCK:
		outcome = judge_block(reader, body, &reader->proven, error);
		return outcome == OUTCOME_OK ? prove_events(reader, error) : outcome;
	case RANGE_READER_COMPLETE:
		break;
	}
	invariant_unreachable("a complete range gets no answer");
}

enum outcome range_reader_answer(struct range_reader *reader, const struct http_answer *answer,
				 struct error *error)
{
	static const uint8_t nothing[] = "";
	struct bytes body = answer->body;
	struct error why = {.kind = ERROR_KIND_NONE};
	enum outcome outcome = evm_node_transport_outcome(answer, &why);

	if (body.data == NULL)
		body = (struct bytes){.data = nothing, .length = 0};
	if (outcome == OUTCOME_OK)
		outcome = judge(reader, body, &why);
	if (outcome == OUTCOME_OK)
		return OUTCOME_OK;
	/* Fewer blocks would not make a header smaller. */
	if (why.kind == ERROR_KIND_RANGE_TOO_LARGE && reader->phase != RANGE_READER_LOGS)
		why.kind = ERROR_KIND_MALFORMED;
	if (error != NULL)
		*error = why;
	return outcome;
}
