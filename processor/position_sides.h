/*
 * The two sides of a ticker's position, and the steps that move shares on and off them. Each step
 * moves a trade's unallocated shares and its side of the accumulator together, so that a side is
 * always the sum of what its trades have unallocated. accumulator is the caller's copy: the caller
 * has it written. Every function belongs inside a transaction.
 */
#ifndef BALLAST_PROCESSOR_POSITION_SIDES_H
#define BALLAST_PROCESSOR_POSITION_SIDES_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "processor/position.h"

#include <stdint.h>

/* a + b; what exceeds 128 bits is an invariant: the decoder refuses amounts long before that. */
struct shares sides_plus(struct shares a, struct shares b);
/* a - b; below zero is an invariant: nothing is taken that is not there. */
struct shares sides_minus(struct shares a, struct shares b);

/* What is accumulated of trades of that direction: BUY long, SELL short. */
struct shares sides_accumulated(const struct trade_accumulator *accumulator,
				enum direction direction);

/* How much of a new trade cancels trades of the other side: as much as there is of it. */
struct shares sides_cancelled_by(const struct trade_accumulator *accumulator,
				 enum direction direction, struct shares amount);

/* A trade that was just inserted: cancelled (sides_cancelled_by) and unallocated make its amount.
 */
struct new_trade {
	int64_t id;
	enum direction direction;
	struct shares cancelled;
	struct shares unallocated;
};

/* Against the oldest trades of the other side goes what cancels them, the rest onto its own side.
 */
void sides_take_new(struct positions *positions, struct trade_accumulator *accumulator,
		    const struct new_trade *trade);

/*
 * While both sides have something, which executions gave back, the oldest of each cancel.
 * Afterwards one side is zero.
 */
void sides_offset(struct positions *positions, struct trade_accumulator *accumulator);

/*
 * Takes shares of a side, from its oldest trades first, and links them to the execution, adding to
 * what it has of the trade already. The side has that much.
 */
void sides_link_oldest(struct positions *positions, struct trade_accumulator *accumulator,
		       enum direction direction, int64_t execution_id, struct shares shares);

/*
 * The reverse: shares that the execution's links hold go back to the side, from the youngest trades
 * first. The links hold that much.
 */
void sides_unlink_youngest(struct positions *positions, struct trade_accumulator *accumulator,
			   enum direction direction, int64_t execution_id, struct shares shares);

#endif
