/*
 * Transactions. Each that writes begins with BEGIN IMMEDIATE, so that none is refused half-way for
 * a stale snapshot, and waits for the lock in slices, so that a signal to stop is noticed. A COMMIT
 * that fails is unknown, not undone.
 */
#include "store/store_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BEGIN_LIMIT_MS 60000
#define BEGIN_WARN_MS  5000
/* How late a signal to stop may be noticed while another process holds the lock. */
#define BEGIN_SLICE_MS 150

#define NAP_MINIMUM_US 50
#define NAP_MAXIMUM_US 10000

/*
 * A statement left in the middle keeps its snapshot: BEGIN would fail, and no checkpoint could
 * finish.
 */
static void require_idle_statements(const struct store *store)
{
	struct sqlite3_stmt *statement = NULL;

	if (store->rows == 0)
		return;
	while ((statement = sqlite3_next_stmt(store->connection, statement)) != NULL) {
		if (sqlite3_stmt_busy(statement) != 0)
			fatal(EXIT_CODE_BUG, "a statement was not read to its end nor reset sql=%s",
			      sqlite3_sql(statement));
	}
}

struct lock_wait {
	int64_t started_us;
	int64_t limit_us;
};

/*
 * Between two tries an eighth of the time so far: SQLite's own waits begin with a millisecond,
 * which is longer than others usually hold the lock.
 */
static int wait_for_lock(void *context, int tries)
{
	const struct lock_wait *wait = context;
	int64_t waited_us = clock_monotonic_us() - wait->started_us;
	int64_t nap_us = waited_us / 8;
	struct timespec nap = {.tv_sec = 0};

	(void)tries;
	if (waited_us >= wait->limit_us)
		return 0;
	if (nap_us < NAP_MINIMUM_US)
		nap_us = NAP_MINIMUM_US;
	if (nap_us > NAP_MAXIMUM_US)
		nap_us = NAP_MAXIMUM_US;
	nap.tv_nsec = nap_us * 1000;
	(void)nanosleep(&nap, NULL);
	return 1;
}

/* BEGIN or COMMIT. */
static int run(struct sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	(void)sqlite3_reset(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Or ends the process. */
static void require_run(const struct store *store, struct sqlite3_stmt *statement)
{
	int code = run(statement);

	if (code != SQLITE_OK)
		store_fail(store, code, "executing", sqlite3_sql(statement));
}

static int begin_once(struct store *store, int64_t wait_ms)
{
	struct lock_wait wait = {.started_us = clock_monotonic_us(), .limit_us = 1000 * wait_ms};
	int code;

	(void)sqlite3_busy_handler(store->connection, wait_for_lock, &wait);
	code = run(store->begin);
	(void)sqlite3_busy_timeout(store->connection, STORE_BUSY_TIMEOUT_MS);
	return code;
}

/* At least one try. False when the time is over or the process is to stop. */
static bool begin_within(struct store *store, int64_t limit_ms)
{
	int64_t started_ms = clock_monotonic_ms();
	int64_t warned_ms = started_ms;
	int64_t waited_ms = 0;

	invariant(!store->in_transaction && !store->reading);
	invariant(limit_ms >= 0);
	require_idle_statements(store);
	for (;;) {
		int64_t left_ms = limit_ms - waited_ms;
		int code = begin_once(store, left_ms < BEGIN_SLICE_MS ? left_ms : BEGIN_SLICE_MS);

		if (code == SQLITE_OK) {
			store->in_transaction = true;
			return true;
		}
		if ((code & 0xff) != SQLITE_BUSY)
			store_fail(store, code, "beginning", NULL);
		waited_ms = clock_monotonic_ms() - started_ms;
		/* The short sleep is for a refusal that came at once: never spin. */
		if (waited_ms >= limit_ms || process_stopping() || !process_sleep_ms(1))
			return false;
		if (started_ms + waited_ms - warned_ms >= BEGIN_WARN_MS) {
			warned_ms = started_ms + waited_ms;
			log_warn("waiting for another process to finish writing waited_ms=%" PRId64
				 " database=%s",
				 waited_ms, store->path.text);
		}
	}
}

bool store_begin(struct store *store)
{
	if (begin_within(store, BEGIN_LIMIT_MS))
		return true;
	if (process_stopping())
		return false;
	fatal(EXIT_CODE_TRY_AGAIN,
	      "another process has held the write lock for %d ms: nothing was written database=%s",
	      BEGIN_LIMIT_MS, store->path.text);
}

bool store_try_begin(struct store *store, int64_t timeout_ms)
{
	return begin_within(store, timeout_ms);
}

/* Of the -wal file, on which nobody has locks to lose. */
static void open_and_close(const struct store *store, int flags)
{
	char path[CONFIG_TEXT_SIZE + sizeof("-wal")];
	int fd;

	(void)snprintf(path, sizeof(path), "%s-wal", store->path.text);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		(void)close(fd);
}

/* As wakeup.c listens. Whoever waits looks by himself, too, but later. */
static void tell_others(const struct store *store)
{
	if ((store->audience & AUDIENCE_PROCESSOR) != 0)
		open_and_close(store, O_RDONLY);
	if ((store->audience & AUDIENCE_EXECUTOR) != 0)
		open_and_close(store, O_WRONLY);
}

void store_tell_only(struct store *store, enum audience audience)
{
	store->audience = audience;
}

void store_commit_untold(struct store *store)
{
	int code;

	invariant(store->in_transaction);
	require_idle_statements(store);
	code = run(store->commit);
	if ((code & 0xff) == SQLITE_CONSTRAINT)
		store_fail(store, code, "committing", "COMMIT");
	if (code != SQLITE_OK)
		fatal(EXIT_CODE_TRY_AGAIN,
		      "commit is unknown: %s; it may have happened, the next start reads what is "
		      "there "
		      "database=%s code=%d",
		      sqlite3_errmsg(store->connection), store->path.text, code);
	invariant(sqlite3_get_autocommit(store->connection) != 0);
	store->in_transaction = false;
}

void store_commit(struct store *store)
{
	store_commit_untold(store);
	tell_others(store);
}

void store_rollback(struct store *store)
{
	invariant(store->in_transaction);
	require_idle_statements(store);
	store_execute(store, "ROLLBACK");
	store->in_transaction = false;
}

/* BEGIN takes no lock: the state that is kept is that of the first read. */
void store_begin_read(struct store *store)
{
	invariant(!store->in_transaction && !store->reading);
	require_idle_statements(store);
	require_run(store, store->begin_read);
	store->reading = true;
}

void store_end_read(struct store *store)
{
	invariant(store->reading);
	require_idle_statements(store);
	require_run(store, store->commit);
	store->reading = false;
}
