/*
 * The connection and its transactions: SQLite as four processes need it that share one WAL file. It
 * knows no table. Invariants: the busy timeout stands before the first statement; a file that is
 * not ours is closed as it was found; every write transaction begins with BEGIN IMMEDIATE, so that
 * none is refused half-way for a stale snapshot.
 */
#include "store/store_private.h"

#include "base/log.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLDEST_SAFE_SQLITE 3051003

/* One event with its raw data as JSON, BUFFER_MAX_EVENT_JSON, and its row. */
#define LARGEST_ROW (64 * 1024 * 1024)

struct setting {
	const char *set;
	const char *get;
	const char *expected;
};

/* Read back, since a build of SQLite may leave a setting out silently. */
static const struct setting settings[] = {
	{"PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1"},
	{"PRAGMA synchronous = FULL", "PRAGMA synchronous", "2"},
	{"PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0"},
	{"PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1"},
	{"PRAGMA mmap_size = 0", "PRAGMA mmap_size", "0"},
	{"PRAGMA journal_size_limit = 67108864", "PRAGMA journal_size_limit", "67108864"},
};

void store_execute(struct store *store, const char *sql)
{
	int code = sqlite3_exec(store->connection, sql, NULL, NULL, NULL);

	if (code != SQLITE_OK)
		store_fail(store, code, "executing", sql);
}

void store_refuse(struct store *store, bool try_again, const char *reason)
{
	struct config_text path = store->path;

	(void)store_disconnect(store);
	fatal(try_again ? EXIT_CODE_TRY_AGAIN : EXIT_CODE_NEEDS_PERSON, "%s database=%s", reason,
	      path.text);
}

static void refuse_unsafe_engine(void)
{
	if (sqlite3_libversion_number() < OLDEST_SAFE_SQLITE)
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "SQLite %s can lose committed writes when several processes share a database "
		      "(the WAL-reset bug, fixed in 3.51.3): build with 3.51.3 or newer",
		      sqlite3_libversion());
}

static void take_path(struct store *store, const char *path)
{
	int length = snprintf(store->path.text, sizeof(store->path.text), "%s", path);

	if (length <= 0 || (size_t)length >= sizeof(store->path.text) ||
	    strcmp(path, ":memory:") == 0)
		fatal(EXIT_CODE_NEEDS_PERSON, "not the path of a file: set DATABASE_PATH=%s", path);
}

static struct sqlite3_stmt *prepare_own(struct store *store, const char *sql)
{
	struct sqlite3_stmt *compiled = NULL;
	int code = sqlite3_prepare_v3(store->connection, sql, -1, SQLITE_PREPARE_PERSISTENT,
				      &compiled, NULL);

	if (code != SQLITE_OK)
		store_fail(store, code, "preparing", sql);
	return compiled;
}

void store_connect(struct store *store, const char *path, bool writing)
{
	const int flags =
		writing ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
	mode_t mask;
	int code;

	refuse_unsafe_engine();
	memset(store, 0, sizeof(*store));
	take_path(store, path);

	/* For users of one group or for one user alone, as the umask says, but never for all. */
	mask = umask(0007);
	(void)umask(mask | 0007);
	code = sqlite3_open_v2(path, &store->connection, flags | SQLITE_OPEN_EXRESCODE,
			       store_vfs_name());
	(void)umask(mask);
	if (code != SQLITE_OK)
		store_fail_open(store, code, writing);

	(void)sqlite3_busy_timeout(store->connection, STORE_BUSY_TIMEOUT_MS);
	(void)sqlite3_limit(store->connection, SQLITE_LIMIT_LENGTH, LARGEST_ROW);
	(void)sqlite3_limit(store->connection, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_db_config(store->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* Until the file is known to be ours, not even closing it may change it. */
	(void)sqlite3_db_config(store->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	take_path(store, sqlite3_db_filename(store->connection, "main"));
	store->audience = AUDIENCE_ALL;
	/* None of them reads the file when it is prepared. */
	store->begin = prepare_own(store, "BEGIN IMMEDIATE");
	store->begin_read = prepare_own(store, "BEGIN DEFERRED");
	store->commit = prepare_own(store, "COMMIT");
	store->data_version = prepare_own(store, "PRAGMA data_version");
}

int store_disconnect(struct store *store)
{
	/* Their codes are those of their last steps, which were looked at. */
	(void)sqlite3_finalize(store->begin);
	(void)sqlite3_finalize(store->begin_read);
	(void)sqlite3_finalize(store->commit);
	(void)sqlite3_finalize(store->data_version);
	return sqlite3_close(store->connection);
}

static void require_setting(struct store *store, const struct setting *setting)
{
	struct sqlite3_stmt *query = NULL;
	const unsigned char *value = NULL;
	int code = sqlite3_prepare_v2(store->connection, setting->get, -1, &query, NULL);

	if (code == SQLITE_OK && sqlite3_step(query) == SQLITE_ROW)
		value = sqlite3_column_text(query, 0);
	if (value == NULL || strcmp((const char *)value, setting->expected) != 0)
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "SQLite or its file system refuses a setting: expected %s to be %s, it is %s "
		      "database=%s",
		      setting->get, setting->expected,
		      value != NULL ? (const char *)value : "unknown", store->path.text);
	(void)sqlite3_finalize(query);
}

static void apply_settings(struct store *store)
{
	for (size_t i = 0; i < ARRAY_LENGTH(settings); i++) {
		store_execute(store, settings[i].set);
		require_setting(store, &settings[i]);
	}
}

/* Without the right to write, SQLite opens for reading and does not say so. */
static void refuse_unless_writable(struct store *store)
{
	if (sqlite3_db_readonly(store->connection, "main") == 0)
		return;
	if (access(store->path.text, W_OK) == 0)
		store_refuse(store, true, "the file could not be opened for writing just now");
	if (errno == EROFS)
		store_refuse(store, true, "the file system is read-only");
	store_refuse(store, false, "the file may not be written: no permission");
}

void store_open(struct store *store, const char *path)
{
	static const struct setting wal = {NULL, "PRAGMA journal_mode", "wal"};
	int keep_wal = 1;

	store_connect(store, path, true);
	store_schema_look(store, false);
	refuse_unless_writable(store);
	(void)sqlite3_db_config(store->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	apply_settings(store);
	store_schema_use_wal(store);
	require_setting(store, &wal);
	/*
	 * A -wal file that stays is one that others can watch, and read without the right to create
	 * it.
	 */
	(void)sqlite3_file_control(store->connection, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_wal);
	store_watch_wal(store);
	store_schema_migrate(store);
}

static void open_read_only(struct store *store, const char *path, bool must_be_current)
{
	store_connect(store, path, false);
	store_schema_look(store, must_be_current);
	apply_settings(store);
	store_execute(store, "PRAGMA query_only = ON");
	/* A sorted report of many rows would otherwise be a file in /tmp. */
	store_execute(store, "PRAGMA temp_store = MEMORY");
}

void store_open_read_only(struct store *store, const char *path)
{
	open_read_only(store, path, true);
}

void store_open_any_schema(struct store *store, const char *path)
{
	open_read_only(store, path, false);
}

void store_check(const char *path)
{
	struct store store;

	if (access(path, F_OK) != 0)
		return;
	store_open_read_only(&store, path);
	store_close(&store);
}

void store_close(struct store *store)
{
	int code;

	invariant(!store->in_transaction && !store->reading);
	if (store->wal != NULL)
		store_unwatch_wal(store);
	code = store_disconnect(store);
	/* It is refused while a statement is open: somebody has forgotten to finalize one. */
	invariant(code == SQLITE_OK);
	memset(store, 0, sizeof(*store));
}

int64_t store_data_version(struct store *store)
{
	int64_t version;
	int code = sqlite3_step(store->data_version);

	if (code != SQLITE_ROW)
		store_fail(store, code, "reading", "PRAGMA data_version");
	version = sqlite3_column_int64(store->data_version, 0);
	(void)sqlite3_reset(store->data_version);
	return version;
}

int64_t store_last_insert_id(struct store *store)
{
	return sqlite3_last_insert_rowid(store->connection);
}
