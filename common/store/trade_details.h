/*
 * What is found out about booked trades afterwards: columns oracle_*, gas_*, l1_fee_wei, details_at
 * and details_error of onchain_trades.
 */
#ifndef BALLAST_STORE_TRADE_DETAILS_H
#define BALLAST_STORE_TRADE_DETAILS_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "base/evm_types.h"
#include "store/store.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stdint.h>

/* A trade whose transaction has not been asked about. */
struct undetailed_trade {
	int64_t id;
	struct evm_word tx_hash;
	struct evm_word block_hash;
	struct symbol base_symbol;
	bool removed; /* its block left the chain */
};

struct trade_price {
	struct evm_word feed;
	struct usd price;
	struct usd confidence;
	int64_t published_s;
};

struct trade_gas {
	int64_t used;
	bool has_price;
	int64_t price_wei;
	bool has_l1_fee;
	int64_t l1_fee_wei;
};

/* NULL: not found out. error: what was not, and why; NULL when nothing is missing. */
struct trade_detail {
	const struct trade_price *price;
	const struct trade_gas *gas;
	const char *error;
};

struct trade_details {
	struct store *store;
	struct statement next, tickers, set;
};

void trade_details_open(struct trade_details *details, struct store *store);
void trade_details_close(struct trade_details *details);

/* The first behind that id that has not been asked about. */
MUST_USE bool trade_details_next(struct trade_details *details, int64_t after_id,
				 struct undetailed_trade *trade);

/* How many tickers the transaction's trades are of. */
int64_t trade_details_tickers(struct trade_details *details, const struct evm_word *tx_hash);

/* Inside a transaction; the trade must not have been asked about. */
void trade_details_set(struct trade_details *details, int64_t id, const struct trade_detail *found);

#endif
