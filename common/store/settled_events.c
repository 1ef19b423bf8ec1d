/*
 * See settled_events.h. Reads across tables, as audit.c does; writes event_data and archived_at of
 * event_queue, which nobody else does.
 */
#include "store/settled_events.h"

#include "base/log.h"
#include "store/amounts.h"

#include <string.h>

/* blocks keeps one final header, its lowest: all below it is final as well. */
#define SETTLED                                                                                    \
	"((q.removed = 0 AND q.confirmed = 1)"                                                     \
	" OR (q.removed = 1 AND (q.outcome = 'filtered' OR q.reversed_at IS NOT NULL)))"           \
	" AND EXISTS (SELECT 1 FROM (SELECT block_number, finalized FROM blocks"                   \
	"                            ORDER BY block_number LIMIT 1) AS b"                          \
	"             WHERE b.finalized = 1 AND q.block_number <= b.block_number)"                 \
	" AND NOT EXISTS (SELECT 1 FROM onchain_trades AS t"                                       \
	"                 WHERE t.event_id = q.id AND t.unallocated <> '0')"                       \
	" AND NOT EXISTS (SELECT 1 FROM onchain_trades AS t"                                       \
	"                 JOIN trade_execution_links AS l ON l.trade_id = t.id"                    \
	"                 JOIN executions AS e ON e.id = l.execution_id"                           \
	"                 LEFT JOIN trade_accumulators AS a"                                       \
	"                 ON a.symbol = e.symbol AND a.pending_execution_id = e.id"                \
	"                 WHERE t.event_id = q.id AND (e.status NOT IN ('FILLED', 'FAILED')"       \
	"                                              OR a.symbol IS NOT NULL))"

#define UNARCHIVED                                                                                 \
	" FROM event_queue AS q INDEXED BY event_queue_unarchived"                                 \
	" WHERE archived_at IS NULL AND outcome IN ('trade', 'filtered')"

static const char any_sql[] = "SELECT 1 AS found" UNARCHIVED " AND processed_at < :before LIMIT 1";

static const char next_sql[] =
	"SELECT q.*, " SETTLED " AS settled" UNARCHIVED
	" AND (processed_at, id) > (:after_processed_at, :after_id) AND processed_at < :before"
	" ORDER BY processed_at, id LIMIT 1";

/*
 * Not an UPDATE: SQLite overwrites a row where it stands, and most are alone on their page, which
 * would stay as it is with little on it. Deleted and inserted again the rows share pages, and those
 * left over are free. Nothing else may differ, so every column of the table stands here.
 */
#define KEPT                                                                                       \
	"id, tx_hash, log_index, block_number, block_hash, block_timestamp, event_type, removed,"  \
	" processed, outcome, error, source, created_at, processed_at, confirmed, reversed_at"

static const char mark_sql[] =
	"REPLACE INTO event_queue (" KEPT ", event_data, archived_at)"
	" SELECT " KEPT ", :archived, :archived_at FROM event_queue AS q"
	" WHERE id = :id AND archived_at IS NULL AND outcome IN ('trade', 'filtered') AND " SETTLED;

/* Enough that a few which are never settled hide nothing, and few enough to read. */
static const char oldest_sql[] =
	"SELECT count(archived_at) AS archived"
	" FROM (SELECT archived_at FROM event_queue ORDER BY id LIMIT 1000)";

void settled_events_open(struct settled_events *events, struct store *store)
{
	statement_prepare(&events->any, store, any_sql);
	statement_prepare(&events->next, store, next_sql);
	statement_prepare(&events->mark, store, mark_sql);
}

void settled_events_close(struct settled_events *events)
{
	statement_finalize(&events->any);
	statement_finalize(&events->next);
	statement_finalize(&events->mark);
}

bool settled_events_any(struct settled_events *events, const struct clock_text *before)
{
	bool found;

	statement_bind_text(&events->any, ":before", before->text);
	found = statement_row(&events->any);
	statement_reset(&events->any);
	return found;
}

bool settled_events_need_archive(struct store *ledger)
{
	struct statement oldest;
	bool archived;

	statement_prepare(&oldest, ledger, oldest_sql);
	archived = statement_row(&oldest) && statement_int64(&oldest, "archived") > 0;
	statement_finalize(&oldest);
	return archived;
}

/* What it is called from then on is known before its text is gone. */
static enum outcome copy(const struct statement *row, const char *event_data,
			 struct archive *archive, struct settled_event *event, struct error *error)
{
	event->size_bytes = strlen(event_data);
	event->archived = archived_data_of(event_data);
	return archive_append(archive, row, error);
}

enum outcome settled_events_copy_next(struct settled_events *events, struct settled_place *place,
				      const struct clock_text *before, struct archive *archive,
				      struct settled_event *event, bool *found, struct error *error)
{
	struct statement *next = &events->next;
	enum outcome outcome = OUTCOME_OK;
	const char *event_data;

	statement_bind_text(next, ":after_processed_at", place->processed_at.text);
	statement_bind_int64(next, ":after_id", place->id);
	statement_bind_text(next, ":before", before->text);
	*found = statement_row(next);
	if (!*found)
		return OUTCOME_OK;
	*event = (struct settled_event){
		.id = statement_int64(next, "id"),
		.settled = statement_int64(next, "settled") != 0,
	};
	event_data = statement_text(next, "event_data");
	invariant(event_data != NULL);
	if (event->settled)
		outcome = copy(next, event_data, archive, event, error);
	if (outcome == OUTCOME_OK) {
		place->id = event->id;
		statement_copy_text(next, "processed_at", place->processed_at.text,
				    sizeof(place->processed_at.text));
	}
	statement_reset(next);
	return outcome;
}

bool settled_events_mark_archived(struct settled_events *events, const struct settled_event *event)
{
	struct statement *mark = &events->mark;

	statement_bind_int64(mark, ":id", event->id);
	statement_bind_text(mark, ":archived", event->archived.text);
	statement_bind_text(mark, ":archived_at", clock_now_text().text);
	return statement_execute(mark) == 1;
}
