/* Table trade_accumulators: one row for each ticker. last_updated is kept by a trigger. */
#ifndef BALLAST_STORE_TRADE_ACCUMULATORS_H
#define BALLAST_STORE_TRADE_ACCUMULATORS_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "store/store.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stdint.h>

/* net_position is always accumulated_long - accumulated_short, and one of the two is zero. */
struct trade_accumulator {
	struct symbol symbol;
	struct shares accumulated_long;
	struct shares accumulated_short;
	int64_t pending_execution_id; /* 0: none */
};

struct trade_accumulators {
	struct store *store;
	struct statement find, put, clear_pending, next;
};

void trade_accumulators_open(struct trade_accumulators *accumulators, struct store *store);
void trade_accumulators_close(struct trade_accumulators *accumulators);

/* A symbol without a row has an empty position. */
void trade_accumulators_get(struct trade_accumulators *accumulators, const struct symbol *symbol,
			    struct trade_accumulator *accumulator);

/*
 * Writes the amounts (net_position computed here), and pending_execution_id if it is not 0: writing
 * other columns never clears it.
 */
void trade_accumulators_put(struct trade_accumulators *accumulators,
			    const struct trade_accumulator *accumulator);

/* The one way to clear it: names the execution it must be. */
void trade_accumulators_clear_pending(struct trade_accumulators *accumulators,
				      const struct symbol *symbol, int64_t execution_id);

/*
 * Those that something may be done about: with an execution, or a whole share that is not hedged.
 * Symbols in ascending order: the first above after (NULL: the very first).
 */
MUST_USE bool trade_accumulators_next(struct trade_accumulators *accumulators,
				      const struct symbol *after,
				      struct trade_accumulator *accumulator);

/* long - short */
struct shares trade_accumulator_net(const struct trade_accumulator *accumulator);

#endif
