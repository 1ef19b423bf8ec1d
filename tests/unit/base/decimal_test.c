/* Exact amounts against vectors made with integers of unlimited size, and at every edge of 128
 * bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/decimal.h"

#include <string.h>

#define MAXIMUM "170141183460469231731.687303715884105727"
#define MINIMUM "-170141183460469231731.687303715884105728"

struct price_vector {
	const char *left;
	const char *right;
	const char *result; /* "": refused */
};

struct token_vector {
	const char *raw;
	uint8_t decimals;
	const char *amount; /* "": refused */
};

#include "unit/base/decimal_vectors.h"

static struct shares shares_of(const char *text)
{
	struct shares value;

	if (!shares_parse(text, &value))
		fail_msg("not shares: %s", text);
	return value;
}

static struct usd usd_of(const char *text)
{
	struct usd value;

	if (!usd_parse(text, &value))
		fail_msg("not dollars: %s", text);
	return value;
}

static void canonical_text_survives_a_round_trip(void **state)
{
	static const char *const texts[] = {"0",
					    "1",
					    "-1",
					    "0.3",
					    "-12",
					    "0.000000000000000001",
					    "-0.000000000000000001",
					    "10",
					    "100",
					    "0.1",
					    "120.5",
					    MAXIMUM,
					    MINIMUM};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_string_equal(shares_text(shares_of(texts[i])).text, texts[i]);
}

static void loose_text_becomes_canonical(void **state)
{
	static const char *const pairs[][2] = {
		{"1.50", "1.5"},   {"007", "7"},
		{".5", "0.5"},	   {"5.", "5"},
		{"-0", "0"},	   {"0.000", "0"},
		{"-.25", "-0.25"}, {"1.100000000000000000000", "1.1"},
		{"00.10", "0.1"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++)
		assert_string_equal(shares_text(shares_of(pairs[i][0])).text, pairs[i][1]);
}

static void what_is_not_a_decimal_is_refused_and_the_output_untouched(void **state)
{
	static const char *const texts[] = {"",
					    "-",
					    ".",
					    "-.",
					    "+1",
					    " 1",
					    "1 ",
					    "1e3",
					    "1E-1",
					    "0x1",
					    "1,5",
					    "1.2.3",
					    "--1",
					    "NaN",
					    "inf",
					    "1.0000000000000000001",
					    "170141183460469231731.687303715884105728",
					    "-170141183460469231731.687303715884105729",
					    "999999999999999999999999999999999999999999"};
	struct shares value = {.units = 42};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		if (shares_parse(texts[i], &value))
			fail_msg("accepted: %s", texts[i]);
		assert_true(value.units == 42);
	}
}

static void addition_and_subtraction_refuse_overflow(void **state)
{
	struct shares maximum = shares_of(MAXIMUM);
	struct shares minimum = shares_of(MINIMUM);
	struct shares least = shares_of("0.000000000000000001");
	struct shares result;
	struct usd dollars;

	(void)state;
	assert_false(shares_add(maximum, least, &result));
	assert_false(shares_subtract(minimum, least, &result));
	assert_false(usd_add(usd_of(MAXIMUM), usd_of("0.000000000000000001"), &dollars));
	assert_true(shares_add(maximum, minimum, &result));
	assert_string_equal(shares_text(result).text, "-0.000000000000000001");
	assert_true(shares_subtract(maximum, maximum, &result));
	assert_true(shares_is_zero(result));
}

static void ten_tenths_are_one(void **state)
{
	struct shares sum = {0};

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(shares_add(sum, shares_of("0.1"), &sum));
	assert_int_equal(shares_compare(sum, shares_of("1")), 0);
}

static void comparison_and_minimum_agree(void **state)
{
	(void)state;
	assert_int_equal(shares_compare(shares_of("-1"), shares_of("1")), -1);
	assert_int_equal(shares_compare(shares_of(MAXIMUM), shares_of(MINIMUM)), 1);
	assert_string_equal(shares_text(shares_minimum(shares_of("2"), shares_of("-3"))).text,
			    "-3");
}

static void whole_shares_round_towards_zero(void **state)
{
	int64_t whole = 99;

	(void)state;
	assert_true(shares_whole(shares_of("2.999999999999999999"), &whole));
	assert_int_equal(whole, 2);
	assert_true(shares_whole(shares_of("-2.9"), &whole));
	assert_int_equal(whole, 2);
	assert_true(shares_whole(shares_of("0.999999999999999999"), &whole));
	assert_int_equal(whole, 0);
	assert_false(shares_whole(shares_of("9223372036854775808"), &whole));
	assert_true(shares_whole(shares_of("9223372036854775807.5"), &whole));
	assert_true(whole == INT64_MAX);
}

static void integers_become_shares(void **state)
{
	struct shares value;

	(void)state;
	assert_true(shares_from_integer(INT64_MAX, &value));
	assert_string_equal(shares_text(value).text, "9223372036854775807");
	assert_true(shares_from_integer(-3, &value));
	assert_string_equal(shares_text(value).text, "-3");
}

static void token_units_become_exact_amounts_or_nothing(void **state)
{
	struct evm_word raw;
	struct shares shares;
	struct usd dollars;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(token_vectors); i++) {
		const struct token_vector *vector = &token_vectors[i];
		bool fits = vector->amount[0] != '\0';

		assert_true(evm_word_parse(vector->raw, &raw));
		assert_int_equal(shares_from_token(&raw, vector->decimals, &shares), fits);
		assert_int_equal(usd_from_token(&raw, vector->decimals, &dollars), fits);
		if (!fits)
			continue;
		assert_string_equal(shares_text(shares).text, vector->amount);
		assert_string_equal(usd_text(dollars).text, vector->amount);
	}
}

static void prices_are_exact_to_the_last_digit(void **state)
{
	struct usd price;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(price_vectors); i++) {
		const struct price_vector *vector = &price_vectors[i];
		bool exists = usd_price(usd_of(vector->left), shares_of(vector->right), &price);

		if (exists != (vector->result[0] != '\0'))
			fail_msg("%s / %s", vector->left, vector->right);
		if (exists)
			assert_string_equal(usd_text(price).text, vector->result);
	}
	assert_false(usd_price(usd_of("-1"), shares_of("1"), &price));
	assert_false(usd_price(usd_of("1"), shares_of("-1"), &price));
}

static void values_are_exact_to_the_last_digit(void **state)
{
	struct usd value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(value_vectors); i++) {
		const struct price_vector *vector = &value_vectors[i];
		bool fits = usd_value(usd_of(vector->left), shares_of(vector->right), &value);

		if (fits != (vector->result[0] != '\0'))
			fail_msg("%s * %s", vector->left, vector->right);
		if (fits)
			assert_string_equal(usd_text(value).text, vector->result);
	}
	assert_false(usd_value(usd_of("-1"), shares_of("1"), &value));
}

static void parts_round_towards_zero_and_the_whole_is_the_whole(void **state)
{
	static const struct {
		const char *whole, *part, *of, *value;
	} vectors[] = {
		{"45", "0.2", "0.3", "30"},
		{"1", "1", "3", "0.333333333333333333"},
		{"0", "1", "3", "0"},
		{"100", "0", "3", "0"},
		{"0.000000000000000001", "2", "3", "0"},
		{"0.000000000000000003", "2", "3", "0.000000000000000002"},
		{"170141183460469231731.687303715884105727",
		 "170141183460469231731.687303715884105727",
		 "170141183460469231731.687303715884105727",
		 "170141183460469231731.687303715884105727"},
		{"170141183460469231731.687303715884105727",
		 "170141183460469231731.687303715884105726",
		 "170141183460469231731.687303715884105727",
		 "170141183460469231731.687303715884105726"},
		{"170141183460469231731.687303715884105727", "85070591730234615865.5",
		 "170141183460469231731", "85070591730234615865.843651857942052863"},
	};
	struct usd value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
		assert_true(usd_part(usd_of(vectors[i].whole), shares_of(vectors[i].part),
				     shares_of(vectors[i].of), &value));
		assert_string_equal(usd_text(value).text, vectors[i].value);
	}
	assert_false(usd_part(usd_of("-1"), shares_of("1"), shares_of("2"), &value));
	assert_false(usd_part(usd_of("1"), shares_of("-1"), shares_of("2"), &value));
	assert_false(usd_part(usd_of("1"), shares_of("1"), shares_of("0"), &value));
	assert_false(usd_part(usd_of("1"), shares_of("2"), shares_of("1"), &value));
}

static void dollars_subtract_or_refuse(void **state)
{
	struct usd value = usd_of("7");

	(void)state;
	assert_false(usd_subtract(usd_of("-170141183460469231731"), usd_of("1"), &value));
	assert_string_equal(usd_text(value).text, "7");
	assert_true(usd_subtract(usd_of("1"), usd_of("1.5"), &value));
	assert_string_equal(usd_text(value).text, "-0.5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_text_survives_a_round_trip),
		cmocka_unit_test(loose_text_becomes_canonical),
		cmocka_unit_test(what_is_not_a_decimal_is_refused_and_the_output_untouched),
		cmocka_unit_test(addition_and_subtraction_refuse_overflow),
		cmocka_unit_test(ten_tenths_are_one),
		cmocka_unit_test(comparison_and_minimum_agree),
		cmocka_unit_test(whole_shares_round_towards_zero),
		cmocka_unit_test(integers_become_shares),
		cmocka_unit_test(token_units_become_exact_amounts_or_nothing),
		cmocka_unit_test(prices_are_exact_to_the_last_digit),
		cmocka_unit_test(values_are_exact_to_the_last_digit),
		cmocka_unit_test(parts_round_towards_zero_and_the_whole_is_the_whole),
		cmocka_unit_test(dollars_subtract_or_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
