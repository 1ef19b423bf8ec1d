/*
 * One attempt to read one range: which question comes next, and what an answer proves. Fed with
 * answers; sends nothing and stores nothing.
 *
 *	header of last -> logs of first..last -> header of last again
 *		-> the headers that are needed -> what is in doubt -> complete
 *
 * The node has `last` and its chain did not move while it looked for logs (a node that lags behind
 * answers [] for blocks it does not have), and each event of ours stands in a block that the chain
 * has.
 *
 * A final range needs the headers of blocks that have our events, and of other people's events
 * keeps the place alone. In a linked one every header is
 * read, each the parent of the next, and its bloom is looked at: where it says that there may be a
 * log of the orderbook and the answer has none, the block is asked for by its hash, and if there is
 * none again, its receipts decide. A block that has logs is asked for by its hash, too, and for its
 * receipts, which come from another index of the node: all must agree, or the receipts, which have
 * more, are believed. A node without receipts is believed where the two answers agree.
 */
#ifndef BALLAST_BACKFILLER_RANGE_READER_H
#define BALLAST_BACKFILLER_RANGE_READER_H

#include "backfiller/range_blocks.h"
#include "base/buffer.h"
#include "base/compiler.h"
#include "base/evm_types.h"
#include "base/outcome.h"
#include "chain/evm_log.h"
#include "chain/evm_logs_stream.h"
#include "chain/evm_rpc.h"
#include "chain/http.h"
#include "chain/logs_bloom.h"
#include "ingest/event_ingest.h"
#include "store/block_coverage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum range_reader_phase {
	RANGE_READER_LAST_BEFORE,
	RANGE_READER_LOGS,
	RANGE_READER_HEADER,
	RANGE_READER_BLOCK_LOGS,
	RANGE_READER_RECEIPTS,
	RANGE_READER_COMPLETE,
};

/* How a range is to be read. */
struct range_reading {
	bool linked;
	/*
	 * Take a ClearV2 of ours that lacks its AfterClear as it is (otherwise the answer looks
	 * truncated and is refused): the processor will quarantine it, loudly.
	 */
	bool accept_incomplete;
	/* Several headers in one batch as long as this says so; NULL: one by one. The reader makes
	 * it false when the node takes no batches. */
	bool *takes_batches;
};

/* The most headers of one batch: 20 to 700 KB of answer. */
#define RANGE_READER_HEADERS 50

/* Owns: logs, block_logs, blocks, stream. Never copied: what it has refers to it. */
struct range_reader {
	const struct evm_address *orderbook;
	const struct event_ingest *ingest;	 /* whose events count */
	const struct logs_bloom_question *bloom; /* NULL: the chain's blooms say nothing */
	struct block_range range;
	struct range_reading reading;
	enum range_reader_phase phase;
	uint64_t request_id;
	uint64_t asked_block;
	uint64_t
		asked_headers[RANGE_READER_HEADERS]; /* in phase HEADER; the first is asked_block */
	size_t asked_header_count;
	struct evm_word last_hash;
	struct range_blocks blocks;
	struct evm_logs logs;	    /* block_timestamp stands in the logs of proven events */
	struct evm_logs block_logs; /* of one block, for comparison */
	struct evm_logs_stream stream;
	struct http_filter filter; /* of the answer with the range's logs */
};

/* bloom: what is looked for in blooms, which lives as long; NULL: they say nothing. */
void range_reader_init(struct range_reader *reader, const struct evm_address *orderbook,
		       const struct event_ingest *ingest, const struct logs_bloom_question *bloom);
/* Gives its memory back; it may be started again. */
void range_reader_clear(struct range_reader *reader);

/* Begins anew. */
void range_reader_start(struct range_reader *reader, struct block_range range,
			const struct range_reading *reading);

/* Writes the next question. Not when complete. id, and RANGE_READER_HEADERS from it on: never used
 * before. */
void range_reader_request(struct range_reader *reader, uint64_t id, struct buffer *request);
/* Through what the answer to that question must come; NULL: whole. */
const struct http_filter *range_reader_filter(const struct range_reader *reader);

/*
 * Judges the answer to that question. OK: go on, or complete. Anything else: the attempt has failed
 * and the reader must be started again; kind RANGE_TOO_LARGE only for the question for logs.
 */
MUST_USE enum outcome range_reader_answer(struct range_reader *reader,
					  const struct http_answer *answer, struct error *error);

bool range_reader_is_complete(const struct range_reader *reader);

/*
 * The queue has an event of that block that the answers do not have. When the header is known and
 * has the event's hash, the block is in doubt until its receipts have decided; when it is not
 * known, the header is asked for. Only when complete, which it may not be any more.
 */
void range_reader_doubt(struct range_reader *reader, uint64_t block_number,
			const struct evm_word *block_hash);

/* What a standing event of the queue is, in the light of a complete range. */
enum standing {
	STANDING_PROVEN,
	STANDING_GONE,	  /* its block is not on the chain */
	STANDING_PHANTOM, /* its block is, and surely does not have it */
	STANDING_UNKNOWN, /* the reader must ask: range_reader_doubt */
};
enum standing range_reader_judge(const struct range_reader *reader,
				 const struct standing_event *event);

/* What is known of the block's header; NULL: nothing. */
const struct range_block *range_reader_block(const struct range_reader *reader,
					     uint64_t block_number);

#endif
