/*
 * What follows from a finding about the chain: one transaction each. No event is touched here: the
 * blocks above the fork are a gap again, and reading them finds out which events left the chain.
 */
#ifndef BALLAST_BACKFILLER_REORGANISATION_H
#define BALLAST_BACKFILLER_REORGANISATION_H

#include "backfiller/fork_search.h"
#include "base/compiler.h"
#include "store/block_coverage.h"
#include "store/blocks.h"
#include "store/controls.h"
#include "store/event_queue.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct reorganisation {
	struct store *store;
	struct block_coverage *coverage;
	struct blocks *blocks;
	struct event_queue *queue;
	struct controls *controls;
};

/* Gives up coverage and headers above fork_block, and doubts the events there. False: stopping. */
MUST_USE bool reorganisation_step(const struct reorganisation *reorganisation, int64_t fork_block,
				  int64_t top_block);

/* A final block is not on the node's chain: trading stops, nothing else is written. */
MUST_USE bool reorganisation_halt_step(const struct reorganisation *reorganisation,
				       int64_t top_block);

/*
 * The chain was found unmoved, and is final up to that block. Told to stop, nothing is written: the
 * next start finds out again.
 */
void reorganisation_finalize_step(const struct reorganisation *reorganisation, int64_t finalized);

#endif
