/* See orderbook_events.h: which log is which, and which belong together. */
#include "chain/orderbook_events.h"

/* Places in orderbook_topics. */
enum topic {
	TOPIC_TAKE_ORDER_V2,
	TOPIC_CLEAR_V2,
	TOPIC_AFTER_CLEAR,
	TOPIC_TAKE_ORDER_V3,
	TOPIC_CLEAR_V3,
	TOPIC_AFTER_CLEAR_V2,
};

/* keccak-256 of the canonical signatures, in the order of enum topic. */
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
	{{0x19, 0x4f, 0x1f, 0xeb, 0x3b, 0x4d, 0x70, 0x76, 0xa2, 0xc2, 0x72,
	  0xe7, 0x74, 0xe7, 0x92, 0xe0, 0xc4, 0x8b, 0xb8, 0xc7, 0xaa, 0x1a,
	  0x9a, 0x36, 0x71, 0xc1, 0xcd, 0x6d, 0xa9, 0xe6, 0xb4, 0xc1}},
	{{0x6f, 0xa7, 0xf4, 0xc2, 0x86, 0x34, 0xb0, 0xa9, 0xd6, 0x83, 0x14,
	  0x01, 0xc4, 0x5a, 0xe4, 0x68, 0x19, 0x5f, 0xb6, 0x3a, 0xed, 0x07,
	  0x30, 0x89, 0x35, 0xc3, 0x53, 0x74, 0xff, 0x5d, 0x9e, 0x39}},
	{{0xd9, 0xfa, 0x84, 0xdd, 0x79, 0x0c, 0x96, 0x9d, 0xaa, 0x5c, 0x33,
	  0xd8, 0x05, 0x0d, 0xc0, 0x6b, 0x4a, 0x9b, 0x59, 0xd5, 0xb4, 0x2e,
	  0x2b, 0xe5, 0xf5, 0xe8, 0xae, 0x20, 0x44, 0x7f, 0x61, 0x8d}},
};

static bool has_topic(const struct evm_log *log, enum topic first, enum topic second)
{
	return log->topic_count > 0 && (evm_word_equal(&log->topics[0], &orderbook_topics[first]) ||
					evm_word_equal(&log->topics[0], &orderbook_topics[second]));
}

bool orderbook_is_take_order(const struct evm_log *log)
{
	return has_topic(log, TOPIC_TAKE_ORDER_V2, TOPIC_TAKE_ORDER_V3);
}

bool orderbook_is_clear(const struct evm_log *log)
{
	return has_topic(log, TOPIC_CLEAR_V2, TOPIC_CLEAR_V3);
}

bool orderbook_is_after_clear(const struct evm_log *log)
{
	return has_topic(log, TOPIC_AFTER_CLEAR, TOPIC_AFTER_CLEAR_V2);
}

/* What the database knows of a type of event. */
struct event_form {
	const char *name;
	enum topic topic;
	bool is_clear;
	enum topic after_clear; /* of a clear */
	bool has_floats;
};

static const struct event_form forms[] = {
	[ORDERBOOK_TAKE_ORDER_V2] = {.name = "TakeOrderV2", .topic = TOPIC_TAKE_ORDER_V2},
	[ORDERBOOK_CLEAR_V2] = {.name = "ClearV2",
				.topic = TOPIC_CLEAR_V2,
				.is_clear = true,
				.after_clear = TOPIC_AFTER_CLEAR},
	[ORDERBOOK_TAKE_ORDER_V3] = {.name = "TakeOrderV3",
				     .topic = TOPIC_TAKE_ORDER_V3,
				     .has_floats = true},
	[ORDERBOOK_CLEAR_V3] = {.name = "ClearV3",
				.topic = TOPIC_CLEAR_V3,
				.is_clear = true,
				.after_clear = TOPIC_AFTER_CLEAR_V2,
				.has_floats = true},
};

bool orderbook_event_type_of(const struct evm_word *topic, enum orderbook_event_type *type)
{
	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
		if (evm_word_equal(topic, &orderbook_topics[forms[i].topic])) {
			*type = (enum orderbook_event_type)i;
			return true;
		}
	}
	return false;
}

bool orderbook_type_has_floats(enum orderbook_event_type type)
{
	return forms[type].has_floats;
}

bool orderbook_type_is_clear(enum orderbook_event_type type)
{
	return forms[type].is_clear;
}

bool orderbook_topic_completes(const struct evm_word *topic, enum orderbook_event_type type)
{
	return forms[type].is_clear &&
	       evm_word_equal(topic, &orderbook_topics[forms[type].after_clear]);
}

const char *orderbook_event_type_name(enum orderbook_event_type type)
{
	return forms[type].name;
}

bool orderbook_occurrence_is_whole(const struct orderbook_occurrence *occurrence)
{
	return !orderbook_type_is_clear(occurrence->type) || occurrence->after_clear != NULL;
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
static const struct evm_log *find_after_clear(const struct evm_logs *logs, size_t clear_place,
					      enum orderbook_event_type type)
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
		if (log->topic_count > 0 && orderbook_topic_completes(&log->topics[0], type))
			return log;
	}
	return NULL;
}

bool orderbook_next_occurrence(const struct evm_logs *logs, size_t *cursor,
			       struct orderbook_occurrence *occurrence)
{
	for (; *cursor < logs->count; (*cursor)++) {
		const struct evm_log *log = &logs->items[*cursor];
		enum orderbook_event_type type;

		if (log->topic_count == 0 || !orderbook_event_type_of(&log->topics[0], &type))
			continue;
		occurrence->type = type;
		occurrence->log = log;
		occurrence->after_clear = orderbook_type_is_clear(type)
						  ? find_after_clear(logs, *cursor, type)
						  : NULL;
		(*cursor)++;
		return true;
	}
	return false;
}
