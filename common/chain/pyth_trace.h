/*
 * The prices that a transaction read of a Pyth contract, from the trace of its calls. Pure.
 *
 *	call    selector | feed id | ..	      getPriceNoOlderThan, getPriceUnsafe and their EMA
 *forms result  price int64 | conf uint64 | expo int32 | publishTime uint256
 *
 * The value is price * 10^expo, plus or minus conf * 10^expo. Source: IPyth.sol of Pyth's SDK for
 * Solidity; debug_traceTransaction with callTracer as geth documents it.
 */
#ifndef BALLAST_CHAIN_PYTH_TRACE_H
#define BALLAST_CHAIN_PYTH_TRACE_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/decimal.h"
#include "base/evm_types.h"
#include "base/outcome.h"

#include <stddef.h>
#include <stdint.h>

/* Exactly what was read: one that has more than 18 digits behind the point is left out. */
struct pyth_price {
	struct evm_word feed;
	struct usd price; /* > 0 */
	struct usd confidence;
	int64_t published_s; /* seconds since 1970 */
};

/* More than any order reads; what comes behind them is not kept. */
#define PYTH_PRICES_MAXIMUM 32

/* In the order of the calls. */
struct pyth_prices {
	struct pyth_price items[PYTH_PRICES_MAXIMUM];
	size_t count;
};

/*
 * Judges an answer to debug_traceTransaction. Calls that failed, or are part of one that did, are
 * left out. REJECTED with kind RPC: the node does not offer traces.
 */
MUST_USE enum outcome pyth_trace_answer(struct bytes text, uint64_t id,
					const struct evm_address *oracle,
					struct pyth_prices *prices, struct error *error);

#endif
