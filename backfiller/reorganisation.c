/* See reorganisation.h. */
#include "backfiller/reorganisation.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

bool reorganisation_step(const struct reorganisation *reorganisation, int64_t fork_block,
			 int64_t top_block)
{
	if (!store_begin(reorganisation->store))
		return false;
	block_coverage_remove_above(reorganisation->coverage, fork_block);
	blocks_remove_above(reorganisation->blocks, fork_block);
	event_queue_doubt_above(reorganisation->queue, fork_block);
	store_commit(reorganisation->store);
	log_warn("reorganisation: the chain moved, its blocks are read again fork_block=%" PRId64
		 " depth=%" PRId64,
		 fork_block, top_block - fork_block);
	return true;
}

bool reorganisation_halt_step(const struct reorganisation *reorganisation, int64_t top_block)
{
	char reason[160];

	(void)snprintf(reason, sizeof(reason),
		       "the node's chain lacks a block that it had called final (found at block "
		       "%" PRId64 "): see README, Reorganisations",
		       top_block);
	log_error("trading is halted: %s", reason);
	if (!store_begin(reorganisation->store))
		return false;
	controls_set_trading_halted(reorganisation->controls, true, reason);
	store_commit(reorganisation->store);
	return true;
}

/* Whether the rows say so already. */
static bool is_finalized(const struct reorganisation *reorganisation, int64_t finalized)
{
	struct block_row row;
	struct block_row lowest;

	if (!blocks_highest(reorganisation->blocks, finalized, &row))
		return true;
	return row.finalized && blocks_lowest(reorganisation->blocks, &lowest) &&
	       lowest.block_number == row.block_number;
}

void reorganisation_finalize_step(const struct reorganisation *reorganisation, int64_t finalized)
{
	if (is_finalized(reorganisation, finalized) || !store_begin(reorganisation->store))
		return;
	blocks_finalize(reorganisation->blocks, finalized);
	store_commit(reorganisation->store);
}
