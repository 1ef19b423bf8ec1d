/* Configuration from file and environment: what wins, what is refused, and what is told of it. */
#include "unit/base/test_config.h"

#include "base/buffer.h"

static void defaults_stand_when_nothing_is_set(void **state)
{
	(void)state;
	assert_true(load());
	assert_string_equal(values.text.text, "default");
	assert_string_equal(values.choice.text, "one");
	assert_string_equal(values.url.text, "");
	assert_int_equal(values.integer, 5);
	assert_string_equal(shares_text(values.shares).text, "1");
}

static void a_file_has_comments_blanks_and_quotes(void **state)
{
	(void)state;
	assert_true(load_file("# a comment\n\n  TEST_TEXT = \" quoted \" \r\nTEST_INTEGER=7\n"
			      "\tTEST_CHOICE=two"));
	assert_string_equal(values.text.text, " quoted ");
	assert_int_equal(values.integer, 7);
	assert_string_equal(values.choice.text, "two");
}

static void the_environment_wins_unless_it_is_empty(void **state)
{
	(void)state;
	setenv("TEST_INTEGER", "9", 1);
	setenv("TEST_TEXT", "", 1);
	assert_true(load_file("TEST_INTEGER=7\nTEST_TEXT=file\n"));
	assert_int_equal(values.integer, 9);
	assert_string_equal(values.text.text, "file");
}

static void a_line_that_is_no_key_and_value_is_refused(void **state)
{
	(void)state;
	assert_false(load_file("TEST_TEXT\n"));
	assert_false(load_file("=value\n"));
	assert_false(load_file("test_text=lower case\n"));
	assert_false(config_load(keys, ARRAY_LENGTH(keys),
				 &(struct config_files){.path = "/nonexistent/ballast.conf"}));
	assert_false(config_load(keys, ARRAY_LENGTH(keys), &(struct config_files){.path = "/tmp"}));
}

static void a_missing_required_key_is_refused(void **state)
{
	(void)state;
	unsetenv("TEST_ADDRESS");
	assert_false(load());
}

static void a_key_given_twice_has_its_last_value(void **state)
{
	(void)state;
	assert_true(load_file("TEST_INTEGER=7\nTEST_INTEGER=8\n"));
	assert_int_equal(values.integer, 8);
	assert_true(load_file("TEST_INTEGER=7\nTEST_INTEGER=\n"));
	assert_int_equal(values.integer, 5);
}

static void the_value_begins_behind_the_first_equals_sign(void **state)
{
	(void)state;
	assert_true(load_file("TEST_TEXT=a=b#c\nTEST_INTEGER=1\n"));
	assert_string_equal(values.text.text, "a=b#c");
	assert_true(load_file("TEST_TEXT=\"\nTEST_URL=\"ws://h\"\n"));
	assert_string_equal(values.text.text, "\"");
	assert_string_equal(values.url.text, "ws://h");
	assert_true(load_file(""));
	assert_string_equal(values.text.text, "default");
}

static void a_file_with_a_nul_byte_is_refused_not_cut_off(void **state)
{
	static const char text[] = "TEST_INTEGER=7\n#\0\nTEST_CHOICE=three\n";

	(void)state;
	assert_false(load_bytes(text, sizeof(text) - 1));
}

static void a_file_beyond_the_maximum_is_refused(void **state)
{
	char *text = memory_allocate(BUFFER_MAX_CONFIG + 1, 1);

	(void)state;
	memset(text, '\n', BUFFER_MAX_CONFIG + 1);
	assert_true(load_bytes(text, BUFFER_MAX_CONFIG));
	assert_false(load_bytes(text, BUFFER_MAX_CONFIG + 1));
	memory_free(text);
}

static void load_badly(void *context)
{
	(void)context;
	unsetenv("TEST_ADDRESS");
	setenv("TEST_INTEGER", "s3cret", 1);
	setenv("TEST_URL", "s3cret://s3cret", 1);
	(void)load_file("TEST_CHOICE=s3cret\nno key s3cret\nTEST_SHARES=s3cret\n"
			"TEST_ADDRESSES=s3cret\nHTTP_RPC_URL=s3cret\nTYPING_EROR=s3cret\n");
}

static void all_problems_are_told_at_once_and_no_value_is(void **state)
{
	static const char *const said[] = {"error ballast: TEST_INTEGER: must be a whole number "
					   "from -3 to 10\n",
					   "TEST_URL: must be a URL that begins with one of ws|wss",
					   "TEST_CHOICE: must be one of one|two\n",
					   "line 2 is not KEY=VALUE\n",
					   "TEST_SHARES: must be a decimal number above 0",
					   "TEST_ADDRESSES: must be 1 to 32 addresses",
					   "TEST_ADDRESS: is missing (an address)\n",
					   "warn ballast: configuration file: no program knows the "
					   "key TYPING_EROR\n"};
	struct test_child child = test_child_run(load_badly, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(said); i++)
		test_child_assert(&child, 0, said[i]);
	assert_null(strstr(child.text, "s3cret"));
	/* The key of another program is nothing to be told of. */
	assert_null(strstr(child.text, "HTTP_RPC_URL"));
}

static void print_all(void *context)
{
	(void)context;
	if (!load_file("TEST_URL=wss://u:s3cret@node.test/s3cret\nTEST_SHARES=0.50\n"
		       "TEST_ADDRESSES=" ADDRESS_B "," ADDRESS_A "\n"))
		_exit(1);
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	config_print(keys, ARRAY_LENGTH(keys));
	(void)fflush(stdout);
}

static void the_values_are_printed_without_secrets(void **state)
{
	struct test_child child = test_child_run(print_all, NULL);

	(void)state;
	assert_int_equal(child.exit_code, 0);
	assert_string_equal(child.text, "TEST_TEXT=default\nTEST_CHOICE=one\n"
					"TEST_URL=wss://...@node.test/...\nTEST_INTEGER=5\n"
					"TEST_SHARES=0.5\nTEST_ADDRESS=" ADDRESS_A "\n"
					"TEST_ADDRESSES=" ADDRESS_A "," ADDRESS_B "\n");
}

#define STORY(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(defaults_stand_when_nothing_is_set),
		STORY(a_file_has_comments_blanks_and_quotes),
		STORY(the_environment_wins_unless_it_is_empty),
		STORY(a_line_that_is_no_key_and_value_is_refused),
		STORY(a_missing_required_key_is_refused),
		STORY(a_key_given_twice_has_its_last_value),
		STORY(the_value_begins_behind_the_first_equals_sign),
		STORY(a_file_with_a_nul_byte_is_refused_not_cut_off),
		STORY(a_file_beyond_the_maximum_is_refused),
		STORY(all_problems_are_told_at_once_and_no_value_is),
		STORY(the_values_are_printed_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
