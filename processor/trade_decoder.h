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
#include "processor/symbol_map.h"
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

/* What an owner's fill moved of a vault's shares, in raw units. */
struct wrapped_amount {
	struct evm_address token;
	struct evm_word shares;
	struct shares worth; /* the decoder's reader fills it in: shares that they were worth */
};

/* The wrapped amounts of the owners' fills of one event. */
struct wrapped_amounts {
	struct wrapped_amount items[EVENT_MAX_TOKENS];
	size_t count;
};

/* What the decoder must be told. */
struct event_knowledge {
	const struct symbol_map *symbols;
	struct token tokens[EVENT_MAX_TOKENS]; /* every one that trade_decoder_tokens named */
	struct wrapped_amounts wrapped;	       /* all of trade_decoder_wrapped, with their worth */
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
 * Which amounts are of vaults' shares, by known's symbols and tokens: known->wrapped. One that
 * cannot be a number of raw units is left out: trade_decoder_decode refuses it.
 */
void trade_decoder_wrapped(const struct orderbook_event *event,
			   const struct config_addresses *owners, struct event_knowledge *known);

/*
 * The owners' trades of the event; none when no owner has a part in it. REJECTED: a pair we cannot
 * read, decimals that contradict each other, an amount that does not fit. The event of each trade
 * is the caller's to set.
 */
MUST_USE enum outcome trade_decoder_decode(const struct orderbook_event *event,
					   const struct config_addresses *owners,
					   const struct event_knowledge *known,
					   struct decoded_trades *trades, struct error *error);

#endif
