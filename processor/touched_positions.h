/*
 * The tickers that a transaction has to do with: each is read once, and written once at the end,
 * however many trades of it there were. Nobody else may read or write their rows in between.
 */
#ifndef BALLAST_PROCESSOR_TOUCHED_POSITIONS_H
#define BALLAST_PROCESSOR_TOUCHED_POSITIONS_H

#include "base/compiler.h"
#include "store/symbols.h"
#include "store/trade_accumulators.h"

#include <stddef.h>

#define TOUCHED_POSITIONS_MAXIMUM 64

struct touched_positions {
	struct trade_accumulators *accumulators;
	struct trade_accumulator items[TOUCHED_POSITIONS_MAXIMUM];
	size_t count;
};

/* accumulators is kept, and stays the caller's. */
void touched_positions_init(struct touched_positions *touched,
			    struct trade_accumulators *accumulators);

/* Writes them when another `count` might not fit: before the first of them is touched. */
void touched_positions_make_room(struct touched_positions *touched, size_t count);

/* The ticker as the transaction has left it so far; valid until they are written. */
struct trade_accumulator *touched_positions_get(struct touched_positions *touched,
						const struct symbol *ticker);

/* All rows, with a line of the log for each. */
void touched_positions_write(struct touched_positions *touched);

#endif
