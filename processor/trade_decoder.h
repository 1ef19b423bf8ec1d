/*
 * From an event's fills to trades. Pure: the tokens' symbols are given. The one place where a
 * direction is decided: USDC into the order = the owner sold (SELL), USDC out of it = the owner
 * bought (BUY); equity against equity is both.
 */
#ifndef BALLAST_PROCESSOR_TRADE_DECODER_H
#define BALLAST_PROCESSOR_TRADE_DECODER_H

#include "base/compiler.h"
#include "base/config.h"
#include "base/outcome.h"
#include "chain/orderbook_events.h"
#include "store/onchain_trades.h"
#include "store/tokens.h"

#include <stddef.h>

/* Two orders, two tokens each. */
#define EVENT_MAX_TOKENS (2 * ORDERBOOK_MAX_FILLS)
#define EVENT_MAX_TRADES (2 * ORDERBOOK_MAX_FILLS)

/* The tokens that the owners' fills of one event moved. */
struct event_tokens {
	struct evm_address addresses[EVENT_MAX_TOKENS];
	size_t count;
};

struct decoded_trades {
	struct onchain_trade items[EVENT_MAX_TRADES];
	size_t count;
};

/* Whose symbols must be known before the event can be decoded; none when no owner has a part in it.
 */
void trade_decoder_tokens(const struct orderbook_event *event,
			  const struct config_addresses *owners, struct event_tokens *tokens);

/*
 * The owners' trades of the event; none when no owner has a part in it. known holds every token
 * that trade_decoder_tokens named. REJECTED: a pair we cannot read, decimals that contradict each
 * other, an amount that does not fit. The event of each trade is the caller's to set.
 */
MUST_USE enum outcome trade_decoder_decode(const struct orderbook_event *event,
					   const struct config_addresses *owners,
					   const struct token *known, struct decoded_trades *trades,
					   struct error *error);

#endif
