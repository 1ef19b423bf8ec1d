/* Bits of addresses and topics, and what a bloom says by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hex.h"
#include "chain/logs_bloom.h"

#include <string.h>

static struct evm_address address_of(const char *text)
{
	struct evm_address address;

	assert_true(evm_address_parse(text, &address));
	return address;
}

static struct evm_word word_of(const char *text)
{
	struct evm_word word;

	assert_true(evm_word_parse(text, &word));
	return word;
}

/* By viem's keccak256: the first three pairs of bytes, each modulo 2048. */
static void an_address_has_three_bits(void **state)
{
	const struct evm_address address = address_of("0x0000000000000000000000000000000000000001");
	const struct logs_bloom_bits bits = logs_bloom_bits_of_address(&address);

	(void)state;
	assert_int_equal(bits.positions[0], 1128);
	assert_int_equal(bits.positions[1], 128);
	assert_int_equal(bits.positions[2], 1585);
}

static void what_was_added_may_be_there(void **state)
{
	const struct evm_address address = address_of("0x8a791620dd6260079bf849dc5567adc3f2fdc318");
	const struct evm_address other = address_of("0x8a791620dd6260079bf849dc5567adc3f2fdc319");
	const struct evm_word topics[] = {
		word_of("0x10de99b9032184587540c04e1850dff94a7683ae1fcc9eb06098621c739c0275"),
		word_of("0x692ee69af2843c70772be93470669f3c73e583316a047b6bfefdae5629de37ce"),
	};
	const struct logs_bloom_bits address_bits = logs_bloom_bits_of_address(&address);
	const struct logs_bloom_bits topic_bits = logs_bloom_bits_of_word(&topics[1]);
	struct logs_bloom_question question;
	struct logs_bloom bloom;

	(void)state;
	memset(&bloom, 0, sizeof(bloom));
	assert_true(logs_bloom_is_zero(&bloom));
	logs_bloom_ask(&question, &address, topics, 2);
	assert_false(logs_bloom_may_have(&bloom, &question));
	logs_bloom_add(&bloom, &address_bits);
	assert_false(logs_bloom_may_have(&bloom, &question));
	logs_bloom_add(&bloom, &topic_bits);
	assert_true(logs_bloom_may_have(&bloom, &question));
	assert_false(logs_bloom_is_zero(&bloom));
	assert_false(logs_bloom_is_full(&bloom));
	logs_bloom_ask(&question, &other, topics, 2);
	assert_false(logs_bloom_may_have(&bloom, &question));
	logs_bloom_ask(&question, &address, topics, 1);
	assert_false(logs_bloom_may_have(&bloom, &question));
}

static void more_than_half_of_the_bits_is_full(void **state)
{
	struct logs_bloom bloom;

	(void)state;
	memset(&bloom, 0x55, sizeof(bloom));
	assert_false(logs_bloom_is_full(&bloom));
	bloom.bytes[0] |= 2;
	assert_true(logs_bloom_is_full(&bloom));
}

/* A header of anvil's, whose block has two logs with these addresses and topics. */
static void a_real_bloom_has_the_bits_of_its_logs_and_no_others(void **state)
{
	static const char text[] =
		"0x00000000000000000002000000000000000000000000000000000000000000"
		"0000000000000000000000100000000000000000000000000000000000000000"
		"0000000000000000000000000800000800000000000000000000000000000000"
		"0000000800000000000000000000000000000000000000000000000010001000"
		"0000000000000000000000000000000000000000000000000000000000000000"
		"0000200000000000000000000000800000000000000000000000000000000000"
		"0000000002000000000000000000000000040000000020000000000000200000"
		"0000000000000000000004000000000000010010010000000001000000000000"
		"00";
	static const char *const addresses[] = {
		"0xdc64a140aa3e981100a9beca4e685f962f0cf6c9",
		"0x8a791620dd6260079bf849dc5567adc3f2fdc318",
	};
	static const char *const topics[] = {
		"0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
		"0x0000000000000000000000008a791620dd6260079bf849dc5567adc3f2fdc318",
		"0x00000000000000000000000070997970c51812dc3a010c7d01b50e0d17dc79c8",
		"0xebff2602b3f468259e1e99f613fed6691f3a6526effe6ef3e768ba7ae7a36c4f",
	};
	struct logs_bloom expected;
	struct logs_bloom bloom;

	(void)state;
	memset(&expected, 0, sizeof(expected));
	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
		const struct evm_address address = address_of(addresses[i]);
		const struct logs_bloom_bits bits = logs_bloom_bits_of_address(&address);

		logs_bloom_add(&expected, &bits);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(topics); i++) {
		const struct evm_word topic = word_of(topics[i]);
		const struct logs_bloom_bits bits = logs_bloom_bits_of_word(&topic);

		logs_bloom_add(&expected, &bits);
		assert_true(logs_bloom_has(&expected, &bits));
	}
	assert_true(hex_parse_fixed(text, bloom.bytes, sizeof(bloom.bytes)));
	assert_memory_equal(bloom.bytes, expected.bytes, sizeof(bloom.bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_three_bits),
		cmocka_unit_test(what_was_added_may_be_there),
		cmocka_unit_test(more_than_half_of_the_bits_is_full),
		cmocka_unit_test(a_real_bloom_has_the_bits_of_its_logs_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
