/*
 * The laws of tests/invariants.sql, asked of a test's own store: every query of the file is
 * prepared once, and each must answer no row. Unit tests run where make does, at the top of the
 * tree.
 */
#ifndef BALLAST_TESTS_PROCESSOR_TEST_LAWS_H
#define BALLAST_TESTS_PROCESSOR_TEST_LAWS_H

#include "unit/store/test_store.h"

#define TEST_LAWS_PATH	   "tests/invariants.sql"
#define TEST_LAWS_MAXIMUM  32
#define TEST_LAWS_SQL_SIZE (64 * 1024)

struct test_laws {
	char sql[TEST_LAWS_SQL_SIZE]; /* the queries, each with a NUL in place of its semicolon */
	const char *queries[TEST_LAWS_MAXIMUM];
	struct statement statements[TEST_LAWS_MAXIMUM];
	size_t count;
};

static inline void test_laws_read(struct test_laws *laws)
{
	FILE *file = fopen(TEST_LAWS_PATH, "r");
	size_t length;

	assert_non_null(file);
	length = fread(laws->sql, 1, sizeof(laws->sql), file);
	assert_int_equal(fclose(file), 0);
	assert_true(length < sizeof(laws->sql));
	laws->sql[length] = '\0';
}

/* The file has no semicolon but those that end a query. */
static inline void test_laws_open(struct test_laws *laws, struct store *store)
{
	char *query;
	char *end;

	test_laws_read(laws);
	laws->count = 0;
	query = laws->sql;
	while ((end = strchr(query, ';')) != NULL) {
		assert_true(laws->count < TEST_LAWS_MAXIMUM);
		*end = '\0';
		laws->queries[laws->count] = query;
		statement_prepare(&laws->statements[laws->count++], store, query);
		query = end + 1;
	}
	assert_true(laws->count > 10);
}

static inline void test_laws_close(struct test_laws *laws)
{
	for (size_t i = 0; i < laws->count; i++)
		statement_finalize(&laws->statements[i]);
	laws->count = 0;
}

/* The first query that answers a row; NULL: all is well. */
static inline const char *test_laws_broken(struct test_laws *laws)
{
	for (size_t i = 0; i < laws->count; i++) {
		bool broken = statement_row(&laws->statements[i]);

		statement_reset(&laws->statements[i]);
		if (broken)
			return laws->queries[i];
	}
	return NULL;
}

static inline void test_laws_hold(struct test_laws *laws)
{
	const char *broken = test_laws_broken(laws);

	if (broken != NULL)
		fail_msg("a law is broken:%s", broken);
}

#endif
