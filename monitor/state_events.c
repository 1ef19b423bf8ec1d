/*
 * See state_events.h. A queue of a million rows is not counted: what was ever queued is the last id
 * given, and what waits is counted in its own index, up to a limit.
 */
#include "monitor/state_events.h"

#include "base/log.h"

#define COUNTED "100000"

/* The oldest that waits is the lowest id: rows are appended. */
static const char counts_sql[] =
	"WITH waiting AS MATERIALIZED ("
	" SELECT id FROM event_queue INDEXED BY event_queue_waiting"
	" WHERE processed = 0 AND removed = 0 LIMIT " COUNTED ")"
	" SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'event_queue'), 0) AS total,"
	" (SELECT count(*) FROM waiting) AS waiting,"
	" (SELECT created_at FROM event_queue WHERE id = (SELECT min(id) FROM waiting))"
	"  AS oldest_waiting_at,"
	" (SELECT count(*) FROM (SELECT 1 FROM event_queue"
	"  WHERE outcome = 'quarantined' AND removed = 0 LIMIT " COUNTED ")) AS quarantined";

static const char quarantine_sql[] =
	"SELECT id AS event_id, tx_hash, log_index, block_number, error FROM event_queue"
	" WHERE outcome = 'quarantined' AND removed = 0 ORDER BY id DESC LIMIT 50";

void state_events_open(struct state_events *events, struct store *store)
{
	events->store = store;
	statement_prepare(&events->counts, store, counts_sql);
	statement_prepare(&events->quarantine, store, quarantine_sql);
}

void state_events_close(struct state_events *events)
{
	statement_finalize(&events->counts);
	statement_finalize(&events->quarantine);
}

static void write_counts(struct statement *counts, struct json *json)
{
	bool found = statement_row(counts);

	invariant(found);
	json_open_object(json, "events");
	json_integer_column(json, counts, "total");
	json_integer_column(json, counts, "waiting");
	json_text_column(json, counts, "oldest_waiting_at");
	json_integer_column(json, counts, "quarantined");
	json_close_object(json);
	statement_reset(counts);
}

void state_events_write(struct state_events *events, struct json *json)
{
	struct statement *row = &events->quarantine;

	write_counts(&events->counts, json);
	json_open_array(json, "quarantine");
	while (statement_row(row)) {
		json_open_object(json, NULL);
		json_integer_column(json, row, "event_id");
		json_text_column(json, row, "tx_hash");
		json_integer_column(json, row, "log_index");
		json_integer_column(json, row, "block_number");
		json_text_column(json, row, "error");
		json_close_object(json);
	}
	json_close_array(json);
}
