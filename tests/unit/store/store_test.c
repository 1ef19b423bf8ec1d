/* The connection: what is opened and what is refused, transactions, statements, the ledger's
 * identity. */
#include "test_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/process.h"
#include "store/migrations.h"

#define APPLICATION_ID 0x424c5354

struct file_bytes {
	size_t length;
	unsigned char *bytes;
};

static struct file_bytes read_bytes(const char *path)
{
	struct file_bytes file = {0};
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return file;
	assert_int_equal(fstat(fd, &status), 0);
	file.length = (size_t)status.st_size;
	file.bytes = malloc(file.length + 1);
	assert_non_null(file.bytes);
	assert_int_equal(pread(fd, file.bytes, file.length, 0), status.st_size);
	(void)close(fd);
	return file;
}

static void assert_same_bytes(const char *path, struct file_bytes before)
{
	struct file_bytes after = read_bytes(path);

	assert_int_equal(after.length, before.length);
	assert_memory_equal(after.bytes, before.bytes, before.length);
	free(after.bytes);
	free(before.bytes);
}

static void write_bytes(const char *path, const void *bytes, size_t length, off_t offset)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, offset), (ssize_t)length);
	(void)close(fd);
}

/* For test_child_run: context is the path. */
static void open_and_close(void *context)
{
	struct store store;

	store_open(&store, context);
	store_close(&store);
}

static void open_read_only_and_close(void *context)
{
	struct store store;

	store_open_read_only(&store, context);
	store_close(&store);
}

static void assert_refused(const char *path, int exit_code, const char *words)
{
	char copy[2048];
	struct test_child child;

	assert_true(strlen(path) < sizeof(copy));
	memcpy(copy, path, strlen(path) + 1);
	child = test_child_run(open_and_close, copy);
	test_child_assert(&child, exit_code, words);
}

static void a_fresh_database_has_the_schema_and_our_mark(void **state)
{
	struct test_store test;

	(void)state;
	test_store_open(&test);
	assert_int_equal(test_store_int64(&test.store, "PRAGMA user_version", "user_version"),
			 migration_count);
	assert_int_equal(test_store_int64(&test.store, "PRAGMA application_id", "application_id"),
			 APPLICATION_ID);
	assert_int_equal(test_store_int64(&test.store,
					  "SELECT count(*) AS n FROM sqlite_schema WHERE type = "
					  "'table' AND name NOT LIKE 'sqlite_%'",
					  "n"),
			 11);
	test_store_close(&test);
}

static void every_setting_is_in_force(void **state)
{
	struct test_store test;
	struct file_bytes file;

	(void)state;
	test_store_open(&test);
	assert_int_equal(test_store_int64(&test.store, "PRAGMA foreign_keys", "foreign_keys"), 1);
	assert_int_equal(test_store_int64(&test.store, "PRAGMA synchronous", "synchronous"), 2);
	assert_int_equal(test_store_int64(&test.store, "PRAGMA trusted_schema", "trusted_schema"),
			 0);
	assert_int_equal(test_store_int64(&test.store, "PRAGMA cell_size_check", "cell_size_check"),
			 1);
	store_close(&test.store);
	/* Bytes 18 and 19 of the header: 2 is WAL. */
	file = read_bytes(test.file.path);
	assert_true(file.length > 100);
	assert_int_equal(file.bytes[18], 2);
	assert_int_equal(file.bytes[19], 2);
	free(file.bytes);
	test_file_remove(&test.file);
}

static int mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return (int)(status.st_mode & 0777);
}

static void files_are_not_for_others(void **state)
{
	static const struct {
		mode_t mask;
		int mode;
	} cases[] = {{0000, 0640}, {0022, 0640}, {0077, 0600}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct test_store test;
		mode_t before = umask(cases[i].mask);

		test_store_open(&test);
		assert_int_equal(mode_of(test.file.path), cases[i].mode);
		assert_int_equal(mode_of(test_file_beside(&test.file, "-wal")), cases[i].mode);
		assert_int_equal(mode_of(test_file_beside(&test.file, "-shm")), cases[i].mode);
		assert_int_equal(umask(before), cases[i].mask);
		test_store_close(&test);
	}
}

static void opening_again_finds_what_was_committed(void **state)
{
	struct test_store test;
	struct stat status;

	(void)state;
	test_store_open(&test);
	assert_int_equal(
		test_store_run(&test.store, "INSERT INTO block_coverage VALUES (1, 5), (7, 9)"), 2);
	store_close(&test.store);
	/* The -wal file stays, for who watches it. */
	assert_int_equal(stat(test_file_beside(&test.file, "-wal"), &status), 0);
	store_open(&test.store, test.file.path);
	assert_int_equal(test_store_int64(&test.store,
					  "SELECT sum(last_block) AS n FROM block_coverage", "n"),
			 14);
	test_store_close(&test);
}

static void the_path_is_absolute_and_links_are_resolved(void **state)
{
	struct test_store test;
	struct store linked;
	char link_path[160];

	(void)state;
	test_store_open(&test);
	assert_int_equal(test.store.path.text[0], '/');
	(void)snprintf(link_path, sizeof(link_path), "%s/link.db", test.file.directory);
	assert_int_equal(symlink(test.file.path, link_path), 0);
	store_open(&linked, link_path);
	assert_string_equal(linked.path.text, test.store.path.text);
	store_close(&linked);
	assert_int_equal(unlink(link_path), 0);
	test_store_close(&test);
}

struct crowd {
	const char *path;
	int gate; /* read end: closed for writing when all are to start */
};

static void open_when_the_gate_opens(void *context)
{
	const struct crowd *crowd = context;
	struct store store;
	char byte;

	if (read(crowd->gate, &byte, 1) != 0)
		_exit(98);
	store_open(&store, crowd->path);
	if (!store_begin(&store))
		_exit(97);
	(void)test_store_run(&store, "INSERT INTO tokens VALUES ('0x' || lower(hex("
				     "randomblob(20))), 'X', 18)");
	store_commit(&store);
	store_close(&store);
}

static void ten_processes_open_a_fresh_database_at_once(void **state)
{
	struct test_file file;
	struct store store;
	struct crowd crowd;
	pid_t children[10];
	int gate[2];

	(void)state;
	for (int round = 0; round < 5; round++) {
		test_file_create(&file);
		assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
		crowd = (struct crowd){.path = file.path, .gate = gate[0]};
		fflush(NULL);
		for (size_t i = 0; i < ARRAY_LENGTH(children); i++) {
			children[i] = fork();
			assert_true(children[i] >= 0);
			if (children[i] == 0) {
				(void)close(gate[1]);
				if (freopen("/dev/null", "w", stderr) == NULL)
					_exit(96);
				open_when_the_gate_opens(&crowd);
				_exit(0);
			}
		}
		(void)close(gate[1]);
		for (size_t i = 0; i < ARRAY_LENGTH(children); i++) {
			int status;

			assert_int_equal(waitpid(children[i], &status, 0), children[i]);
			assert_int_equal(status, 0);
		}
		(void)close(gate[0]);
		store_open(&store, file.path);
		assert_int_equal(test_store_int64(&store, "SELECT count(*) AS n FROM tokens", "n"),
				 10);
		store_close(&store);
		test_file_remove(&file);
	}
}

/* A database of ours with a pragma changed, closed, and how it then looks. */
static struct file_bytes changed_database(struct test_file *file, const char *first,
					  const char *second)
{
	struct store store;

	test_file_create(file);
	store_open(&store, file->path);
	(void)test_store_run(&store, first);
	if (second != NULL)
		(void)test_store_run(&store, second);
	store_close(&store);
	return read_bytes(file->path);
}

static void a_newer_schema_is_refused_and_not_touched(void **state)
{
	struct test_file file;
	struct file_bytes before = changed_database(&file, "PRAGMA user_version = 99", NULL);
	struct test_child child;

	(void)state;
	assert_refused(file.path, EXIT_CODE_NEEDS_PERSON, "newer schema 99");
	child = test_child_run(open_read_only_and_close, file.path);
	test_child_assert(&child, EXIT_CODE_NEEDS_PERSON, "newer schema 99");
	assert_same_bytes(file.path, before);
	test_file_remove(&file);
}

static void commit_a_newer_schema_and_die(void *context)
{
	struct store store;

	store_open(&store, context);
	(void)test_store_run(&store, "PRAGMA user_version = 99");
	(void)kill(getpid(), SIGKILL);
}

static void a_newer_schema_that_is_still_in_the_wal_is_not_touched(void **state)
{
	struct test_file file;
	struct file_bytes database, wal;
	struct test_child child;

	(void)state;
	test_file_create(&file);
	child = test_child_run(commit_a_newer_schema_and_die, file.path);
	assert_int_equal(child.exit_code, -1);
	database = read_bytes(file.path);
	wal = read_bytes(test_file_beside(&file, "-wal"));
	assert_true(wal.length > 0);
	assert_refused(file.path, EXIT_CODE_NEEDS_PERSON, "newer schema 99");
	assert_same_bytes(file.path, database);
	assert_same_bytes(test_file_beside(&file, "-wal"), wal);
	test_file_remove(&file);
}

static void a_database_of_another_application_is_refused_and_not_touched(void **state)
{
	static const char *const changes[][2] = {
		{"PRAGMA application_id = 12345", NULL},
		{"PRAGMA application_id = 0", NULL},
		/* Tables of somebody who set neither. */
		{"PRAGMA application_id = 0", "PRAGMA user_version = 0"},
		{"PRAGMA user_version = 0", NULL},
		{"PRAGMA user_version = -1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
		struct test_file file;
		struct file_bytes before = changed_database(&file, changes[i][0], changes[i][1]);

		assert_refused(file.path, EXIT_CODE_NEEDS_PERSON, "another application");
		assert_same_bytes(file.path, before);
		test_file_remove(&file);
	}
}

static void a_file_that_is_no_database_is_refused_and_not_touched(void **state)
{
	char text[5000];
	static const size_t lengths[] = {2, 10, 99, 100, 512, 4096, sizeof(text)};

	(void)state;
	memset(text, 'A', sizeof(text));
	for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
		struct test_file file;
		struct file_bytes before;

		test_file_create(&file);
		write_bytes(file.path, text, lengths[i], 0);
		before = read_bytes(file.path);
		assert_refused(file.path, EXIT_CODE_NEEDS_PERSON, "not a SQLite database");
		assert_same_bytes(file.path, before);
		test_file_remove(&file);
	}
}

static void a_damaged_database_needs_a_person(void **state)
{
	struct test_file file;
	unsigned char garbage[64];

	(void)state;
	memset(garbage, 0xff, sizeof(garbage));
	free(changed_database(&file, "INSERT INTO block_coverage VALUES (1, 2)", NULL).bytes);
	/* After the header comes the first page of the schema's tree. */
	write_bytes(file.path, garbage, sizeof(garbage), 100);
	assert_refused(file.path, EXIT_CODE_NEEDS_PERSON, "the database is damaged");
	test_file_remove(&file);
}

static void a_path_that_cannot_be_is_refused(void **state)
{
	struct test_file file;
	char path[2000];

	(void)state;
	test_file_create(&file);
	assert_refused(file.directory, EXIT_CODE_NEEDS_PERSON, "is a directory");
	(void)snprintf(path, sizeof(path), "%s/missing/ballast.db", file.directory);
	assert_refused(path, EXIT_CODE_NEEDS_PERSON, "no such file or directory");
	assert_refused("", EXIT_CODE_NEEDS_PERSON, "not the path of a file");
	assert_refused(":memory:", EXIT_CODE_NEEDS_PERSON, "not the path of a file");
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_refused(path, EXIT_CODE_NEEDS_PERSON, "not the path of a file");
	path[1000] = '\0';
	assert_refused(path, EXIT_CODE_NEEDS_PERSON, "cannot be opened");
	write_bytes(file.path, "x", 1, 0);
	(void)snprintf(path, sizeof(path), "%s/ballast.db", file.path);
	assert_refused(path, EXIT_CODE_NEEDS_PERSON, "no such file or directory");
	test_file_remove(&file);
}

static void open_as_nobody(void *context)
{
	if (setgid(65534) != 0 || setuid(65534) != 0)
		_exit(95);
	open_and_close(context);
}

static void a_file_without_the_right_to_it_is_refused(void **state)
{
	struct test_file file;
	struct test_child child;

	(void)state;
	if (getuid() != 0)
		skip();
	free(changed_database(&file, "INSERT INTO block_coverage VALUES (1, 2)", NULL).bytes);
	assert_int_equal(chmod(file.directory, 0755), 0);
	child = test_child_run(open_as_nobody, file.path);
	test_child_assert(&child, EXIT_CODE_NEEDS_PERSON, "cannot be opened: Permission denied");
	assert_int_equal(chmod(file.path, 0644), 0);
	assert_int_equal(chmod(test_file_beside(&file, "-wal"), 0666), 0);
	assert_int_equal(chmod(test_file_beside(&file, "-shm"), 0666), 0);
	child = test_child_run(open_as_nobody, file.path);
	test_child_assert(&child, EXIT_CODE_NEEDS_PERSON, "may not be written");
	test_file_remove(&file);
}

static void reading_only_needs_a_current_database(void **state)
{
	struct test_file file;
	struct test_child child;
	struct store store;

	(void)state;
	test_file_create(&file);
	child = test_child_run(open_read_only_and_close, file.path);
	test_child_assert(&child, EXIT_CODE_NEEDS_PERSON, "no such file or directory");
	assert_int_equal(access(file.path, F_OK), -1);
	write_bytes(file.path, "", 0, 0);
	child = test_child_run(open_read_only_and_close, file.path);
	test_child_assert(&child, EXIT_CODE_TRY_AGAIN, "older schema or none yet");
	open_and_close(file.path);
	store_open_read_only(&store, file.path);
	assert_int_equal(test_store_int64(&store, "SELECT count(*) AS n FROM block_coverage", "n"),
			 0);
	store_close(&store);
	test_file_remove(&file);
}

static void write_through_a_reader(void *context)
{
	struct store store;

	store_open_read_only(&store, context);
	store.in_transaction = true;
	(void)test_store_run(&store, "INSERT INTO block_coverage VALUES (1, 2)");
}

static void reading_only_never_writes(void **state)
{
	struct test_file file;
	struct test_child child;

	(void)state;
	test_file_create(&file);
	open_and_close(file.path);
	child = test_child_run(write_through_a_reader, file.path);
	test_child_assert(&child, EXIT_CODE_TRY_AGAIN, "readonly");
	test_file_remove(&file);
}

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

static void values_go_in_and_come_out_by_name(void **state)
{
	static const int64_t numbers[] = {0, -1, INT64_MAX, INT64_MIN};
	struct test_store test;
	struct statement statement;

	(void)state;
	test_store_open(&test);
	statement_prepare(&statement, &test.store,
			  "SELECT :number AS number, :text AS text, :none AS none");
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		char text[] = "it's; -- \xc3\xa9";

		statement_bind_int64(&statement, ":number", numbers[i]);
		statement_bind_text(&statement, ":text", text);
		statement_bind_null(&statement, ":none");
		text[0] = 'X';
		assert_true(statement_row(&statement));
		assert_true(statement_int64(&statement, "number") == numbers[i]);
		assert_string_equal(statement_text(&statement, "text"), "it's; -- \xc3\xa9");
		assert_null(statement_text(&statement, "none"));
		assert_true(statement_is_null(&statement, "none"));
		assert_false(statement_is_null(&statement, "text"));
		assert_false(statement_row(&statement));
	}
	/* The bindings were cleared at the end. */
	assert_true(statement_row(&statement));
	assert_true(statement_is_null(&statement, "text"));
	statement_reset(&statement);
	statement_reset(&statement);
	statement_finalize(&statement);
	test_store_close(&test);
}

static void execute_counts_the_rows_it_changed(void **state)
{
	struct test_store test;

	(void)state;
	test_store_open(&test);
	assert_int_equal(
		test_store_run(&test.store, "INSERT INTO block_coverage VALUES (1, 2), (4, 5)"), 2);
	assert_int_equal(test_store_run(&test.store,
					"UPDATE block_coverage SET last_block = 9 WHERE "
					"first_block = 4"),
			 1);
	assert_int_equal(
		test_store_run(&test.store, "DELETE FROM block_coverage WHERE first_block = 77"),
		0);
	assert_int_equal(test_store_run(&test.store, "INSERT INTO tokens VALUES ('0x1111111111"
						     "111111111111111111111111111111', 'X', 6)"),
			 1);
	test_store_close(&test);
}

/* Each a mistake of ours that must end the process with 70, whatever NDEBUG says. */
static void write_outside_a_transaction(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "INSERT INTO block_coverage VALUES (1, 2)");
	(void)statement_execute(statement);
}

static void write_outside_by_row(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store,
			  "INSERT INTO block_coverage VALUES (1, 2) RETURNING last_block");
	(void)!statement_row(statement);
}

static void bind_an_unknown_name(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT :known");
	statement_bind_int64(statement, ":unknown", 1);
}

static void read_an_unknown_column(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT 1 AS known");
	if (statement_row(statement))
		(void)statement_int64(statement, "unknown");
}

static void read_without_a_row(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT 1 AS known");
	(void)statement_int64(statement, "known");
}

static void read_null_as_an_integer(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT NULL AS known");
	if (statement_row(statement))
		(void)statement_int64(statement, "known");
}

static void read_text_as_an_integer(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT '12' AS known");
	if (statement_row(statement))
		(void)statement_int64(statement, "known");
}

static void prepare_wrong_sql(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT missing FROM block_coverage");
}

static void prepare_with_a_name_in_double_quotes(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT \"missing\" FROM block_coverage");
}

static void prepare_nothing(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "");
}

static void execute_a_query(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT 1");
	(void)statement_execute(statement);
}

static void bind_in_the_middle_of_rows(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT :known AS known");
	if (statement_row(statement))
		statement_bind_int64(statement, ":known", 1);
}

static void begin_with_a_row_open(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT 1 UNION SELECT 2");
	if (statement_row(statement))
		(void)!store_begin(store);
}

static void commit_with_a_row_open(struct store *store, struct statement *statement)
{
	if (!store_begin(store))
		return;
	statement_prepare(statement, store, "SELECT 1 UNION SELECT 2");
	if (statement_row(statement))
		store_commit(store);
}

static void begin_twice(struct store *store, struct statement *statement)
{
	(void)statement;
	(void)!store_begin(store);
	(void)!store_begin(store);
}

static void commit_without_begin(struct store *store, struct statement *statement)
{
	(void)statement;
	store_commit(store);
}

static void rollback_without_begin(struct store *store, struct statement *statement)
{
	(void)statement;
	store_rollback(store);
}

static void close_with_a_statement_open(struct store *store, struct statement *statement)
{
	statement_prepare(statement, store, "SELECT 1");
	store_close(store);
}

static void close_in_a_transaction(struct store *store, struct statement *statement)
{
	(void)statement;
	if (store_begin(store))
		store_close(store);
}

static void violate_a_constraint(struct store *store, struct statement *statement)
{
	(void)statement;
	(void)test_store_run(store, "INSERT INTO block_coverage VALUES (5, 2)");
}

static void violate_a_foreign_key(struct store *store, struct statement *statement)
{
	(void)statement;
	(void)test_store_run(store, "INSERT INTO trade_offsets VALUES (1, 2, '3')");
}

static void store_text_as_an_integer(struct store *store, struct statement *statement)
{
	(void)statement;
	(void)test_store_run(store, "INSERT INTO block_coverage VALUES (1, 'abc')");
}

struct mistake {
	void (*make)(struct store *store, struct statement *statement);
	const char *words;
	const char *path;
};

static void make_mistake(void *context)
{
	const struct mistake *mistake = context;
	static struct store store;
	static struct statement statement;

	store_open(&store, mistake->path);
	mistake->make(&store, &statement);
}

static void our_own_mistakes_end_the_process(void **state)
{
	static const struct mistake mistakes[] = {
		{write_outside_a_transaction, "a write outside a transaction", NULL},
		{write_outside_by_row, "a write outside a transaction", NULL},
		{bind_an_unknown_name, "no parameter :unknown", NULL},
		{read_an_unknown_column, "no column unknown", NULL},
		{read_without_a_row, "no row to read", NULL},
		{read_null_as_an_integer, "column known is not an integer", NULL},
		{read_text_as_an_integer, "column known is not an integer", NULL},
		{prepare_wrong_sql, "SELECT missing FROM block_coverage", NULL},
		{prepare_with_a_name_in_double_quotes, "no such column", NULL},
		{prepare_nothing, "statement->compiled != NULL", NULL},
		{execute_a_query, "has rows", NULL},
		{bind_in_the_middle_of_rows, "binding failed", NULL},
		{begin_with_a_row_open, "not read to its end nor reset", NULL},
		{commit_with_a_row_open, "not read to its end nor reset", NULL},
		{begin_twice, "!store->in_transaction", NULL},
		{commit_without_begin, "store->in_transaction", NULL},
		{rollback_without_begin, "store->in_transaction", NULL},
		{close_with_a_statement_open, "sqlite3_close", NULL},
		{close_in_a_transaction, "!store->in_transaction", NULL},
		{violate_a_constraint, "last_block >= first_block", NULL},
		{violate_a_foreign_key, "FOREIGN KEY constraint failed", NULL},
		{store_text_as_an_integer, "cannot store TEXT value in INTEGER column", NULL},
	};
	struct test_file file;

	(void)state;
	test_file_create(&file);
	open_and_close(file.path);
	for (size_t i = 0; i < ARRAY_LENGTH(mistakes); i++) {
		struct mistake mistake = mistakes[i];
		struct test_child child;

		mistake.path = file.path;
		child = test_child_run(make_mistake, &mistake);
		test_child_assert(&child, EXIT_CODE_BUG, mistake.words);
	}
	test_file_remove(&file);
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
	struct stat status;

	(void)signal(SIGXFSZ, SIG_IGN);
	store_open(&store, context);
	if (!store_begin(&store) || stat(store.path.text, &status) != 0)
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
	test_file_create(&file);
	open_and_close(file.path);
	child = test_child_run(fill_up_to_a_page_limit, file.path);
	test_child_assert(&child, EXIT_CODE_TRY_AGAIN, "the disk is full");
	child = test_child_run(commit_on_a_full_disk, file.path);
	test_child_assert(&child, EXIT_CODE_TRY_AGAIN, "commit is unknown");
	store_open(&store, file.path);
	assert_int_equal(test_store_int64(&store, "SELECT count(*) AS n FROM controls", "n"), 0);
	store_close(&store);
	test_file_remove(&file);
}

/* What a program says of itself, for identity tests; each pointer may be NULL. */
struct claim {
	const char *path;
	struct store_identity identity;
};

static void identify(void *context)
{
	const struct claim *claim = context;
	struct store store;

	store_open(&store, claim->path);
	store_identify(&store, &claim->identity);
	store_close(&store);
}

static const uint64_t chain_one = 8453;
static const uint64_t chain_two = UINT64_MAX;
static const struct evm_word genesis_one = {{0x11, 0xff}};
static const struct evm_word genesis_two = {{0x11, 0xfe}};
static const struct evm_address book_one = {{0xab}};
static const struct evm_address book_two = {{0xac}};
static const struct config_addresses owners_one = {.items = {{{1}}, {{2}}}, .count = 2};
static const struct config_addresses owners_two = {.items = {{{1}}, {{3}}}, .count = 2};
static const struct config_addresses owners_less = {.items = {{{1}}}, .count = 1};

static int64_t ledger_rows(const char *path)
{
	struct store store;
	int64_t rows;

	store_open(&store, path);
	rows = test_store_int64(&store, "SELECT count(*) AS n FROM ledger", "n");
	store_close(&store);
	return rows;
}

static void each_identity_is_recorded_when_first_known_and_then_agreed_with(void **state)
{
	struct test_file file;
	struct claim claim;
	struct store store;

	(void)state;
	test_file_create(&file);
	claim = (struct claim){.path = file.path};
	identify(&claim);
	assert_int_equal(ledger_rows(file.path), 0);
	claim.identity.orderbook = &book_one;
	identify(&claim);
	assert_int_equal(ledger_rows(file.path), 1);
	claim.identity = (struct store_identity){.chain_id = &chain_one, .owners = &owners_one};
	identify(&claim);
	assert_int_equal(ledger_rows(file.path), 3);
	claim.identity.genesis_hash = &genesis_one;
	claim.identity.orderbook = &book_one;
	identify(&claim);
	identify(&claim);
	assert_int_equal(ledger_rows(file.path), 4);

	store_open(&store, file.path);
	assert_int_equal(
		test_store_int64(
			&store,
			"SELECT count(*) AS n FROM ledger WHERE (name, value) IN (VALUES"
			" ('chain_id', '8453'),"
			" ('genesis_hash', '0x11ff' || substr('" /* 30 bytes of zero */
			"000000000000000000000000000000000000000000000000000000000000', 1, 60)),"
			" ('orderbook', '0xab00000000000000000000000000000000000000'),"
			" ('order_owner', '0x0100000000000000000000000000000000000000,"
			"0x0200000000000000000000000000000000000000'))",
			"n"),
		4);
	store_close(&store);
	test_file_remove(&file);
}

static void every_contradiction_in_identity_is_refused_and_nothing_written(void **state)
{
	static const struct {
		struct store_identity identity;
		const char *words;
	} contradictions[] = {
		{{.chain_id = &chain_two},
		 "ledger of chain_id 8453, this program is set to "
		 "chain_id 18446744073709551615"},
		{{.genesis_hash = &genesis_two}, "ledger of genesis_hash 0x11ff"},
		{{.orderbook = &book_two}, "ledger of orderbook 0xab"},
		{{.owners = &owners_two}, "ledger of order_owner 0x01"},
		{{.owners = &owners_less}, "ledger of order_owner 0x01"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(contradictions); i++) {
		struct test_file file;
		struct claim claim;
		struct test_child child;

		test_file_create(&file);
		/* Only the contradicted value is known: the other three would be new, and must not
		 * come in. */
		claim = (struct claim){.path = file.path};
		if (contradictions[i].identity.chain_id != NULL)
			claim.identity.chain_id = &chain_one;
		if (contradictions[i].identity.genesis_hash != NULL)
			claim.identity.genesis_hash = &genesis_one;
		if (contradictions[i].identity.orderbook != NULL)
			claim.identity.orderbook = &book_one;
		if (contradictions[i].identity.owners != NULL)
			claim.identity.owners = &owners_one;
		identify(&claim);
		claim.identity = (struct store_identity){.chain_id = &chain_one,
							 .genesis_hash = &genesis_one,
							 .orderbook = &book_one,
							 .owners = &owners_one};
		if (contradictions[i].identity.chain_id != NULL)
			claim.identity.chain_id = contradictions[i].identity.chain_id;
		if (contradictions[i].identity.genesis_hash != NULL)
			claim.identity.genesis_hash = contradictions[i].identity.genesis_hash;
		if (contradictions[i].identity.orderbook != NULL)
			claim.identity.orderbook = contradictions[i].identity.orderbook;
		if (contradictions[i].identity.owners != NULL)
			claim.identity.owners = contradictions[i].identity.owners;
		child = test_child_run(identify, &claim);
		test_child_assert(&child, EXIT_CODE_NEEDS_PERSON, contradictions[i].words);
		assert_int_equal(ledger_rows(file.path), 1);
		test_file_remove(&file);
	}
}

static void as_many_owners_as_there_may_be_have_an_identity(void **state)
{
	struct test_store test;
	struct config_addresses owners = {.count = CONFIG_MAX_ADDRESSES};

	(void)state;
	for (size_t i = 0; i < owners.count; i++)
		owners.items[i].bytes[0] = (uint8_t)i;
	test_store_open(&test);
	store_identify(&test.store, &(struct store_identity){.owners = &owners});
	store_identify(&test.store, &(struct store_identity){.owners = &owners});
	assert_int_equal(
		test_store_int64(&test.store, "SELECT length(value) AS n FROM ledger", "n"),
		CONFIG_MAX_ADDRESSES * EVM_ADDRESS_TEXT_SIZE - 1);
	test_store_close(&test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_database_has_the_schema_and_our_mark),
		cmocka_unit_test(every_setting_is_in_force),
		cmocka_unit_test(files_are_not_for_others),
		cmocka_unit_test(opening_again_finds_what_was_committed),
		cmocka_unit_test(the_path_is_absolute_and_links_are_resolved),
		cmocka_unit_test(ten_processes_open_a_fresh_database_at_once),
		cmocka_unit_test(a_newer_schema_is_refused_and_not_touched),
		cmocka_unit_test(a_newer_schema_that_is_still_in_the_wal_is_not_touched),
		cmocka_unit_test(a_database_of_another_application_is_refused_and_not_touched),
		cmocka_unit_test(a_file_that_is_no_database_is_refused_and_not_touched),
		cmocka_unit_test(a_damaged_database_needs_a_person),
		cmocka_unit_test(a_path_that_cannot_be_is_refused),
		cmocka_unit_test(a_file_without_the_right_to_it_is_refused),
		cmocka_unit_test(reading_only_needs_a_current_database),
		cmocka_unit_test(reading_only_never_writes),
		cmocka_unit_test(a_held_write_lock_is_waited_for_and_no_longer_than_told),
		cmocka_unit_test(waiting_for_the_write_lock_ends_when_told_to_stop),
		cmocka_unit_test(a_rollback_leaves_nothing),
		cmocka_unit_test(a_kill_inside_a_transaction_leaves_only_what_was_committed),
		cmocka_unit_test(data_version_tells_of_others_only),
		cmocka_unit_test(values_go_in_and_come_out_by_name),
		cmocka_unit_test(execute_counts_the_rows_it_changed),
		cmocka_unit_test(our_own_mistakes_end_the_process),
		cmocka_unit_test(a_full_disk_is_worth_another_try),
		cmocka_unit_test(each_identity_is_recorded_when_first_known_and_then_agreed_with),
		cmocka_unit_test(every_contradiction_in_identity_is_refused_and_nothing_written),
		cmocka_unit_test(as_many_owners_as_there_may_be_have_an_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
