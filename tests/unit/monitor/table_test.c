#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "monitor/table.h"

static const struct table_column columns[] = {{"name", 6, false}, {"net", 5, true}};

/* What two rows come out as; the caller frees. */
static char *written(enum table_format format, const char *const first[2],
		     const char *const second[2])
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	struct table table;

	assert_non_null(file);
	table_begin(&table, file, format, columns, 2);
	if (first != NULL)
		table_row(&table, first);
	if (second != NULL)
		table_row(&table, second);
	assert_true(table_end(&table));
	assert_int_equal(fclose(file), 0);
	return text;
}

static void assert_written(enum table_format format, const char *const first[2],
			   const char *const second[2], const char *expected)
{
	char *text = written(format, first, second);

	assert_string_equal(text, expected);
	free(text);
}

static const char *const plain[2] = {"AAPL", "-1.5"};
static const char *const hostile[2] = {"=\"x\",\x1b[2J\n", NULL};

static void text_is_aligned_and_cannot_steer_a_terminal(void **state)
{
	(void)state;
	assert_written(TABLE_FORMAT_TEXT, plain, hostile,
		       "name      net\nAAPL     -1.5\n=\"x\",\\x1b[2J\\x0a       \n");
}

static void csv_is_quoted_and_no_formula(void **state)
{
	(void)state;
	assert_written(TABLE_FORMAT_CSV, plain, hostile,
		       "name,net\r\nAAPL,-1.5\r\n\"'=\"\"x\"\",\\x1b[2J\\x0a\",\r\n");
}

static void json_has_strings_and_null(void **state)
{
	(void)state;
	assert_written(TABLE_FORMAT_JSON, plain, hostile,
		       "[\n {\"name\": \"AAPL\", \"net\": \"-1.5\"},\n {\"name\": "
		       "\"=\\\"x\\\",\\u001b[2J\\u000a\", \"net\": null}\n]\n");
	assert_written(TABLE_FORMAT_JSON, NULL, NULL, "[]\n");
}

static void a_full_disk_is_told(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct table table;

	(void)state;
	assert_non_null(full);
	table_begin(&table, full, TABLE_FORMAT_CSV, columns, 2);
	assert_false(table_end(&table));
	(void)fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_aligned_and_cannot_steer_a_terminal),
		cmocka_unit_test(csv_is_quoted_and_no_formula),
		cmocka_unit_test(json_has_strings_and_null),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
