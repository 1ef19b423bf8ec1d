/*
 * See position.h. The laws that hold after every transaction:
 *
 *	per trade      amount = offsets + contributed to executions + unallocated
 *	per ticker     sum of signed live trades = net_position + signed shares of executions,
 *	               asked for while open, filled once settled
 *	per execution  contributions = shares while open, = filled_shares once settled
 *
 * An execution counts as open until its end is taken in here: pending_execution_id names it till
 * then. accumulated_long is the sum of what the BUY trades have unallocated, accumulated_short of
 * the SELL trades (position_sides.h).
 */
#include "processor/position.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "processor/position_sides.h"

#include <inttypes.h>

#define RETRY_MAXIMUM_MS 900000

void positions_open(struct positions *positions, struct store *store, struct shares threshold,
		    int64_t retry_after_ms)
{
	onchain_trades_open(&positions->trades, store);
	trade_allocations_open(&positions->allocations, store);
	trade_accumulators_open(&positions->accumulators, store);
	executions_open(&positions->executions, store);
	controls_open(&positions->controls, store);
	touched_positions_init(&positions->touched, &positions->accumulators);
	positions->threshold = threshold;
	positions->retry_after_ms = retry_after_ms;
}

void positions_close(struct positions *positions)
{
	invariant(positions->touched.count == 0);
	controls_close(&positions->controls);
	executions_close(&positions->executions);
	trade_accumulators_close(&positions->accumulators);
	trade_allocations_close(&positions->allocations);
	onchain_trades_close(&positions->trades);
}

/* How long the next hedge of the ticker must still wait after failures; 0: it may go. */
static int64_t retry_wait_ms(struct positions *positions, const struct symbol *symbol)
{
	struct execution_failures failures =
		executions_recent_failures(&positions->executions, symbol);
	int64_t delay_ms =
		backoff_doubled_ms(positions->retry_after_ms, failures.count - 1, RETRY_MAXIMUM_MS);
	int64_t passed_ms = clock_wall_ms() - failures.last_ended_at_ms;

	if (failures.count == 0)
		return 0;
	/* A clock that was set back must not keep a position open. */
	if (passed_ms < 0 || passed_ms >= delay_ms)
		return 0;
	return delay_ms - passed_ms;
}

/* The whole shares to hedge, 0 when there is no reason to. Direction: of the trades that are to be
 * hedged. */
static int64_t shares_to_hedge(const struct positions *positions,
			       const struct trade_accumulator *accumulator,
			       enum direction *trade_direction)
{
	struct shares exposed;
	int64_t whole = 0;
	bool fits;

	*trade_direction =
		shares_is_zero(accumulator->accumulated_long) ? DIRECTION_SELL : DIRECTION_BUY;
	exposed = sides_accumulated(accumulator, *trade_direction);
	if (accumulator->pending_execution_id != 0 ||
	    shares_compare(exposed, positions->threshold) < 0)
		return 0;
	fits = shares_whole(exposed, &whole);
	invariant(fits); /* more than 64 bits of whole shares is no position */
	return whole;
}

/* Plans a hedge when one is due. */
static void plan_hedge(struct positions *positions, struct trade_accumulator *accumulator)
{
	enum direction trade_direction;
	int64_t whole = shares_to_hedge(positions, accumulator, &trade_direction);
	enum direction direction = direction_opposite(trade_direction);
	struct shares shares = {0};
	bool fits;

	if (whole == 0 || retry_wait_ms(positions, &accumulator->symbol) > 0)
		return;
	fits = shares_from_integer(whole, &shares);
	invariant(fits);
	accumulator->pending_execution_id =
		executions_insert(&positions->executions, &accumulator->symbol, shares, direction);
	sides_link_oldest(positions, accumulator, trade_direction,
			  accumulator->pending_execution_id, shares);
	log_info("execution planned execution_id=%" PRId64 " symbol=%s direction=%s shares=%s",
		 accumulator->pending_execution_id, accumulator->symbol.text,
		 direction_name(direction), shares_text(shares).text);
}

/* Books the trade, whose ticker's the accumulator is. */
static void take_trade(struct positions *positions, const struct onchain_trade *trade,
		       struct trade_accumulator *accumulator)
{
	struct new_trade new = {
		.direction = trade->direction,
		.cancelled = sides_cancelled_by(accumulator, trade->direction, trade->amount),
	};

	new.unallocated = sides_minus(trade->amount, new.cancelled);
	new.id = onchain_trades_insert(&positions->trades, trade, new.unallocated);
	log_info("trade %s symbol=%s direction=%s shares=%s price=%s block_number=%" PRId64
		 " log_index=%" PRId64,
		 trade->reverses_trade_id == 0 ? "booked" : "taken back", trade->symbol.text,
		 direction_name(trade->direction), shares_text(trade->amount).text,
		 trade->has_price ? usd_text(trade->price_usdc).text : "none",
		 trade->event->block_number, trade->event->log_index);
	sides_take_new(positions, accumulator, &new);
}

void positions_take_trades(struct positions *positions, const struct onchain_trade *trades,
			   size_t count)
{
	struct touched_positions *touched = &positions->touched;

	invariant(count <= POSITIONS_MAX_TRADES);
	touched_positions_make_room(touched, count);
	for (size_t i = 0; i < count; i++)
		take_trade(positions, &trades[i],
			   touched_positions_get(touched, &trades[i].base_symbol));
	for (size_t i = 0; i < count; i++)
		plan_hedge(positions, touched_positions_get(touched, &trades[i].base_symbol));
}

void positions_take_back(struct positions *positions, const struct event_row *event)
{
	struct onchain_trade reversal;

	while (onchain_trades_next_reversal(&positions->trades, event, &reversal)) {
		touched_positions_make_room(&positions->touched, 1);
		take_trade(positions, &reversal,
			   touched_positions_get(&positions->touched, &reversal.base_symbol));
	}
}

/*
 * More was filled than was asked for, and the broker's word is the truth. The excess hedges further
 * trades of the same side; beyond them it hedges none of ours: then a person must look before
 * anything more is sent.
 */
static void take_excess(struct positions *positions, struct trade_accumulator *accumulator,
			const struct execution *execution)
{
	enum direction trade_direction = direction_opposite(execution->direction);
	struct shares excess = sides_minus(execution->filled_shares, execution->shares);
	struct shares unhedged = sides_accumulated(accumulator, trade_direction);
	bool enough = shares_compare(unhedged, excess) >= 0;

	log_error("execution filled more than was asked for%s execution_id=%" PRId64
		  " symbol=%s shares=%s filled_shares=%s",
		  enough ? "" : ": trading is halted", execution->id, execution->symbol.text,
		  shares_text(execution->shares).text, shares_text(execution->filled_shares).text);
	if (enough)
		sides_link_oldest(positions, accumulator, trade_direction, execution->id, excess);
	else
		controls_set_trading_halted(
			&positions->controls, true,
			"an execution filled more shares than were asked for and are unhedged");
}

/* Takes in an ended execution. */
static void settle(struct positions *positions, struct trade_accumulator *accumulator,
		   const struct execution *execution)
{
	if (shares_compare(execution->filled_shares, execution->shares) > 0)
		take_excess(positions, accumulator, execution);
	else
		sides_unlink_youngest(positions, accumulator,
				      direction_opposite(execution->direction), execution->id,
				      sides_minus(execution->shares, execution->filled_shares));
	sides_offset(positions, accumulator);
	trade_accumulators_clear_pending(&positions->accumulators, &accumulator->symbol,
					 execution->id);
	accumulator->pending_execution_id = 0;
	log_info("execution settled execution_id=%" PRId64 " symbol=%s shares=%s filled_shares=%s",
		 execution->id, execution->symbol.text, shares_text(execution->shares).text,
		 shares_text(execution->filled_shares).text);
}

/* Whether the ticker's execution has ended and is not yet taken in. */
static bool has_ended(struct positions *positions, const struct trade_accumulator *accumulator,
		      struct execution *execution)
{
	bool found;

	if (accumulator->pending_execution_id == 0)
		return false;
	found = executions_find(&positions->executions, accumulator->pending_execution_id,
				execution);
	invariant(found && symbol_equal(&execution->symbol, &accumulator->symbol));
	return !execution_is_open(execution->status);
}

/* Until there is something to do for the ticker; -1: nothing that time alone brings. */
static int64_t ticker_wait_ms(struct positions *positions,
			      const struct trade_accumulator *accumulator)
{
	enum direction trade_direction;
	struct execution execution;

	if (has_ended(positions, accumulator, &execution))
		return 0;
	return shares_to_hedge(positions, accumulator, &trade_direction) > 0
		       ? retry_wait_ms(positions, &accumulator->symbol)
		       : -1;
}

static void follow(struct positions *positions, struct trade_accumulator *accumulator)
{
	struct execution execution;

	if (has_ended(positions, accumulator, &execution))
		settle(positions, accumulator, &execution);
	plan_hedge(positions, accumulator);
}

int64_t positions_follow(struct positions *positions)
{
	struct trade_accumulator accumulator;
	struct symbol after;
	const struct symbol *previous = NULL;
	struct touched_positions *touched = &positions->touched;
	int64_t wait_ms = -1;

	touched_positions_write(touched);
	while (trade_accumulators_next(&positions->accumulators, previous, &accumulator)) {
		int64_t ticker_ms = ticker_wait_ms(positions, &accumulator);

		after = accumulator.symbol;
		previous = &after;
		if (ticker_ms == 0) {
			struct trade_accumulator *followed;

			touched_positions_make_room(touched, 1);
			followed = touched_positions_get(touched, &after);
			follow(positions, followed);
			ticker_ms = ticker_wait_ms(positions, followed);
		}
		wait_ms = clock_shorter_wait_ms(wait_ms, ticker_ms);
	}
	touched_positions_write(touched);
	return wait_ms;
}

int64_t positions_wait_ms(struct positions *positions)
{
	struct trade_accumulator accumulator;
	struct symbol after;
	const struct symbol *previous = NULL;
	int64_t wait_ms = -1;

	while (wait_ms != 0 &&
	       trade_accumulators_next(&positions->accumulators, previous, &accumulator)) {
		wait_ms = clock_shorter_wait_ms(wait_ms, ticker_wait_ms(positions, &accumulator));
		after = accumulator.symbol;
		previous = &after;
	}
	return wait_ms;
}
