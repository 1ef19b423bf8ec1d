/* The one form of a time, to the last millisecond and no other; and clocks that run. */
#include "unit/store/test_store.h"

#include "base/clock.h"

#include <time.h>

static void times_are_written_and_read_in_one_form(void **state)
{
	int64_t wall_ms;

	(void)state;
	assert_string_equal(clock_text_of_ms(0).text, "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_text_of_ms(1795458756123).text, "2026-11-23T18:32:36.123Z");
	assert_true(clock_parse_text("2026-11-23T18:32:36.123Z", &wall_ms));
	assert_true(wall_ms == 1795458756123);
	assert_true(clock_parse_text("2024-02-29T23:59:59.999Z", &wall_ms));
	assert_false(clock_parse_text("2023-02-29T00:00:00.000Z", &wall_ms));
	assert_false(clock_parse_text("2026-11-23 18:32:36.123Z", &wall_ms));
	assert_false(clock_parse_text("2026-11-23T18:32:36Z", &wall_ms));
	assert_false(clock_parse_text("2026-13-23T18:32:36.123Z", &wall_ms));
	assert_false(clock_parse_text("", &wall_ms));
	assert_true(clock_wall_ms() > 1700000000000);
}

static void times_before_1970_and_at_the_ends_of_four_digits_survive_a_round_trip(void **state)
{
	static const struct {
		int64_t wall_ms;
		const char *text;
	} times[] = {
		{-1, "1969-12-31T23:59:59.999Z"},
		{-1000, "1969-12-31T23:59:59.000Z"},
		{999, "1970-01-01T00:00:00.999Z"},
		{951782400000, "2000-02-29T00:00:00.000Z"},
		{4107542399999, "2100-02-28T23:59:59.999Z"},
		{253402300799999, "9999-12-31T23:59:59.999Z"},
		{-62167219200000, "0000-01-01T00:00:00.000Z"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(times); i++) {
		int64_t wall_ms = 42;

		assert_string_equal(clock_text_of_ms(times[i].wall_ms).text, times[i].text);
		assert_true(clock_parse_text(times[i].text, &wall_ms));
		assert_true(wall_ms == times[i].wall_ms);
	}
}

static void what_is_no_time_is_refused_and_the_output_untouched(void **state)
{
	static const char *const texts[] = {
		"0000-00-00T00:00:00.000Z",  "0000-01-00T00:00:00.000Z",
		"9999-12-31T23:59:60.000Z",  "9999-12-31T24:00:00.000Z",
		"9999-99-99T99:99:99.999Z",  "2026-00-10T00:00:00.000Z",
		"2026-06-31T00:00:00.000Z",  "2026-01-32T00:00:00.000Z",
		"2026-01-00T00:00:00.000Z",  "2100-02-29T00:00:00.000Z",
		"2016-12-31T23:59:60.000Z",  "2026-01-01T24:00:00.000Z",
		"2026-01-01T00:60:00.000Z",  "2026-01-01t00:00:00.000Z",
		"2026-01-01T00:00:00.000z",  "2026-01-01T00:00:00,000Z",
		"2026/01/01T00:00:00.000Z",  "2026-01-01T00-00-00.000Z",
		"-026-01-01T00:00:00.000Z",  "2026-01-01T00:00:00.-00Z",
		" 026-01-01T00:00:00.000Z",  "2026-01-01T00:00:00.000",
		"2026-01-01T00:00:00.000Z ", "2026-01-01T00:00:00.0000Z",
		"2026-01-01T00:00:00+00:00",
	};
	int64_t wall_ms = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		if (clock_parse_text(texts[i], &wall_ms))
			fail_msg("accepted: %s", texts[i]);
		assert_int_equal(wall_ms, 42);
	}
}

static void times_are_utc_wherever_the_machine_stands(void **state)
{
	int64_t wall_ms = 0;

	(void)state;
	assert_int_equal(setenv("TZ", "XYZ-9:30", 1), 0);
	tzset();
	assert_string_equal(clock_text_of_ms(0).text, "1970-01-01T00:00:00.000Z");
	assert_true(clock_parse_text("1970-01-02T00:00:00.000Z", &wall_ms));
	assert_int_equal(wall_ms, 86400000);
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void the_monotonic_clock_never_goes_back(void **state)
{
	int64_t before_us = clock_monotonic_us();
	int64_t first_ms = clock_monotonic_ms();

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int64_t now_us = clock_monotonic_us();

		assert_true(now_us >= before_us);
		before_us = now_us;
	}
	/* The same clock, in its two units. */
	assert_true(before_us / 1000 >= first_ms);
	assert_true(clock_monotonic_ms() >= before_us / 1000);
	while (clock_monotonic_ms() == first_ms)
		;
	assert_true(clock_monotonic_ms() > first_ms);
}

static void now_is_the_wall_clock_as_text(void **state)
{
	int64_t before_ms = clock_wall_ms();
	struct clock_text now = clock_now_text();
	int64_t after_ms = clock_wall_ms();
	int64_t now_ms = 0;

	(void)state;
	assert_true(clock_parse_text(now.text, &now_ms));
	assert_true(before_ms <= now_ms && now_ms <= after_ms);
}

static void write_the_year_10000(void *context)
{
	(void)context;
	(void)clock_text_of_ms(253402300800000);
}

static void a_time_without_its_form_is_a_bug(void **state)
{
	struct test_child child = test_child_run(write_the_year_10000, NULL);

	(void)state;
	test_child_assert(&child, 70, "invariant");
}

static void no_wait_is_longer_than_any(void **state)
{
	(void)state;
	assert_int_equal(clock_shorter_wait_ms(3, 5), 3);
	assert_int_equal(clock_shorter_wait_ms(5, 3), 3);
	assert_int_equal(clock_shorter_wait_ms(0, 5), 0);
	assert_int_equal(clock_shorter_wait_ms(-1, 5), 5);
	assert_int_equal(clock_shorter_wait_ms(5, -1), 5);
	assert_int_equal(clock_shorter_wait_ms(-1, -1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_written_and_read_in_one_form),
		cmocka_unit_test(
			times_before_1970_and_at_the_ends_of_four_digits_survive_a_round_trip),
		cmocka_unit_test(what_is_no_time_is_refused_and_the_output_untouched),
		cmocka_unit_test(times_are_utc_wherever_the_machine_stands),
		cmocka_unit_test(the_monotonic_clock_never_goes_back),
		cmocka_unit_test(now_is_the_wall_clock_as_text),
		cmocka_unit_test(a_time_without_its_form_is_a_bug),
		cmocka_unit_test(no_wait_is_longer_than_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
