/*
 * The write-ahead log after each commit of ours: moved into the database file as SQLite does by
 * itself, and looked at while that is done. A reader that keeps an old state open keeps the log
 * from being begun anew, and nobody but it can end that: so it is said, before the disk says it.
 */
#include "store/store_private.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"

#include <sqlite3.h>

/* SQLite's own default (SQLITE_DEFAULT_WAL_AUTOCHECKPOINT). */
#define CHECKPOINT_PAGES 1000
/* 64 MiB of pages of 4 KiB: what journal_size_limit lets stand, and a day's writing is far less. */
#define LARGE_PAGES	 16384
#define WARN_INTERVAL_MS 60000

struct store_wal {
	int64_t warn_due_ms;
};

static void warn_of_large_log(struct store_wal *wal, const char *file, int pages)
{
	int64_t now_ms = clock_monotonic_ms();

	if (now_ms < wal->warn_due_ms)
		return;
	wal->warn_due_ms = now_ms + WARN_INTERVAL_MS;
	log_warn("the write-ahead log grows: some program keeps a read transaction open, find and "
		 "end it wal_pages=%d database=%s",
		 pages, file);
}

/* A checkpoint that fails has lost nothing: the commit stands in the log, and the next one tries
 * again. */
static int on_commit(void *context, struct sqlite3 *connection, const char *name, int pages)
{
	if (pages >= CHECKPOINT_PAGES)
		(void)sqlite3_wal_checkpoint_v2(connection, name, SQLITE_CHECKPOINT_PASSIVE, NULL,
						NULL);
	if (pages >= LARGE_PAGES)
		warn_of_large_log(context, sqlite3_db_filename(connection, name), pages);
	return SQLITE_OK;
}

void store_watch_wal(struct store *store)
{
	store->wal = memory_allocate(1, sizeof(*store->wal));
	(void)sqlite3_wal_hook(store->connection, on_commit, store->wal);
}

void store_unwatch_wal(struct store *store)
{
	(void)sqlite3_wal_hook(store->connection, NULL, NULL);
	memory_free(store->wal);
	store->wal = NULL;
}
