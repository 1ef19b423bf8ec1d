/* See session.h. May not know: the connection, JSON, or how logs arrive. */
#include "listener/session.h"

#include "base/log.h"

#include <inttypes.h>

/* How long a commit may wait for the write lock before the socket is served again. */
#define BEGIN_TIMEOUT_MS 100
/* After a refused begin, when to try again. */
#define BEGIN_RETRY_MS 20
/* A row that only says "head N heard" is not worth a commit more often. */
#define ADVANCE_INTERVAL_MS  1000
#define BEHIND_WARN_AFTER_MS 1000
#define BEHIND_WARN_EVERY_MS 5000

void session_init(struct session *session, struct store *store, struct instance_lock *lock,
		  struct listener_sessions *sessions, struct event_ingest *ingest)
{
	*session = (struct session){
		.store = store,
		.lock = lock,
		.sessions = sessions,
		.ingest = ingest,
		.heard_block = -1,
	};
	waiting_logs_init(&session->waiting);
}

void session_free(struct session *session)
{
	waiting_logs_free(&session->waiting);
}

void session_start(struct session *session)
{
	invariant(session->row_id == 0);
	session->started_at = clock_now_text();
	session->has_cutoff = false;
	session->heard_block = -1;
	session->written_block = -1;
	session->advance_due_ms = 0;
	session->hint_count = 0;
	waiting_logs_clear(&session->waiting);
}

void session_settle(struct session *session, int64_t cutoff_block, enum cutoff_source source)
{
	if (session->has_cutoff)
		return;
	session->has_cutoff = true;
	session->cutoff_block = cutoff_block;
	session->cutoff_source = source;
	if (source == CUTOFF_FIRST_EVENT)
		log_info("first event at block %" PRId64, cutoff_block);
	log_info("cutoff %" PRId64 " source=%s", cutoff_block,
		 source == CUTOFF_FIRST_EVENT ? "first_event" : "block_number");
}

static void hear_block(struct session *session, uint64_t block_number)
{
	/* The parsers refuse numbers above INT64_MAX. */
	if ((int64_t)block_number > session->heard_block)
		session->heard_block = (int64_t)block_number;
}

bool session_take_log(struct session *session, const struct evm_log *log, struct bytes data)
{
	if (!waiting_logs_add(&session->waiting, log, data))
		return false;
	session_settle(session, (int64_t)log->block_number, CUTOFF_FIRST_EVENT);
	hear_block(session, log->block_number);
	return true;
}

void session_take_removed(struct session *session, const struct evm_log *log)
{
	if (session->hint_count < ARRAY_LENGTH(session->hints))
		session->hints[session->hint_count++] = log->tx_hash;
}

void session_take_head(struct session *session, const struct evm_block *block)
{
	head_times_add(&session->times, block);
	hear_block(session, block->number);
}

static bool has_complete_event(struct session *session)
{
	struct waiting_event event;
	size_t cursor = 0;

	waiting_logs_sort(&session->waiting);
	return waiting_logs_next_complete(&session->waiting, &session->times, &cursor, &event);
}

static bool advance_is_due(const struct session *session)
{
	return session->heard_block > session->written_block &&
	       clock_monotonic_ms() >= session->advance_due_ms;
}

int64_t session_due_ms(const struct session *session)
{
	if (!session->has_cutoff)
		return INT64_MAX;
	if (session->behind_since_ms != 0)
		return clock_monotonic_ms() + BEGIN_RETRY_MS;
	return session->heard_block > session->written_block ? session->advance_due_ms : INT64_MAX;
}

static void warn_behind(struct session *session)
{
	int64_t now_ms = clock_monotonic_ms();

	if (session->behind_since_ms == 0) {
		session->behind_since_ms = now_ms;
		session->warn_due_ms = now_ms + BEHIND_WARN_AFTER_MS;
	}
	if (now_ms < session->warn_due_ms)
		return;
	session->warn_due_ms = now_ms + BEHIND_WARN_EVERY_MS;
	log_warn("behind: logs received and not yet committed, another process holds the database "
		 "logs=%zu waiting_ms=%" PRId64,
		 session->waiting.logs.count, now_ms - session->behind_since_ms);
}

static void append_events(struct session *session)
{
	struct waiting_event event;
	size_t cursor = 0;

	while (waiting_logs_next_complete(&session->waiting, &session->times, &cursor, &event)) {
		if (event_ingest_wants(session->ingest, &session->waiting.logs, &event.occurrence))
			(void)event_ingest_append(session->ingest, &session->waiting.logs,
						  &event.occurrence, event.block_timestamp);
	}
}

static void write_hints(struct session *session)
{
	for (size_t i = 0; i < session->hint_count; i++)
		(void)event_queue_doubt(session->ingest->queue, &session->hints[i]);
}

static void write_row(struct session *session)
{
	/* A cutoff by eth_blockNumber may be above every block heard of so far. */
	int64_t last_block = session->heard_block > session->cutoff_block ? session->heard_block
									  : session->cutoff_block;

	if (session->row_id == 0) {
		session->row_id =
			listener_sessions_begin(session->sessions, session->cutoff_block,
						session->cutoff_source, session->started_at);
		/* Held before the row can be seen: a session is never open without its lock. */
		instance_lock_hold_session(session->lock, session->row_id);
	}
	listener_sessions_advance(session->sessions, session->row_id, last_block);
	session->written_block = session->heard_block;
	session->advance_due_ms = clock_monotonic_ms() + ADVANCE_INTERVAL_MS;
}

static void write_all(struct session *session)
{
	bool is_new = session->row_id == 0;

	append_events(session);
	write_hints(session);
	write_row(session);
	store_commit(session->store);
	session->hint_count = 0;
	waiting_logs_sweep(&session->waiting, &session->times);
	if (is_new)
		log_info("session open session_id=%" PRId64 " cutoff_block=%" PRId64,
			 session->row_id, session->cutoff_block);
}

void session_step(struct session *session)
{
	if (!session->has_cutoff)
		return;
	if (session->row_id != 0 && session->hint_count == 0 && !has_complete_event(session) &&
	    !advance_is_due(session))
		return;
	if (!store_try_begin(session->store, BEGIN_TIMEOUT_MS)) {
		warn_behind(session);
		return;
	}
	if (session->behind_since_ms != 0 &&
	    session->warn_due_ms - session->behind_since_ms > BEHIND_WARN_AFTER_MS)
		log_info("caught up: the database is free again");
	session->behind_since_ms = 0;
	waiting_logs_sort(&session->waiting);
	write_all(session);
}

void session_end(struct session *session, const char *reason)
{
	int64_t row_id;

	if (session->has_cutoff && store_begin(session->store)) {
		waiting_logs_sort(&session->waiting);
		write_all(session);
	}
	row_id = session->row_id;
	/*
	 * Told to stop while another process holds the database, the row stays as it is: the lock
	 * goes with this process, which says that the session is over, and the next listener closes
	 * the row.
	 */
	if (row_id != 0 && store_begin(session->store)) {
		listener_sessions_end(session->sessions, row_id, reason);
		store_commit(session->store);
		log_info("session ended session_id=%" PRId64 " last_block=%" PRId64 " reason=%s",
			 row_id, session->heard_block, reason);
	}
	if (row_id != 0)
		instance_lock_release_session(session->lock, row_id);
	if (session->waiting.logs.count > 0)
		log_warn("logs left incomplete at the end of the session: the backfiller reads "
			 "their blocks logs=%zu",
			 session->waiting.logs.count);
	waiting_logs_clear(&session->waiting);
	session->row_id = 0;
	session->has_cutoff = false;
	session->behind_since_ms = 0;
}
