/* Statements: values by name, and our own mistakes, which must never pass in silence. */
#include "test_store.h"

#include "base/log.h"

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
		{close_with_a_statement_open, "code == SQLITE_OK", NULL},
		{close_in_a_transaction, "!store->in_transaction", NULL},
		{violate_a_constraint, "last_block >= first_block", NULL},
		{violate_a_foreign_key, "FOREIGN KEY constraint failed", NULL},
		{store_text_as_an_integer, "cannot store TEXT value in INTEGER column", NULL},
	};
	struct test_file file;

	(void)state;
	test_file_create_database(&file);
	for (size_t i = 0; i < ARRAY_LENGTH(mistakes); i++) {
		struct mistake mistake = mistakes[i];
		struct test_child child;

		mistake.path = file.path;
		child = test_child_run(make_mistake, &mistake);
		test_child_assert(&child, EXIT_CODE_BUG, mistake.words);
	}
	test_file_remove(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_go_in_and_come_out_by_name),
		cmocka_unit_test(execute_counts_the_rows_it_changed),
		cmocka_unit_test(our_own_mistakes_end_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
