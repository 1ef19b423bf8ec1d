/* Lists of logs for tests, made of the events in orderbook_vectors.h. Included after cmocka.h. */
#ifndef BALLAST_TESTS_UNIT_CHAIN_ORDERBOOK_LOGS_H
#define BALLAST_TESTS_UNIT_CHAIN_ORDERBOOK_LOGS_H

#include "base/hex.h"
#include "chain/evm_log.h"
#include "chain/orderbook_events.h"
#include "unit/chain/orderbook_vectors.h"

#include <stdlib.h>
#include <string.h>

/* Indices of orderbook_topics. */
enum topic {
	TOPIC_TAKE_ORDER,
	TOPIC_CLEAR,
	TOPIC_AFTER_CLEAR,
	TOPIC_TAKE_ORDER_V3,
	TOPIC_CLEAR_V3,
	TOPIC_AFTER_CLEAR_V2,
};

#define OWNER  0xa1
#define OTHER  0xb2
#define SENDER 0xc3
#define USDC   0xd006
#define AAPL   0xe018
#define NVDA   0xe118

static inline struct evm_address address_of(uint16_t number)
{
	struct evm_address address = {{0}};

	address.bytes[EVM_ADDRESS_SIZE - 2] = (uint8_t)(number >> 8);
	address.bytes[EVM_ADDRESS_SIZE - 1] = (uint8_t)number;
	return address;
}

static inline struct evm_word word_of(uint8_t number)
{
	struct evm_word word = {{0}};

	word.bytes[EVM_WORD_SIZE - 1] = number;
	return word;
}

/* The event's bytes in bytes, which the caller has initialised and frees. */
static inline struct bytes read_vector(enum vector vector, struct buffer *bytes)
{
	struct buffer text;

	buffer_init(&text, BUFFER_MAX_LOG_DATA);
	assert_true(buffer_append_text(&text, "0x") &&
		    buffer_append_text(&text, vector_hex(vector)));
	buffer_clear(bytes);
	assert_true(hex_parse_data(buffer_text(&text), bytes));
	buffer_free(&text);
	return (struct bytes){.data = bytes->bytes, .length = bytes->length};
}

/* A log of transaction tx in block 19 of the contract with address number 0x0b. */
static inline struct evm_log log_of(enum topic topic, uint8_t tx, uint64_t log_index)
{
	return (struct evm_log){
		.address = address_of(0x0b),
		.topics = {orderbook_topics[topic]},
		.topic_count = 1,
		.block_number = 19,
		.block_hash = word_of(0xb1),
		.tx_hash = word_of(tx),
		.log_index = log_index,
	};
}

static inline void add_vector(struct evm_logs *logs, const struct evm_log *log, enum vector vector)
{
	struct buffer bytes;

	buffer_init(&bytes, BUFFER_MAX_LOG_DATA);
	assert_true(evm_logs_add(logs, log, read_vector(vector, &bytes)));
	buffer_free(&bytes);
}

/* A copy that ends where its memory ends, so that AddressSanitizer sees every byte too far. */
static inline uint8_t *copy_exactly(struct bytes bytes)
{
	uint8_t *copy = malloc(bytes.length);

	assert_non_null(copy);
	if (bytes.length > 0)
		memcpy(copy, bytes.data, bytes.length);
	return copy;
}

#endif
