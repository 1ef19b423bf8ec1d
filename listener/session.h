/*
 * One subscription as the database knows it: its cutoff block, its row, its lock, and the events
 * that came through it. A session begins with a connection; its row is written when the cutoff is
 * known.
 */
#ifndef BALLAST_LISTENER_SESSION_H
#define BALLAST_LISTENER_SESSION_H

#include "base/clock.h"
#include "base/compiler.h"
#include "ingest/event_ingest.h"
#include "listener/head_times.h"
#include "listener/waiting_logs.h"
#include "store/event_queue.h"
#include "store/instance_lock.h"
#include "store/listener_sessions.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Hints of the node that a transaction left its block, until the next transaction of ours. */
#define SESSION_HINTS 64

struct session {
	struct store *store;
	struct instance_lock *lock;
	struct listener_sessions *sessions;
	struct event_ingest *ingest;

	struct waiting_logs waiting;
	struct head_times times;
	struct evm_word hints[SESSION_HINTS];
	size_t hint_count;

	struct clock_text started_at;
	bool has_cutoff;
	int64_t cutoff_block;
	enum cutoff_source cutoff_source;
	int64_t row_id; /* 0: not written yet */

	int64_t heard_block;	 /* the highest block heard of; -1: none */
	int64_t written_block;	 /* what the row says */
	int64_t advance_due_ms;	 /* monotonic: when a new head alone is worth a commit */
	int64_t behind_since_ms; /* monotonic: since when the database has not let us commit; 0: it
				    does */
	int64_t warn_due_ms;
};

void session_init(struct session *session, struct store *store, struct instance_lock *lock,
		  struct listener_sessions *sessions, struct event_ingest *ingest);
void session_free(struct session *session);

/* A new subscription stands: nothing is known of it yet. */
void session_start(struct session *session);

/* Only the first call of a session counts. */
void session_settle(struct session *session, int64_t cutoff_block, enum cutoff_source source);

/* A log of the orderbook has arrived: it settles the cutoff if nothing has. False: no room for it.
 */
MUST_USE bool session_take_log(struct session *session, const struct evm_log *log,
			       struct bytes data);

/*
 * The node says that this log's block left the chain. That is only a hint, and may come late, twice
 * or never: what stands is doubted, and the backfiller asks for proof. Without room it is dropped:
 * the backfiller compares headers anyway.
 */
void session_take_removed(struct session *session, const struct evm_log *log);

void session_take_head(struct session *session, const struct evm_block *block);

/*
 * One step: everything complete goes into the queue, the row is written or advanced, in one
 * transaction. Writes nothing while another process holds the write lock (the logs keep waiting; a
 * warning tells how far behind we are).
 */
void session_step(struct session *session);

/* Monotonic time at which session_step has something to do although nothing arrives; INT64_MAX:
 * never. */
int64_t session_due_ms(const struct session *session);

/* Writes what is complete, then closes the row with the reason and gives the lock back. */
void session_end(struct session *session, const char *reason);

#endif
