/* See touched_positions.h. */
#include "processor/touched_positions.h"

#include "base/log.h"

#include <inttypes.h>

void touched_positions_init(struct touched_positions *touched,
			    struct trade_accumulators *accumulators)
{
	touched->accumulators = accumulators;
	touched->count = 0;
}

void touched_positions_make_room(struct touched_positions *touched, size_t count)
{
	invariant(count <= TOUCHED_POSITIONS_MAXIMUM);
	if (touched->count > TOUCHED_POSITIONS_MAXIMUM - count)
		touched_positions_write(touched);
}

struct trade_accumulator *touched_positions_get(struct touched_positions *touched,
						const struct symbol *ticker)
{
	for (size_t i = 0; i < touched->count; i++) {
		if (symbol_equal(&touched->items[i].symbol, ticker))
			return &touched->items[i];
	}
	invariant(touched->count < TOUCHED_POSITIONS_MAXIMUM);
	trade_accumulators_get(touched->accumulators, ticker, &touched->items[touched->count]);
	return &touched->items[touched->count++];
}

void touched_positions_write(struct touched_positions *touched)
{
	for (size_t i = 0; i < touched->count; i++) {
		const struct trade_accumulator *accumulator = &touched->items[i];

		trade_accumulators_put(touched->accumulators, accumulator);
		log_info("position symbol=%s net_position=%s pending_execution_id=%" PRId64,
			 accumulator->symbol.text,
			 shares_text(trade_accumulator_net(accumulator)).text,
			 accumulator->pending_execution_id);
	}
	touched->count = 0;
}
