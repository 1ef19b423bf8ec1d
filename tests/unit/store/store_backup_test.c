/* Copies of a ledger: whole, of one moment, one file; and what must not pass for one. */
#include "test_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"

struct copy_wish {
	const char *from;
	const char *to;
};

/* For test_child_run. */
static void copy(void *context)
{
	const struct copy_wish *wish = context;
	struct store store;

	store_open_read_only(&store, wish->from);
	if (!store_copy(&store, wish->to))
		_exit(96);
	store_close(&store);
}

static void assert_copied(const struct test_file *file, int exit_code, const char *words)
{
	char to[160];
	struct copy_wish wish = {.from = file->path, .to = to};
	struct test_child child;

	(void)snprintf(to, sizeof(to), "%s/copy.db", file->directory);
	child = test_child_run(copy, &wish);
	test_child_assert(&child, exit_code, words);
}

static void remove_copy(const struct test_file *file)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
		char path[160];

		(void)snprintf(path, sizeof(path), "%s/copy.db%s", file->directory, suffixes[i]);
		(void)unlink(path);
	}
}

static bool exists(const struct test_file *file, const char *name)
{
	char path[160];
	struct stat status;

	(void)snprintf(path, sizeof(path), "%s/%s", file->directory, name);
	return stat(path, &status) == 0;
}

static void a_copy_holds_what_was_committed_and_nothing_later(void **state)
{
	struct test_store test;
	struct store taken;
	char to[160];

	(void)state;
	test_store_open(&test);
	(void)snprintf(to, sizeof(to), "%s/copy.db", test.file.directory);
	assert_int_equal(test_store_run(&test.store, "INSERT INTO block_coverage VALUES (1, 5)"),
			 1);
	assert_true(store_copy(&test.store, to));
	assert_int_equal(test_store_run(&test.store, "INSERT INTO block_coverage VALUES (7, 9)"),
			 1);
	store_open(&taken, to);
	assert_int_equal(
		test_store_int64(&taken, "SELECT sum(last_block) AS n FROM block_coverage", "n"),
		5);
	store_close(&taken);
	remove_copy(&test.file);
	test_store_close(&test);
}

static void closed_as_one_file_it_has_nothing_beside_it(void **state)
{
	struct test_store test;

	(void)state;
	test_store_open(&test);
	assert_int_equal(test_store_run(&test.store, "INSERT INTO block_coverage VALUES (1, 5)"),
			 1);
	assert_true(exists(&test.file, "ballast.db-wal"));
	store_close_as_one_file(&test.store);
	assert_false(exists(&test.file, "ballast.db-wal"));
	assert_false(exists(&test.file, "ballast.db-shm"));
	store_open(&test.store, test.file.path);
	assert_int_equal(
		test_store_int64(&test.store, "SELECT count(*) AS n FROM block_coverage", "n"), 1);
	test_store_close(&test);
}

static void a_row_that_refers_to_nothing_is_no_backup(void **state)
{
	struct test_store test;
	struct statement off;

	(void)state;
	test_store_open(&test);
	assert_copied(&test.file, 0, NULL);
	remove_copy(&test.file);
	/* Outside a transaction, or it has no effect. */
	statement_prepare(&off, &test.store, "PRAGMA foreign_keys = OFF");
	assert_false(statement_row(&off));
	statement_finalize(&off);
	assert_int_equal(
		test_store_run(&test.store, "INSERT INTO trade_offsets VALUES (1, 2, '1')"), 1);
	assert_copied(&test.file, EXIT_CODE_NEEDS_PERSON,
		      "refers to one that is not there: table=trade_offsets");
	remove_copy(&test.file);
	test_store_close(&test);
}

static void a_damaged_page_is_no_backup(void **state)
{
	struct test_store test;
	unsigned char damage[64];
	int64_t page;
	int fd;

	(void)state;
	test_store_open(&test);
	page = test_store_int64(
		&test.store, "SELECT rootpage AS n FROM sqlite_schema WHERE name = 'tokens'", "n");
	store_close_as_one_file(&test.store);
	memset(damage, 0xff, sizeof(damage));
	fd = open(test.file.path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, damage, sizeof(damage), (off_t)(page - 1) * 4096), 64);
	assert_int_equal(close(fd), 0);
	assert_copied(&test.file, EXIT_CODE_NEEDS_PERSON, "damaged");
	remove_copy(&test.file);
	test_file_remove(&test.file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_holds_what_was_committed_and_nothing_later),
		cmocka_unit_test(closed_as_one_file_it_has_nothing_beside_it),
		cmocka_unit_test(a_row_that_refers_to_nothing_is_no_backup),
		cmocka_unit_test(a_damaged_page_is_no_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
