/*
 * One attempt to read one range: which question comes next, and what an answer proves. Fed with
 * answers; sends nothing and stores nothing.
 *
 *	header of last -> logs of first..last -> header of last again -> header of each block
 *	                                         that has events of our owners -> complete
 *
 * The node has `last` and its chain did not move while it looked for logs (a node that lags behind
 * answers [] for blocks it does not have), and each event of ours stands in a block that the chain
 *has.
 */
#ifndef BALLAST_BACKFILLER_RANGE_READER_H
#define BALLAST_BACKFILLER_RANGE_READER_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/evm_types.h"
#include "base/outcome.h"
#include "chain/evm_log.h"
#include "chain/evm_rpc.h"
#include "chain/http.h"
#include "ingest/event_ingest.h"
#include "store/block_coverage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum range_reader_phase {
	RANGE_READER_LAST_BEFORE,
	RANGE_READER_LOGS,
	RANGE_READER_LAST_AFTER,
	RANGE_READER_EVENT_BLOCK,
	RANGE_READER_COMPLETE,
};

/* Owns: logs. */
struct range_reader {
	const struct evm_address *orderbook;
	const struct event_ingest *ingest; /* whose events count */
	struct block_range range;
	bool accept_incomplete;
	enum range_reader_phase phase;
	uint64_t request_id;
	struct evm_block last;
	struct evm_block proven; /* the header asked for last; at first that of last */
	struct evm_logs logs;	 /* block_timestamp stands in the logs of proven events */
	size_t cursor;		 /* into logs: everything before is proven */
	uint64_t asked_block;
};

void range_reader_init(struct range_reader *reader, const struct evm_address *orderbook,
		       const struct event_ingest *ingest);
/* Gives its memory back; it may be started again. */
void range_reader_clear(struct range_reader *reader);

/*
 * Begins anew. accept_incomplete: take a ClearV2 of ours that lacks its AfterClear as it is
 * (otherwise the answer looks truncated and is refused): the processor will quarantine it, loudly.
 */
void range_reader_start(struct range_reader *reader, struct block_range range,
			bool accept_incomplete);

/* Writes the next question. Not when complete. id: never used before. */
void range_reader_request(struct range_reader *reader, uint64_t id, struct buffer *request);

/*
 * Judges the answer to that question. OK: go on, or complete. Anything else: the attempt has failed
 * and the reader must be started again; kind RANGE_TOO_LARGE only for the question for logs.
 */
MUST_USE enum outcome range_reader_answer(struct range_reader *reader,
					  const struct http_answer *answer, struct error *error);

bool range_reader_is_complete(const struct range_reader *reader);

#endif
