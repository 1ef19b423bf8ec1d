/*
 * Compiled SQL with parameters and columns by name. A name that is not in the SQL, a value of
 * another type and a write outside a transaction are bugs and end the process; an error of the
 * database ends it in store_fail.
 */
#include "store/store_private.h"

#include "base/log.h"

#include <sqlite3.h>
#include <string.h>

void statement_prepare(struct statement *statement, struct store *store, const char *sql)
{
	int code;

	statement->store = store;
	statement->compiled = NULL;
	statement->has_row = false;
	statement->next_parameter = 0;
	code = sqlite3_prepare_v3(store->connection, sql, -1, SQLITE_PREPARE_PERSISTENT,
				  &statement->compiled, NULL);
	if (code != SQLITE_OK)
		store_fail(store, code, "preparing", sql);
	invariant(statement->compiled != NULL);
}

static void note_row(struct statement *statement, bool has_row)
{
	statement->store->rows += (has_row ? 1 : 0) - (statement->has_row ? 1 : 0);
	statement->has_row = has_row;
	statement->next_column = 0;
}

void statement_finalize(struct statement *statement)
{
	note_row(statement, false);
	/* Its code is that of the last step, which was looked at. */
	(void)sqlite3_finalize(statement->compiled);
	statement->compiled = NULL;
}

/*
 * Names are mostly used in their order: the search begins behind the last one that was found, at
 * *next. -1: no such name.
 */
static int find_name(struct sqlite3_stmt *compiled,
		     const char *(*name_at)(struct sqlite3_stmt *, int), int count, int *next,
		     const char *name)
{
	for (int i = 0; i < count; i++) {
		int place = (*next + i) % count;
		const char *known = name_at(compiled, place);

		if (known != NULL && strcmp(known, name) == 0) {
			*next = place + 1;
			return place;
		}
	}
	return -1;
}

/* SQLite counts parameters from one, columns from zero. */
static const char *parameter_name_at(struct sqlite3_stmt *compiled, int place)
{
	return sqlite3_bind_parameter_name(compiled, place + 1);
}

static int parameter_index(struct statement *statement, const char *name)
{
	int count = sqlite3_bind_parameter_count(statement->compiled);
	int place = find_name(statement->compiled, parameter_name_at, count,
			      &statement->next_parameter, name);

	if (place < 0)
		fatal(EXIT_CODE_BUG, "no parameter %s in sql=%s", name,
		      sqlite3_sql(statement->compiled));
	return place + 1;
}

static void require_bound(const struct statement *statement, int code)
{
	if (code != SQLITE_OK)
		store_fail(statement->store, code, "binding", sqlite3_sql(statement->compiled));
}

void statement_bind_int64(struct statement *statement, const char *name, int64_t value)
{
	int index = parameter_index(statement, name);

	require_bound(statement, sqlite3_bind_int64(statement->compiled, index, value));
}

/*
 * SQLITE_TRANSIENT is a pointer made of -1 by a cast that our warnings refuse: as SQLite's own
 * header tells, copied.
 */
static sqlite3_destructor_type copied(void)
{
	return (sqlite3_destructor_type)(intptr_t)-1;
}

void statement_bind_text(struct statement *statement, const char *name, const char *text)
{
	int index = parameter_index(statement, name);
	int code;

	if (text == NULL)
		code = sqlite3_bind_null(statement->compiled, index);
	else
		code = sqlite3_bind_text64(statement->compiled, index, text, strlen(text), copied(),
					   SQLITE_UTF8);
	require_bound(statement, code);
}

void statement_bind_null(struct statement *statement, const char *name)
{
	statement_bind_text(statement, name, NULL);
}

static int step(struct statement *statement)
{
	int code;

	if (!statement->store->in_transaction && sqlite3_stmt_readonly(statement->compiled) == 0)
		fatal(EXIT_CODE_BUG, "a write outside a transaction sql=%s",
		      sqlite3_sql(statement->compiled));
	code = sqlite3_step(statement->compiled);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		store_fail(statement->store, code, "executing", sqlite3_sql(statement->compiled));
	return code;
}

int statement_execute(struct statement *statement)
{
	int changed;

	if (step(statement) == SQLITE_ROW)
		fatal(EXIT_CODE_BUG, "a statement that was executed for its effect has rows sql=%s",
		      sqlite3_sql(statement->compiled));
	changed = sqlite3_changes(statement->store->connection);
	statement_reset(statement);
	return changed;
}

bool statement_row(struct statement *statement)
{
	if (step(statement) == SQLITE_ROW) {
		note_row(statement, true);
		return true;
	}
	statement_reset(statement);
	return false;
}

void statement_reset(struct statement *statement)
{
	(void)sqlite3_reset(statement->compiled);
	(void)sqlite3_clear_bindings(statement->compiled);
	note_row(statement, false);
}

static int column_index(struct statement *statement, const char *column)
{
	int count = sqlite3_data_count(statement->compiled);
	int place = find_name(statement->compiled, sqlite3_column_name, count,
			      &statement->next_column, column);

	if (place < 0)
		fatal(EXIT_CODE_BUG, "%s %s in sql=%s", count == 0 ? "no row to read" : "no column",
		      column, sqlite3_sql(statement->compiled));
	return place;
}

int64_t statement_int64(struct statement *statement, const char *column)
{
	int index = column_index(statement, column);

	if (sqlite3_column_type(statement->compiled, index) != SQLITE_INTEGER)
		fatal(EXIT_CODE_BUG, "column %s is not an integer in sql=%s", column,
		      sqlite3_sql(statement->compiled));
	return sqlite3_column_int64(statement->compiled, index);
}

const char *statement_text(struct statement *statement, const char *column)
{
	int index = column_index(statement, column);
	const char *text;

	if (sqlite3_column_type(statement->compiled, index) == SQLITE_NULL)
		return NULL;
	text = (const char *)sqlite3_column_text(statement->compiled, index);
	if (text == NULL)
		store_fail(statement->store, SQLITE_NOMEM, "reading", column);
	return text;
}

bool statement_is_null(struct statement *statement, const char *column)
{
	int index = column_index(statement, column);

	return sqlite3_column_type(statement->compiled, index) == SQLITE_NULL;
}
