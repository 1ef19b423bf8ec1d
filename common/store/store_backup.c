/*
 * A copy of a ledger, as of one moment, while others write it: for backups and for getting one
 * back. Copied page by page by SQLite's own means within one read transaction. A copy is believed
 * only after it was opened and read from end to end.
 */
#include "store/store_private.h"

#include "base/log.h"
#include "base/process.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* 4 MiB of pages of 4 KiB: between two of them a signal to stop is noticed. */
#define STEP_PAGES 1024

#define TABLE_NAME_SIZE 64

static const char next_table_sql[] =
	"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' "
	"ESCAPE '\\' AND name > :after ORDER BY name LIMIT 1";

/* The whole copy, page for page. False when the process is to stop. */
static bool copy_pages(struct sqlite3 *from, const struct store *copy)
{
	struct sqlite3_backup *backup = sqlite3_backup_init(copy->connection, "main", from, "main");
	int code = SQLITE_OK;

	if (backup == NULL)
		store_fail(copy, sqlite3_errcode(copy->connection), "copying", NULL);
	while (code == SQLITE_OK && !process_stopping())
		code = sqlite3_backup_step(backup, STEP_PAGES);
	(void)sqlite3_backup_finish(backup);
	if (code == SQLITE_OK)
		return false;
	if (code != SQLITE_DONE)
		store_fail(copy, code, "copying", NULL);
	return true;
}

static bool next_table(struct statement *tables, char *name)
{
	bool found;

	statement_bind_text(tables, ":after", name);
	found = statement_row(tables);
	if (found) {
		int length = snprintf(name, TABLE_NAME_SIZE, "%s", statement_text(tables, "name"));

		invariant(length > 0 && length < TABLE_NAME_SIZE);
	}
	statement_reset(tables);
	return found;
}

static int64_t count_rows(struct store *store, const char *table)
{
	char sql[TABLE_NAME_SIZE + 64];
	struct statement statement;
	int64_t rows;
	bool found;

	/* A table's name is no parameter; ours are plain words. */
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) AS rows FROM \"%s\"", table);
	statement_prepare(&statement, store, sql);
	found = statement_row(&statement);
	invariant(found);
	rows = statement_int64(&statement, "rows");
	statement_finalize(&statement);
	return rows;
}

/* As many rows in every table as the original has in the state that was copied. */
static void require_same_rows(struct store *store, struct store *copy)
{
	char table[TABLE_NAME_SIZE] = "";
	struct statement tables;

	statement_prepare(&tables, store, next_table_sql);
	while (next_table(&tables, table)) {
		int64_t expected = count_rows(store, table);
		int64_t rows = count_rows(copy, table);

		if (rows != expected)
			fatal(EXIT_CODE_NEEDS_PERSON,
			      "the copy is not what was copied: table=%s rows=%" PRId64
			      " expected=%" PRId64 " database=%s",
			      table, rows, expected, copy->path.text);
	}
	statement_finalize(&tables);
}

/* All that SQLite can find wrong in a file: the first row of each check is told. */
static void require_sound(struct store *copy)
{
	struct statement check;
	const char *verdict;

	statement_prepare(&check, copy, "PRAGMA integrity_check(1)");
	verdict = statement_row(&check) ? statement_text(&check, "integrity_check") : "no answer";
	if (strcmp(verdict, "ok") != 0)
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "the copy is damaged, and what was copied may be: %s database=%s", verdict,
		      copy->path.text);
	statement_finalize(&check);

	statement_prepare(&check, copy, "PRAGMA foreign_key_check");
	if (statement_row(&check))
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "a row of the copy refers to one that is not there: table=%s parent=%s "
		      "database=%s",
		      statement_text(&check, "table"), statement_text(&check, "parent"),
		      copy->path.text);
	statement_finalize(&check);
}

bool store_copy(struct store *store, const char *path)
{
	char first[TABLE_NAME_SIZE] = "";
	struct statement tables;
	struct store copy;
	bool whole;

	store_begin_read(store);
	/* The first read is what chooses the state. */
	statement_prepare(&tables, store, next_table_sql);
	if (!next_table(&tables, first))
		store_refuse(store, false, "there is nothing to copy: the database has no table");
	statement_finalize(&tables);
	store_connect(&copy, path, true);
	whole = copy_pages(store->connection, &copy);
	(void)store_disconnect(&copy);
	if (whole) {
		store_open_any_schema(&copy, path);
		require_same_rows(store, &copy);
	}
	/* The state that was copied is let go before the long part: until then no log can be begun
	 * anew. */
	store_end_read(store);
	if (whole) {
		require_sound(&copy);
		store_close(&copy);
	}
	return whole;
}

bool store_copy_archive(const char *archive_path, const char *path)
{
	struct store archive, copy;
	bool whole;

	store_connect(&archive, archive_path, false);
	store_connect(&copy, path, true);
	whole = copy_pages(archive.connection, &copy);
	if (whole)
		require_sound(&copy);
	(void)store_disconnect(&copy);
	(void)store_disconnect(&archive);
	return whole;
}

void store_close_as_one_file(struct store *store)
{
	int keep_wal = 0;

	(void)sqlite3_file_control(store->connection, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_wal);
	/* The last one to use it: the log goes into the file and both files beside it go. */
	store_execute(store, "PRAGMA journal_mode = DELETE");
	store_close(store);
}
