/*
 * Table listener_sessions. A row says what a listener promised, its lock whether that listener
 * lives: only both make a session open. A listener that was killed ends its session by dying,
 * without a write.
 */
#include "store/listener_sessions.h"

#include "base/log.h"

static const char insert_sql[] =
	"INSERT INTO listener_sessions (cutoff_block, cutoff_source, last_block, started_at)"
	" VALUES (:cutoff_block, :cutoff_source, :cutoff_block, :started_at)";

static const char advance_sql[] =
	"UPDATE listener_sessions SET last_block = max(last_block, :last_block)"
	" WHERE id = :id AND ended_at IS NULL";

static const char end_sql[] =
	"UPDATE listener_sessions SET ended_at = :ended_at, end_reason = :end_reason"
	" WHERE id = :id AND ended_at IS NULL";

static const char end_stale_sql[] =
	"UPDATE listener_sessions SET ended_at = :ended_at, end_reason = 'its listener was gone'"
	" WHERE ended_at IS NULL";

static const char latest_open_sql[] = "SELECT id, cutoff_block, last_block FROM listener_sessions"
				      " WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1";

static const char *cutoff_source_name(enum cutoff_source source)
{
	switch (source) {
	case CUTOFF_FIRST_EVENT:
		return "first_event";
	case CUTOFF_BLOCK_NUMBER:
		return "block_number";
	}
	invariant_unreachable("cutoff source");
}

void listener_sessions_open(struct listener_sessions *sessions, struct store *store,
			    const struct instance_lock *lock)
{
	sessions->store = store;
	sessions->lock = lock;
	statement_prepare(&sessions->insert, store, insert_sql);
	statement_prepare(&sessions->advance, store, advance_sql);
	statement_prepare(&sessions->end, store, end_sql);
	statement_prepare(&sessions->end_stale, store, end_stale_sql);
	statement_prepare(&sessions->latest_open, store, latest_open_sql);
}

void listener_sessions_close(struct listener_sessions *sessions)
{
	statement_finalize(&sessions->insert);
	statement_finalize(&sessions->advance);
	statement_finalize(&sessions->end);
	statement_finalize(&sessions->end_stale);
	statement_finalize(&sessions->latest_open);
}

int64_t listener_sessions_begin(struct listener_sessions *sessions, int64_t cutoff_block,
				enum cutoff_source source, struct clock_text started_at)
{
	int changed;

	statement_bind_int64(&sessions->insert, ":cutoff_block", cutoff_block);
	statement_bind_text(&sessions->insert, ":cutoff_source", cutoff_source_name(source));
	statement_bind_text(&sessions->insert, ":started_at", started_at.text);
	changed = statement_execute(&sessions->insert);
	invariant(changed == 1);
	return store_last_insert_id(sessions->store);
}

void listener_sessions_advance(struct listener_sessions *sessions, int64_t id, int64_t last_block)
{
	int changed;

	statement_bind_int64(&sessions->advance, ":id", id);
	statement_bind_int64(&sessions->advance, ":last_block", last_block);
	changed = statement_execute(&sessions->advance);
	invariant(changed == 1);
}

void listener_sessions_end(struct listener_sessions *sessions, int64_t id, const char *reason)
{
	struct clock_text now = clock_now_text();
	int changed;

	statement_bind_int64(&sessions->end, ":id", id);
	statement_bind_text(&sessions->end, ":ended_at", now.text);
	statement_bind_text(&sessions->end, ":end_reason", reason);
	changed = statement_execute(&sessions->end);
	invariant(changed == 1);
}

void listener_sessions_end_stale(struct listener_sessions *sessions)
{
	struct clock_text now = clock_now_text();
	int changed;

	statement_bind_text(&sessions->end_stale, ":ended_at", now.text);
	changed = statement_execute(&sessions->end_stale);
	if (changed > 0)
		log_warn("sessions ended that their listener had left open count=%d", changed);
}

bool listener_sessions_current(struct listener_sessions *sessions, struct listener_session *session)
{
	struct statement *latest = &sessions->latest_open;
	struct listener_session found;
	bool any = statement_row(latest);

	if (any) {
		found.id = statement_int64(latest, "id");
		found.cutoff_block = statement_int64(latest, "cutoff_block");
		found.last_block = statement_int64(latest, "last_block");
	}
	statement_reset(latest);
	if (!any || !instance_lock_session_is_held(sessions->lock, found.id))
		return false;
	*session = found;
	return true;
}
