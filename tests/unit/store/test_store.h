/*
 * What the tests of the table modules share: a store on a fresh file with the real schema, and a
 * child process whose end is looked at (whatever is fatal, and whatever needs a second process). A
 * connection never crosses a fork: a child opens its own.
 */
#ifndef BALLAST_TESTS_STORE_TEST_STORE_H
#define BALLAST_TESTS_STORE_TEST_STORE_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

/* A directory of its own, and in it the path of a database that need not exist yet. */
struct test_file {
	char directory[96];
	char path[128];
};

struct test_store {
	struct test_file file;
	struct store store;
};

static inline void test_file_create(struct test_file *file)
{
	const char *parent = getenv("TMPDIR");
	int length = snprintf(file->directory, sizeof(file->directory), "%s/ballast-test-XXXXXX",
			      parent != NULL && strlen(parent) < 64 ? parent : "/tmp");

	assert_true(length > 0 && (size_t)length < sizeof(file->directory));
	assert_non_null(mkdtemp(file->directory));
	length = snprintf(file->path, sizeof(file->path), "%s/ballast.db", file->directory);
	assert_true(length > 0 && (size_t)length < sizeof(file->path));
}

/* The path of a file beside the database: suffix "-wal", ".lock", ... Valid until the next call. */
static inline const char *test_file_beside(const struct test_file *file, const char *suffix)
{
	static char path[160];
	int length = snprintf(path, sizeof(path), "%s%s", file->path, suffix);

	assert_true(length > 0 && (size_t)length < sizeof(path));
	return path;
}

static inline void test_file_remove(const struct test_file *file)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".lock"};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		(void)unlink(test_file_beside(file, suffixes[i]));
	assert_int_equal(rmdir(file->directory), 0);
}

static inline void test_store_open(struct test_store *test)
{
	test_file_create(&test->file);
	store_open(&test->store, test->file.path);
}

/* A database that exists, and that this process does not hold open. */
static inline void test_file_create_database(struct test_file *file)
{
	struct store store;

	test_file_create(file);
	store_open(&store, file->path);
	store_close(&store);
}

static inline void test_store_close(struct test_store *test)
{
	store_close(&test->store);
	test_file_remove(&test->file);
}

/*
 * One transaction of one statement, for rows that a test needs and no module writes. The rows it
 * changed.
 */
static inline int test_store_run(struct store *store, const char *sql)
{
	struct statement statement;
	bool begun = !store->in_transaction;
	int changed;

	if (begun)
		assert_true(store_begin(store));
	statement_prepare(&statement, store, sql);
	changed = statement_execute(&statement);
	statement_finalize(&statement);
	if (begun)
		store_commit(store);
	return changed;
}

/* The one integer that a query answers. */
static inline int64_t test_store_int64(struct store *store, const char *sql, const char *column)
{
	struct statement statement;
	int64_t value;

	statement_prepare(&statement, store, sql);
	assert_true(statement_row(&statement));
	value = statement_int64(&statement, column);
	statement_finalize(&statement);
	return value;
}

/* How a child ended, and what it wrote to stderr. */
struct test_child {
	int exit_code; /* -1: by a signal */
	char text[8192];
};

/* Runs body in a child process; when it returns, the child exits 0. */
static inline struct test_child test_child_run(void (*body)(void *context), void *context)
{
	struct test_child child = {.exit_code = -1};
	int errors = memfd_create("stderr", MFD_CLOEXEC);
	int status = 0;
	ssize_t length;
	pid_t pid;

	assert_true(errors >= 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(errors, STDERR_FILENO) < 0)
			_exit(99);
		body(context);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		child.exit_code = WEXITSTATUS(status);
	length = pread(errors, child.text, sizeof(child.text) - 1, 0);
	assert_true(length >= 0);
	(void)close(errors);
	return child;
}

/* The child must have ended with this code, saying these words (NULL: whatever). */
static inline void test_child_assert(const struct test_child *child, int exit_code,
				     const char *words)
{
	if (child->exit_code != exit_code || (words != NULL && strstr(child->text, words) == NULL))
		fail_msg("exit code %d, expected %d and the words \"%s\" in: %s", child->exit_code,
			 exit_code, words != NULL ? words : "", child->text);
}

#endif
