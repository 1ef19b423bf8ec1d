/*
 * The fills in an orderbook's events. Pure: bytes in, fills out.
 *
 *	TakeOrderV2  sender | config -> (order, inputIOIndex, outputIOIndex, signedContext) | input
 *| output ClearV2      sender | alice -> OrderV3 | bob -> OrderV3 | clearConfig: 6 words in place
 *	AfterClear   sender | aliceOutput | bobOutput | aliceInput | bobInput
 *	OrderV3      owner | evaluable -> | validInputs -> IO[] | validOutputs -> IO[] | nonce
 *	IO           token | decimals | vaultId
 *
 * TakeOrderV2 speaks from the taker's side: its `input` left the order
 *(validOutputs[outputIOIndex]), its `output` entered the order (validInputs[inputIOIndex]).
 *AfterClear speaks from each order's own side. Source: Raindex contract, version 4 of the orderbook
 * interface; checked against vault balances of real fills.
 */
#ifndef BALLAST_CHAIN_ORDERBOOK_EVENTS_H
#define BALLAST_CHAIN_ORDERBOOK_EVENTS_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/config.h"
#include "base/evm_types.h"
#include "base/outcome.h"
#include "chain/evm_log.h"

#include <stdbool.h>
#include <stddef.h>

enum orderbook_event_type {
	ORDERBOOK_TAKE_ORDER_V2,
	ORDERBOOK_CLEAR_V2,
};

/* What moved between the order and one of its vaults. amount: raw token units. */
struct orderbook_leg {
	struct evm_address token;
	uint8_t decimals;
	struct evm_word vault_id;
	struct evm_word amount;
};

/* One order's side of an event, always from the order's own perspective. */
struct orderbook_fill {
	struct evm_address owner;
	struct orderbook_leg input;  /* entered the order */
	struct orderbook_leg output; /* left the order */
};

#define ORDERBOOK_MAX_FILLS 2

/* TakeOrderV2: one fill. ClearV2: alice's and bob's. */
struct orderbook_event {
	enum orderbook_event_type type;
	struct evm_address sender;
	struct orderbook_fill fills[ORDERBOOK_MAX_FILLS];
	size_t fill_count;
};

/* topic0 of all events we ask for: TakeOrderV2, ClearV2, AfterClear. */
#define ORDERBOOK_TOPIC_COUNT 3
extern const struct evm_word orderbook_topics[ORDERBOOK_TOPIC_COUNT];

bool orderbook_is_take_order(const struct evm_log *log);
bool orderbook_is_clear(const struct evm_log *log);
bool orderbook_is_after_clear(const struct evm_log *log);

/* "TakeOrderV2", "ClearV2": the text in event_queue.event_type. */
const char *orderbook_event_type_name(enum orderbook_event_type type);

/* REJECTED: undecodable, with the field that is wrong. */
MUST_USE enum outcome orderbook_decode_take_order(struct bytes data, struct orderbook_event *event,
						  struct error *error);
MUST_USE enum outcome orderbook_decode_clear(struct bytes clear, struct bytes after_clear,
					     struct orderbook_event *event, struct error *error);

/*
 * Whether one of owners has an order in this TakeOrderV2 or ClearV2. Reads no more than the orders'
 * owners, so that a stranger's undecodable event is no concern of ours. True also when not even the
 * owners can be read: then a person must look.
 */
bool orderbook_touches(enum orderbook_event_type type, struct bytes data,
		       const struct config_addresses *owners);

/* A TakeOrderV2, or a ClearV2 with its AfterClear, in a list of logs. */
struct orderbook_occurrence {
	enum orderbook_event_type type;
	const struct evm_log *log;
	const struct evm_log *after_clear; /* NULL: a take, or the list does not have it */
};

/*
 * Walks a sorted list: the next TakeOrderV2 or ClearV2 at or after *cursor (0 at first), which
 * moves behind it. An AfterClear belongs to the nearest ClearV2 before it in the same transaction.
 * False at the end.
 */
bool orderbook_next_occurrence(const struct evm_logs *logs, size_t *cursor,
			       struct orderbook_occurrence *occurrence);

#endif
