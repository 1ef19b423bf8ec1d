/* Whether another process is writing. The other is a child that holds the lock until it is told. */
#include "test_store.h"

#include <fcntl.h>

#include "store/store.h"

static void write_row(struct store *store)
{
	(void)test_store_run(store, "INSERT INTO controls (name, value, reason) VALUES "
				    "(hex(randomblob(16)), '1', '')");
}

/* A byte for each, behind the one that lets it begin: the lock is held, a row is written, it was
 * committed or rolled back. */
static void write_step_by_step(const char *path, bool commits, int orders, int answers)
{
	struct store store;
	char byte = 0;

	if (read(orders, &byte, 1) != 1)
		_exit(96);
	store_open(&store, path);
	if (!store_begin(&store) || write(answers, &byte, 1) != 1 || read(orders, &byte, 1) != 1)
		_exit(97);
	write_row(&store);
	if (write(answers, &byte, 1) != 1 || read(orders, &byte, 1) != 1)
		_exit(98);
	if (commits)
		store_commit(&store);
	else
		store_rollback(&store);
	if (write(answers, &byte, 1) != 1)
		_exit(99);
	store_close(&store);
	_exit(0);
}

static void expect_lock_step_by_step(bool commits, bool looks_before)
{
	static const bool expected[] = {true, true, false};
	int orders[2], answers[2], status;
	struct test_file file;
	struct store store;
	char byte = 0;
	pid_t pid;

	test_file_create_database(&file);
	store_open(&store, file.path);
	store_close_as_one_file(&store);
	assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		write_step_by_step(file.path, commits, orders[0], answers[1]);
	if (looks_before) {
		store_open_read_only(&store, file.path);
		assert_false(store_is_written_by_another(&store));
		assert_int_equal(store.writer_lock_fd, -1);
	}
	assert_int_equal(write(orders[1], &byte, 1), 1);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(read(answers[0], &byte, 1), 1);
		if (i == 0 && !looks_before)
			store_open_read_only(&store, file.path);
		assert_int_equal(store_is_written_by_another(&store), expected[i]);
		assert_int_equal(write(orders[1], &byte, 1), 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	store_close(&store);
	for (int i = 0; i < 2; i++) {
		(void)close(orders[i]);
		(void)close(answers[i]);
	}
	test_file_remove(&file);
}

static void another_process_is_writing_from_its_begin_to_its_commit(void **state)
{
	(void)state;
	expect_lock_step_by_step(true, false);
}

static void another_process_that_gives_up_is_no_longer_writing(void **state)
{
	(void)state;
	expect_lock_step_by_step(false, false);
}

static void ones_own_writing_is_not_anothers(void **state)
{
	struct test_store test;

	(void)state;
	test_store_open(&test);
	assert_true(store_begin(&test.store));
	write_row(&test.store);
	assert_false(store_is_written_by_another(&test.store));
	store_commit(&test.store);
	assert_false(store_is_written_by_another(&test.store));
	test_store_close(&test);
}

/* A database that nobody has open, as it was restored: the locks' file comes with its first user.
 */
static void who_looks_before_there_are_locks_sees_them_when_they_come(void **state)
{
	(void)state;
	expect_lock_step_by_step(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_process_is_writing_from_its_begin_to_its_commit),
		cmocka_unit_test(another_process_that_gives_up_is_no_longer_writing),
		cmocka_unit_test(ones_own_writing_is_not_anothers),
		cmocka_unit_test(who_looks_before_there_are_locks_sees_them_when_they_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
