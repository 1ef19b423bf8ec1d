/* Table event_queue. Durable with the transaction around. */
#ifndef BALLAST_STORE_EVENT_QUEUE_H
#define BALLAST_STORE_EVENT_QUEUE_H

#include "base/buffer.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/evm_types.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum event_source {
	EVENT_SOURCE_LISTENER,
	EVENT_SOURCE_BACKFILLER,
};

enum event_outcome {
	EVENT_OUTCOME_TRADE,
	EVENT_OUTCOME_FILTERED,
	EVENT_OUTCOME_QUARANTINED,
};

/* A row to append. Strings are only read during the call. */
struct event_record {
	struct evm_word tx_hash;
	int64_t log_index;
	int64_t block_number;
	struct evm_word block_hash;
	struct clock_text block_timestamp;
	const char *event_type;
	const char *event_data; /* JSON, orderbook_json.h */
	enum event_source source;
};

enum event_append {
	EVENT_ADDED,
	EVENT_KNOWN,	 /* the same event of the same block stands already */
	EVENT_DISAGREES, /* stands with another block hash, block or data: the chain moved, or a
			    node lies */
};

/* A row as the processor reads it; text is valid until the next event_queue_ call. */
struct event_row {
	int64_t id;
	struct evm_word_text tx_hash;
	int64_t log_index;
	int64_t block_number;
	struct clock_text block_timestamp;
	const char *event_data;
};

/* (block_number, log_index): where an event stands on the chain. */
struct event_position {
	int64_t block_number;
	int64_t log_index;
};
#define EVENT_POSITION_START ((struct event_position){.block_number = -1, .log_index = -1})

struct event_queue {
	struct store *store;
	struct statement append, find, next, mark_processed, requeue_quarantined, count_waiting,
		last_processed;
	struct buffer event_data; /* of the row that event_queue_next gave last */
};

void event_queue_open(struct event_queue *queue, struct store *store);
void event_queue_close(struct event_queue *queue);

enum event_append event_queue_append(struct event_queue *queue, const struct event_record *record);

/*
 * The first unprocessed, unremoved event after `after` in chain order whose block is at most
 * ready_to. Give the previous row's position to go on behind it.
 */
MUST_USE bool event_queue_next(struct event_queue *queue, struct event_position after,
			       int64_t ready_to, struct event_row *event);

/* reason: NULL for a trade. The row must be unprocessed. */
void event_queue_mark_processed(struct event_queue *queue, int64_t id, enum event_outcome outcome,
				const char *reason);

/* Makes every quarantined event unprocessed again; how many there were. */
int event_queue_requeue_quarantined(struct event_queue *queue);

/* Unprocessed, unremoved events. */
int64_t event_queue_count_waiting(struct event_queue *queue);

/* The highest position that was processed; EVENT_POSITION_START when none was. */
struct event_position event_queue_last_processed(struct event_queue *queue);

const char *event_source_name(enum event_source source);

#endif
