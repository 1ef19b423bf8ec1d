/* What stands on stderr: the form of a line, hostile text, levels, and how a process ends. */
#include "unit/store/test_store.h"

#include "base/log.h"
#include "base/outcome.h"

static void write_text(void *context)
{
	(void)context;
	log_start("tester", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_debug("not written");
	log_info("trade booked symbol=%s shares=%s", "AAPL", "2.5");
	log_warn("evil symbol=%s", "a\nfatal\x1b[31m\"\\\xff");
}

static void a_text_line_has_time_level_program_and_no_control_bytes(void **state)
{
	struct test_child child = test_child_run(write_text, NULL);

	(void)state;
	assert_int_equal(child.exit_code, 0);
	assert_null(strstr(child.text, "not written"));
	assert_non_null(strstr(child.text, "Z info tester: trade booked symbol=AAPL shares=2.5\n"));
	assert_non_null(strstr(child.text, "symbol=a\\x0afatal\\x1b[31m\"\\\\xff\n"));
	assert_null(strchr(child.text, 0x1b));
}

static void write_json(void *context)
{
	(void)context;
	log_start("tester", LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	log_debug("trade booked symbol=%s reason=%s", "A\"B\\C\n", "several words here");
	log_info("only words");
	log_info("a=1 b=2");
}

static void a_json_line_has_a_member_for_each_key(void **state)
{
	struct test_child child = test_child_run(write_json, NULL);

	(void)state;
	assert_non_null(strstr(child.text, "\"level\":\"debug\",\"program\":\"tester\","
					   "\"message\":\"trade booked\","
					   "\"symbol\":\"A\\\"B\\\\C\\u000a\","
					   "\"reason\":\"several words here\"}\n"));
	assert_non_null(strstr(child.text, "\"message\":\"only words\"}\n"));
	assert_non_null(strstr(child.text, "\"message\":\"\",\"a\":\"1\",\"b\":\"2\"}\n"));
}

static void write_long(void *context)
{
	char text[5000];

	(void)context;
	memset(text, '\n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_start("tester", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("%s", text);
}

static void a_line_too_long_is_cut_and_stays_one_line(void **state)
{
	struct test_child child = test_child_run(write_long, NULL);
	const char *newline = strchr(child.text, '\n');

	(void)state;
	assert_int_equal(child.exit_code, 0);
	assert_true(newline == NULL || newline[1] == '\0');
}

static void fail_an_invariant(void *context)
{
	invariant(context != NULL);
}

static void be_fatal(void *context)
{
	(void)context;
	fatal(EXIT_CODE_NEEDS_PERSON, "wrong chain: %d", 1);
}

static void an_invariant_ends_with_70_and_says_which(void **state)
{
	struct test_child child = test_child_run(fail_an_invariant, NULL);

	(void)state;
	test_child_assert(&child, 70, "context != NULL");
	child = test_child_run(be_fatal, NULL);
	test_child_assert(&child, 78, "error");
	test_child_assert(&child, 78, "wrong chain: 1");
}

static void an_error_is_set_in_one_line_and_cut_to_fit(void **state)
{
	struct error error = {.retry_after_ms = 9};
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(error_set(&error, OUTCOME_RETRY, ERROR_KIND_RPC, "%s", text),
			 OUTCOME_RETRY);
	assert_int_equal(strlen(error.text), ERROR_TEXT_SIZE - 1);
	assert_int_equal(error.kind, ERROR_KIND_RPC);
	assert_int_equal(error.retry_after_ms, 0);
	assert_int_equal(error_set(NULL, OUTCOME_UNKNOWN, ERROR_KIND_NONE, "-"), OUTCOME_UNKNOWN);
	assert_string_equal(error_kind_name(ERROR_KIND_RATE_LIMITED), "rate limited");
	assert_string_equal(error_kind_name(ERROR_KIND_RANGE_TOO_LARGE), "range too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_line_has_time_level_program_and_no_control_bytes),
		cmocka_unit_test(a_json_line_has_a_member_for_each_key),
		cmocka_unit_test(a_line_too_long_is_cut_and_stays_one_line),
		cmocka_unit_test(an_invariant_ends_with_70_and_says_which),
		cmocka_unit_test(an_error_is_set_in_one_line_and_cut_to_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
