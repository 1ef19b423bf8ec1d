/* Floats against integers of unlimited size, at every edge of the two numbers in a word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/orderbook_float.h"
#include "unit/chain/float_vectors.h"

#include <string.h>

static struct evm_word word_of(const char *text)
{
	struct evm_word word;

	assert_true(evm_word_parse(text, &word));
	return word;
}

static void a_float_comes_to_its_value_rounded_towards_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(float_vectors); i++) {
		const struct float_vector *vector = &float_vectors[i];
		struct evm_word word = word_of(vector->word);
		struct shares shares = {77};
		struct usd usd = {77};

		if (orderbook_float_to_shares(&word, &shares) != (vector->shares[0] != '\0') ||
		    orderbook_float_to_usd(&word, &usd) != (vector->shares[0] != '\0'))
			fail_msg("refused or not: %s", vector->text);
		if (vector->shares[0] == '\0')
			continue;
		assert_string_equal(shares_text(shares).text, vector->shares);
		assert_string_equal(usd_text(usd).text, vector->shares);
	}
}

static void what_is_refused_leaves_the_value_alone(void **state)
{
	struct evm_word largest =
		word_of("0x7fffffff7fffffffffffffffffffffffffffffffffffffffffffffffffffffff");
	struct shares shares = {77};

	(void)state;
	assert_false(orderbook_float_to_shares(&largest, &shares));
	assert_true(shares.units == 77);
}

static void a_float_becomes_raw_units_of_a_token(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(float_vectors); i++) {
		const struct float_vector *vector = &float_vectors[i];
		struct evm_word word = word_of(vector->word);
		struct evm_word raw;

		if (orderbook_float_to_token(&word, 6, &raw) != (vector->six_decimals[0] != '\0'))
			fail_msg("refused or not: %s", vector->text);
		if (vector->six_decimals[0] != '\0')
			assert_string_equal(evm_uint256_text(&raw).text, vector->six_decimals);
	}
}

static void a_float_is_written_as_it_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(float_vectors); i++) {
		struct evm_word word = word_of(float_vectors[i].word);

		assert_string_equal(orderbook_float_text(&word).text, float_vectors[i].text);
		assert_int_equal(orderbook_float_is_negative(&word),
				 float_vectors[i].text[0] == '-');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_float_comes_to_its_value_rounded_towards_zero),
		cmocka_unit_test(what_is_refused_leaves_the_value_alone),
		cmocka_unit_test(a_float_becomes_raw_units_of_a_token),
		cmocka_unit_test(a_float_is_written_as_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
