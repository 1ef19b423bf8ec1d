/*
 * See store_archive.h. A second connection beside the ledger's, for which attaching is switched
 * off: a transaction over two files is not one where the ledger has a write-ahead log. What must
 * happen in both happens here first, and may happen again.
 */
#include "store/store_archive.h"

#include "base/log.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 'BLSA' */
#define ARCHIVE_APPLICATION_ID 0x424c5341
#define ARCHIVE_VERSION	       1

/* Somebody who reads it holds up no hedge. */
#define BUSY_TIMEOUT_MS 100

/* EXTRA: the end of the journal is on disk, too, so that power loss cannot undo what was committed.
 */
static const char settings_sql[] = "PRAGMA journal_mode = DELETE;"
				   "PRAGMA synchronous = EXTRA;"
				   "PRAGMA trusted_schema = OFF;"
				   "PRAGMA cell_size_check = ON;"
				   "PRAGMA mmap_size = 0";

#define TEXT_OF(number_)	  TEXT_OF_EXPANDED(number_)
#define TEXT_OF_EXPANDED(number_) #number_

static const char schema_sql[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS archived_events ("
	" id INTEGER PRIMARY KEY,"
	" tx_hash TEXT NOT NULL,"
	" log_index INTEGER NOT NULL,"
	" block_number INTEGER NOT NULL,"
	" block_hash TEXT NOT NULL,"
	" block_timestamp TEXT NOT NULL,"
	" event_type TEXT NOT NULL,"
	" event_data TEXT NOT NULL,"
	" removed INTEGER NOT NULL,"
	" processed INTEGER NOT NULL,"
	" outcome TEXT NOT NULL,"
	" error TEXT,"
	" source TEXT NOT NULL,"
	" created_at TEXT NOT NULL,"
	" processed_at TEXT NOT NULL,"
	" confirmed INTEGER NOT NULL,"
	" reversed_at TEXT"
	") STRICT;"
	"PRAGMA user_version = " TEXT_OF(ARCHIVE_VERSION) ";"
							  "PRAGMA application_id = " TEXT_OF(
								  ARCHIVE_APPLICATION_ID) ";"
											  "COMMIT";

static const char append_sql[] =
	"INSERT INTO archived_events (id, tx_hash, log_index, block_number, block_hash,"
	" block_timestamp, event_type, event_data, removed, processed, outcome, error, source,"
	" created_at, processed_at, confirmed, reversed_at)"
	" VALUES (:id, :tx_hash, :log_index, :block_number, :block_hash, :block_timestamp,"
	" :event_type, :event_data, :removed, :processed, :outcome, :error, :source, :created_at,"
	" :processed_at, :confirmed, :reversed_at)"
	" ON CONFLICT (id) DO UPDATE SET removed = excluded.removed, outcome = excluded.outcome,"
	" error = excluded.error, processed_at = excluded.processed_at,"
	" confirmed = excluded.confirmed, reversed_at = excluded.reversed_at"
	" WHERE tx_hash = excluded.tx_hash AND log_index = excluded.log_index"
	" AND block_hash = excluded.block_hash AND event_data = excluded.event_data";

static const char find_sql[] = "SELECT event_data FROM archived_events WHERE id = :id";

/* What a restart, or time, may mend. All else a person must look at. */
static bool may_pass(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_NOMEM:
		return true;
	default: /* not an enum */
		return false;
	}
}

/* Closes, which undoes what is not committed. */
static enum outcome fail(struct archive *archive, int code, const char *doing, struct error *error)
{
	enum outcome outcome = may_pass(code) ? OUTCOME_RETRY : OUTCOME_REJECTED;
	int system_error = sqlite3_system_errno(archive->connection);

	(void)error_set(error, outcome, ERROR_KIND_NONE, "%s failed: %s (code %d%s%s)", doing,
			sqlite3_errmsg(archive->connection), code, system_error != 0 ? ", " : "",
			system_error != 0 ? strerror(system_error) : "");
	archive_close(archive);
	return outcome;
}

static enum outcome refuse(struct archive *archive, struct error *error, const char *reason)
{
	archive_close(archive);
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID, "%s", reason);
}

static enum outcome execute(struct archive *archive, const char *sql, const char *doing,
			    struct error *error)
{
	int code = sqlite3_exec(archive->connection, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? OUTCOME_OK : fail(archive, code, doing, error);
}

static enum outcome prepare(struct archive *archive, const char *sql,
			    struct sqlite3_stmt **statement, struct error *error)
{
	int code = sqlite3_prepare_v2(archive->connection, sql, -1, statement, NULL);

	return code == SQLITE_OK ? OUTCOME_OK : fail(archive, code, "preparing", error);
}

struct config_text archive_path_of(const struct store *ledger)
{
	struct config_text path = {.text = ""};
	int length = snprintf(path.text, sizeof(path.text), "%s.archive", ledger->path.text);

	if (length < 0 || (size_t)length >= sizeof(path.text))
		path.text[0] = '\0';
	return path;
}

static enum outcome connect_file(struct archive *archive, const struct store *ledger, int flags,
				 struct error *error)
{
	mode_t mask;
	int code;

	*archive = (struct archive){.path = archive_path_of(ledger)};
	if (archive->path.text[0] == '\0')
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "the name is too long");
	/* As the ledger. */
	mask = umask(0007);
	(void)umask(mask | 0007);
	code = sqlite3_open_v2(archive->path.text, &archive->connection,
			       flags | SQLITE_OPEN_EXRESCODE, NULL);
	(void)umask(mask);
	if (code != SQLITE_OK)
		return fail(archive, code, "opening", error);
	(void)sqlite3_busy_timeout(archive->connection, BUSY_TIMEOUT_MS);
	(void)sqlite3_limit(archive->connection, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_db_config(archive->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return OUTCOME_OK;
}

static enum outcome read_integer(struct archive *archive, const char *sql, int64_t *value,
				 struct error *error)
{
	struct sqlite3_stmt *query = NULL;
	enum outcome outcome = prepare(archive, sql, &query, error);
	int code;

	if (outcome != OUTCOME_OK)
		return outcome;
	code = sqlite3_step(query);
	if (code == SQLITE_ROW)
		*value = sqlite3_column_int64(query, 0);
	(void)sqlite3_finalize(query);
	return code == SQLITE_ROW ? OUTCOME_OK : fail(archive, code, "reading", error);
}

struct archive_state {
	int64_t application_id;
	int64_t version;
	int64_t objects;
};

static enum outcome read_state(struct archive *archive, struct archive_state *state,
			       struct error *error)
{
	enum outcome outcome =
		read_integer(archive, "PRAGMA application_id", &state->application_id, error);

	if (outcome == OUTCOME_OK)
		outcome = read_integer(archive, "PRAGMA user_version", &state->version, error);
	if (outcome == OUTCOME_OK)
		outcome = read_integer(archive, "SELECT count(*) FROM sqlite_schema",
				       &state->objects, error);
	return outcome;
}

/* Ours and known, or nothing yet. */
static enum outcome judge(struct archive *archive, const struct archive_state *state,
			  struct error *error)
{
	if (state->application_id == 0 && state->version == 0 && state->objects == 0)
		return OUTCOME_OK;
	if (state->application_id != ARCHIVE_APPLICATION_ID || state->version < 1)
		return refuse(archive, error, "the file is no archive of ours");
	if (state->version > ARCHIVE_VERSION)
		return refuse(archive, error, "the file is of a newer program: install that");
	return OUTCOME_OK;
}

/* For writing: its settings, and its table if there is none yet. */
static enum outcome make_ready(struct archive *archive, const struct archive_state *state,
			       struct error *error)
{
	enum outcome outcome = execute(archive, settings_sql, "setting up", error);
	int64_t synchronous = 0;

	if (outcome == OUTCOME_OK)
		outcome = read_integer(archive, "PRAGMA synchronous", &synchronous, error);
	if (outcome == OUTCOME_OK && synchronous != 3)
		return refuse(archive, error, "SQLite refuses PRAGMA synchronous = EXTRA");
	if (outcome == OUTCOME_OK && state->version == 0)
		outcome = execute(archive, schema_sql, "creating", error);
	if (outcome == OUTCOME_OK)
		outcome = prepare(archive, append_sql, &archive->append, error);
	return outcome;
}

enum outcome archive_open(struct archive *archive, const struct store *ledger, struct error *error)
{
	struct archive_state state;
	enum outcome outcome =
		connect_file(archive, ledger, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);

	if (outcome == OUTCOME_OK)
		outcome = read_state(archive, &state, error);
	if (outcome == OUTCOME_OK)
		outcome = judge(archive, &state, error);
	if (outcome == OUTCOME_OK)
		outcome = make_ready(archive, &state, error);
	if (outcome == OUTCOME_OK)
		outcome = prepare(archive, find_sql, &archive->find, error);
	return outcome;
}

enum outcome archive_open_read_only(struct archive *archive, const struct store *ledger,
				    struct error *error)
{
	struct archive_state state;
	enum outcome outcome;

	*archive = (struct archive){.path = archive_path_of(ledger)};
	if (archive->path.text[0] != '\0' && access(archive->path.text, F_OK) != 0 &&
	    errno == ENOENT)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "there is no such file");
	outcome = connect_file(archive, ledger, SQLITE_OPEN_READONLY, error);
	if (outcome == OUTCOME_OK)
		outcome = read_state(archive, &state, error);
	if (outcome == OUTCOME_OK)
		outcome = judge(archive, &state, error);
	if (outcome == OUTCOME_OK && state.version == 0)
		return refuse(archive, error, "the file is empty");
	if (outcome == OUTCOME_OK)
		outcome = prepare(archive, find_sql, &archive->find, error);
	return outcome;
}

void archive_close(struct archive *archive)
{
	int code;

	(void)sqlite3_finalize(archive->append);
	(void)sqlite3_finalize(archive->find);
	archive->append = NULL;
	archive->find = NULL;
	code = sqlite3_close(archive->connection);
	invariant(code == SQLITE_OK);
	archive->connection = NULL;
}

enum outcome archive_begin(struct archive *archive, struct error *error)
{
	return execute(archive, "BEGIN IMMEDIATE", "beginning", error);
}

/* The column of that parameter: ":tx_hash" of "tx_hash". */
static int column_of(struct sqlite3_stmt *row, const char *parameter)
{
	int count = sqlite3_data_count(row);

	for (int i = 0; i < count; i++) {
		const char *name = sqlite3_column_name(row, i);

		if (name != NULL && strcmp(name, parameter + 1) == 0)
			return i;
	}
	fatal(EXIT_CODE_BUG, "the archive wants a column that the row lacks: %s in sql=%s",
	      parameter, sqlite3_sql(row));
}

enum outcome archive_append(struct archive *archive, const struct statement *row,
			    struct error *error)
{
	int count = sqlite3_bind_parameter_count(archive->append);
	int code = SQLITE_OK;

	for (int i = 1; i <= count && code == SQLITE_OK; i++) {
		int column =
			column_of(row->compiled, sqlite3_bind_parameter_name(archive->append, i));

		code = sqlite3_bind_value(archive->append, i,
					  sqlite3_column_value(row->compiled, column));
	}
	if (code == SQLITE_OK)
		code = sqlite3_step(archive->append);
	if (code != SQLITE_DONE)
		return fail(archive, code, "writing", error);
	(void)sqlite3_reset(archive->append);
	(void)sqlite3_clear_bindings(archive->append);
	if (sqlite3_changes(archive->connection) == 1)
		return OUTCOME_OK;
	return refuse(archive, error,
		      "it holds another event under the same id: it is the archive of another "
		      "ledger, keep it elsewhere");
}

enum outcome archive_commit(struct archive *archive, struct error *error)
{
	return execute(archive, "COMMIT", "committing", error);
}

enum outcome archive_find(struct archive *archive, int64_t id, struct buffer *event_data,
			  struct error *error)
{
	const char *text;
	bool fits;
	int code = sqlite3_bind_int64(archive->find, 1, id);

	if (code == SQLITE_OK)
		code = sqlite3_step(archive->find);
	if (code == SQLITE_DONE)
		return refuse(archive, error, "the event is not there");
	if (code != SQLITE_ROW)
		return fail(archive, code, "reading", error);
	text = (const char *)sqlite3_column_text(archive->find, 0);
	if (text == NULL)
		return fail(archive, SQLITE_NOMEM, "reading", error);
	buffer_clear(event_data);
	fits = buffer_append_text(event_data, text);
	(void)sqlite3_reset(archive->find);
	return fits ? OUTCOME_OK : refuse(archive, error, "the event is larger than any of ours");
}
