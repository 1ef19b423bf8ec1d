#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/integer.h"

static void digits_are_a_number_up_to_the_largest(void **state)
{
	static const struct {
		const char *text;
		int64_t number;
	} good[] = {{"0", 0}, {"007", 7}, {"42", 42}, {"9223372036854775807", INT64_MAX}};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t number = -1;

		assert_true(integer_parse(good[i].text, strlen(good[i].text), &number));
		assert_int_equal(number, good[i].number);
	}
}

static void everything_else_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = {"",	 "-1",
					  "+1",	 " 1",
					  "1 ",	 "0x1",
					  "1e3", "9223372036854775808",
					  "1.0", "99999999999999999999"};
	int64_t number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(integer_parse(bad[i], strlen(bad[i]), &number));
	assert_int_equal(number, 7);
}

static void no_byte_behind_the_length_is_read(void **state)
{
	int64_t number;

	(void)state;
	assert_true(integer_parse("12x", 2, &number));
	assert_int_equal(number, 12);
	assert_false(integer_parse("12x", 3, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_a_number_up_to_the_largest),
		cmocka_unit_test(everything_else_is_refused_and_changes_nothing),
		cmocka_unit_test(no_byte_behind_the_length_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
