#include "test_store.h"

#include "base/log.h"
#include "store/symbols.h"

static void a_symbol_is_printable_ascii_without_spaces(void **state)
{
	static const char *const good[] = {
		"A", "tBRK.B", "AAPL0x", "NVDAs1", "!", "~", "12345678901234567890123456789012"};
	static const char *const bad[] = {
		"",	" ",	   "A B",      "A\n",  "A\t",
		"\x7f", "\x1b[2J", "\xc3\xa9", "\xff", "123456789012345678901234567890123"};
	struct symbol symbol;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		assert_true(symbol_set(&symbol, good[i]));
		assert_string_equal(symbol.text, good[i]);
	}
	assert_true(symbol_set(&symbol, "KEPT"));
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_false(symbol_set(&symbol, bad[i]));
		assert_string_equal(symbol.text, "KEPT");
	}
}

static void symbols_are_equal_by_their_text_alone(void **state)
{
	struct symbol a, b;

	(void)state;
	memset(&a, 'x', sizeof(a));
	memset(&b, 'y', sizeof(b));
	assert_true(symbol_set(&a, "AAPL") && symbol_set(&b, "AAPL"));
	assert_true(symbol_equal(&a, &b));
	assert_true(symbol_set(&b, "AAPL0x"));
	assert_false(symbol_equal(&a, &b));
	assert_true(symbol_set(&b, "aapl"));
	assert_false(symbol_equal(&a, &b));
}

static void directions_are_the_words_in_sql(void **state)
{
	(void)state;
	assert_string_equal(direction_name(DIRECTION_BUY), "BUY");
	assert_string_equal(direction_name(DIRECTION_SELL), "SELL");
	assert_int_equal(direction_from_name("BUY"), DIRECTION_BUY);
	assert_int_equal(direction_from_name("SELL"), DIRECTION_SELL);
	assert_int_equal(direction_opposite(DIRECTION_BUY), DIRECTION_SELL);
	assert_int_equal(direction_opposite(DIRECTION_SELL), DIRECTION_BUY);
}

static void read_direction(void *context)
{
	(void)direction_from_name(*(const char *const *)context);
}

static void any_other_direction_is_a_bug(void **state)
{
	static const char *words[] = {"buy", "BUY ", "", "SHORT", NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		struct test_child child = test_child_run(read_direction, &words[i]);

		test_child_assert(&child, EXIT_CODE_BUG, "direction name");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_symbol_is_printable_ascii_without_spaces),
		cmocka_unit_test(symbols_are_equal_by_their_text_alone),
		cmocka_unit_test(directions_are_the_words_in_sql),
		cmocka_unit_test(any_other_direction_is_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
