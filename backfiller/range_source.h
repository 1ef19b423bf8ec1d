/*
 * Where the next range comes from: the gaps of block_coverage, then covered blocks with an event
 * that is in doubt; or, for a recheck, the asked blocks one after another.
 */
#ifndef BALLAST_BACKFILLER_RANGE_SOURCE_H
#define BALLAST_BACKFILLER_RANGE_SOURCE_H

#include "backfiller/range_plan.h"
#include "base/compiler.h"
#include "store/block_coverage.h"
#include "store/event_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct range_source {
	struct block_coverage *coverage;
	struct event_queue *queue;
	struct block_range target; /* empty: last < first */
	bool recheck;
	int64_t recheck_next; /* everything below has been handed out */
	int64_t recheck_read; /* blocks */
};

/* For a recheck range must not be empty, and ends below INT64_MAX. */
void range_source_init(struct range_source *source, struct block_coverage *coverage,
		       struct event_queue *queue, struct block_range target, bool recheck);

/* Blocks that are in none of the taken ranges, the lowest first, one batch at most. False: none. */
MUST_USE bool range_source_next(struct range_source *source, const struct range_plan *plan,
				const struct block_range *taken, size_t taken_count,
				struct block_range *range);

/* The range that range_source_next gave is being read now. */
void range_source_hand_out(struct range_source *source, struct block_range range);
/* It, or a part of it, has been read. */
void range_source_was_read(struct range_source *source, struct block_range range);

/* Blocks of the target that have not been read. */
int64_t range_source_left(struct range_source *source);

#endif
