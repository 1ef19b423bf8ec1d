/* Table listener_sessions, together with the lock that says whether a session is really open. */
#ifndef BALLAST_STORE_LISTENER_SESSIONS_H
#define BALLAST_STORE_LISTENER_SESSIONS_H

#include "base/clock.h"
#include "base/compiler.h"
#include "store/instance_lock.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum cutoff_source {
	CUTOFF_FIRST_EVENT,
	CUTOFF_BLOCK_NUMBER,
};

struct listener_session {
	int64_t id;
	int64_t cutoff_block;
	int64_t last_block;
};

struct listener_sessions {
	struct store *store;
	const struct instance_lock *lock;
	struct statement insert, advance, end, end_stale, latest_open;
};

void listener_sessions_open(struct listener_sessions *sessions, struct store *store,
			    const struct instance_lock *lock);
void listener_sessions_close(struct listener_sessions *sessions);

/* Listener only, inside a transaction. The new session's id: hold its lock before the commit. */
int64_t listener_sessions_begin(struct listener_sessions *sessions, int64_t cutoff_block,
				enum cutoff_source source, struct clock_text started_at);
/* last_block never goes down. */
void listener_sessions_advance(struct listener_sessions *sessions, int64_t id, int64_t last_block);
void listener_sessions_end(struct listener_sessions *sessions, int64_t id, const char *reason);
/* Ends whatever an earlier listener left open. */
void listener_sessions_end_stale(struct listener_sessions *sessions);

/*
 * The session that is open right now: not ended in the table and its lock held by a living
 * listener.
 */
MUST_USE bool listener_sessions_current(struct listener_sessions *sessions,
					struct listener_session *session);

#endif
