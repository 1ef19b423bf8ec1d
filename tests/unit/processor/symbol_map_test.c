/* Which symbols are shares of what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "processor/symbol_map.h"

static struct symbol symbol_of(const char *text)
{
	struct symbol symbol;

	assert_true(symbol_set(&symbol, text));
	return symbol;
}

static void the_three_forms_give_their_ticker(void **state)
{
	static const char *const pairs[][2] = {
		{"tTSLA", "TSLA"},   {"AAPL0x", "AAPL"},   {"NVDAs1", "NVDA"},
		{"tBRK.B", "BRK.B"}, {"BRK.B0x", "BRK.B"}, {"tT", "T"},
		{"T0x", "T"},	     {"tBF-B", "BF-B"},	   {"tABCDEFGHIJ", "ABCDEFGHIJ"},
		{"tS1", "S1"},	     {"C3s1", "C3"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		struct symbol symbol = symbol_of(pairs[i][0]);
		struct symbol ticker;

		assert_int_equal(symbol_map_role(&symbol, &ticker), TOKEN_ROLE_EQUITY);
		assert_string_equal(ticker.text, pairs[i][1]);
	}
}

static void only_usdc_to_the_letter_is_the_quote(void **state)
{
	struct symbol ticker;
	struct symbol usdc = symbol_of("USDC");
	struct symbol bridged = symbol_of("USDC.e");
	struct symbol lower = symbol_of("usdc");
	struct symbol prefixed = symbol_of("tUSDC");

	(void)state;
	assert_int_equal(symbol_map_role(&usdc, &ticker), TOKEN_ROLE_QUOTE);
	assert_int_equal(symbol_map_role(&bridged, &ticker), TOKEN_ROLE_OTHER);
	assert_int_equal(symbol_map_role(&lower, &ticker), TOKEN_ROLE_OTHER);
	/* A tokenized share of a ticker USDC: wrong or not, it is no dollar. */
	assert_int_equal(symbol_map_role(&prefixed, &ticker), TOKEN_ROLE_EQUITY);
}

static void whatever_is_no_share_is_other(void **state)
{
	static const char *const others[] = {
		"t",	   "0x",       "s1",	       "AAPL",	 "taapl", "aapl0x",
		"t.A",	   "t1A",      "AAPL0X",       "AAPLS1", "TAAPL", "tAAPL0x",
		"tAAPLs1", "AAPL0xs1", "tABCDEFGHIJK", "tAA_PL", "DOGE",  "<img>",
		"A0x0x",   "t-A",      "tA/B"};
	struct symbol ticker;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		struct symbol symbol = symbol_of(others[i]);

		if (symbol_map_role(&symbol, &ticker) != TOKEN_ROLE_OTHER)
			fail_msg("taken for a share: %s", others[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_three_forms_give_their_ticker),
		cmocka_unit_test(only_usdc_to_the_letter_is_the_quote),
		cmocka_unit_test(whatever_is_no_share_is_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
