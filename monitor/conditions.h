/*
 * What needs a person, one list for all who tell it: `monitor status`, the page, /readyz, /metrics
 * and the alarms. A condition has a name that never changes, a subject that tells causes of one
 * kind apart, and a text that says what is so and what to do. docs/alarms.md has a paragraph for
 * each.
 *
 * The database says what is, not since when: coverage has no times, a session only that of its
 * beginning. For how long a gap stands, coverage stands still or no block was heard is therefore
 * counted from when this process first saw it so; a monitor that was started again counts anew.
 */
#ifndef BALLAST_MONITOR_CONDITIONS_H
#define BALLAST_MONITOR_CONDITIONS_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "monitor/condition_list.h"
#include "store/block_coverage.h"
#include "store/controls.h"
#include "store/instance_lock.h"
#include "store/listener_sessions.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct condition_options {
	int64_t deployment_block; /* -1: where coverage begins */
	struct shares threshold;  /* from how many shares on a position is hedged */
	int64_t stale_ms; /* how long an event or order may wait, coverage or heads stand still */
	int64_t disk_low_bytes;
	bool resident;	     /* the programs run all the time; false: cron starts them */
	bool needs_listener; /* of resident ones */
	bool at_once;	     /* for who looks once: what would have to be watched counts as it is */
	const char *broker;  /* BROKER; "": not told, whatever logged in counts */
};

/* A block number that is to move on, and since when it does not. Unit: monotonic. */
struct condition_watch {
	bool known;
	int64_t block;
	int64_t since_ms;
};

struct conditions {
	struct store *store;
	struct condition_options options;
	struct instance_lock lock;
	bool has_lock; /* the lock file exists: some program has worked on this database */
	struct listener_sessions sessions;
	struct block_coverage coverage;
	struct controls controls;
	struct statement first_covered, session_started, oldest_waiting, quarantined,
		count_quarantined, open_executions, wanted_positions, newest_executions, login;
	struct condition_watch covered, heard;
};

/* store and what options points to live as long. The database is only read. */
void conditions_open(struct conditions *conditions, struct store *store,
		     const struct condition_options *options);
void conditions_close(struct conditions *conditions);

/*
 * Reads one state of the database (that of store_begin_read, when the caller has begun one). Cheap:
 * every query is a few steps in an index, whatever the number of rows. now_ms: monotonic.
 */
void conditions_read(struct conditions *conditions, int64_t now_ms, struct condition_list *list);

/* The lock file, opened once it is there; NULL: no program has worked on this database yet. */
const struct instance_lock *conditions_lock(struct conditions *conditions);

/* As of the last read: a lock file that comes later is seen by the next one. */
bool conditions_lives(const struct conditions *conditions, enum instance_lock_program program);

/* From where coverage must be contiguous. */
int64_t conditions_first_block(struct conditions *conditions);

#endif
