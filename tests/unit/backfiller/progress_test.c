/* What people read while a pass goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/progress.h"

#include <string.h>

static const struct progress_view halfway = {
	.range = {1000, 1999},
	.target_block = 5000,
	.done = 2000,
	.left = 3001,
	.events = 3,
	.elapsed_ms = 4000,
};

static void a_line_names_range_target_rate_time_left_and_events(void **state)
{
	(void)state;
	assert_string_equal(
		progress_line(&halfway).text,
		"Processing blocks 1000-1999 of 5000 rate=500blocks/s left=7s events=3");
}

static void a_bar_is_filled_by_what_is_done(void **state)
{
	struct progress_view view = halfway;

	(void)state;
	assert_string_equal(
		progress_bar(&view).text,
		"[#######.............] 1000-1999 of 5000 blocks, 500 blocks/s, 7 s left");
	view.left = 0;
	assert_non_null(strstr(progress_bar(&view).text, "[####################] "));
	assert_non_null(strstr(progress_bar(&view).text, ", 0 s left"));
	view.done = 1;
	view.left = 1000000;
	assert_non_null(strstr(progress_bar(&view).text, "[....................] "));
}

static void the_time_left_is_unknown_before_anything_is_done(void **state)
{
	struct progress_view view = halfway;

	(void)state;
	view.done = 0;
	view.elapsed_ms = 0;
	assert_non_null(strstr(progress_line(&view).text, " rate=0blocks/s left=unknown "));
	assert_non_null(strstr(progress_bar(&view).text, "0 blocks/s, time left unknown"));
}

static void no_time_at_all_divides_nothing(void **state)
{
	struct progress_view view = halfway;

	(void)state;
	view.elapsed_ms = 0;
	assert_non_null(strstr(progress_line(&view).text, " rate=2000000blocks/s left=0s "));
}

static void the_largest_numbers_fit(void **state)
{
	const struct progress_view view = {
		.range = {INT64_MAX - 1, INT64_MAX},
		.target_block = INT64_MAX,
		.done = INT64_MAX,
		.left = INT64_MAX,
		.events = INT64_MAX,
		.elapsed_ms = INT64_MAX,
	};
	struct progress_view slow = view;

	(void)state;
	slow.done = 1;
	assert_non_null(strstr(progress_line(&view).text, "events=9223372036854775807"));
	assert_non_null(strstr(progress_line(&slow).text, "left=9223372036854775807s"));
	assert_non_null(strstr(progress_bar(&view).text, "[##########..........] "));
	slow.elapsed_ms = 1;
	slow.done = INT64_MAX;
	assert_non_null(strstr(progress_line(&slow).text, "rate=9223372036854775807blocks/s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_names_range_target_rate_time_left_and_events),
		cmocka_unit_test(a_bar_is_filled_by_what_is_done),
		cmocka_unit_test(the_time_left_is_unknown_before_anything_is_done),
		cmocka_unit_test(no_time_at_all_divides_nothing),
		cmocka_unit_test(the_largest_numbers_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
