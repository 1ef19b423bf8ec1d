/*
 * What the files behind the one door to SQLite share: store.c, store_*.c and statement.c. Nobody
 * else includes it.
 */
#ifndef BALLAST_STORE_STORE_PRIVATE_H
#define BALLAST_STORE_STORE_PRIVATE_H

#include "base/compiler.h"
#include "store/store.h"

#include <stdbool.h>

/* 'BLST' */
#define STORE_APPLICATION_ID 0x424c5354

/*
 * Any statement but BEGIN, which waits in its own way: readers never wait for writers, so this is
 * recovery at start.
 */
#define STORE_BUSY_TIMEOUT_MS 10000

/*
 * Ends the process for a result code of SQLite: 75 when a restart may help, 78 when a person must
 * look, 70 when our own SQL is wrong. sql may be NULL.
 */
NORETURN void store_fail(const struct store *store, int code, const char *doing, const char *sql);

/* Ends the process because the file could not be opened; creating: it need not have been there. */
NORETURN void store_fail_open(const struct store *store, int code, bool creating);

/*
 * Opens (creates, when writing), and sets what must stand before the first statement. Nothing is
 * read or written yet.
 */
void store_connect(struct store *store, const char *path, bool writing);

/* Closes the connection and what it needs for itself; SQLite's result. */
int store_disconnect(struct store *store);

/* Runs SQL without parameters and results: transactions, settings, migrations. */
void store_execute(struct store *store, const char *sql);

/*
 * Closes without a checkpoint and ends the process with 78 (75 when try_again): the file is as it
 * was.
 */
NORETURN void store_refuse(struct store *store, bool try_again, const char *reason);

/*
 * Refuses a file that is not ours or newer than we are; read-only: one that is not current, too.
 * Writes nothing.
 */
void store_schema_look(struct store *store, bool must_be_current);

/* Runs the migrations that are missing, all in one transaction. */
void store_schema_migrate(struct store *store);

/* PRAGMA journal_mode = WAL, which processes that start at once may refuse each other for a moment.
 */
void store_schema_use_wal(struct store *store);

/* The VFS by which a store is opened: SQLite's own, but for how the write-ahead log is written. */
const char *store_vfs_name(void);

/* Checkpoints after commits, with a warning when a reader lets the log grow. */
void store_watch_wal(struct store *store);
void store_unwatch_wal(struct store *store);

#endif
