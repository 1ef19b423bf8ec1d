/*
 * Who is alive: byte locks (open file descriptor locks) on <database>.lock, which the kernel drops
 * with the process. Byte 0..15: one program each, so that a second instance is refused (of the
 * backfiller there may be several). Byte
 * INSTANCE_LOCK_SESSIONS + id: held by the listener for as long as session id is open: a session
 * whose byte is free is over, whatever its row says.
 */
#ifndef BALLAST_STORE_INSTANCE_LOCK_H
#define BALLAST_STORE_INSTANCE_LOCK_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

enum instance_lock_program {
	INSTANCE_LOCK_LISTENER = 0,
	INSTANCE_LOCK_BACKFILLER = 1, /* shared: there may be several */
	INSTANCE_LOCK_PROCESSOR = 2,
	INSTANCE_LOCK_EXECUTOR = 3,
	INSTANCE_LOCK_TOKENS = 4, /* not a program: who asks a broker for new tokens */
};

/* The programs, from left to right. */
#define INSTANCE_LOCK_PROGRAMS 4
extern const enum instance_lock_program instance_lock_programs[INSTANCE_LOCK_PROGRAMS];
const char *instance_lock_program_name(enum instance_lock_program program);

#define INSTANCE_LOCK_SESSIONS 16

struct instance_lock {
	int fd;
};

/*
 * Opens (creates) the lock file beside the database. It gets the database's mode, and from root its
 * owner, as SQLite does with the -wal: who may write the one may lock the other.
 */
void instance_lock_open(struct instance_lock *lock, const char *database_path);
/* For who only looks: nothing is created or locked. False: there is no such file (yet). */
MUST_USE bool instance_lock_open_read_only(struct instance_lock *lock, const char *database_path);
void instance_lock_close(struct instance_lock *lock);

/*
 * Ends the process with exit 75 and says so when another instance of the program works on this
 * database.
 */
void instance_lock_claim(struct instance_lock *lock, enum instance_lock_program program);

/* Held together with others of the same program: only says that one is at work. */
void instance_lock_share(struct instance_lock *lock, enum instance_lock_program program);

/* Whether another process (not this one) works as that program. Only asks, disturbs nobody. */
bool instance_lock_is_held(const struct instance_lock *lock, enum instance_lock_program program);

/* Waits for it; false, without it, when the process is to stop. */
MUST_USE bool instance_lock_wait(struct instance_lock *lock, enum instance_lock_program which);
void instance_lock_release(struct instance_lock *lock, enum instance_lock_program which);

void instance_lock_hold_session(struct instance_lock *lock, int64_t session_id);
void instance_lock_release_session(struct instance_lock *lock, int64_t session_id);
/* Whether another process (not this one) holds it. */
bool instance_lock_session_is_held(const struct instance_lock *lock, int64_t session_id);

#endif
