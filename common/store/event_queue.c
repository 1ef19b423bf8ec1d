/*
 * All SQL of table event_queue. May not know what an event means: event_data is text that goes in
 * and comes out.
 *
 * No statement stays open between two calls: a read that is still open would keep its snapshot
 * beyond the transaction around it, and the next BEGIN IMMEDIATE would find that snapshot stale. So
 * event_data is copied out of the row.
 */
#include "store/event_queue.h"

#include "base/log.h"
#include "store/amounts.h"
#include "store/archived_data.h"
#include "store/words.h"

#include <stdio.h>

/* Storing the same log twice is harmless: among rows not removed, (tx_hash, log_index) is unique.
 */
static const char append_sql[] =
	"INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp,"
	" event_type, event_data, source, confirmed, created_at)"
	" VALUES (:tx_hash, :log_index, :block_number, :block_hash, :block_timestamp,"
	" :event_type, :event_data, :source, :confirmed, :created_at)"
	" ON CONFLICT (tx_hash, log_index) WHERE removed = 0 DO NOTHING";

/* What is archived is compared by its digest, which is as good as its bytes.
 * block_timestamp does not decide: it follows from the block hash, and nodes differ in whether they
 * send it. */
static const char find_sql[] =
	"SELECT block_number = :block_number AND block_hash = :block_hash"
	" AND event_type = :event_type AND event_data IN (:event_data, :archived) AS agrees"
	" FROM event_queue"
	" WHERE tx_hash = :tx_hash AND log_index = :log_index AND removed = 0";

static const char elsewhere_sql[] =
	"SELECT 1 AS found FROM event_queue"
	" WHERE tx_hash = :tx_hash AND block_hash <> :block_hash AND removed = 0 LIMIT 1";

static const char next_standing_sql[] =
	"SELECT id, tx_hash, log_index, block_number, block_hash, confirmed"
	" FROM event_queue INDEXED BY event_queue_block"
	" WHERE removed = 0 AND block_number <= :last_block"
	" AND (block_number, log_index, id) > (:after_block_number, :after_log_index, :after_id)"
	" ORDER BY block_number, log_index, id LIMIT 1";

static const char confirm_sql[] =
	"UPDATE event_queue SET confirmed = 1"
	" WHERE tx_hash = :tx_hash AND log_index = :log_index AND removed = 0 AND confirmed = 0";

static const char doubt_sql[] = "UPDATE event_queue SET confirmed = 0"
				" WHERE tx_hash = :tx_hash AND removed = 0 AND confirmed = 1";

static const char doubt_above_sql[] =
	"UPDATE event_queue SET confirmed = 0"
	" WHERE block_number > :block_number AND removed = 0 AND confirmed = 1";

static const char first_doubted_sql[] =
	"SELECT block_number FROM event_queue"
	" WHERE confirmed = 0 AND removed = 0"
	" AND block_number BETWEEN :first_block AND :last_block ORDER BY block_number LIMIT 1";

static const char mark_removed_sql[] =
	"UPDATE event_queue SET removed = 1, confirmed = 0 WHERE id = :id AND removed = 0";

static const char remove_elsewhere_sql[] =
	"UPDATE event_queue SET removed = 1"
	" WHERE tx_hash = :tx_hash AND block_hash <> :block_hash AND removed = 0 AND confirmed = 0";

static const char remove_unconfirmed_sql[] =
	"UPDATE event_queue SET removed = 1"
	" WHERE tx_hash = :tx_hash AND log_index = :log_index AND removed = 0 AND confirmed = 0";

static const char next_unreversed_sql[] =
	"SELECT id, tx_hash, log_index, block_number, block_hash, block_timestamp, event_data"
	" FROM event_queue"
	" WHERE removed = 1 AND outcome = 'trade' AND reversed_at IS NULL"
	" ORDER BY block_number, log_index LIMIT 1";

static const char mark_reversed_sql[] =
	"UPDATE event_queue SET reversed_at = :reversed_at"
	" WHERE id = :id AND removed = 1 AND outcome = 'trade' AND reversed_at IS NULL";

static const char fate_sql[] =
	"SELECT log_index, block_number, event_type, outcome, error FROM event_queue"
	" WHERE tx_hash = :tx_hash AND removed = 0 AND log_index > :after ORDER BY log_index LIMIT "
	"1";

static const char next_sql[] =
	"SELECT id, tx_hash, log_index, block_number, block_hash, block_timestamp, event_data"
	" FROM event_queue"
	" WHERE processed = 0 AND removed = 0"
	" AND (block_number, log_index) > (:after_block_number, :after_log_index)"
	" AND block_number <= :ready_to"
	" ORDER BY block_number, log_index, id LIMIT 1";

static const char mark_processed_sql[] =
	"UPDATE event_queue SET processed = 1, outcome = :outcome, error = :error,"
	" processed_at = :processed_at"
	" WHERE id = :id AND processed = 0";

static const char requeue_quarantined_sql[] =
	"UPDATE event_queue SET processed = 0, outcome = NULL, error = NULL, processed_at = NULL"
	" WHERE outcome = 'quarantined' AND removed = 0";

static const char count_waiting_sql[] =
	"SELECT count(*) AS waiting FROM event_queue WHERE processed = 0 AND removed = 0";

/*
 * Left to itself the planner takes event_queue_standing, reads the whole table and sorts it. What
 * waits is passed by in its index: a long queue is gigabytes of rows.
 */
static const char last_processed_sql[] =
	"SELECT block_number, log_index FROM event_queue AS e INDEXED BY event_queue_block"
	" WHERE CASE WHEN EXISTS (SELECT 1 FROM event_queue AS w INDEXED BY event_queue_waiting"
	"  WHERE w.processed = 0 AND w.removed = 0 AND w.block_number = e.block_number"
	"  AND w.log_index = e.log_index AND w.id = e.id)"
	" THEN 0 ELSE e.processed = 1 AND e.removed = 0 END"
	" ORDER BY block_number DESC, log_index DESC LIMIT 1";

void event_queue_open(struct event_queue *queue, struct store *store)
{
	*queue = (struct event_queue){.store = store};
	buffer_init(&queue->event_data, BUFFER_MAX_EVENT_JSON);
	statement_prepare(&queue->append, store, append_sql);
	statement_prepare(&queue->find, store, find_sql);
	statement_prepare(&queue->elsewhere, store, elsewhere_sql);
	statement_prepare(&queue->next, store, next_sql);
	statement_prepare(&queue->fate, store, fate_sql);
	statement_prepare(&queue->next_standing, store, next_standing_sql);
	statement_prepare(&queue->confirm, store, confirm_sql);
	statement_prepare(&queue->doubt, store, doubt_sql);
	statement_prepare(&queue->doubt_above, store, doubt_above_sql);
	statement_prepare(&queue->first_doubted, store, first_doubted_sql);
	statement_prepare(&queue->mark_removed, store, mark_removed_sql);
	statement_prepare(&queue->remove_elsewhere, store, remove_elsewhere_sql);
	statement_prepare(&queue->remove_unconfirmed, store, remove_unconfirmed_sql);
	statement_prepare(&queue->next_unreversed, store, next_unreversed_sql);
	statement_prepare(&queue->mark_reversed, store, mark_reversed_sql);
	statement_prepare(&queue->mark_processed, store, mark_processed_sql);
	statement_prepare(&queue->requeue_quarantined, store, requeue_quarantined_sql);
	statement_prepare(&queue->count_waiting, store, count_waiting_sql);
	statement_prepare(&queue->last_processed, store, last_processed_sql);
}

void event_queue_close(struct event_queue *queue)
{
	statement_finalize(&queue->append);
	statement_finalize(&queue->find);
	statement_finalize(&queue->elsewhere);
	statement_finalize(&queue->next);
	statement_finalize(&queue->fate);
	statement_finalize(&queue->next_standing);
	statement_finalize(&queue->confirm);
	statement_finalize(&queue->doubt);
	statement_finalize(&queue->doubt_above);
	statement_finalize(&queue->first_doubted);
	statement_finalize(&queue->mark_removed);
	statement_finalize(&queue->remove_elsewhere);
	statement_finalize(&queue->remove_unconfirmed);
	statement_finalize(&queue->next_unreversed);
	statement_finalize(&queue->mark_reversed);
	statement_finalize(&queue->mark_processed);
	statement_finalize(&queue->requeue_quarantined);
	statement_finalize(&queue->count_waiting);
	statement_finalize(&queue->last_processed);
	buffer_free(&queue->event_data);
}

const char *event_source_name(enum event_source source)
{
	switch (source) {
	case EVENT_SOURCE_LISTENER:
		return "listener";
	case EVENT_SOURCE_BACKFILLER:
		return "backfiller";
	}
	invariant_unreachable("a known event source");
}

static const char *event_outcome_name(enum event_outcome outcome)
{
	switch (outcome) {
	case EVENT_OUTCOME_TRADE:
		return "trade";
	case EVENT_OUTCOME_FILTERED:
		return "filtered";
	case EVENT_OUTCOME_QUARANTINED:
		return "quarantined";
	}
	invariant_unreachable("a known event outcome");
}

/* What append and find have in common: which log, and what is said of it. */
static void bind_record(struct statement *statement, const struct event_record *record)
{
	statement_bind_word(statement, ":tx_hash", &record->tx_hash);
	statement_bind_int64(statement, ":log_index", record->log_index);
	statement_bind_int64(statement, ":block_number", record->block_number);
	statement_bind_word(statement, ":block_hash", &record->block_hash);
	statement_bind_text(statement, ":event_type", record->event_type);
	statement_bind_text(statement, ":event_data", record->event_data);
}

/* ADDED: nothing stands in its place. */
static enum event_append compare(struct event_queue *queue, const struct event_record *record)
{
	enum event_append compared = EVENT_ADDED;

	bind_record(&queue->find, record);
	statement_bind_text(&queue->find, ":archived", archived_data_of(record->event_data).text);
	if (statement_row(&queue->find))
		compared = statement_int64(&queue->find, "agrees") != 0 ? EVENT_KNOWN
									: EVENT_DISAGREES;
	statement_reset(&queue->find);
	return compared;
}

/* Also under another log_index: a transaction that was mined again may have moved within its block.
 */
static bool stands_elsewhere(struct event_queue *queue, const struct event_record *record)
{
	struct statement *elsewhere = &queue->elsewhere;
	bool found;

	statement_bind_word(elsewhere, ":tx_hash", &record->tx_hash);
	statement_bind_word(elsewhere, ":block_hash", &record->block_hash);
	found = statement_row(elsewhere);
	statement_reset(elsewhere);
	return found;
}

enum event_append event_queue_look(struct event_queue *queue, const struct event_record *record)
{
	return stands_elsewhere(queue, record) ? EVENT_ELSEWHERE : compare(queue, record);
}

static void confirm(struct event_queue *queue, const struct event_record *record)
{
	statement_bind_word(&queue->confirm, ":tx_hash", &record->tx_hash);
	statement_bind_int64(&queue->confirm, ":log_index", record->log_index);
	(void)statement_execute(&queue->confirm);
}

enum event_append event_queue_append(struct event_queue *queue, const struct event_record *record)
{
	enum event_append compared;

	if (stands_elsewhere(queue, record))
		return EVENT_ELSEWHERE;
	bind_record(&queue->append, record);
	statement_bind_text(&queue->append, ":block_timestamp", record->block_timestamp.text);
	statement_bind_text(&queue->append, ":source", event_source_name(record->source));
	statement_bind_int64(&queue->append, ":confirmed",
			     record->source == EVENT_SOURCE_BACKFILLER);
	statement_bind_text(&queue->append, ":created_at", clock_now_text().text);
	if (statement_execute(&queue->append) == 1)
		return EVENT_ADDED;
	compared = compare(queue, record);
	invariant(compared != EVENT_ADDED);
	if (compared == EVENT_KNOWN && record->source == EVENT_SOURCE_BACKFILLER)
		confirm(queue, record);
	return compared;
}

static void read_row(struct event_queue *queue, struct statement *next, struct event_row *event)
{
	const char *event_data = statement_text(next, "event_data");
	bool copied;

	invariant(event_data != NULL);
	buffer_clear(&queue->event_data);
	copied = buffer_append_text(&queue->event_data, event_data);
	invariant(copied);

	event->id = statement_int64(next, "id");
	statement_copy_text(next, "tx_hash", event->tx_hash.text, sizeof(event->tx_hash.text));
	event->log_index = statement_int64(next, "log_index");
	event->block_number = statement_int64(next, "block_number");
	event->block_hash = statement_word(next, "block_hash");
	statement_copy_text(next, "block_timestamp", event->block_timestamp.text,
			    sizeof(event->block_timestamp.text));
	event->event_data = buffer_text(&queue->event_data);
}

bool event_queue_next(struct event_queue *queue, struct event_position after, int64_t ready_to,
		      struct event_row *event)
{
	struct statement *next = &queue->next;

	statement_bind_int64(next, ":after_block_number", after.block_number);
	statement_bind_int64(next, ":after_log_index", after.log_index);
	statement_bind_int64(next, ":ready_to", ready_to);
	if (!statement_row(next))
		return false;
	read_row(queue, next, event);
	statement_reset(next);
	return true;
}

bool event_queue_next_standing(struct event_queue *queue, int64_t last_block,
			       struct standing_event *event)
{
	const struct standing_event *after = event;
	struct statement *next = &queue->next_standing;

	statement_bind_int64(next, ":after_block_number", after->block_number);
	statement_bind_int64(next, ":after_log_index", after->log_index);
	statement_bind_int64(next, ":after_id", after->id);
	statement_bind_int64(next, ":last_block", last_block);
	if (!statement_row(next))
		return false;
	event->id = statement_int64(next, "id");
	event->tx_hash = statement_word(next, "tx_hash");
	event->log_index = statement_int64(next, "log_index");
	event->block_number = statement_int64(next, "block_number");
	event->block_hash = statement_word(next, "block_hash");
	event->confirmed = statement_int64(next, "confirmed") != 0;
	statement_reset(next);
	return true;
}

int event_queue_doubt(struct event_queue *queue, const struct evm_word *tx_hash)
{
	statement_bind_word(&queue->doubt, ":tx_hash", tx_hash);
	return statement_execute(&queue->doubt);
}

void event_queue_doubt_above(struct event_queue *queue, int64_t block_number)
{
	statement_bind_int64(&queue->doubt_above, ":block_number", block_number);
	(void)statement_execute(&queue->doubt_above);
}

bool event_queue_first_doubted(struct event_queue *queue, int64_t first_block, int64_t last_block,
			       int64_t *block_number)
{
	struct statement *first = &queue->first_doubted;

	statement_bind_int64(first, ":first_block", first_block);
	statement_bind_int64(first, ":last_block", last_block);
	if (!statement_row(first))
		return false;
	*block_number = statement_int64(first, "block_number");
	statement_reset(first);
	return true;
}

void event_queue_mark_removed(struct event_queue *queue, int64_t id)
{
	int changed;

	statement_bind_int64(&queue->mark_removed, ":id", id);
	changed = statement_execute(&queue->mark_removed);
	invariant(changed == 1);
}

int event_queue_remove_elsewhere(struct event_queue *queue, const struct evm_word *tx_hash,
				 const struct evm_word *block_hash)
{
	struct statement *remove = &queue->remove_elsewhere;

	statement_bind_word(remove, ":tx_hash", tx_hash);
	statement_bind_word(remove, ":block_hash", block_hash);
	return statement_execute(remove);
}

bool event_queue_remove_unconfirmed(struct event_queue *queue, const struct evm_word *tx_hash,
				    int64_t log_index)
{
	struct statement *remove = &queue->remove_unconfirmed;

	statement_bind_word(remove, ":tx_hash", tx_hash);
	statement_bind_int64(remove, ":log_index", log_index);
	return statement_execute(remove) == 1;
}

bool event_queue_next_unreversed(struct event_queue *queue, struct event_row *event)
{
	struct statement *next = &queue->next_unreversed;

	if (!statement_row(next))
		return false;
	read_row(queue, next, event);
	statement_reset(next);
	return true;
}

void event_queue_mark_reversed(struct event_queue *queue, int64_t id)
{
	int changed;

	statement_bind_int64(&queue->mark_reversed, ":id", id);
	statement_bind_text(&queue->mark_reversed, ":reversed_at", clock_now_text().text);
	changed = statement_execute(&queue->mark_reversed);
	invariant(changed == 1);
}

void event_queue_mark_processed(struct event_queue *queue, int64_t id, enum event_outcome outcome,
				const char *reason)
{
	int changed;

	invariant((outcome == EVENT_OUTCOME_TRADE) == (reason == NULL));
	statement_bind_int64(&queue->mark_processed, ":id", id);
	statement_bind_text(&queue->mark_processed, ":outcome", event_outcome_name(outcome));
	statement_bind_text(&queue->mark_processed, ":error", reason);
	statement_bind_text(&queue->mark_processed, ":processed_at", clock_now_text().text);
	changed = statement_execute(&queue->mark_processed);
	invariant(changed == 1);
}

int event_queue_requeue_quarantined(struct event_queue *queue)
{
	return statement_execute(&queue->requeue_quarantined);
}

int64_t event_queue_count_waiting(struct event_queue *queue)
{
	int64_t waiting;
	bool found = statement_row(&queue->count_waiting);

	invariant(found);
	waiting = statement_int64(&queue->count_waiting, "waiting");
	statement_reset(&queue->count_waiting);
	return waiting;
}

struct event_position event_queue_last_processed(struct event_queue *queue)
{
	struct event_position position = EVENT_POSITION_START;

	if (statement_row(&queue->last_processed)) {
		position.block_number = statement_int64(&queue->last_processed, "block_number");
		position.log_index = statement_int64(&queue->last_processed, "log_index");
		statement_reset(&queue->last_processed);
	}
	return position;
}

bool event_queue_next_fate(struct event_queue *queue, const struct evm_word *tx_hash,
			   int64_t after_log_index, struct event_fate *fate)
{
	struct statement *row = &queue->fate;
	const char *error;

	statement_bind_word(row, ":tx_hash", tx_hash);
	statement_bind_int64(row, ":after", after_log_index);
	if (!statement_row(row))
		return false;
	fate->log_index = statement_int64(row, "log_index");
	fate->block_number = statement_int64(row, "block_number");
	statement_copy_text(row, "event_type", fate->event_type.text,
			    sizeof(fate->event_type.text));
	statement_copy_text(row, "outcome", fate->outcome.text, sizeof(fate->outcome.text));
	error = statement_text(row, "error");
	/* For people: a longer reason is cut. */
	(void)snprintf(fate->error.text, sizeof(fate->error.text), "%.1000s",
		       error == NULL ? "" : error);
	statement_reset(row);
	return true;
}
