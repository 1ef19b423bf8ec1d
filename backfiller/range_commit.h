/*
 * The one transaction of the backfiller: a verified range, its events and its coverage. The queue
 * is made to agree with the range: what is new is added, what stands in a block that left the chain
 * is removed.
 */
#ifndef BALLAST_BACKFILLER_RANGE_COMMIT_H
#define BALLAST_BACKFILLER_RANGE_COMMIT_H

#include "backfiller/range_reader.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "ingest/event_ingest.h"
#include "store/block_coverage.h"
#include "store/blocks.h"
#include "store/listener_sessions.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a new event is one that somebody else should have found before. */
struct range_expectation {
	bool by_recheck;    /* everywhere: the blocks were read before */
	int64_t session_id; /* 0: none. Else: in these blocks, if that session is still open */
	struct block_range blocks;
};

struct range_commit {
	struct store *store;
	struct block_coverage *coverage;
	struct blocks *blocks;
	struct event_queue *queue;
	struct event_ingest *ingest;
	struct listener_sessions *sessions;
};

enum range_commit_end {
	RANGE_COMMITTED, /* durable */
	/* Nothing was written by the others: */
	RANGE_STOPPED,	 /* the process is to stop */
	RANGE_IN_DOUBT,	 /* the queue knows of events that the range lacks: the reader asks on */
	RANGE_ELSEWHERE, /* another branch than what was read before: .suspect is a row of blocks,
			    or an event's block, to look at */
	RANGE_REFUSED,	 /* contradicts what an earlier read proved: .error */
};

struct range_commit_result {
	int64_t added;	 /* events that were not known */
	int64_t removed; /* events whose block left the chain */
	int64_t suspect;
	struct error error;
};

MUST_USE enum range_commit_end range_commit_step(const struct range_commit *commit,
						 struct range_reader *reader,
						 const struct range_expectation *expectation,
						 struct range_commit_result *result);

#endif
