/* See position_sides.h. */
#include "processor/position_sides.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdbool.h>

struct shares sides_plus(struct shares a, struct shares b)
{
	struct shares sum;
	bool fits = shares_add(a, b, &sum);

	invariant(fits);
	return sum;
}

struct shares sides_minus(struct shares a, struct shares b)
{
	struct shares difference;
	bool fits = shares_subtract(a, b, &difference);

	invariant(fits && !shares_is_negative(difference));
	return difference;
}

static struct shares *side_of(struct trade_accumulator *accumulator, enum direction direction)
{
	return direction == DIRECTION_BUY ? &accumulator->accumulated_long
					  : &accumulator->accumulated_short;
}

struct shares sides_accumulated(const struct trade_accumulator *accumulator,
				enum direction direction)
{
	return direction == DIRECTION_BUY ? accumulator->accumulated_long
					  : accumulator->accumulated_short;
}

static void put_on(struct trade_accumulator *accumulator, enum direction direction,
		   struct shares amount)
{
	struct shares *side = side_of(accumulator, direction);

	*side = sides_plus(*side, amount);
}

struct shares sides_cancelled_by(const struct trade_accumulator *accumulator,
				 enum direction direction, struct shares amount)
{
	return shares_minimum(amount,
			      sides_accumulated(accumulator, direction_opposite(direction)));
}

static void take(struct positions *positions, struct trade_accumulator *accumulator,
		 enum direction direction, const struct unallocated_trade *trade,
		 struct shares amount)
{
	struct shares *side = side_of(accumulator, direction);

	onchain_trades_set_unallocated(&positions->trades, trade->id,
				       sides_minus(trade->unallocated, amount));
	*side = sides_minus(*side, amount);
}

static void give_back(struct positions *positions, struct trade_accumulator *accumulator,
		      enum direction direction, int64_t trade_id, struct shares amount)
{
	struct shares unallocated = onchain_trades_unallocated(&positions->trades, trade_id);

	onchain_trades_set_unallocated(&positions->trades, trade_id,
				       sides_plus(unallocated, amount));
	put_on(accumulator, direction, amount);
}

static void find_oldest(struct positions *positions, const struct trade_accumulator *accumulator,
			enum direction direction, struct unallocated_trade *trade)
{
	bool found = onchain_trades_oldest_unallocated(&positions->trades, &accumulator->symbol,
						       direction, trade);

	/* The side is above zero, so one of its trades must be. */
	invariant(found);
}

static void add_offset(struct positions *positions, const struct symbol *ticker,
		       int64_t buy_trade_id, int64_t sell_trade_id, struct shares shares)
{
	trade_allocations_add_offset(&positions->allocations, buy_trade_id, sell_trade_id, shares);
	log_debug("trades offset symbol=%s buy_trade_id=%" PRId64 " sell_trade_id=%" PRId64
		  " shares=%s",
		  ticker->text, buy_trade_id, sell_trade_id, shares_text(shares).text);
}

void sides_take_new(struct positions *positions, struct trade_accumulator *accumulator,
		    const struct new_trade *trade)
{
	enum direction other_side = direction_opposite(trade->direction);
	struct shares left = trade->cancelled;

	while (!shares_is_zero(left)) {
		struct unallocated_trade other;
		struct shares part;

		find_oldest(positions, accumulator, other_side, &other);
		part = shares_minimum(other.unallocated, left);
		if (other_side == DIRECTION_SELL)
			add_offset(positions, &accumulator->symbol, trade->id, other.id, part);
		else
			add_offset(positions, &accumulator->symbol, other.id, trade->id, part);
		take(positions, accumulator, other_side, &other, part);
		left = sides_minus(left, part);
	}
	put_on(accumulator, trade->direction, trade->unallocated);
}

void sides_offset(struct positions *positions, struct trade_accumulator *accumulator)
{
	while (!shares_is_zero(accumulator->accumulated_long) &&
	       !shares_is_zero(accumulator->accumulated_short)) {
		struct unallocated_trade bought;
		struct unallocated_trade sold;
		struct shares matched;

		find_oldest(positions, accumulator, DIRECTION_BUY, &bought);
		find_oldest(positions, accumulator, DIRECTION_SELL, &sold);
		matched = shares_minimum(bought.unallocated, sold.unallocated);
		add_offset(positions, &accumulator->symbol, bought.id, sold.id, matched);
		take(positions, accumulator, DIRECTION_BUY, &bought, matched);
		take(positions, accumulator, DIRECTION_SELL, &sold, matched);
	}
}

/*
 * What the execution has of the trade already. Links go from the oldest trade on, so that only the
 * youngest linked one can have anything left to give.
 */
static struct shares linked_already(struct positions *positions, int64_t execution_id,
				    int64_t trade_id)
{
	struct trade_contribution youngest;

	if (!trade_allocations_newest_link(&positions->allocations, execution_id, &youngest))
		return (struct shares){0};
	invariant(youngest.trade_id <= trade_id);
	return youngest.trade_id == trade_id ? youngest.contributed : (struct shares){0};
}

void sides_link_oldest(struct positions *positions, struct trade_accumulator *accumulator,
		       enum direction direction, int64_t execution_id, struct shares shares)
{
	while (!shares_is_zero(shares)) {
		struct unallocated_trade trade;
		struct shares part;
		struct shares linked;

		find_oldest(positions, accumulator, direction, &trade);
		part = shares_minimum(trade.unallocated, shares);
		linked = linked_already(positions, execution_id, trade.id);
		trade_allocations_set_link(&positions->allocations, trade.id, execution_id,
					   sides_plus(linked, part));
		take(positions, accumulator, direction, &trade, part);
		shares = sides_minus(shares, part);
	}
}

void sides_unlink_youngest(struct positions *positions, struct trade_accumulator *accumulator,
			   enum direction direction, int64_t execution_id, struct shares shares)
{
	while (!shares_is_zero(shares)) {
		struct trade_contribution link;
		struct shares part;
		bool found =
			trade_allocations_newest_link(&positions->allocations, execution_id, &link);

		invariant(found);
		part = shares_minimum(link.contributed, shares);
		trade_allocations_set_link(&positions->allocations, link.trade_id, execution_id,
					   sides_minus(link.contributed, part));
		give_back(positions, accumulator, direction, link.trade_id, part);
		shares = sides_minus(shares, part);
	}
}
