/*
 * Which schema a file has, and how it comes to have ours. Looking writes nothing. Whoever is first
 * migrates, under the write lock and in one transaction with user_version and application_id, so
 * that a file is never in between.
 */
#include "store/store_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "store/migrations.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#define WAL_LIMIT_MS 60000
#define WAL_RETRY_MS 5

struct schema_state {
	int64_t application_id;
	int64_t version;
	int64_t objects; /* tables, indexes, ... */
};

static int64_t read_integer(struct store *store, const char *sql, const char *column)
{
	struct statement statement;
	int64_t value;
	bool found;

	statement_prepare(&statement, store, sql);
	found = statement_row(&statement);
	invariant(found);
	value = statement_int64(&statement, column);
	statement_finalize(&statement);
	return value;
}

static struct schema_state read_state(struct store *store)
{
	return (struct schema_state){
		.application_id = read_integer(store, "PRAGMA application_id", "application_id"),
		.version = read_integer(store, "PRAGMA user_version", "user_version"),
		.objects = read_integer(store, "SELECT count(*) AS objects FROM sqlite_schema",
					"objects"),
	};
}

/*
 * In one transaction: read one by one, they could be from before and after another program's
 * migration.
 */
static struct schema_state read_state_at_once(struct store *store)
{
	struct schema_state state;

	store_execute(store, "BEGIN");
	state = read_state(store);
	store_execute(store, "COMMIT");
	return state;
}

static bool is_empty(const struct schema_state *state)
{
	return state->application_id == 0 && state->version == 0 && state->objects == 0;
}

static void refuse_unless_ours(struct store *store, const struct schema_state *state)
{
	char reason[192];

	if (is_empty(state))
		return;
	if (state->application_id != STORE_APPLICATION_ID || state->version < 1)
		store_refuse(store, false,
			     "the database belongs to another application: it was not touched, set "
			     "another DATABASE_PATH");
	if (state->version > migration_count) {
		(void)snprintf(reason, sizeof(reason),
			       "the database has the newer schema %" PRId64
			       ", this program knows %d: it was not touched, install the newer "
			       "program",
			       state->version, migration_count);
		store_refuse(store, false, reason);
	}
}

void store_schema_look(struct store *store, bool must_be_current)
{
	struct schema_state state = read_state_at_once(store);

	refuse_unless_ours(store, &state);
	if (must_be_current && state.version != migration_count)
		store_refuse(store, true,
			     "the database has an older schema or none yet: the first program that "
			     "starts brings it up to date");
}

void store_schema_use_wal(struct store *store)
{
	static const char sql[] = "PRAGMA journal_mode = WAL";
	int64_t deadline_ms = clock_monotonic_ms() + WAL_LIMIT_MS;
	int code;

	/*
	 * The switch takes the lock of a reader first, so two that switch at once are refused
	 * without waiting.
	 */
	while ((code = sqlite3_exec(store->connection, sql, NULL, NULL, NULL)) != SQLITE_OK) {
		if ((code & 0xff) != SQLITE_BUSY || clock_monotonic_ms() >= deadline_ms ||
		    !process_sleep_ms(WAL_RETRY_MS))
			store_fail(store, code, "executing", sql);
	}
}

static void allow_rewording(struct store *store, int allowed)
{
	int code = sqlite3_db_config(store->connection, SQLITE_DBCONFIG_DEFENSIVE, !allowed, NULL);

	if (code != SQLITE_OK)
		store_fail(store, code, "configuring", NULL);
}

static void run_migrations(struct store *store, int64_t version)
{
	char sql[96];

	/* They, and nobody else, may reword the schema itself. */
	allow_rewording(store, 1);
	for (int64_t i = version; i < migration_count; i++) {
		log_info("migrating schema=%" PRId64 " file=%s database=%s", i + 1,
			 migrations[i].name, store->path.text);
		store_execute(store, migrations[i].sql);
	}
	allow_rewording(store, 0);
	/* A pragma takes no parameters; both are integers of ours. */
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; PRAGMA application_id = %d",
		       migration_count, STORE_APPLICATION_ID);
	store_execute(store, sql);
}

void store_schema_migrate(struct store *store)
{
	struct schema_state state = read_state_at_once(store);

	if (state.version == migration_count)
		return;
	if (!store_begin(store))
		fatal(EXIT_CODE_TRY_AGAIN, "told to stop before the schema was there database=%s",
		      store->path.text);
	/* Another program may have been first. */
	state = read_state(store);
	refuse_unless_ours(store, &state);
	if (state.version < migration_count)
		run_migrations(store, state.version);
	store_commit(store);
}
