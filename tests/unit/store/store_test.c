/* Opening: what is made, what is refused, and that what is refused is not touched. */
#include "test_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/log.h"
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
			 17);
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
	} cases[] = {{0000, 0660}, {0007, 0660}, {0022, 0640}, {0077, 0600}};

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
	for (int round = 0; round < 20; round++) {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
