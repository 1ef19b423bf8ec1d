/* Which symbols are shares of what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "processor/symbol_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct symbol_map no_map = {.count = 0};

static struct token token_of(const char *text)
{
	struct token token = {.decimals = 18};

	assert_true(symbol_set(&token.symbol, text));
	return token;
}

/* The token with that symbol at address 0x..07 is what the map says. */
static void assert_role(const struct symbol_map *map, const char *text, enum token_role role,
			const char *expected)
{
	struct token token = token_of(text);
	struct symbol ticker = {.text = ""};

	token.address.bytes[EVM_ADDRESS_SIZE - 1] = 7;
	if (symbol_map_role(map, &token, &ticker) != role)
		fail_msg("another role: %s", text);
	assert_string_equal(ticker.text, expected);
}

#define SEVEN "0x0000000000000000000000000000000000000007"
#define EIGHT "0x0000000000000000000000000000000000000008"

static struct symbol_map map_of(const char *value)
{
	struct symbol_map map = {.count = 0};

	if (!symbol_map_read(&map, value))
		fail_msg("refused: %s", value);
	return map;
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
		struct token symbol = token_of(pairs[i][0]);
		struct symbol ticker;

		assert_int_equal(symbol_map_role(&no_map, &symbol, &ticker), TOKEN_ROLE_EQUITY);
		assert_string_equal(ticker.text, pairs[i][1]);
	}
}

static void only_usdc_to_the_letter_is_the_quote(void **state)
{
	struct symbol ticker;
	struct token usdc = token_of("USDC");
	struct token bridged = token_of("USDC.e");
	struct token lower = token_of("usdc");
	struct token prefixed = token_of("tUSDC");

	(void)state;
	assert_int_equal(symbol_map_role(&no_map, &usdc, &ticker), TOKEN_ROLE_QUOTE);
	assert_int_equal(symbol_map_role(&no_map, &bridged, &ticker), TOKEN_ROLE_OTHER);
	assert_int_equal(symbol_map_role(&no_map, &lower, &ticker), TOKEN_ROLE_OTHER);
	/* A tokenized share of a ticker USDC: wrong or not, it is no dollar. */
	assert_int_equal(symbol_map_role(&no_map, &prefixed, &ticker), TOKEN_ROLE_EQUITY);
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
		struct token symbol = token_of(others[i]);

		if (symbol_map_role(&no_map, &symbol, &ticker) != TOKEN_ROLE_OTHER)
			fail_msg("taken for a share: %s", others[i]);
	}
}

static void a_wrapped_share_is_known_by_wt(void **state)
{
	(void)state;
	assert_role(&no_map, "wtAAPL", TOKEN_ROLE_WRAPPED, "AAPL");
	assert_role(&no_map, "wtBRK.B", TOKEN_ROLE_WRAPPED, "BRK.B");
	assert_role(&no_map, "tW", TOKEN_ROLE_EQUITY, "W");
	assert_role(&no_map, "wt", TOKEN_ROLE_OTHER, "");
	assert_role(&no_map, "wtaapl", TOKEN_ROLE_OTHER, "");
	assert_role(&no_map, "wAAPL", TOKEN_ROLE_OTHER, "");
	assert_role(&no_map, "WTAAPL", TOKEN_ROLE_OTHER, "");
}

static void the_map_names_tokens_by_address_or_symbol(void **state)
{
	struct symbol_map map = map_of(SEVEN "=AAPL, DOGE=DOG,USDbC=USDC,VAULT=wtTSLA");

	(void)state;
	assert_int_equal(map.count, 4);
	assert_role(&map, "anything", TOKEN_ROLE_EQUITY, "AAPL");
	map = map_of(EIGHT "=AAPL,DOGE=DOG,USDbC=USDC,VAULT=wtTSLA,wtOLD=NEW");
	assert_role(&map, "DOGE", TOKEN_ROLE_EQUITY, "DOG");
	assert_role(&map, "USDbC", TOKEN_ROLE_QUOTE, "");
	assert_role(&map, "VAULT", TOKEN_ROLE_WRAPPED, "TSLA");
	/* Renamed, it is a vault's share all the same. */
	assert_role(&map, "wtOLD", TOKEN_ROLE_WRAPPED, "NEW");
	/* What is not named goes by its symbol. */
	assert_role(&map, "tNVDA", TOKEN_ROLE_EQUITY, "NVDA");
}

static void an_address_counts_more_than_a_symbol(void **state)
{
	struct symbol_map map = map_of("AAPL0x=MSFT," SEVEN "=TSLA");

	(void)state;
	assert_role(&map, "AAPL0x", TOKEN_ROLE_EQUITY, "TSLA");
	map = map_of("AAPL0x=MSFT," EIGHT "=TSLA");
	assert_role(&map, "AAPL0x", TOKEN_ROLE_EQUITY, "MSFT");
}

static void with_a_required_map_nothing_else_is_hedged(void **state)
{
	struct symbol_map map = map_of("AAPL0x=AAPL");

	(void)state;
	map.required = true;
	assert_role(&map, "AAPL0x", TOKEN_ROLE_EQUITY, "AAPL");
	assert_role(&map, "tNVDA", TOKEN_ROLE_OTHER, "");
	assert_role(&map, "wtNVDA", TOKEN_ROLE_OTHER, "");
	assert_role(&map, "USDC", TOKEN_ROLE_OTHER, "");
}

static void what_is_no_map_is_refused(void **state)
{
	static const char *const wrong[] = {"AAPL",	   "AAPL0x=",
					    "=AAPL",	   "AAPL0x=aapl",
					    "AAPL0x=wt",   "A=ABCDEFGHIJK",
					    "0x07=AAPL",   SEVEN "0=AAPL",
					    "A=AA,A=BB",   SEVEN "=A," SEVEN "=B",
					    "A=B=C",	   "@/nowhere/to/be/found",
					    "A=$(reboot)", "a_symbol_of_33_characters_is_long=A"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		struct symbol_map map = {.count = 0};

		if (symbol_map_read(&map, wrong[i]))
			fail_msg("taken: %s", wrong[i]);
	}
}

static void a_file_has_entries_and_comments(void **state)
{
	char path[] = "/tmp/ballast-symbol-map-XXXXXX";
	static const char text[] = "# ours\n\nAAPL0x=AAPL, tX=X # and more\r\n" EIGHT "=TSLA\n";
	int fd = mkstemp(path);
	char value[64];
	struct symbol_map map;

	(void)state;
	assert_true(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
	(void)close(fd);
	(void)snprintf(value, sizeof(value), "@%s", path);
	map = map_of(value);
	(void)unlink(path);
	assert_int_equal(map.count, 3);
	assert_role(&map, "tX", TOKEN_ROLE_EQUITY, "X");
}

static void there_is_room_for_256(void **state)
{
	struct buffer value;
	struct symbol_map map = {.count = 0};

	(void)state;
	buffer_init(&value, BUFFER_MAX_CONFIG);
	for (int i = 0; i < SYMBOL_MAP_MAXIMUM; i++)
		assert_true(buffer_append_format(&value, "T%d=A,", i));
	assert_true(symbol_map_read(&map, buffer_text(&value)));
	map.count = 0;
	assert_true(buffer_append_text(&value, "ONE_MORE=A"));
	assert_false(symbol_map_read(&map, buffer_text(&value)));
	buffer_free(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_three_forms_give_their_ticker),
		cmocka_unit_test(only_usdc_to_the_letter_is_the_quote),
		cmocka_unit_test(whatever_is_no_share_is_other),
		cmocka_unit_test(a_wrapped_share_is_known_by_wt),
		cmocka_unit_test(the_map_names_tokens_by_address_or_symbol),
		cmocka_unit_test(an_address_counts_more_than_a_symbol),
		cmocka_unit_test(with_a_required_map_nothing_else_is_hedged),
		cmocka_unit_test(what_is_no_map_is_refused),
		cmocka_unit_test(a_file_has_entries_and_comments),
		cmocka_unit_test(there_is_room_for_256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
