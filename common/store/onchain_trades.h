/* Table onchain_trades: decoded fills and how much of each is still to be hedged. */
#ifndef BALLAST_STORE_ONCHAIN_TRADES_H
#define BALLAST_STORE_ONCHAIN_TRADES_H

#include "base/clock.h"
#include "base/compiler.h"
#include "base/decimal.h"
#include "base/evm_types.h"
#include "store/event_queue.h"
#include "store/store.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stdint.h>

struct onchain_trade {
	const struct event_row *event; /* gives tx_hash, log_index, block_number, block_timestamp */
	struct evm_address order_owner;
	struct symbol symbol;	   /* as on chain */
	struct symbol base_symbol; /* the ticker */
	enum direction direction;  /* the owner's side */
	struct shares amount;	   /* >= 0 */
	bool is_wrapped;
	struct shares token_amount; /* wrapped shares that amount is worth; >= 0 */
	bool has_usdc;
	struct usd usdc_amount;
	bool has_price;
	struct usd price_usdc;
	int64_t reverses_trade_id; /* 0: none; else the trade that this one takes back */
};

/* A trade with something left to allocate. */
struct unallocated_trade {
	int64_t id;
	struct shares unallocated; /* > 0 */
};

struct onchain_trades {
	struct store *store;
	struct statement insert, oldest_unallocated, set_unallocated, find_unallocated, to_reverse;
};

void onchain_trades_open(struct onchain_trades *trades, struct store *store);
void onchain_trades_close(struct onchain_trades *trades);

/* The new trade's id. unallocated: what the caller does not allocate in the same transaction. The
 * same fill twice is an invariant. */
int64_t onchain_trades_insert(struct onchain_trades *trades, const struct onchain_trade *trade,
			      struct shares unallocated);

/*
 * The compensating trade of the first trade of that event that has none: the same amounts on the
 * other side. False when all of the event's trades are taken back.
 */
MUST_USE bool onchain_trades_next_reversal(struct onchain_trades *trades,
					   const struct event_row *event,
					   struct onchain_trade *reversal);

/* The oldest (by id) trade of that ticker and side with something unallocated. */
MUST_USE bool onchain_trades_oldest_unallocated(struct onchain_trades *trades,
						const struct symbol *base_symbol,
						enum direction direction,
						struct unallocated_trade *trade);

struct shares onchain_trades_unallocated(struct onchain_trades *trades, int64_t id);
void onchain_trades_set_unallocated(struct onchain_trades *trades, int64_t id,
				    struct shares unallocated);

#endif
