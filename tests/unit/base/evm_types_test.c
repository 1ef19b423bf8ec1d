/* The fixed-size words of the chain: equality, text, and the integers that fit and do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/evm_types.h"

#include <string.h>

#define TEN_DIGITS "0123456789"
#define ADDRESS	   "0x" TEN_DIGITS TEN_DIGITS TEN_DIGITS TEN_DIGITS
#define WORD	   ADDRESS TEN_DIGITS TEN_DIGITS "abcd"

static struct evm_word word_of(uint8_t first, uint8_t last)
{
	struct evm_word word = {{0}};

	word.bytes[0] = first;
	word.bytes[EVM_WORD_SIZE - 1] = last;
	return word;
}

static void every_byte_counts_in_a_comparison(void **state)
{
	const struct evm_address address = {{0}};
	const struct evm_word word = {{0}};

	(void)state;
	assert_true(evm_address_equal(&address, &address));
	assert_true(evm_word_equal(&word, &word));
	for (size_t i = 0; i < EVM_ADDRESS_SIZE; i++) {
		struct evm_address other = address;

		other.bytes[i] = 1;
		assert_false(evm_address_equal(&address, &other));
	}
	for (size_t i = 0; i < EVM_WORD_SIZE; i++) {
		struct evm_word other = word;

		other.bytes[i] = 0x80;
		assert_false(evm_word_equal(&word, &other));
	}
}

static void text_of_another_length_is_refused_and_the_output_untouched(void **state)
{
	static const char *const addresses[] = {
		"",	      "0x", ADDRESS "0",
		ADDRESS "00", WORD, "0x" TEN_DIGITS TEN_DIGITS TEN_DIGITS "012345678"};
	static const char *const words[] = {
		"", "0x", ADDRESS, WORD "e", WORD "ef", ADDRESS TEN_DIGITS TEN_DIGITS "abc"};
	struct evm_address address = {{42}};
	struct evm_word word = {{42}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
		if (evm_address_parse(addresses[i], &address))
			fail_msg("accepted: %s", addresses[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		if (evm_word_parse(words[i], &word))
			fail_msg("accepted: %s", words[i]);
	}
	assert_int_equal(address.bytes[0], 42);
	assert_int_equal(word.bytes[0], 42);
	assert_true(evm_address_parse(ADDRESS, &address));
	assert_string_equal(evm_address_text(&address).text, ADDRESS);
	assert_true(evm_word_parse(WORD, &word));
	assert_string_equal(evm_word_text(&word).text, WORD);
}

static void a_wrong_character_anywhere_is_refused_and_the_output_untouched(void **state)
{
	struct evm_address address = {{42}};

	(void)state;
	for (size_t i = 0; i < strlen(ADDRESS); i++) {
		char text[] = ADDRESS;

		text[i] = 'g';
		if (evm_address_parse(text, &address))
			fail_msg("accepted: %s", text);
		assert_int_equal(address.bytes[0], 42);
		assert_int_equal(address.bytes[1], 0);
	}
}

static void decimal_text_has_no_leading_zeros_at_any_chunk(void **state)
{
	/* Around the places where nine digits end. */
	static const struct {
		uint64_t number;
		const char *text;
	} numbers[] = {
		{1, "1"},
		{9, "9"},
		{10, "10"},
		{999999999, "999999999"},
		{1000000001, "1000000001"},
		{999999999999999999, "999999999999999999"},
		{1000000000000000000, "1000000000000000000"},
		{UINT64_MAX, "18446744073709551615"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		struct evm_word word = {{0}};

		for (size_t byte = 0; byte < 8; byte++)
			word.bytes[31 - byte] = (uint8_t)(numbers[i].number >> 8 * byte);
		assert_string_equal(evm_uint256_text(&word).text, numbers[i].text);
	}
}

static void the_first_byte_is_the_highest(void **state)
{
	/* 2^248 + 1 */
	struct evm_word word = word_of(1, 1);

	(void)state;
	assert_string_equal(
		evm_uint256_text(&word).text,
		"452312848583266388373324160190187140051835877600158453279131187530910662657");
	/* Neither the text nor the value changes the word it was made from. */
	assert_int_equal(word.bytes[0], 1);
	assert_int_equal(word.bytes[31], 1);
}

static void integers_fit_to_their_last_value(void **state)
{
	struct evm_word word = {{0}};
	uint64_t narrow = 0;
	uint128 wide = 0;

	(void)state;
	memset(word.bytes + 24, 0xff, 8);
	assert_true(evm_word_to_uint64(&word, &narrow));
	assert_true(narrow == UINT64_MAX);
	memset(word.bytes + 16, 0xff, 8);
	assert_false(evm_word_to_uint64(&word, &narrow));
	assert_true(evm_word_to_uint128(&word, &wide));
	assert_true(wide == ~(uint128)0);
	memset(word.bytes, 0, sizeof(word.bytes));
	word.bytes[23] = 1; /* 2^64 */
	assert_false(evm_word_to_uint64(&word, &narrow));
	assert_true(narrow == UINT64_MAX);
	assert_true(evm_word_to_uint128(&word, &wide));
	assert_true(wide == (uint128)1 << 64);
}

static void a_high_byte_is_never_cut_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < 24; i++) {
		struct evm_word word = word_of(0, 5);
		uint64_t narrow = 42;
		uint128 wide = 42;

		word.bytes[i] = 1;
		assert_false(evm_word_to_uint64(&word, &narrow));
		assert_true(narrow == 42);
		assert_int_equal(evm_word_to_uint128(&word, &wide), i >= 16);
		assert_int_equal(wide == 42, i < 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_counts_in_a_comparison),
		cmocka_unit_test(text_of_another_length_is_refused_and_the_output_untouched),
		cmocka_unit_test(a_wrong_character_anywhere_is_refused_and_the_output_untouched),
		cmocka_unit_test(decimal_text_has_no_leading_zeros_at_any_chunk),
		cmocka_unit_test(the_first_byte_is_the_highest),
		cmocka_unit_test(integers_fit_to_their_last_value),
		cmocka_unit_test(a_high_byte_is_never_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
