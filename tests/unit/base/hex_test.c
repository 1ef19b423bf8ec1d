/* Hexadecimal text as nodes send it, well and badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/evm_types.h"
#include "base/hex.h"

#include <limits.h>
#include <string.h>

static void quantities_of_up_to_64_bits_are_read(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(hex_parse_quantity("0x0", &value));
	assert_true(value == 0);
	assert_true(hex_parse_quantity("0xfF", &value));
	assert_true(value == 255);
	assert_true(hex_parse_quantity("0xffffffffffffffff", &value));
	assert_true(value == UINT64_MAX);
	assert_true(hex_parse_quantity("0x00000000000000000000000000000001", &value));
	assert_true(value == 1);
}

static void what_is_no_quantity_is_refused_and_the_output_untouched(void **state)
{
	static const char *const bad[] = {"",	  "0",	  "0x",	  "x1",
					  "1",	  "0X1",  "0x1g", " 0x1",
					  "0x1 ", "-0x1", "0x-1", "0x10000000000000000",
					  "0x1.0"};
	uint64_t value = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (hex_parse_quantity(bad[i], &value))
			fail_msg("accepted: %s", bad[i]);
		assert_true(value == 42);
	}
}

static void data_is_read_behind_what_is_there(void **state)
{
	struct buffer bytes;

	(void)state;
	buffer_init(&bytes, 8);
	assert_true(hex_parse_data("0x", &bytes));
	assert_int_equal(bytes.length, 0);
	assert_true(hex_parse_data("0x00aBff", &bytes));
	assert_true(hex_parse_data("0x01", &bytes));
	assert_int_equal(bytes.length, 4);
	assert_memory_equal(bytes.bytes, "\x00\xab\xff\x01", 4);
	assert_false(hex_parse_data("0x0102030405", &bytes));
	assert_int_equal(bytes.length, 4);
	assert_false(hex_parse_data("0x010", &bytes));
	assert_false(hex_parse_data("0x0g", &bytes));
	assert_false(hex_parse_data("0102", &bytes));
	assert_false(hex_parse_data("", &bytes));
	assert_int_equal(bytes.length, 4);
	buffer_free(&bytes);
}

static void fixed_lengths_are_exact(void **state)
{
	uint8_t bytes[2] = {7, 7};

	(void)state;
	assert_false(hex_parse_fixed("0x01", bytes, 2));
	assert_false(hex_parse_fixed("0x010203", bytes, 2));
	assert_false(hex_parse_fixed("0x01zz", bytes, 2));
	assert_memory_equal(bytes, "\x07\x07", 2);
	assert_true(hex_parse_fixed("0x0102", bytes, 2));
	assert_memory_equal(bytes, "\x01\x02", 2);
}

static void text_is_lower_case_and_bounded(void **state)
{
	static const uint8_t bytes[] = {0x00, 0xAB, 0xff};
	char text[9];
	struct buffer appended;

	(void)state;
	hex_format_fixed(bytes, sizeof(bytes), text);
	assert_string_equal(text, "0x00abff");
	buffer_init(&appended, 9);
	assert_true(buffer_append_text(&appended, "a"));
	assert_true(hex_append_data(&appended, (struct bytes){.data = bytes, .length = 3}));
	assert_string_equal(buffer_text(&appended), "a0x00abff");
	assert_false(hex_append_data(&appended, (struct bytes){.data = bytes, .length = 1}));
	assert_string_equal(buffer_text(&appended), "a0x00abff");
	buffer_free(&appended);
}

/* Whether it stands in a block of many or in the rest behind them: each place, each byte. */
static void each_digit_of_data_is_looked_at(void **state)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	enum { LONGEST = 35 };
	struct buffer bytes;

	(void)state;
	buffer_init(&bytes, LONGEST);
	for (size_t length = 1; length <= LONGEST; length++) {
		char text[2 + 2 * LONGEST + 1] = "0x";

		memset(text + 2, '5', 2 * length);
		for (size_t place = 0; place < 2 * length; place++) {
			for (int byte = 1; byte <= UCHAR_MAX; byte++) {
				const char *found = strchr(digits, byte);
				unsigned int value =
					found == NULL ? 0 : (unsigned int)(found - digits);
				unsigned int expected;

				value = value < 16 ? value : value - 6;
				expected = place % 2 == 0 ? value << 4 | 5 : 5 << 4 | value;
				text[2 + place] = (char)byte;
				buffer_clear(&bytes);
				assert_int_equal(hex_parse_data(text, &bytes), found != NULL);
				assert_int_equal(bytes.length, found != NULL ? length : 0);
				if (found != NULL)
					assert_int_equal((uint8_t)buffer_text(&bytes)[place / 2],
							 expected);
			}
			text[2 + place] = '5';
		}
	}
	buffer_free(&bytes);
}

static void data_that_is_refused_leaves_the_buffer_as_it_was(void **state)
{
	struct buffer bytes;

	(void)state;
	buffer_init(&bytes, 4);
	assert_false(hex_parse_data("0xzz", &bytes));
	assert_string_equal(buffer_text(&bytes), "");
	assert_true(buffer_append_text(&bytes, "ab"));
	assert_false(hex_parse_data("0x63zz", &bytes));
	assert_int_equal(bytes.length, 2);
	assert_string_equal(buffer_text(&bytes), "ab");
	assert_false(hex_parse_data("0x636465", &bytes));
	assert_string_equal(buffer_text(&bytes), "ab");
	assert_true(hex_parse_data("0x6364", &bytes));
	assert_string_equal(buffer_text(&bytes), "abcd");
	buffer_free(&bytes);
}

static void nothing_has_a_text_too(void **state)
{
	uint8_t untouched = 7;
	char text[3];
	struct buffer appended;

	(void)state;
	hex_format_fixed(NULL, 0, text);
	assert_string_equal(text, "0x");
	assert_true(hex_parse_fixed("0x", &untouched, 0));
	assert_int_equal(untouched, 7);
	buffer_init(&appended, 2);
	assert_true(hex_append_data(&appended, (struct bytes){.length = 0}));
	assert_string_equal(buffer_text(&appended), "0x");
	assert_false(hex_append_data(&appended, (struct bytes){.length = 0}));
	assert_string_equal(buffer_text(&appended), "0x");
	buffer_free(&appended);
}

static void every_byte_survives_a_round_trip(void **state)
{
	uint8_t bytes[256];
	uint8_t again[256];
	char text[2 * sizeof(bytes) + 3];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	hex_format_fixed(bytes, sizeof(bytes), text);
	assert_true(hex_parse_fixed(text, again, sizeof(again)));
	assert_memory_equal(again, bytes, sizeof(bytes));
}

static void no_byte_but_a_digit_is_a_digit(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		const char text[] = {'0', 'x', '0', (char)byte, '\0'};
		bool is_digit = strchr("0123456789abcdefABCDEF", byte) != NULL;
		uint64_t value;
		uint8_t fixed;

		assert_int_equal(hex_parse_quantity(text, &value), is_digit);
		assert_int_equal(hex_parse_fixed(text, &fixed, 1), is_digit);
	}
}

static void words_become_decimal_text(void **state)
{
	static const char *const pairs[][2] = {
		{"0x0000000000000000000000000000000000000000000000000000000000000000", "0"},
		{"0x000000000000000000000000000000000000000000000000000000003b9aca00",
		 "1000000000"},
		{"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		 "115792089237316195423570985008687907853269984665640564039457584007913129639935"},
	};
	struct evm_word word;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		assert_true(evm_word_parse(pairs[i][0], &word));
		assert_string_equal(evm_uint256_text(&word).text, pairs[i][1]);
		assert_string_equal(evm_word_text(&word).text, pairs[i][0]);
	}
}

static void words_that_do_not_fit_are_refused(void **state)
{
	struct evm_word word = {{0}};
	uint64_t narrow = 42;
	uint128 wide = 42;

	(void)state;
	word.bytes[15] = 1;
	assert_false(evm_word_to_uint128(&word, &wide));
	assert_true(wide == 42);
	word.bytes[15] = 0;
	word.bytes[16] = 0x80;
	assert_true(evm_word_to_uint128(&word, &wide));
	assert_true(wide == (uint128)1 << 127);
	assert_false(evm_word_to_uint64(&word, &narrow));
	assert_true(narrow == 42);
	word.bytes[16] = 0;
	word.bytes[24] = 0xff;
	assert_true(evm_word_to_uint64(&word, &narrow));
	assert_true(narrow == (uint64_t)0xff << 56);
}

static void addresses_are_read_in_any_case_and_written_in_lower(void **state)
{
	struct evm_address address;

	(void)state;
	assert_true(evm_address_parse("0xABCDEF0123456789abcdef0123456789ABCDEF01", &address));
	assert_string_equal(evm_address_text(&address).text,
			    "0xabcdef0123456789abcdef0123456789abcdef01");
	assert_false(evm_address_parse("0xabcdef0123456789abcdef0123456789abcdef", &address));
	assert_false(evm_address_parse("abcdef0123456789abcdef0123456789abcdef0123", &address));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantities_of_up_to_64_bits_are_read),
		cmocka_unit_test(what_is_no_quantity_is_refused_and_the_output_untouched),
		cmocka_unit_test(data_is_read_behind_what_is_there),
		cmocka_unit_test(fixed_lengths_are_exact),
		cmocka_unit_test(text_is_lower_case_and_bounded),
		cmocka_unit_test(each_digit_of_data_is_looked_at),
		cmocka_unit_test(data_that_is_refused_leaves_the_buffer_as_it_was),
		cmocka_unit_test(nothing_has_a_text_too),
		cmocka_unit_test(every_byte_survives_a_round_trip),
		cmocka_unit_test(no_byte_but_a_digit_is_a_digit),
		cmocka_unit_test(words_become_decimal_text),
		cmocka_unit_test(words_that_do_not_fit_are_refused),
		cmocka_unit_test(addresses_are_read_in_any_case_and_written_in_lower),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
