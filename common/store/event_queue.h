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
	EVENT_ELSEWHERE, /* its transaction stands in another block: the chain moved, or a node lies
			  */
	EVENT_DISAGREES, /* stands in the same block with other data: a node lies */
};

/* What a standing row says of its place. */
struct standing_event {
	int64_t id;
	struct evm_word tx_hash;
	int64_t log_index;
	int64_t block_number;
	struct evm_word block_hash;
	bool confirmed;
};

/* A row as the processor reads it; text is valid until the next event_queue_ call. */
struct event_row {
	int64_t id;
	struct evm_word_text tx_hash;
	int64_t log_index;
	int64_t block_number;
	struct evm_word block_hash;
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
	struct statement append, find, elsewhere, next, fate, mark_processed, requeue_quarantined,
		count_waiting, last_processed;
	struct statement next_standing, confirm, doubt, doubt_above, first_doubted, mark_removed,
		remove_elsewhere, remove_unconfirmed, next_unreversed, mark_reversed;
	struct buffer event_data; /* of the row that event_queue_next gave last */
};

void event_queue_open(struct event_queue *queue, struct store *store);
void event_queue_close(struct event_queue *queue);

/*
 * The source decides what it proves: what the backfiller appends, or finds standing, is confirmed;
 * what the listener appends is not yet.
 */
enum event_append event_queue_append(struct event_queue *queue, const struct event_record *record);

/* What event_queue_append would find, without writing. */
enum event_append event_queue_look(struct event_queue *queue, const struct event_record *record);

/*
 * The next standing event behind event in chain order, up to last_block. Begin with
 * STANDING_EVENTS_FROM(first_block). Rows of two branches may claim the same place.
 */
#define STANDING_EVENTS_FROM(first_block_)                                                         \
	((struct standing_event){.block_number = (first_block_), .log_index = -1})
MUST_USE bool event_queue_next_standing(struct event_queue *queue, int64_t last_block,
					struct standing_event *event);

/* Somebody says that the transaction's events have left their block. How many were confirmed. */
int event_queue_doubt(struct event_queue *queue, const struct evm_word *tx_hash);
/* No event above block_number is proven any more. */
void event_queue_doubt_above(struct event_queue *queue, int64_t block_number);
/* The lowest block up to last_block with a standing event that is not confirmed. */
MUST_USE bool event_queue_first_doubted(struct event_queue *queue, int64_t first_block,
					int64_t last_block, int64_t *block_number);

/* Its block left the chain. */
void event_queue_mark_removed(struct event_queue *queue, int64_t id);
/*
 * A transaction is in one block only: its events that stand in another than block_hash, and are not
 * confirmed there, are removed. How many.
 */
int event_queue_remove_elsewhere(struct event_queue *queue, const struct evm_word *tx_hash,
				 const struct evm_word *block_hash);
/* The event that stands in that place and is not confirmed, if there is one, is removed. */
MUST_USE bool event_queue_remove_unconfirmed(struct event_queue *queue,
					     const struct evm_word *tx_hash, int64_t log_index);

/* The first removed event, in chain order, whose trades have not been taken back. */
MUST_USE bool event_queue_next_unreversed(struct event_queue *queue, struct event_row *event);
void event_queue_mark_reversed(struct event_queue *queue, int64_t id);

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

/* What became of an event, for people. */
struct event_fate {
	int64_t log_index;
	int64_t block_number;
	struct config_text event_type;
	struct config_text outcome; /* "": not processed yet */
	struct config_text error;
};

/* The transaction's next standing event behind that log index (-1 at first), whoever's it is. */
MUST_USE bool event_queue_next_fate(struct event_queue *queue, const struct evm_word *tx_hash,
				    int64_t after_log_index, struct event_fate *fate);

/* Unprocessed, unremoved events. */
int64_t event_queue_count_waiting(struct event_queue *queue);

/* The highest position that was processed; EVENT_POSITION_START when none was. */
struct event_position event_queue_last_processed(struct event_queue *queue);

const char *event_source_name(enum event_source source);

#endif
