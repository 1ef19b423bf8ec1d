/*
 * The fills in an orderbook's events, of both generations of the contract. Pure: bytes in, fills
 *out.
 *
 *	TakeOrder    sender | config -> (order, inputIOIndex, outputIOIndex, signedContext) |
 *	             input | output
 *	Clear        sender | alice -> Order | bob -> Order | clearConfig: 6 words in place
 *	AfterClear   sender | aliceOutput | bobOutput | aliceInput | bobInput
 *	Order        owner | evaluable -> | validInputs -> IO[] | validOutputs -> IO[] | nonce
 *	IO           token | decimals | vaultId      TakeOrderV2, ClearV2, AfterClear
 *	IO           token | vaultId                 TakeOrderV3, ClearV3, AfterClearV2
 *
 * The first generation's amounts are integers of raw token units, the second's are floats of whole
 * tokens (orderbook_float.h). A topic tells which it is; an orderbook may emit both.
 *
 * TakeOrder speaks from the taker's side: its `input` left the order (validOutputs[outputIOIndex]),
 * its `output` entered the order (validInputs[inputIOIndex]). AfterClear speaks from each order's
 * own side. Source: Raindex contract, versions 4 and 6 of the orderbook interface; the first
 *checked against vault balances of real fills.
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
	ORDERBOOK_TAKE_ORDER_V3,
	ORDERBOOK_CLEAR_V3,
};

/* What moved between the order and one of its vaults. */
struct orderbook_leg {
	struct evm_address token;
	uint8_t decimals; /* 0 with a float, which needs none */
	struct evm_word vault_id;
	bool is_float;
	struct evm_word amount; /* a float of whole tokens, or raw token units */
};

/* One order's side of an event, always from the order's own perspective. */
struct orderbook_fill {
	struct evm_address owner;
	struct orderbook_leg input;  /* entered the order */
	struct orderbook_leg output; /* left the order */
};

#define ORDERBOOK_MAX_FILLS 2

/* A take: one fill. A clear: alice's and bob's. */
struct orderbook_event {
	enum orderbook_event_type type;
	struct evm_address sender;
	struct orderbook_fill fills[ORDERBOOK_MAX_FILLS];
	size_t fill_count;
};

/*
 * topic0 of all events we ask for: TakeOrderV2, ClearV2, AfterClear, and of the second generation
 * TakeOrderV3, ClearV3, AfterClearV2.
 */
#define ORDERBOOK_TOPIC_COUNT 6
extern const struct evm_word orderbook_topics[ORDERBOOK_TOPIC_COUNT];

/* Of either generation. */
bool orderbook_is_take_order(const struct evm_log *log);
bool orderbook_is_clear(const struct evm_log *log);
bool orderbook_is_after_clear(const struct evm_log *log);

/* False: the topic of no take and no clear. */
MUST_USE bool orderbook_event_type_of(const struct evm_word *topic,
				      enum orderbook_event_type *type);

/* Whether the type is of the second generation. */
bool orderbook_type_has_floats(enum orderbook_event_type type);
/* Whether the type has an AfterClear. */
bool orderbook_type_is_clear(enum orderbook_event_type type);
/* Whether topic is that of the AfterClear of type, which is a clear's. */
bool orderbook_topic_completes(const struct evm_word *topic, enum orderbook_event_type type);

/* "TakeOrderV2", "ClearV3": the text in event_queue.event_type. */
const char *orderbook_event_type_name(enum orderbook_event_type type);

/*
 * The fills of an event of that type. after_clear: the data of a clear's AfterClear, unused with a
 * take. REJECTED: undecodable, with the field that is wrong.
 */
MUST_USE enum outcome orderbook_decode(enum orderbook_event_type type, struct bytes data,
				       struct bytes after_clear, struct orderbook_event *event,
				       struct error *error);

/*
 * Whether one of owners has an order in this take or clear. Reads no more than the orders'
 * owners, so that a stranger's undecodable event is no concern of ours. True also when not even the
 * owners can be read: then a person must look.
 */
bool orderbook_touches(enum orderbook_event_type type, struct bytes data,
		       const struct config_addresses *owners);

/* A take, or a clear with its AfterClear, in a list of logs. */
struct orderbook_occurrence {
	enum orderbook_event_type type;
	const struct evm_log *log;
	const struct evm_log *after_clear; /* NULL: a take, or the list does not have it */
};

/* False: a clear whose AfterClear the list does not have. */
bool orderbook_occurrence_is_whole(const struct orderbook_occurrence *occurrence);

/*
 * Walks a sorted list: the next take or clear at or after *cursor (0 at first), which moves behind
 * it. An AfterClear belongs to the nearest clear before it in the same transaction, of its own
 * generation. False at the end.
 */
bool orderbook_next_occurrence(const struct evm_logs *logs, size_t *cursor,
			       struct orderbook_occurrence *occurrence);

#endif
