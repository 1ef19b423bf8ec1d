/* ABI data, as the specification draws it and as it lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/abi.h"

#include <stdlib.h>
#include <string.h>

/* Words in memory of exactly their size, so that AddressSanitizer sees a byte too far. */
struct data {
	uint8_t *bytes;
	size_t length;
};

static struct data data_of(const uint64_t *words, size_t count)
{
	struct data data = {.bytes = calloc(count, EVM_WORD_SIZE), .length = count * EVM_WORD_SIZE};

	assert_non_null(data.bytes);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < sizeof(words[i]); j++)
			data.bytes[(i + 1) * EVM_WORD_SIZE - 1 - j] = (uint8_t)(words[i] >> 8 * j);
	}
	return data;
}

#define DATA(...)                                                                                  \
	data_of((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / 8)

static struct abi_tuple tuple_of(const struct data *data)
{
	return abi_data((struct bytes){.data = data->bytes, .length = data->length});
}

static void a_word_is_read_where_it_stands(void **state)
{
	struct data data = DATA(5, 6);
	struct abi_tuple tuple = tuple_of(&data);
	struct evm_word word;

	(void)state;
	assert_true(abi_word(&tuple, 0, &word));
	assert_int_equal(word.bytes[31], 5);
	assert_true(abi_word(&tuple, 1, &word));
	assert_int_equal(word.bytes[31], 6);
	free(data.bytes);
}

static void a_word_beyond_the_data_is_refused_and_leaves_the_output(void **state)
{
	static const size_t indices[] = {2, 3, SIZE_MAX, SIZE_MAX / 32, SIZE_MAX / 32 + 1};
	struct data data = DATA(5, 6);
	struct abi_tuple tuple = tuple_of(&data);

	(void)state;
	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		struct evm_word word = {{77}};
		struct evm_address address = {{77}};
		uint64_t number = 77;
		uint8_t small = 77;

		assert_false(abi_word(&tuple, indices[i], &word));
		assert_false(abi_address(&tuple, indices[i], &address));
		assert_false(abi_uint64(&tuple, indices[i], &number));
		assert_false(abi_uint8(&tuple, indices[i], &small));
		assert_int_equal(word.bytes[0], 77);
		assert_int_equal(address.bytes[0], 77);
		assert_int_equal(number, 77);
		assert_int_equal(small, 77);
	}
	free(data.bytes);
}

static void a_word_that_is_cut_is_refused(void **state)
{
	struct data data = DATA(5, 6);
	struct evm_word word;

	(void)state;
	for (size_t length = 0; length < 2 * EVM_WORD_SIZE; length++) {
		struct data cut = {.bytes = malloc(length), .length = length};
		struct abi_tuple tuple = tuple_of(&cut);

		if (length > 0)
			memcpy(cut.bytes, data.bytes, length);
		assert_int_equal(abi_word(&tuple, 0, &word), length >= EVM_WORD_SIZE);
		assert_false(abi_word(&tuple, 1, &word));
		free(cut.bytes);
	}
	free(data.bytes);
}

static void no_data_at_all_is_refused(void **state)
{
	struct abi_tuple tuple = abi_data((struct bytes){.data = NULL, .length = 0});
	struct abi_tuple inner;
	struct abi_array array;
	struct evm_word word;
	struct bytes bytes;

	(void)state;
	assert_false(abi_word(&tuple, 0, &word));
	assert_false(abi_dynamic_tuple(&tuple, 0, &inner));
	assert_false(abi_array(&tuple, 0, 1, &array));
	assert_false(abi_bytes(&tuple, 0, &bytes));
}

static void an_address_with_dirty_padding_is_refused(void **state)
{
	struct data data = DATA(0xa1);
	struct abi_tuple tuple = tuple_of(&data);
	struct evm_address address;

	(void)state;
	assert_true(abi_address(&tuple, 0, &address));
	assert_int_equal(address.bytes[19], 0xa1);
	for (size_t i = 0; i < EVM_WORD_SIZE - EVM_ADDRESS_SIZE; i++) {
		data.bytes[i] = 1;
		assert_false(abi_address(&tuple, 0, &address));
		data.bytes[i] = 0;
	}
	/* The first byte of the address itself is no padding. */
	data.bytes[EVM_WORD_SIZE - EVM_ADDRESS_SIZE] = 1;
	assert_true(abi_address(&tuple, 0, &address));
	assert_int_equal(address.bytes[0], 1);
	free(data.bytes);
}

static void a_small_integer_with_dirty_padding_is_refused(void **state)
{
	struct data data = DATA(255);
	struct abi_tuple tuple = tuple_of(&data);
	uint8_t small;

	(void)state;
	assert_true(abi_uint8(&tuple, 0, &small));
	assert_int_equal(small, 255);
	for (size_t i = 0; i < EVM_WORD_SIZE - 1; i++) {
		data.bytes[i] = 0x80;
		assert_false(abi_uint8(&tuple, 0, &small));
		data.bytes[i] = 0;
	}
	free(data.bytes);
}

/* The sign fills all that is above the 64 bits, or the word is more. */
static void a_signed_integer_is_read_with_its_sign(void **state)
{
	static const int64_t values[] = {0, 1, -1, -5, INT64_MAX, INT64_MIN, INT64_MIN + 1};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct data data = DATA((uint64_t)values[i]);
		struct abi_tuple tuple = tuple_of(&data);
		int64_t value = 77;

		memset(data.bytes, values[i] < 0 ? 0xff : 0, EVM_WORD_SIZE - sizeof(value));
		assert_true(abi_int64(&tuple, 0, &value));
		assert_true(value == values[i]);
		for (size_t at = 0; at < EVM_WORD_SIZE - sizeof(value); at++) {
			data.bytes[at] ^= 0x80;
			assert_false(abi_int64(&tuple, 0, &value));
			data.bytes[at] ^= 0x80;
		}
		assert_false(abi_int64(&tuple, 1, &value));
		free(data.bytes);
	}
}

static void an_index_above_64_bits_is_refused(void **state)
{
	struct data data = DATA(UINT64_MAX);
	struct abi_tuple tuple = tuple_of(&data);
	uint64_t number;

	(void)state;
	assert_true(abi_uint64(&tuple, 0, &number));
	assert_true(number == UINT64_MAX);
	for (size_t i = 0; i < EVM_WORD_SIZE - sizeof(number); i++) {
		data.bytes[i] = 1;
		assert_false(abi_uint64(&tuple, 0, &number));
		data.bytes[i] = 0;
	}
	free(data.bytes);
}

/* offset -> 7 | 8 */
static void a_dynamic_tuple_is_found_by_its_offset(void **state)
{
	struct data data = DATA(1, 0x40, 7, 8);
	struct abi_tuple tuple = tuple_of(&data);
	struct abi_tuple inner;
	uint64_t number;

	(void)state;
	assert_true(abi_dynamic_tuple(&tuple, 1, &inner));
	assert_true(abi_uint64(&inner, 0, &number));
	assert_int_equal(number, 7);
	assert_true(abi_uint64(&inner, 1, &number));
	assert_int_equal(number, 8);
	assert_false(abi_uint64(&inner, 2, &number));
	free(data.bytes);
}

/* Legal ABI: nothing says that an offset is a multiple of 32 or points behind the head. */
static void an_offset_may_overlap_and_need_not_be_aligned(void **state)
{
	struct data data = DATA(0, 0x21, 7);
	struct abi_tuple tuple = tuple_of(&data);
	struct abi_tuple inner;
	struct evm_word word;

	(void)state;
	assert_true(abi_dynamic_tuple(&tuple, 0, &inner));
	assert_int_equal(inner.bytes.length, data.length);
	assert_true(abi_dynamic_tuple(&tuple, 1, &inner));
	assert_int_equal(inner.bytes.length, data.length - 0x21);
	assert_true(abi_word(&inner, 0, &word));
	assert_int_equal(word.bytes[30], 0x21);
	assert_int_equal(word.bytes[31], 0);
	free(data.bytes);
}

static void an_offset_beyond_the_data_is_refused(void **state)
{
	static const uint64_t offsets[] = {0x61,
					   0x80,
					   INT64_MAX,
					   UINT64_MAX,
					   UINT64_MAX - 31,
					   UINT64_MAX - 32,
					   UINT64_MAX / 32,
					   (uint64_t)1 << 63};

	(void)state;
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct data data = DATA(offsets[i], 1, 7);
		struct abi_tuple tuple = tuple_of(&data);
		struct abi_tuple inner = {.bytes = {.data = NULL, .length = 77}};
		struct abi_array array = {.count = 77};
		struct bytes bytes = {.data = NULL, .length = 77};

		assert_false(abi_dynamic_tuple(&tuple, 0, &inner));
		assert_false(abi_array(&tuple, 0, 1, &array));
		assert_false(abi_bytes(&tuple, 0, &bytes));
		assert_int_equal(inner.bytes.length, 77);
		assert_int_equal(array.count, 77);
		assert_int_equal(bytes.length, 77);
		free(data.bytes);
	}
}

/* An offset right to the end: a tuple without a word, in which nothing can be read. */
static void an_offset_to_the_end_leads_to_nothing(void **state)
{
	struct data data = DATA(0x40, 7);
	struct abi_tuple tuple = tuple_of(&data);
	struct abi_tuple inner;
	struct abi_array array;
	struct evm_word word;

	(void)state;
	assert_true(abi_dynamic_tuple(&tuple, 0, &inner));
	assert_int_equal(inner.bytes.length, 0);
	assert_false(abi_word(&inner, 0, &word));
	assert_false(abi_array(&tuple, 0, 1, &array));
	free(data.bytes);
}

static void an_offset_above_64_bits_is_refused(void **state)
{
	struct data data = DATA(0x20, 7);
	struct abi_tuple tuple = tuple_of(&data);
	struct abi_tuple inner;

	(void)state;
	assert_true(abi_dynamic_tuple(&tuple, 0, &inner));
	data.bytes[23] = 1;
	assert_false(abi_dynamic_tuple(&tuple, 0, &inner));
	free(data.bytes);
}

/* offset -> count 2 | 10 | 11 | 12 | 20 | 21 | 22 */
static void the_elements_of_an_array_are_words_behind_its_count(void **state)
{
	struct data data = DATA(0x20, 2, 10, 11, 12, 20, 21, 22);
	struct abi_tuple tuple = tuple_of(&data);
	struct abi_array array;
	uint64_t number;

	(void)state;
	assert_true(abi_array(&tuple, 0, 3, &array));
	assert_int_equal(array.count, 2);
	assert_true(abi_uint64(&array.elements, 3, &number));
	assert_int_equal(number, 20);
	assert_true(abi_uint64(&array.elements, 5, &number));
	assert_int_equal(number, 22);
	free(data.bytes);
}

static void an_empty_array_is_an_array(void **state)
{
	struct data data = DATA(0x20, 0);
	struct abi_tuple tuple = tuple_of(&data);
	struct abi_array array;

	(void)state;
	assert_true(abi_array(&tuple, 0, 3, &array));
	assert_int_equal(array.count, 0);
	free(data.bytes);
}

/* Among them those whose product with 3 words of 32 bytes is small again in 64 bits. */
static void a_count_that_the_data_does_not_hold_is_refused(void **state)
{
	static const uint64_t counts[] = {3,
					  4,
					  6,
					  UINT64_MAX,
					  UINT64_MAX / 96,
					  UINT64_MAX / 96 + 1,
					  UINT64_MAX / 32,
					  UINT64_MAX / 32 + 1,
					  UINT64_MAX / 3 + 1,
					  (uint64_t)1 << 59};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct data data = DATA(0x20, counts[i], 10, 11, 12, 20, 21, 22);
		struct abi_tuple tuple = tuple_of(&data);
		struct abi_array array = {.count = 77};

		assert_false(abi_array(&tuple, 0, 3, &array));
		assert_int_equal(array.count, 77);
		free(data.bytes);
	}
}

static void an_array_that_lacks_its_last_byte_is_refused(void **state)
{
	struct data data = DATA(0x20, 2, 10, 11, 12, 20, 21, 22);
	struct data cut = {.bytes = malloc(data.length - 1), .length = data.length - 1};
	struct abi_tuple tuple = tuple_of(&cut);
	struct abi_array array;

	(void)state;
	memcpy(cut.bytes, data.bytes, cut.length);
	assert_false(abi_array(&tuple, 0, 3, &array));
	assert_true(abi_array(&tuple, 0, 2, &array));
	free(cut.bytes);
	free(data.bytes);
}

/* offset -> length | bytes, padded to a word */
static void bytes_are_as_long_as_they_say(void **state)
{
	for (uint64_t length = 0; length <= 32; length++) {
		struct data data = DATA(0x20, length, 0);
		struct abi_tuple tuple = tuple_of(&data);
		struct bytes bytes;

		assert_true(abi_bytes(&tuple, 0, &bytes));
		assert_int_equal(bytes.length, length);
		assert_ptr_equal(bytes.data, data.bytes + 64);
		free(data.bytes);
	}
	(void)state;
}

static void bytes_longer_than_the_data_are_refused(void **state)
{
	static const uint64_t lengths[] = {33,
					   64,
					   96,
					   UINT64_MAX,
					   UINT64_MAX - 32,
					   UINT64_MAX - 63,
					   INT64_MAX,
					   (uint64_t)1 << 63};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct data data = DATA(0x20, lengths[i], 0);
		struct abi_tuple tuple = tuple_of(&data);
		struct bytes bytes = {.data = NULL, .length = 77};

		assert_false(abi_bytes(&tuple, 0, &bytes));
		assert_int_equal(bytes.length, 77);
		free(data.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_read_where_it_stands),
		cmocka_unit_test(a_word_beyond_the_data_is_refused_and_leaves_the_output),
		cmocka_unit_test(a_word_that_is_cut_is_refused),
		cmocka_unit_test(no_data_at_all_is_refused),
		cmocka_unit_test(an_address_with_dirty_padding_is_refused),
		cmocka_unit_test(a_small_integer_with_dirty_padding_is_refused),
		cmocka_unit_test(a_signed_integer_is_read_with_its_sign),
		cmocka_unit_test(an_index_above_64_bits_is_refused),
		cmocka_unit_test(a_dynamic_tuple_is_found_by_its_offset),
		cmocka_unit_test(an_offset_may_overlap_and_need_not_be_aligned),
		cmocka_unit_test(an_offset_beyond_the_data_is_refused),
		cmocka_unit_test(an_offset_to_the_end_leads_to_nothing),
		cmocka_unit_test(an_offset_above_64_bits_is_refused),
		cmocka_unit_test(the_elements_of_an_array_are_words_behind_its_count),
		cmocka_unit_test(an_empty_array_is_an_array),
		cmocka_unit_test(a_count_that_the_data_does_not_hold_is_refused),
		cmocka_unit_test(an_array_that_lacks_its_last_byte_is_refused),
		cmocka_unit_test(bytes_are_as_long_as_they_say),
		cmocka_unit_test(bytes_longer_than_the_data_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
