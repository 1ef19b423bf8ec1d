/*
 * See range_reader.h. Timestamps that nodes send with logs are thrown away: only a header that has
 * the log's block hash tells when its block was.
 */
#include "backfiller/range_reader.h"

#include "base/log.h"
#include "chain/evm_node.h"
#include "chain/orderbook_events.h"

#include <inttypes.h>

/* Of more than one block: so much is kept of one answer at most, or fewer blocks are asked for. */
#define RANGE_LOGS_MAXIMUM  10000
#define RANGE_BYTES_MAXIMUM ((size_t)2 * 1024 * 1024)

static bool take_logs_text(void *context, const char *text, size_t length, struct buffer *rest)
{
	struct range_reader *reader = context;

	return evm_logs_stream_feed(&reader->stream, text, length, rest);
}

void range_reader_init(struct range_reader *reader, const struct evm_address *orderbook,
		       const struct event_ingest *ingest, const struct logs_bloom_question *bloom)
{
	*reader = (struct range_reader){.orderbook = orderbook, .ingest = ingest, .bloom = bloom};
	evm_logs_init(&reader->logs);
	evm_logs_init(&reader->block_logs);
	evm_logs_stream_init(&reader->stream, &reader->logs);
	reader->filter = (struct http_filter){.take = take_logs_text, .context = reader};
	range_blocks_init(&reader->blocks);
}

void range_reader_clear(struct range_reader *reader)
{
	evm_logs_free(&reader->logs);
	evm_logs_free(&reader->block_logs);
	evm_logs_stream_free(&reader->stream);
	range_blocks_free(&reader->blocks);
}

void range_reader_start(struct range_reader *reader, struct block_range range,
			const struct range_reading *reading)
{
	invariant(range.first >= 0 && range.first <= range.last);
	range_reader_clear(reader);
	reader->range = range;
	reader->reading = *reading;
	reader->phase = RANGE_READER_LAST_BEFORE;
}

bool range_reader_is_complete(const struct range_reader *reader)
{
	return reader->phase == RANGE_READER_COMPLETE;
}

const struct range_block *range_reader_block(const struct range_reader *reader,
					     uint64_t block_number)
{
	const struct range_block *block = range_blocks_find(&reader->blocks, block_number);

	return block != NULL && block->has_header ? block : NULL;
}

/* The block that a question about one block is about. */
static struct range_block *asked_block(const struct range_reader *reader)
{
	struct range_block *block = range_blocks_find(&reader->blocks, reader->asked_block);

	invariant(block != NULL);
	return block;
}

/* Of other people's events in a final range nothing is asked but where they are. */
static bool keeps_data(void *context, const struct evm_logs *logs, const struct evm_log *log)
{
	const struct range_reader *reader = context;
	struct orderbook_occurrence occurrence = {.log = log};

	/* An AfterClear is of no event type of its own: it belongs to a clear, perhaps to ours. */
	if (reader->reading.linked || log->topic_count == 0 ||
	    !orderbook_event_type_of(&log->topics[0], &occurrence.type))
		return true;
	return event_ingest_wants(reader->ingest, logs, &occurrence);
}

static void request_logs(struct range_reader *reader, uint64_t id, struct buffer *request)
{
	bool is_one_block = reader->range.first == reader->range.last;
	const struct evm_logs_stream_options options = {
		.question = {.address = reader->orderbook,
			     .topic_choices = orderbook_topics,
			     .topic_count = ORDERBOOK_TOPIC_COUNT,
			     .first_block = (uint64_t)reader->range.first,
			     .last_block = (uint64_t)reader->range.last},
		.keeps_data = keeps_data,
		.context = reader,
		.maximum_logs = is_one_block ? 0 : RANGE_LOGS_MAXIMUM,
		.maximum_bytes = is_one_block ? 0 : RANGE_BYTES_MAXIMUM,
	};

	evm_rpc_request_logs(request, id, reader->orderbook, orderbook_topics,
			     ORDERBOOK_TOPIC_COUNT, options.question.first_block,
			     options.question.last_block);
	evm_logs_stream_begin(&reader->stream, &options);
}

const struct http_filter *range_reader_filter(const struct range_reader *reader)
{
	return reader->phase == RANGE_READER_LOGS ? &reader->filter : NULL;
}

void range_reader_request(struct range_reader *reader, uint64_t id, struct buffer *request)
{
	reader->request_id = id;
	switch (reader->phase) {
	case RANGE_READER_LAST_BEFORE:
		reader->asked_block = (uint64_t)reader->range.last;
		evm_rpc_request_block(request, id, reader->asked_block);
		return;
	case RANGE_READER_LOGS:
		request_logs(reader, id, request);
		return;
	case RANGE_READER_HEADER:
		if (reader->asked_header_count > 1)
			evm_rpc_request_blocks(request, id, reader->asked_headers,
					       reader->asked_header_count);
		else
			evm_rpc_request_block(request, id, reader->asked_block);
		return;
	case RANGE_READER_BLOCK_LOGS:
		evm_rpc_request_logs_of_block(request, id, reader->orderbook, orderbook_topics,
					      ORDERBOOK_TOPIC_COUNT,
					      &asked_block(reader)->block_hash);
		return;
	case RANGE_READER_RECEIPTS:
		evm_rpc_request_receipts(request, id, reader->asked_block);
		return;
	case RANGE_READER_COMPLETE:
		break;
	}
	invariant_unreachable("a complete range has no question");
}

static enum outcome moved(struct error *error, uint64_t block_number, const char *what)
{
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
			 "block %" PRIu64 " %s: the chain moved", block_number, what);
}

/* The header of reader->asked_block, and of no other. */
static enum outcome judge_header(const struct range_reader *reader, struct bytes body,
				 struct evm_block *block, struct error *error)
{
	return evm_rpc_answer_block_at((const char *)body.data, body.length, reader->request_id,
				       reader->asked_block, block, error);
}

static bool has_logs(const struct range_reader *reader, uint64_t block_number)
{
	size_t first;

	return evm_logs_of_block(&reader->logs, block_number, &first) > 0;
}

/* What the bloom has to say about the block's logs. */
static enum outcome judge_bloom(const struct range_reader *reader, struct range_block *known,
				const struct evm_block *block, struct error *error)
{
	bool has = has_logs(reader, block->number);
	bool may_have;

	known->bloom_is_zero = !block->has_bloom || logs_bloom_is_zero(&block->bloom);
	if (has && reader->reading.linked)
		known->doubt = BLOCK_HAS_LOGS;
	if (reader->bloom == NULL || !block->has_bloom)
		return OUTCOME_OK;
	may_have = logs_bloom_may_have(&block->bloom, reader->bloom);
	if (has && !may_have && !known->bloom_is_zero)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "a log of block %" PRIu64
				 " that its logsBloom does not have (LOGS_BLOOM=ignore, if the "
				 "chain's blooms are wrong)",
				 block->number);
	if (!has && may_have && !logs_bloom_is_full(&block->bloom))
		known->doubt = BLOCK_MAY_HAVE_LOGS;
	return OUTCOME_OK;
}

static enum outcome keep_header(const struct range_reader *reader, struct range_block *known,
				const struct evm_block *block, struct error *error)
{
	size_t first;
	size_t count = evm_logs_of_block(&reader->logs, block->number, &first);

	for (size_t i = 0; i < count; i++) {
		if (!evm_word_equal(&reader->logs.items[first + i].block_hash, &block->hash))
			return moved(error, block->number, "has another hash than its log");
	}
	known->has_header = true;
	known->block_hash = block->hash;
	known->parent_hash = block->parent_hash;
	known->timestamp = block->timestamp;
	return judge_bloom(reader, known, block, error);
}

/* A clear's AfterClear stands in the same transaction: without it the answer was cut. */
static enum outcome require_whole(const struct range_reader *reader,
				  const struct orderbook_occurrence *occurrence,
				  struct error *error)
{
	if (orderbook_occurrence_is_whole(occurrence) || reader->reading.accept_incomplete)
		return OUTCOME_OK;
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_MALFORMED,
			 "%s without its AfterClear in block %" PRIu64 ", log index %" PRIu64,
			 orderbook_event_type_name(occurrence->type), occurrence->log->block_number,
			 occurrence->log->log_index);
}

/* What every event of ours has: a whole, and the header of its block. */
static enum outcome prove_events(struct range_reader *reader, struct error *error)
{
	struct orderbook_occurrence occurrence;
	size_t cursor = 0;

	while (orderbook_next_occurrence(&reader->logs, &cursor, &occurrence)) {
		struct evm_log *log = &reader->logs.items[occurrence.log - reader->logs.items];
		const struct range_block *block;
		enum outcome outcome;

		if (!event_ingest_wants(reader->ingest, &reader->logs, &occurrence))
			continue;
		outcome = require_whole(reader, &occurrence, error);
		if (outcome != OUTCOME_OK)
			return outcome;
		block = range_reader_block(reader, log->block_number);
		invariant(block != NULL && evm_word_equal(&block->block_hash, &log->block_hash));
		log->has_block_timestamp = true;
		log->block_timestamp = block->timestamp;
	}
	return OUTCOME_OK;
}

static bool takes_batches(const struct range_reader *reader)
{
	return reader->reading.takes_batches != NULL && *reader->reading.takes_batches;
}

/* What is to be asked next; when that is nothing, the events must be proven. */
static enum outcome go_on(struct range_reader *reader, struct error *error)
{
	const struct range_block *block;
	enum outcome outcome;

	reader->asked_header_count =
		range_blocks_without_header(&reader->blocks, reader->asked_headers,
					    takes_batches(reader) ? RANGE_READER_HEADERS : 1);
	if (reader->asked_header_count > 0) {
		reader->phase = RANGE_READER_HEADER;
		reader->asked_block = reader->asked_headers[0];
		return OUTCOME_OK;
	}
	block = range_blocks_in_doubt(&reader->blocks);
	if (block != NULL) {
		reader->phase =
			block->read_by_hash ? RANGE_READER_RECEIPTS : RANGE_READER_BLOCK_LOGS;
		reader->asked_block = block->block_number;
		return OUTCOME_OK;
	}
	outcome = prove_events(reader, error);
	if (outcome == OUTCOME_OK)
		reader->phase = RANGE_READER_COMPLETE;
	return outcome;
}

/* The last block's again, now that the logs are read: it must not have changed meanwhile. */
static void need_headers(struct range_reader *reader)
{
	struct orderbook_occurrence occurrence;
	size_t cursor = 0;

	(void)range_blocks_need(&reader->blocks, (uint64_t)reader->range.last);
	while (orderbook_next_occurrence(&reader->logs, &cursor, &occurrence)) {
		if (event_ingest_wants(reader->ingest, &reader->logs, &occurrence))
			(void)range_blocks_need(&reader->blocks, occurrence.log->block_number);
	}
	if (!reader->reading.linked)
		return;
	for (int64_t number = reader->range.first; number <= reader->range.last; number++)
		(void)range_blocks_need(&reader->blocks, (uint64_t)number);
}

static enum outcome take_last(struct range_reader *reader, struct bytes body, struct error *error)
{
	struct evm_block last = {.number = 0};
	enum outcome outcome = judge_header(reader, body, &last, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	reader->last_hash = last.hash;
	reader->phase = RANGE_READER_LOGS;
	return OUTCOME_OK;
}

static enum outcome take_logs(struct range_reader *reader, struct bytes body, struct error *error)
{
	enum outcome outcome =
		evm_logs_stream_end(&reader->stream, body, reader->request_id, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	for (size_t i = 0; i < reader->logs.count; i++)
		reader->logs.items[i].has_block_timestamp = false;
	need_headers(reader);
	return go_on(reader, error);
}

/* Headers are read from the last one down: in a linked range each is the parent of the one before.
 */
static enum outcome link_header(struct range_reader *reader, const struct evm_block *block,
				struct error *error)
{
	const struct range_block *next = range_reader_block(reader, block->number + 1);
	struct range_block *known = range_blocks_find(&reader->blocks, block->number);

	invariant(known != NULL);
	if (block->number == (uint64_t)reader->range.last &&
	    !evm_word_equal(&block->hash, &reader->last_hash))
		return moved(error, block->number, "changed while its logs were read");
	if (next != NULL && !evm_word_equal(&next->parent_hash, &block->hash))
		return moved(error, block->number, "is not the parent of the next one");
	return keep_header(reader, known, block, error);
}

static enum outcome take_headers(struct range_reader *reader, struct bytes body,
				 struct error *error)
{
	struct evm_block blocks[RANGE_READER_HEADERS];
	size_t count = reader->asked_header_count;
	enum outcome outcome =
		count == 1 ? judge_header(reader, body, &blocks[0], error)
			   : evm_rpc_answer_blocks((const char *)body.data, body.length,
						   reader->request_id, reader->asked_headers, count,
						   blocks, error);

	for (size_t i = 0; i < count && outcome == OUTCOME_OK; i++)
		outcome = link_header(reader, &blocks[i], error);
	return outcome == OUTCOME_OK ? go_on(reader, error) : outcome;
}

static enum outcome disagree(struct error *error, uint64_t block_number, const char *what)
{
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_MALFORMED,
			 "eth_getLogs for the range and %s for block %" PRIu64 " disagree", what,
			 block_number);
}

static enum outcome take_block_logs(struct range_reader *reader, struct bytes body,
				    struct error *error)
{
	enum outcome outcome = evm_rpc_answer_logs(
		(const char *)body.data, body.length, reader->request_id, reader->orderbook,
		orderbook_topics, ORDERBOOK_TOPIC_COUNT, reader->asked_block, reader->asked_block,
		&reader->block_logs, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (!evm_logs_agree(&reader->logs, &reader->block_logs, reader->asked_block))
		return disagree(error, reader->asked_block, "eth_getLogs by hash");
	asked_block(reader)->read_by_hash = true;
	return go_on(reader, error);
}

/* Logs that only the receipts have are taken from there: the node's index of logs has a hole. */
static enum outcome believe_receipts(struct range_reader *reader, struct error *error)
{
	uint64_t number = reader->asked_block;
	size_t first;
	size_t known = evm_logs_of_block(&reader->logs, number, &first);

	if (evm_logs_agree(&reader->logs, &reader->block_logs, number))
		return OUTCOME_OK;
	if (reader->block_logs.count <= known)
		return disagree(error, number, "eth_getBlockReceipts");
	log_warn("eth_getLogs lacks logs that the block's receipts have: taken from the receipts"
		 " block_number=%" PRIu64 " logs=%zu",
		 number, reader->block_logs.count);
	for (size_t i = 0; i < reader->block_logs.count; i++)
		reader->block_logs.items[i].has_block_timestamp = false;
	if (!evm_logs_replace_block(&reader->logs, number, &reader->block_logs))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE,
				 "more logs than fit");
	return OUTCOME_OK;
}

static enum outcome take_receipts(struct range_reader *reader, struct bytes body,
				  struct error *error)
{
	struct range_block *block = asked_block(reader);
	const struct evm_logs_filter filter = {
		.address = reader->orderbook,
		.topic_choices = orderbook_topics,
		.topic_count = ORDERBOOK_TOPIC_COUNT,
		.block_number = reader->asked_block,
		.block_hash = block->block_hash,
	};
	size_t receipts;
	enum outcome outcome =
		evm_rpc_answer_receipts((const char *)body.data, body.length, reader->request_id,
					&filter, &reader->block_logs, &receipts, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (receipts == 0 && !block->bloom_is_zero)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				 "no receipts for block %" PRIu64 ", which has logs",
				 reader->asked_block);
	outcome = believe_receipts(reader, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	block->arbitrated = true;
	return go_on(reader, error);
}

static enum outcome judge(struct range_reader *reader, struct bytes body, struct error *error)
{
	switch (reader->phase) {
	case RANGE_READER_LAST_BEFORE:
		return take_last(reader, body, error);
	case RANGE_READER_LOGS:
		return take_logs(reader, body, error);
	case RANGE_READER_HEADER:
		return take_headers(reader, body, error);
	case RANGE_READER_BLOCK_LOGS:
		return take_block_logs(reader, body, error);
	case RANGE_READER_RECEIPTS:
		return take_receipts(reader, body, error);
	case RANGE_READER_COMPLETE:
		break;
	}
	invariant_unreachable("a complete range gets no answer");
}

/* Two answers agree on the block's logs, and the node has no third one to give. */
static bool may_go_without_receipts(struct range_reader *reader, const struct error *why)
{
	struct range_block *block;

	if (reader->phase != RANGE_READER_RECEIPTS || why->kind != ERROR_KIND_RPC)
		return false;
	block = asked_block(reader);
	block->no_receipts = true;
	return block->doubt == BLOCK_HAS_LOGS;
}

/*
 * A batch was answered with one error, or with a status that says that the request is wrong: the
 * node takes none. Its headers are asked for one by one then, and all later ones.
 */
static bool refuses_batches(const struct range_reader *reader, const struct http_answer *answer,
			    const struct error *why)
{
	bool is_list = answer->body.length > 0 && answer->body.data[0] == '[';

	return reader->phase == RANGE_READER_HEADER && reader->asked_header_count > 1 && !is_list &&
	       (why->kind == ERROR_KIND_RPC || answer->outcome == OUTCOME_REJECTED);
}

static void ask_one_by_one(struct range_reader *reader, const struct error *why)
{
	if (takes_batches(reader))
		log_info("the node takes no batches: headers are asked for one by one reason=%s",
			 why->text);
	*reader->reading.takes_batches = false;
	reader->asked_header_count = 1;
}

/* A node that has no eth_getBlockReceipts cannot settle a doubt: a person must know. */
static void explain_receipts(const struct range_reader *reader, struct error *error)
{
	const struct error told = *error;

	(void)error_set(error, OUTCOME_RETRY, told.kind,
			"block %" PRIu64
			" may have logs that eth_getLogs lacks, and eth_getBlockReceipts does not "
			"tell (another node, or LOGS_BLOOM=ignore): %.100s",
			reader->asked_block, told.text);
	error->retry_after_ms = told.retry_after_ms;
}

enum outcome range_reader_answer(struct range_reader *reader, const struct http_answer *answer,
				 struct error *error)
{
	struct error why = {.kind = ERROR_KIND_NONE};
	enum outcome outcome = evm_node_transport_outcome(answer, &why);

	if (outcome == OUTCOME_OK)
		outcome = judge(reader, answer->body, &why);
	if (outcome == OUTCOME_REJECTED && may_go_without_receipts(reader, &why))
		outcome = go_on(reader, &why);
	if (outcome == OUTCOME_OK)
		return OUTCOME_OK;
	if (refuses_batches(reader, answer, &why)) {
		ask_one_by_one(reader, &why);
		return OUTCOME_OK;
	}
	if (reader->phase == RANGE_READER_RECEIPTS && why.kind == ERROR_KIND_RPC)
		explain_receipts(reader, &why);
	/* Fewer blocks would not make a header or a block smaller. */
	if (why.kind == ERROR_KIND_RANGE_TOO_LARGE && reader->phase != RANGE_READER_LOGS)
		why.kind = ERROR_KIND_MALFORMED;
	if (error != NULL)
		*error = why;
	return outcome;
}

void range_reader_doubt(struct range_reader *reader, uint64_t block_number,
			const struct evm_word *block_hash)
{
	struct range_block *block = range_blocks_need(&reader->blocks, block_number);
	enum outcome outcome;

	invariant(range_reader_is_complete(reader));
	if (block->has_header && evm_word_equal(&block->block_hash, block_hash)) {
		invariant(!block->arbitrated);
		block->doubt = BLOCK_MAY_HAVE_LOGS;
	}
	/* The events are proven already: this can only ask. */
	outcome = go_on(reader, NULL);
	invariant(outcome == OUTCOME_OK);
}

enum standing range_reader_judge(const struct range_reader *reader,
				 const struct standing_event *event)
{
	uint64_t number = (uint64_t)event->block_number;
	const struct evm_log *log =
		evm_logs_find(&reader->logs, number, (uint64_t)event->log_index);
	const struct range_block *block = range_reader_block(reader, number);

	if (block == NULL)
		return STANDING_UNKNOWN;
	if (!evm_word_equal(&block->block_hash, &event->block_hash))
		return STANDING_GONE;
	if (log != NULL && evm_word_equal(&log->tx_hash, &event->tx_hash))
		return STANDING_PROVEN;
	return block->arbitrated ? STANDING_PHANTOM : STANDING_UNKNOWN;
}
