/*
 * Positions and hedges: what a trade does to its ticker's position, when a hedge is planned, and
 * what becomes of a position when an execution has ended. Only tables; no chain, no network. Every
 * function belongs inside a transaction.
 */
#ifndef BALLAST_PROCESSOR_POSITION_H
#define BALLAST_PROCESSOR_POSITION_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "processor/touched_positions.h"
#include "store/controls.h"
#include "store/executions.h"
#include "store/onchain_trades.h"
#include "store/store.h"
#include "store/trade_accumulators.h"
#include "store/trade_allocations.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one event: both sides of two fills. */
#define POSITIONS_MAX_TRADES 4

struct positions {
	struct onchain_trades trades;
	struct trade_allocations allocations;
	struct trade_accumulators accumulators;
	struct executions executions;
	struct controls controls;
	struct touched_positions touched;
	struct shares threshold; /* hedge when |net_position| reaches it */
	int64_t retry_after_ms;	 /* after a hedge of which nothing filled; doubled with each further
				    one */
};

void positions_open(struct positions *positions, struct store *store, struct shares threshold,
		    int64_t retry_after_ms);
void positions_close(struct positions *positions);

/*
 * Books the trades of one event: each offsets the oldest unallocated trades of the other side, the
 * rest is accumulated. Hedges are planned when all of them are in, so that an event whose trades
 * cancel each other (a clear between two of our owners) sends no order.
 */
void positions_take_trades(struct positions *positions, const struct onchain_trade *trades,
			   size_t count);

/*
 * Books, for each trade of an event that left the chain, one that takes it back. What was hedged
 * meanwhile stays hedged and is counted; hedges are planned by positions_follow, when whatever took
 * the event's place is in, too.
 */
void positions_take_back(struct positions *positions, const struct event_row *event);

/*
 * The last that a transaction has to do with positions: writes what the others have done to them.
 * Then, for every ticker: takes in an execution that has ended, and plans the next hedge if it is
 * time for one. Gives what positions_wait_ms gives behind it.
 */
int64_t positions_follow(struct positions *positions);

/*
 * Milliseconds until positions_follow has anything to do for any ticker: 0 when it has; else until
 * a hedge that waits after a failure is due, -1 when none does. Reads only; no transaction needed.
 */
int64_t positions_wait_ms(struct positions *positions);

#endif
