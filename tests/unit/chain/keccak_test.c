/* Known answers, and every length around the block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/keccak.h"
#include "chain/orderbook_events.h"

#include <string.h>

static struct bytes text_bytes(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

static void assert_hash(struct bytes message, const char *expected)
{
	struct evm_word hash = keccak_256(message);

	assert_string_equal(evm_word_text(&hash).text, expected);
}

/* Keccak team's ShortMsgKAT_256 (length 0), and what every EVM tool says of an ERC-20 transfer. */
static void known_texts_have_their_hashes(void **state)
{
	(void)state;
	assert_hash(text_bytes(""),
		    "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
	assert_hash(text_bytes("Transfer(address,address,uint256)"),
		    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

#define ORDER                                                                                      \
	"(address,(address,address,bytes),(address,uint8,uint256)[],(address,uint8,uint256)[],"    \
	"bytes32)"
#define ORDER_V4 "(address,(address,address,bytes),(address,bytes32)[],(address,bytes32)[],bytes32)"

/* The contract's own topics: 140 and more bytes, so more than one block is absorbed. */
static void the_orderbooks_topics_are_the_hashes_of_its_signatures(void **state)
{
	static const char *const signatures[] = {
		"TakeOrderV2(address,(" ORDER
		",uint256,uint256,(address,uint256[],bytes)[]),uint256,uint256)",
		"ClearV2(address," ORDER "," ORDER
		",(uint256,uint256,uint256,uint256,uint256,uint256))",
		"AfterClear(address,(uint256,uint256,uint256,uint256))",
		"TakeOrderV3(address,(" ORDER_V4
		",uint256,uint256,(address,bytes32[],bytes)[]),bytes32,bytes32)",
		"ClearV3(address," ORDER_V4 "," ORDER_V4
		",(uint256,uint256,uint256,uint256,bytes32,bytes32))",
		"AfterClearV2(address,(bytes32,bytes32,bytes32,bytes32))",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(signatures); i++)
		assert_hash(text_bytes(signatures[i]), evm_word_text(&orderbook_topics[i]).text);
}

/* What is asked of tokens, vaults and the oracle is known by the first four bytes. */
static void the_selectors_are_the_hashes_of_their_signatures(void **state)
{
	static const char *const pairs[][2] = {
		{"symbol()", "0x95d89b41"},
		{"decimals()", "0x313ce567"},
		{"asset()", "0x38d52e0f"},
		{"convertToAssets(uint256)", "0x07a2d13a"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		struct evm_word hash = keccak_256(text_bytes(pairs[i][0]));

		assert_memory_equal(evm_word_text(&hash).text, pairs[i][1], 10);
	}
}

/* By viem's keccak256: "a" repeated. */
static void lengths_around_a_block_are_padded_rightly(void **state)
{
	static const struct {
		size_t length;
		const char *hash;
	} vectors[] = {
		{135, "0x34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446"},
		{136, "0xa6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"},
		{137, "0xd869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39"},
		{271, "0x132f47effd6c8b1b299efa53fe68aece77ec8ae4eb2e294f668eec94f76001e1"},
		{272, "0xcf7fcd4f705ee749930d19ca84561a9bf62516bd90a471545fa2f49fdc7e63c8"},
		{273, "0x5a7b8187d2778e614097fac3097573de1fee4d972304d3360796a857029bb176"},
	};
	char message[300];

	(void)state;
	memset(message, 'a', sizeof(message));
	for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
		const struct bytes bytes = {.data = (const uint8_t *)message,
					    .length = vectors[i].length};

		assert_hash(bytes, vectors[i].hash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts_have_their_hashes),
		cmocka_unit_test(the_orderbooks_topics_are_the_hashes_of_its_signatures),
		cmocka_unit_test(the_selectors_are_the_hashes_of_their_signatures),
		cmocka_unit_test(lengths_around_a_block_are_padded_rightly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
