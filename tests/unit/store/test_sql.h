/* For tests of table modules: what a query answers, and calls that must end the process as a bug.
 */
#ifndef BALLAST_TESTS_STORE_TEST_SQL_H
#define BALLAST_TESTS_STORE_TEST_SQL_H

#include "unit/store/test_store.h"

#include "base/log.h"

/*
 * The query's only row has a column named value: the expected text, or NULL. Judged when the
 * statement is gone, so that a test that fails can still roll back.
 */
static inline void test_sql_expect(struct store *store, const char *sql, const char *expected)
{
	struct statement statement;
	char value[512] = "";
	bool found, is_null, more;

	statement_prepare(&statement, store, sql);
	found = statement_row(&statement);
	is_null = found && statement_is_null(&statement, "value");
	if (found && !is_null)
		(void)snprintf(value, sizeof(value), "%s", statement_text(&statement, "value"));
	more = found && statement_row(&statement);
	statement_finalize(&statement);

	assert_true(found && !more);
	assert_int_equal(is_null, expected == NULL);
	assert_string_equal(value, expected == NULL ? "" : expected);
}

struct test_sql_act {
	void (*act)(struct store *store);
	const char *path;
};

static inline void test_sql_in_child(void *context)
{
	const struct test_sql_act *test = context;
	struct store store;

	store_open(&store, test->path);
	if (store_begin(&store))
		test->act(&store);
}

/*
 * act gets a fresh database in a process of its own, inside a transaction, and must end it with
 * EXIT_CODE_BUG and these words. No assertions in act: they belong to this process.
 */
static inline void test_sql_ends_as_bug(void (*act)(struct store *store), const char *words)
{
	struct test_sql_act test = {.act = act};
	struct test_file file;
	struct test_child child;

	test_file_create(&file);
	test.path = file.path;
	child = test_child_run(test_sql_in_child, &test);
	test_child_assert(&child, EXIT_CODE_BUG, words);
	test_file_remove(&file);
}

#endif
