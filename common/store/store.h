/*
 * The one door to SQLite: connection, transactions, statements. Nothing else calls sqlite3_*.
 *
 * A database error ends the process here (exit 75, 70 when the SQL is ours and wrong), so callers
 * have no path for it. A COMMIT that fails may have happened: the process exits, starts again and
 * reads. Only *_step() functions begin and commit; statement_execute refuses to write outside a
 * transaction.
 *
 * SQLite older than 3.51.3 is refused: up to 3.51.2 it can lose committed writes when several
 * processes write and checkpoint one WAL file (the WAL-reset bug, fixed in 3.51.3), which is
 * exactly our shape.
 */
#ifndef BALLAST_STORE_STORE_H
#define BALLAST_STORE_STORE_H

#include "base/compiler.h"
#include "base/config.h"
#include "base/evm_types.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;
struct sqlite3_stmt;
struct store_wal;

/* Who waits for commits (wakeup.h). */
enum audience {
	AUDIENCE_PROCESSOR = 1,
	AUDIENCE_EXECUTOR = 2,
	AUDIENCE_ALL = AUDIENCE_PROCESSOR | AUDIENCE_EXECUTOR,
};

struct store {
	struct sqlite3 *connection;
	struct sqlite3_stmt *begin, *begin_read, *commit, *data_version;
	struct config_text path; /* absolute, links resolved: -wal and .lock stand beside it */
	bool in_transaction;
	int rows;		/* statements that have one */
	bool reading;		/* between store_begin_read and store_end_read */
	enum audience audience; /* of each commit */
	struct store_wal *wal;	/* NULL: nothing is written */
};

/*
 * Opens or creates the file (mode 0660, less what the umask takes: with the usual 022 its user
 * writes and its group reads; -wal and -shm get the same mode), brings the schema up to date
 * (migrations.h) under a write lock, so that any program may be first and several at once. Refused
 * with exit 78 and not touched: a newer schema, a file that is not ours, a path that cannot be (a
 * directory, no right to write). Refused with 75: a read-only file system, disk full, locked too
 * long. Durable: synchronous=FULL, a commit is on disk.
 */
void store_open(struct store *store, const char *path);

/*
 * An existing, current database, never written (query_only). Exit 78 when there is none or it is
 * not ours, 75 when its schema is still to come. For --check and reports.
 */
void store_open_read_only(struct store *store, const char *path);

/* The same, also when its schema is still to be brought up to date: a backup from before. */
void store_open_any_schema(struct store *store, const char *path);

/* For --check: a database that exists must be one that store_open_read_only takes. */
void store_check(const char *path);

void store_close(struct store *store);

/*
 * BEGIN IMMEDIATE. While another process holds the lock it waits, warns every five seconds, and
 * after a minute ends the process with exit 75: nothing was written. False only when the process is
 * to stop.
 */
MUST_USE bool store_begin(struct store *store);

/* The same, giving up after timeout_ms: false, nothing begun. For who has other things to do. */
MUST_USE bool store_try_begin(struct store *store, int64_t timeout_ms);

/*
 * On disk on return. Like begin and rollback it must find every statement reset (else exit 70): an
 * open SELECT holds an old state and keeps the WAL from being checkpointed.
 */
void store_commit(struct store *store);
/* The same for what nobody waits for: who does is not told of it, and finds it later. */
void store_commit_untold(struct store *store);
/* From now on only they are told of this store's commits, not all: what it writes concerns nobody
 * else, who would take the processor from those whom it concerns. */
void store_tell_only(struct store *store, enum audience audience);
void store_rollback(struct store *store);

/*
 * One state of the database for all reads up to store_end_read, whatever others commit meanwhile.
 * Nothing can be written in between. Short: while it is kept open the WAL cannot be begun anew.
 */
void store_begin_read(struct store *store);
void store_end_read(struct store *store);

/*
 * Writes what the database holds at this moment into the file at path, new or empty, while others
 * go on writing the original. False when the process is to stop. The copy was opened again, and
 * every page, reference and table's number of rows compared: what is not sound ends the process
 * with 78, a disk that is full with 75, and leaves a file that must not be used.
 */
MUST_USE bool store_copy(struct store *store, const char *path);

/* The same for an archive (store_archive.h). Of a ledger that was copied before, it has all. */
MUST_USE bool store_copy_archive(const char *archive_path, const char *path);

/* Closes it so that the database is its one file, with nothing beside it. Nobody else may use it.
 */
void store_close_as_one_file(struct store *store);

/* Changes when another connection has committed. */
int64_t store_data_version(struct store *store);

/*
 * What this ledger is of. Each value that is given (not NULL) is recorded if the database has none
 * yet, and must agree if it has: a contradiction ends the process with exit 78, naming both, and
 * nothing is written. Opens its own transaction.
 */
struct store_identity {
	const uint64_t *chain_id;
	const struct evm_word *genesis_hash;
	const struct evm_address *orderbook;
	const struct config_addresses *owners;
};
void store_identify(struct store *store, const struct store_identity *identity);

struct statement {
	struct store *store;
	struct sqlite3_stmt *compiled;
	bool has_row; /* read, and not reset */
	int next_parameter, next_column;
};

/* sql lives for ever; a wrong schema shows here. Names not in the SQL are a bug (exit 70). */
void statement_prepare(struct statement *statement, struct store *store, const char *sql);
void statement_finalize(struct statement *statement);

void statement_bind_int64(struct statement *statement, const char *name, int64_t value);
/* Copied. NULL binds NULL. */
void statement_bind_text(struct statement *statement, const char *name, const char *text);
void statement_bind_null(struct statement *statement, const char *name);

/* Runs a statement that writes; the number of rows it changed. Resets it, bindings cleared. */
int statement_execute(struct statement *statement);

/* The next row; false at the end, when it is reset and its bindings cleared. */
MUST_USE bool statement_row(struct statement *statement);
/* For who leaves the rows before their end. Harmless otherwise. */
void statement_reset(struct statement *statement);

/*
 * Columns of the current row by name. An integer must be one (NULL is a bug). Text is valid until
 * the next row or reset; NULL for an SQL NULL.
 */
int64_t statement_int64(struct statement *statement, const char *column);
const char *statement_text(struct statement *statement, const char *column);
bool statement_is_null(struct statement *statement, const char *column);

int64_t store_last_insert_id(struct store *store);

#endif
