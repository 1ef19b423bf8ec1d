/* Transactions among processes: waiting, giving up, being killed, a full disk. */
#include "test_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/process.h"

/* A child that holds the write lock from the first byte it sends until its pipe is closed. */
struct holder {
	pid_t pid;
	int release;
};

static struct holder hold_write_lock(const char *path)
{
	int ready[2], release[2];
	struct holder holder;
	char byte = 0;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(release, O_CLOEXEC), 0);
	fflush(NULL);
	holder.pid = fork();
	assert_true(holder.pid >= 0);
	if (holder.pid == 0) {
		struct store store;

		(void)close(release[1]);
		store_open(&store, path);
		if (!store_begin(&store) || write(ready[1], &byte, 1) != 1 ||
		    read(release[0], &byte, 1) != 0)
			_exit(98);
		(void)test_store_run(&store, "INSERT INTO block_coverage VALUES (1, 2)");
		store_commit(&store);
		store_close(&store);
		_exit(0);
	}
	(void)close(ready[1]);
	(void)close(release[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	holder.release = release[1];
	return holder;
}

static void release_write_lock(struct holder holder)
{
	int status;

	(void)close(holder.release);
	assert_int_equal(waitpid(holder.pid, &status, 0), holder.pid);
	assert_int_equal(status, 0);
}

/* In a child: what it says is looked at. A reader keeps an old state meanwhile. */
static void write_much_beside_a_reader(void *context)
{
	const struct test_file *file = context;
	struct statement insert;
	struct statement read;
	struct store reader;
	struct store store;

	log_start("test", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	store_open(&store, file->path);
	(void)test_store_run(&store, "INSERT INTO block_coverage VALUES (1, 2), (4, 5)");
	store_open_read_only(&reader, file->path);
	statement_prepare(&read, &reader, "SELECT first_block FROM block_coverage");
	assert_true(statement_row(&read));
	statement_prepare(&insert, &store,
			  "INSERT INTO controls (name, value, reason)"
			  " SELECT hex(randomblob(16)), hex(randomblob(500000)), ''");
	for (int i = 0; i < 80; i++) {
		assert_true(store_begin(&store));
		assert_int_equal(statement_execute(&insert), 1);
		store_commit(&store);
	}
	statement_finalize(&insert);
	statement_reset(&read);
	statement_finalize(&read);
	store_close(&reader);
	store_close(&store);
}

static void a_reader_that_lets_the_log_grow_is_told_of(void **state)
{
	struct test_file file;
	struct test_child child;
	const char *first;

	(void)state;
	test_file_create_database(&file);
	child = test_child_run(write_much_beside_a_reader, &file);
	test_child_assert(&child, 0, "the write-ahead log grows");
	first = strstr(child.text, "the write-ahead log grows");
	assert_null(strstr(first + 1, "the write-ahead log grows"));
	test_file_remove(&file);
}

static void a_held_write_lock_is_waited_for_and_no_longer_than_told(void **state)
{
	struct test_store test;
	struct holder holder;

	(void)state;
	test_store_open(&test);
	holder = hold_write_lock(test.file.path);
	assert_false(store_try_begin(&test.store, 0));
	assert_false(test.store.in_transaction);
	assert_false(store_try_begin(&test.store, 20));
	/* Reading goes on meanwhile. */
	assert_int_equal(
		test_store_int64(&test.store, "SELECT count(*) AS n FROM block_coverage", "n"), 0);
	release_write_lock(holder);
	assert_true(store_try_begin(&test.store, 0));
	assert_int_equal(
		test_store_int64(&test.store, "SELECT count(*) AS n FROM block_coverage", "n"), 1);
	store_commit(&test.store);
	test_store_close(&test);
}

struct stopped {
	const char *path;
	int ready;
};

static void wait_for_the_lock_until_told_to_stop(void *context)
{
	static char name[] = "listener";
	static char *arguments[] = {name, NULL};
	static const struct process_usage usage = {.program = "listener", .summary = "a test"};
	const struct stopped *stopped = context;
	struct process_arguments parsed;
	struct store store;
	char byte = 0;

	process_start(&usage, 0, 1, arguments, &parsed);
	/* Long before the wait would end by itself. */
	(void)alarm(30);
	store_open(&store, stopped->path);
	if (write(stopped->ready, &byte, 1) != 1 || store_begin(&store))
		_exit(98);
	if (!process_stopping())
		_exit(97);
	store_close(&store);
}

static void waiting_for_the_write_lock_ends_when_told_to_stop(void **state)
{
	struct test_store test;
	struct holder holder;
	struct stopped stopped;
	int ready[2], status;
	char byte;
	pid_t pid;

	(void)state;
	test_store_open(&test);
	holder = hold_write_lock(test.file.path);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	stopped = (struct stopped){.path = test.file.path, .ready = ready[1]};
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		wait_for_the_lock_until_told_to_stop(&stopped);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGTERM), 0);
	/* Only the signal ends it: the lock is still held. */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	release_write_lock(holder);
	(void)close(ready[0]);
	(void)close(ready[1]);
	test_store_close(&test);
}

static void a_rollback_leaves_nothing(void **state)
{
	struct test_store test;

	(void)state;
	test_store_open(&test);
	assert_true(store_begin(&test.store));
	(void)test_store_run(&test.store, "INSERT INTO block_coverage VALUES (1, 2)");
	store_rollback(&test.store);
	assert_int_equal(
		test_store_int64(&test.store, "SELECT count(*) AS n FROM block_coverage", "n"), 0);
	assert_int_equal(test_store_run(&test.store, "INSERT INTO block_coverage VALUES (1, 2)"),
			 1);
	test_store_close(&test);
}

static void write_and_be_killed(void *context)
{
	struct store store;

	store_open(&store, context);
	(void)test_store_run(&store, "INSERT INTO block_coverage VALUES (1, 2)");
	if (!store_begin(&store))
		_exit(98);
	(void)test_store_run(&store, "INSERT INTO block_coverage VALUES (10, 20)");
	(void)kill(getpid(), SIGKILL);
}

static void a_kill_inside_a_transaction_leaves_only_what_was_committed(void **state)
{
	struct test_file file;
	struct test_child child;
	struct store store;

	(void)state;
	test_file_create(&file);
	child = test_child_run(write_and_be_killed, file.path);
	assert_int_equal(child.exit_code, -1);
	store_open(&store, file.path);
	assert_int_equal(
		test_store_int64(&store, "SELECT sum(last_block) AS n FROM block_coverage", "n"),
		2);
	store_close(&store);
	test_file_remove(&file);
}

static void data_version_tells_of_others_only(void **state)
{
	struct test_store test;
	struct holder holder;
	int64_t version;

	(void)state;
	test_store_open(&test);
	version = store_data_version(&test.store);
	(void)test_store_run(&test.store, "INSERT INTO block_coverage VALUES (10, 20)");
	assert_int_equal(store_data_version(&test.store), version);
	holder = hold_write_lock(test.file.path);
	assert_int_equal(store_data_version(&test.store), version);
	release_write_lock(holder);
	assert_int_not_equal(store_data_version(&test.store), version);
	test_store_close(&test);
}

static void fill_up_to_a_page_limit(void *context)
{
	struct store store;

	store_open(&store, context);
	if (!store_begin(&store))
		_exit(98);
	(void)test_store_int64(&store, "PRAGMA max_page_count = 1", "max_page_count");
	for (;;)
		(void)test_store_run(&store, "INSERT INTO controls (name, value, reason) VALUES "
					     "(hex(randomblob(500)), '1', '')");
}

static void commit_on_a_full_disk(void *context)
{
	struct rlimit limit;
	struct store store;

	(void)signal(SIGXFSZ, SIG_IGN);
	store_open(&store, context);
	if (!store_begin(&store))
		_exit(98);
	(void)test_store_run(&store, "INSERT INTO controls (name, value, reason) VALUES "
				     "(hex(randomblob(50000)), '1', '')");
	limit = (struct rlimit){.rlim_cur = 4096, .rlim_max = 4096};
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		_exit(97);
	store_commit(&store);
}

static void a_full_disk_is_worth_another_try(void **state)
{
	struct test_file file;
	struct test_child child;
	struct store store;

	(void)state;
	test_file_create_database(&file);
	child = test_child_run(fill_up_to_a_page_limit, file.path);
	test_child_assert(&child, EXIT_CODE_TRY_AGAIN, "the disk is full");
	child = test_child_run(commit_on_a_full_disk, file.path);
	test_child_assert(&child, EXIT_CODE_TRY_AGAIN, "commit is unknown");
	store_open(&store, file.path);
	assert_int_equal(test_store_int64(&store, "SELECT count(*) AS n FROM controls", "n"), 0);
	store_close(&store);
	test_file_remove(&file);
}

static void write_while_reading(void *context)
{
	struct store store;

	store_open(&store, context);
	store_begin_read(&store);
	(void)test_store_run(&store, "INSERT INTO block_coverage VALUES (1, 2)");
}

static void reads_between_begin_and_end_see_one_state(void **state)
{
	static const char count[] = "SELECT count(*) AS n FROM block_coverage";
	struct test_file file;
	struct test_child child;
	struct store reader, writer;

	(void)state;
	test_file_create_database(&file);
	store_open(&writer, file.path);
	store_open_read_only(&reader, file.path);
	store_begin_read(&reader);
	assert_int_equal(test_store_int64(&reader, count, "n"), 0);
	(void)test_store_run(&writer, "INSERT INTO block_coverage VALUES (1, 2)");
	assert_int_equal(test_store_int64(&reader, count, "n"), 0);
	store_end_read(&reader);
	assert_int_equal(test_store_int64(&reader, count, "n"), 1);
	store_close(&reader);
	store_close(&writer);
	child = test_child_run(write_while_reading, file.path);
	test_child_assert(&child, EXIT_CODE_BUG, "!store->reading");
	test_file_remove(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_held_write_lock_is_waited_for_and_no_longer_than_told),
		cmocka_unit_test(a_reader_that_lets_the_log_grow_is_told_of),
		cmocka_unit_test(waiting_for_the_write_lock_ends_when_told_to_stop),
		cmocka_unit_test(a_rollback_leaves_nothing),
		cmocka_unit_test(a_kill_inside_a_transaction_leaves_only_what_was_committed),
		cmocka_unit_test(data_version_tells_of_others_only),
		cmocka_unit_test(reads_between_begin_and_end_see_one_state),
		cmocka_unit_test(a_full_disk_is_worth_another_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
