#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/percent.h"

static void escapes_stand_for_their_bytes(void **state)
{
	char text[16];

	(void)state;
	assert_true(percent_decode("BRK%2eB", 7, text, sizeof(text)));
	assert_string_equal(text, "BRK.B");
	assert_true(percent_decode("%41%25+", 7, text, sizeof(text)));
	assert_string_equal(text, "A%+");
	assert_true(percent_decode("abcdef", 3, text, sizeof(text)));
	assert_string_equal(text, "abc");
}

static void what_is_broken_or_unprintable_is_refused(void **state)
{
	static const char *const bad[] = {"",  "%",   "%4",  "a%4", "%4g", "%g4",
					  "%", "%00", "%20", "%7f", "a b", "\xc3\xa9"};
	char text[16];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(percent_decode(bad[i], strlen(bad[i]), text, sizeof(text)));
	/* The digits behind the value belong to somebody else. */
	assert_false(percent_decode("a%41", 3, text, sizeof(text)));
}

static void what_does_not_fit_is_refused(void **state)
{
	char text[4];

	(void)state;
	assert_true(percent_decode("%61bc", 5, text, sizeof(text)));
	assert_string_equal(text, "abc");
	assert_false(percent_decode("abcd", 4, text, sizeof(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_stand_for_their_bytes),
		cmocka_unit_test(what_is_broken_or_unprintable_is_refused),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
