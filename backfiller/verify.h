/*
 * Proves the ledger to an operator: what was just read from the node, header by header, compared
 * with what the database says. Differences go to stdout as they are found, one a line; nothing is
 * written.
 */
#ifndef BALLAST_BACKFILLER_VERIFY_H
#define BALLAST_BACKFILLER_VERIFY_H

#include "backfiller/range_reader.h"
#include "base/compiler.h"
#include "ingest/event_ingest.h"
#include "store/block_coverage.h"
#include "store/blocks.h"
#include "store/event_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What links a range to its neighbours. */
struct verified_range {
	struct block_range blocks;
	struct evm_word first_parent;
	struct evm_word last_hash;
};

/* Owns: ranges. */
struct verify {
	struct block_coverage *coverage;
	struct blocks *blocks;
	struct event_queue *queue;
	struct event_ingest *ingest;
	struct verified_range *ranges;
	size_t range_count;
	size_t range_capacity;
	int64_t events; /* on the chain */
	int64_t differences;
};

/* ingest: of the backfiller, for what counts as an event of ours. */
void verify_init(struct verify *verify, struct block_coverage *coverage, struct blocks *blocks,
		 struct event_ingest *ingest);
void verify_free(struct verify *verify);

/*
 * Compares a complete, linked range. False: the reader has been given questions, it is to be
 * completed again.
 */
MUST_USE bool verify_range(struct verify *verify, struct range_reader *reader);

/*
 * The last words, when every range of `blocks` has been compared: the proof, or how many
 * differences there are. Exit code: 0 or 1.
 */
int verify_result(struct verify *verify, struct block_range blocks);

#endif
