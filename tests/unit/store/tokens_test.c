/* What a token contract said first is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/tokens.h"
#include "unit/store/test_sql.h"

#include <string.h>

struct fixture {
	struct test_file file;
	struct store store;
	struct tokens tokens;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.file);
	store_open(&fixture.store, fixture.file.path);
	tokens_open(&fixture.tokens, &fixture.store);
	*state = &fixture;
	return store_begin(&fixture.store) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->store.in_transaction)
		store_rollback(&fixture->store);
	tokens_close(&fixture->tokens);
	store_close(&fixture->store);
	test_file_remove(&fixture->file);
	return 0;
}

static struct token a_token(uint8_t last_byte, const char *symbol, uint8_t decimals)
{
	struct token token = {.decimals = decimals};

	token.address.bytes[0] = 0xAB;
	token.address.bytes[EVM_ADDRESS_SIZE - 1] = last_byte;
	assert_true(symbol_set(&token.symbol, symbol));
	return token;
}

static void an_unknown_token_is_not_found(void **state)
{
	struct fixture *fixture = *state;
	struct token known = a_token(1, "tBRK.B", 18);
	struct token asked = a_token(2, "AAPL0x", 6);
	struct token token;

	tokens_insert(&fixture->tokens, &known);
	assert_false(tokens_find(&fixture->tokens, &asked.address, &token));
}

static void a_token_comes_back_as_it_was_in_a_later_transaction(void **state)
{
	struct fixture *fixture = *state;
	struct token tokens[] = {a_token(1, "tBRK.B", 18), a_token(2, "USDC", 0),
				 a_token(3, "ABCDEFGHIJKLMNOPQRSTUVWXYZ123456", 255)};

	for (size_t i = 0; i < ARRAY_LENGTH(tokens); i++)
		tokens_insert(&fixture->tokens, &tokens[i]);
	store_commit(&fixture->store);
	for (size_t i = 0; i < ARRAY_LENGTH(tokens); i++) {
		struct token token;

		assert_true(tokens_find(&fixture->tokens, &tokens[i].address, &token));
		assert_true(evm_address_equal(&token.address, &tokens[i].address));
		assert_string_equal(token.symbol.text, tokens[i].symbol.text);
		assert_int_equal(token.decimals, tokens[i].decimals);
	}
}

static void what_a_token_said_first_stays(void **state)
{
	struct fixture *fixture = *state;
	struct token first = a_token(1, "AAPL0x", 18);
	struct token second = a_token(1, "NVDA0x", 6);
	struct token token;

	tokens_insert(&fixture->tokens, &first);
	tokens_insert(&fixture->tokens, &first);
	tokens_insert(&fixture->tokens, &second);
	assert_true(tokens_find(&fixture->tokens, &first.address, &token));
	assert_string_equal(token.symbol.text, "AAPL0x");
	assert_int_equal(token.decimals, 18);
	test_sql_expect(&fixture->store, "SELECT CAST(count(*) AS TEXT) AS value FROM tokens", "1");
}

static void each_is_found_however_many_are_asked_for_in_turn(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 256; i++) {
		struct token token = a_token((uint8_t)i, "AAPL0x", (uint8_t)i);

		tokens_insert(&fixture->tokens, &token);
	}
	store_commit(&fixture->store);
	/* Twice each, and all once more. */
	for (int i = 0; i < 1024; i++) {
		struct token asked = a_token((uint8_t)(i / 2), "AAPL0x", 0);
		struct token token;

		assert_true(tokens_find(&fixture->tokens, &asked.address, &token));
		assert_true(evm_address_equal(&token.address, &asked.address));
		assert_int_equal(token.decimals, (uint8_t)(i / 2));
	}
}

static void what_was_rolled_back_is_not_remembered(void **state)
{
	struct fixture *fixture = *state;
	struct token token = a_token(1, "AAPL0x", 18);
	struct token found;

	tokens_insert(&fixture->tokens, &token);
	assert_true(tokens_find(&fixture->tokens, &token.address, &found));
	store_rollback(&fixture->store);
	assert_false(tokens_find(&fixture->tokens, &token.address, &found));
}

static void what_another_transaction_found_is_not_read_again(void **state)
{
	struct fixture *fixture = *state;
	struct token token = a_token(1, "AAPL0x", 18);
	struct token unknown = a_token(2, "NVDA0x", 18);
	struct token found;

	tokens_insert(&fixture->tokens, &token);
	store_commit(&fixture->store);
	assert_false(tokens_find(&fixture->tokens, &unknown.address, &found));
	assert_true(store_begin(&fixture->store));
	assert_true(tokens_find(&fixture->tokens, &token.address, &found));
	/* Nobody does that: it shows who answers. */
	assert_int_equal(test_store_run(&fixture->store, "DELETE FROM tokens"), 1);
	assert_true(tokens_find(&fixture->tokens, &token.address, &found));
	store_rollback(&fixture->store);
	assert_true(tokens_find(&fixture->tokens, &token.address, &found));
}

static void an_address_stands_in_lower_case_hex(void **state)
{
	struct fixture *fixture = *state;
	struct token token = a_token(0xCD, "AAPL0x", 18);

	tokens_insert(&fixture->tokens, &token);
	test_sql_expect(&fixture->store, "SELECT address AS value FROM tokens",
			"0xab000000000000000000000000000000000000cd");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_unknown_token_is_not_found),
		WITH_STORE(a_token_comes_back_as_it_was_in_a_later_transaction),
		WITH_STORE(what_a_token_said_first_stays),
		WITH_STORE(each_is_found_however_many_are_asked_for_in_turn),
		WITH_STORE(what_was_rolled_back_is_not_remembered),
		WITH_STORE(what_another_transaction_found_is_not_read_again),
		WITH_STORE(an_address_stands_in_lower_case_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
