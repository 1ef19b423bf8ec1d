/* See orderbook_events.h: which log is which, and which belong together. */
#include "chain/orderbook_events.h"

#include "base/log.h"

#define TOPIC_TAKE_ORDER  0
#define TOPIC_CLEAR	  1
#define TOPIC_AFTER_CLEAR 2

/* keccak-256 of the canonical signatures of TakeOrderV2, ClearV2 and AfterClear. */
const struct evm_word orderbook_topics[ORDERBOOK_TOPIC_COUNT] = {
	{{0x10, 0xde, 0x99, 0xb9, 0x03, 0x21, 0x84, 0x58, 0x75, 0x40, 0xc0,
	  0x4e, 0x18, 0x50, 0xdf, 0xf9, 0x4a, 0x76, 0x83, 0xae, 0x1f, 0xcc,
	  0x9e, 0xb0, 0x60, 0x98, 0x62, 0x1c, 0x73, 0x9c, 0x02, 0x75}},
	{{0x69, 0x2e, 0xe6, 0x9a, 0xf2, 0x84, 0x3c, 0x70, 0x77, 0x2b, 0xe9,
	  0x34, 0x70, 0x66, 0x9f, 0x3c, 0x73, 0xe5, 0x83, 0x31, 0x6a, 0x04,
	  0x7b, 0x6b, 0xfe, 0xfd, 0xae, 0x56, 0x29, 0xde, 0x37, 0xce}},
	{{0x3f, 0x20, 0xe5, 0x59, 0x19, 0xcc, 0xa7, 0x01, 0xab, 0xb2, 0xa4,
	  0x0a, 0xb7, 0x25, 0x42, 0xb2, 0x5e, 0xa7, 0xee, 0xd6, 0x3a, 0x50,
	  0xf9, 0x79, 0xdd, 0x2c, 0xd3, 0x23, 0x1e, 0x5f, 0x48, 0x8d}},
};

static bool has_topic(const struct evm_log *log, size_t topic)
{
	return log->topic_count > 0 && evm_word_equal(&log->topics[0], &orderbook_topics[topic]);
}

bool orderbook_is_take_order(const struct evm_log *log)
{
	return has_topic(log, TOPIC_TAKE_ORDER);
}

bool orderbook_is_clear(const struct evm_log *log)
{
	return has_topic(log, TOPIC_CLEAR);
}

bool orderbook_is_after_clear(const struct evm_log *log)
{
	return has_topic(log, TOPIC_AFTER_CLEAR);
}

const char *orderbook_event_type_name(enum orderbook_event_type type)
{
	switch (type) {
	case ORDERBOOK_TAKE_ORDER_V2:
		return "TakeOrderV2";
	case ORDERBOOK_CLEAR_V2:
		return "ClearV2";
	}
	invariant_unreachable("a known event type");
}

/*
 * The same transaction in the same block: a block that left the chain may have held it too. And the
 * same contract: another orderbook may emit the same events between ours.
 */
static bool same_transaction(const struct evm_log *a, const struct evm_log *b)
{
	return evm_word_equal(&a->tx_hash, &b->tx_hash) &&
	       evm_word_equal(&a->block_hash, &b->block_hash) &&
	       evm_address_equal(&a->address, &b->address);
}

/* Behind the clear, before any other clear of its transaction. */
static const struct evm_log *find_after_clear(const struct evm_logs *logs, size_t clear_place)
{
	const struct evm_log *clear = &logs->items[clear_place];

	for (size_t i = clear_place + 1; i < logs->count; i++) {
		const struct evm_log *log = &logs->items[i];

		if (log->block_number != clear->block_number)
			return NULL;
		if (!same_transaction(log, clear))
			continue;
		if (orderbook_is_clear(log))
			return NULL;
		if (orderbook_is_after_clear(log))
			return log;
	}
	return NULL;
}

bool orderbook_next_occurrence(const struct evm_logs *logs, size_t *cursor,
			       struct orderbook_occurrence *occurrence)
{
	for (; *cursor < logs->count; (*cursor)++) {
		const struct evm_log *log = &logs->items[*cursor];
		bool is_clear = orderbook_is_clear(log);

		if (!is_clear && !orderbook_is_take_order(log))
			continue;
		occurrence->type = is_clear ? ORDERBOOK_CLEAR_V2 : ORDERBOOK_TAKE_ORDER_V2;
		occurrence->log = log;
		occurrence->after_clear = is_clear ? find_after_clear(logs, *cursor) : NULL;
		(*cursor)++;
		return true;
	}
	return false;
}
