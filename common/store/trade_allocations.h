/*
 * Tables trade_offsets and trade_execution_links: where each trade's shares went.
 * One file for both, since they answer one question and neither is read alone.
 */
#ifndef BALLAST_STORE_TRADE_ALLOCATIONS_H
#define BALLAST_STORE_TRADE_ALLOCATIONS_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct trade_contribution {
	int64_t trade_id;
	struct shares contributed;
};

struct trade_allocations {
	struct store *store;
	struct statement find_offset, insert_offset, set_offset, put_link, newest_link,
		linked_prices;
};

void trade_allocations_open(struct trade_allocations *allocations, struct store *store);
void trade_allocations_close(struct trade_allocations *allocations);

/* Adds to what the pair has offset already. */
void trade_allocations_add_offset(struct trade_allocations *allocations, int64_t buy_trade_id,
				  int64_t sell_trade_id, struct shares shares);

/* Sets what the trade contributes to the execution (zero: all of it went back). */
void trade_allocations_set_link(struct trade_allocations *allocations, int64_t trade_id,
				int64_t execution_id, struct shares contributed);

/* The youngest trade (highest id) that contributes more than zero to the execution. */
MUST_USE bool trade_allocations_newest_link(struct trade_allocations *allocations,
					    int64_t execution_id,
					    struct trade_contribution *contribution);

/*
 * The average price of the execution's trades that have one, weighted by what they contributed,
 * rounded towards zero at the 18th digit. False when none has a price.
 */
MUST_USE bool trade_allocations_average_price(struct trade_allocations *allocations,
					      int64_t execution_id, struct usd *price);

#endif
