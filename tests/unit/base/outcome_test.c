/* Why a call failed: set in one line, cut to fit, and named for people. */
#include "unit/store/test_store.h"

#include "base/outcome.h"

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

static void a_text_that_just_fits_is_whole(void **state)
{
	struct error error = {.kind = ERROR_KIND_NONE};
	char text[ERROR_TEXT_SIZE];

	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(error_set(&error, OUTCOME_REJECTED, ERROR_KIND_INVALID, "%s", text),
			 OUTCOME_REJECTED);
	assert_string_equal(error.text, text);
}

static void the_last_failure_replaces_the_one_before(void **state)
{
	struct error error = {.kind = ERROR_KIND_NONE};

	(void)state;
	(void)error_set(&error, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED, "a long text");
	error.retry_after_ms = 5000;
	assert_int_equal(
		error_set(&error, OUTCOME_UNKNOWN, ERROR_KIND_UNREACHABLE, "%s=%d", "a", 1),
		OUTCOME_UNKNOWN);
	assert_int_equal(error.kind, ERROR_KIND_UNREACHABLE);
	assert_int_equal(error.retry_after_ms, 0);
	assert_string_equal(error.text, "a=1");
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = ERROR_KIND_NONE; i <= ERROR_KIND_INVALID; i++) {
		const char *name = error_kind_name((enum error_kind)i);

		assert_true(strlen(name) > 0);
		for (int other = ERROR_KIND_NONE; other < i; other++)
			assert_string_not_equal(name, error_kind_name((enum error_kind)other));
	}
}

static void fail_with_success(void *context)
{
	(void)error_set(context, OUTCOME_OK, ERROR_KIND_NONE, "fine");
}

static void name_no_kind(void *context)
{
	(void)context;
	(void)error_kind_name((enum error_kind)(ERROR_KIND_INVALID + 1));
}

static void a_failure_that_is_none_is_a_bug(void **state)
{
	struct test_child child = test_child_run(fail_with_success, NULL);

	(void)state;
	test_child_assert(&child, 70, "invariant");
	child = test_child_run(name_no_kind, NULL);
	test_child_assert(&child, 70, "unreachable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_set_in_one_line_and_cut_to_fit),
		cmocka_unit_test(a_text_that_just_fits_is_whole),
		cmocka_unit_test(the_last_failure_replaces_the_one_before),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
		cmocka_unit_test(a_failure_that_is_none_is_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
