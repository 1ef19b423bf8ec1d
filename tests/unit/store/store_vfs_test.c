/* How the write-ahead log is written: in one piece, in order, and never behind another's back. */
#include "test_store.h"

#include <errno.h>

#include <sqlite3.h>

#include "store/store_private.h"

/* Spills after ten pages; each row of ROW_BYTES is a page of its own. */
#define SMALL_CACHE "PRAGMA cache_size = 10; PRAGMA synchronous = FULL; PRAGMA mmap_size = 0"
#define ROW_BYTES   "3500"

typedef ssize_t (*pwrite_call)(int, const void *, size_t, off_t);

static pwrite_call system_pwrite;
static int writes;
static int failing_writes;

static ssize_t counted_pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	writes++;
	if (failing_writes > 0) {
		failing_writes--;
		errno = EIO;
		return -1;
	}
	return system_pwrite(fd, bytes, count, offset);
}

/* SQLite's door for tests: the call that its VFS writes files with. */
static int count_writes(void **state)
{
	struct sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	const char *name = "pwrite64";

	(void)state;
	if (vfs->xGetSystemCall(vfs, name) == NULL)
		name = "pwrite";
	system_pwrite = (pwrite_call)vfs->xGetSystemCall(vfs, name);
	assert_non_null(system_pwrite);
	assert_int_equal(vfs->xSetSystemCall(vfs, name, (sqlite3_syscall_ptr)counted_pwrite),
			 SQLITE_OK);
	return 0;
}

static void run_sql(struct sqlite3 *connection, const char *sql)
{
	char *message = NULL;

	if (sqlite3_exec(connection, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
}

static int take_text(void *context, int columns, char **texts, char **names)
{
	(void)columns;
	(void)names;
	(void)snprintf(context, 64, "%s", texts[0]);
	return 0;
}

static void assert_says(struct sqlite3 *connection, const char *sql, const char *expected)
{
	char text[64] = "nothing";

	assert_int_equal(sqlite3_exec(connection, sql, take_text, text, NULL), SQLITE_OK);
	assert_string_equal(text, expected);
}

static struct sqlite3 *open_by_vfs(const char *path)
{
	struct sqlite3 *connection;

	assert_int_equal(sqlite3_open_v2(path, &connection,
					 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
					 store_vfs_name()),
			 SQLITE_OK);
	run_sql(connection, "PRAGMA journal_mode = WAL; " SMALL_CACHE);
	return connection;
}

static struct sqlite3 *make_database(struct test_file *file)
{
	struct sqlite3 *connection;

	test_file_create(file);
	connection = open_by_vfs(file->path);
	run_sql(connection, "CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB)");
	return connection;
}

#define INSERT_ROWS(count)                                                                         \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #count ") "   \
	"INSERT INTO rows (bytes) SELECT zeroblob(" ROW_BYTES ") FROM n"

static void test_a_commit_is_one_write(void **state)
{
	struct test_file file;
	struct sqlite3 *connection = make_database(&file);

	(void)state;
	run_sql(connection, "BEGIN IMMEDIATE; " INSERT_ROWS(5));
	writes = 0;
	run_sql(connection, "COMMIT");
	assert_int_equal(writes, 1);
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
	test_file_remove(&file);
}

static void test_what_is_longer_takes_more_and_is_whole(void **state)
{
	struct test_file file;
	struct sqlite3 *connection = make_database(&file);
	struct sqlite3 *other = open_by_vfs(file.path);

	(void)state;
	run_sql(connection, "BEGIN IMMEDIATE; " INSERT_ROWS(900) "; COMMIT");
	assert_says(other, "SELECT count(*) FROM rows WHERE bytes = zeroblob(" ROW_BYTES ")",
		    "900");
	assert_says(other, "PRAGMA integrity_check", "ok");
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	test_file_remove(&file);
}

static void test_a_transaction_reads_what_it_has_spilled(void **state)
{
	struct test_file file;
	struct sqlite3 *connection = make_database(&file);

	(void)state;
	run_sql(connection, "BEGIN IMMEDIATE; " INSERT_ROWS(25));
	assert_says(connection, "SELECT count(*) FROM rows WHERE bytes = zeroblob(" ROW_BYTES ")",
		    "25");
	run_sql(connection, "SAVEPOINT before; UPDATE rows SET bytes = 'lost'; ROLLBACK TO before");
	assert_says(connection, "SELECT count(*) FROM rows WHERE bytes = zeroblob(" ROW_BYTES ")",
		    "25");
	run_sql(connection, "UPDATE rows SET bytes = 'kept' WHERE id % 2 = 0; COMMIT");
	assert_says(connection, "SELECT count(*) FROM rows WHERE bytes = 'kept'", "12");
	assert_says(connection, "PRAGMA integrity_check", "ok");
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
	test_file_remove(&file);
}

static int pages_spilled(struct sqlite3 *connection)
{
	int spilled = 0;
	int highest;

	assert_int_equal(
		sqlite3_db_status(connection, SQLITE_DBSTATUS_CACHE_SPILL, &spilled, &highest, 0),
		SQLITE_OK);
	return spilled;
}

/*
 * Another may write to the same place of the log as soon as the lock is free. All pages are in the
 * database's file before, so that rolling back reads none from the log, which would write what is
 * held.
 */
static void test_what_was_rolled_back_is_never_written(void **state)
{
	struct test_file file;
	struct sqlite3 *connection = make_database(&file);
	struct sqlite3 *other = open_by_vfs(file.path);

	(void)state;
	run_sql(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
	run_sql(connection, "BEGIN IMMEDIATE; " INSERT_ROWS(25));
	assert_in_range(pages_spilled(connection), 10, 30);
	run_sql(connection, "ROLLBACK");
	run_sql(other, "BEGIN IMMEDIATE; " INSERT_ROWS(3) "; COMMIT");
	assert_says(connection, "SELECT count(*) FROM rows", "3");
	assert_says(other, "SELECT count(*) FROM rows WHERE bytes = zeroblob(" ROW_BYTES ")", "3");
	run_sql(connection, INSERT_ROWS(2));
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
	assert_says(other, "SELECT count(*) FROM rows", "5");
	assert_says(other, "PRAGMA integrity_check", "ok");
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	test_file_remove(&file);
}

static const char *const spilling[] = {
	"BEGIN IMMEDIATE",
	INSERT_ROWS(25),
	"SELECT sum(length(bytes)) FROM rows",
	INSERT_ROWS(60),
	"SELECT sum(length(bytes)) FROM rows",
	"COMMIT",
};

#define SPILLING_STATEMENTS ((int)(sizeof(spilling) / sizeof(spilling[0])))

/* Goes on behind a statement that fails, as we never do. How many failed. */
static int run_with_failures(struct sqlite3 *connection, int first, int count)
{
	int failed = 0;

	for (int i = 0; i < SPILLING_STATEMENTS; i++) {
		if (i == first)
			failing_writes = count;
		failed += sqlite3_exec(connection, spilling[i], NULL, NULL, NULL) != SQLITE_OK;
	}
	failing_writes = 0;
	if (sqlite3_get_autocommit(connection) == 0)
		run_sql(connection, "ROLLBACK");
	return failed;
}

/* Wherever in a transaction a write fails, once or for good: what is committed is whole. */
static void test_no_gap_behind_a_write_that_fails(void **state)
{
	int failures = 0;

	(void)state;
	for (int turn = 0; turn < 2 * SPILLING_STATEMENTS; turn++) {
		struct test_file file;
		struct sqlite3 *connection = make_database(&file);
		struct sqlite3 *other = open_by_vfs(file.path);

		failures += run_with_failures(connection, turn / 2, turn % 2 == 0 ? 1 : INT_MAX);
		assert_says(other, "SELECT count(*) IN (0, 25, 60, 85) FROM rows", "1");
		assert_says(other, "PRAGMA integrity_check", "ok");
		run_sql(connection, INSERT_ROWS(1));
		assert_says(other, "PRAGMA integrity_check", "ok");
		assert_int_equal(sqlite3_close(connection), SQLITE_OK);
		assert_int_equal(sqlite3_close(other), SQLITE_OK);
		test_file_remove(&file);
	}
	assert_true(failures >= 2 * SPILLING_STATEMENTS);
}

/* As no statement can show, since SQLite rolls back after it: it is written by the next call, to
 * where it belongs. */
static void test_a_write_that_failed_is_tried_again(void **state)
{
	struct test_file file;
	struct sqlite3 *connection = make_database(&file);
	struct sqlite3_file *log = NULL;
	char read_back[9] = "";

	(void)state;
	assert_int_equal(
		sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log),
		SQLITE_OK);
	assert_int_equal(log->pMethods->xWrite(log, "held", 4, 100000), SQLITE_OK);
	assert_int_equal(log->pMethods->xWrite(log, "more", 4, 100004), SQLITE_OK);
	failing_writes = 3;
	assert_int_equal(log->pMethods->xWrite(log, "else", 4, 200000), SQLITE_IOERR_WRITE);
	assert_int_equal(log->pMethods->xRead(log, read_back, 8, 100000), SQLITE_IOERR_WRITE);
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), SQLITE_IOERR_WRITE);
	assert_int_equal(failing_writes, 0);
	assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL), SQLITE_OK);
	assert_int_equal(log->pMethods->xRead(log, read_back, 8, 100000), SQLITE_OK);
	assert_string_equal(read_back, "heldmore");
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
	test_file_remove(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_commit_is_one_write),
		cmocka_unit_test(test_what_is_longer_takes_more_and_is_whole),
		cmocka_unit_test(test_a_transaction_reads_what_it_has_spilled),
		cmocka_unit_test(test_what_was_rolled_back_is_never_written),
		cmocka_unit_test(test_a_write_that_failed_is_tried_again),
		cmocka_unit_test(test_no_gap_behind_a_write_that_fails),
	};

	return cmocka_run_group_tests(tests, count_writes, NULL);
}
