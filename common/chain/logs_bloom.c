/* See logs_bloom.h. Bit 0 is the lowest of the last byte. */
#include "chain/logs_bloom.h"

#include "base/log.h"
#include "chain/keccak.h"

#define BITS (8 * LOGS_BLOOM_SIZE)

static struct logs_bloom_bits bits_of(struct bytes value)
{
	struct evm_word hash = keccak_256(value);
	struct logs_bloom_bits bits;

	for (size_t i = 0; i < ARRAY_LENGTH(bits.positions); i++) {
		unsigned int pair = (unsigned int)hash.bytes[2 * i] << 8 | hash.bytes[2 * i + 1];

		bits.positions[i] = (uint16_t)(pair % BITS);
	}
	return bits;
}

struct logs_bloom_bits logs_bloom_bits_of_address(const struct evm_address *address)
{
	return bits_of((struct bytes){.data = address->bytes, .length = sizeof(address->bytes)});
}

struct logs_bloom_bits logs_bloom_bits_of_word(const struct evm_word *word)
{
	return bits_of((struct bytes){.data = word->bytes, .length = sizeof(word->bytes)});
}

static size_t byte_of(uint16_t position)
{
	return LOGS_BLOOM_SIZE - 1 - position / 8;
}

void logs_bloom_add(struct logs_bloom *bloom, const struct logs_bloom_bits *bits)
{
	for (size_t i = 0; i < ARRAY_LENGTH(bits->positions); i++) {
		uint16_t position = bits->positions[i];

		bloom->bytes[byte_of(position)] |= (uint8_t)(1U << (position % 8));
	}
}

bool logs_bloom_has(const struct logs_bloom *bloom, const struct logs_bloom_bits *bits)
{
	for (size_t i = 0; i < ARRAY_LENGTH(bits->positions); i++) {
		uint16_t position = bits->positions[i];

		if ((bloom->bytes[byte_of(position)] & (1U << (position % 8))) == 0)
			return false;
	}
	return true;
}

static int bits_set(const struct logs_bloom *bloom)
{
	int count = 0;

	for (size_t i = 0; i < LOGS_BLOOM_SIZE; i++)
		count += __builtin_popcount(bloom->bytes[i]);
	return count;
}

bool logs_bloom_is_zero(const struct logs_bloom *bloom)
{
	return bits_set(bloom) == 0;
}

bool logs_bloom_is_full(const struct logs_bloom *bloom)
{
	return bits_set(bloom) > BITS / 2;
}

void logs_bloom_ask(struct logs_bloom_question *question, const struct evm_address *address,
		    const struct evm_word *topics, size_t topic_count)
{
	invariant(topic_count >= 1 && topic_count <= ARRAY_LENGTH(question->topics));
	question->address = logs_bloom_bits_of_address(address);
	for (size_t i = 0; i < topic_count; i++)
		question->topics[i] = logs_bloom_bits_of_word(&topics[i]);
	question->topic_count = topic_count;
}

bool logs_bloom_may_have(const struct logs_bloom *bloom, const struct logs_bloom_question *question)
{
	if (!logs_bloom_has(bloom, &question->address))
		return false;
	for (size_t i = 0; i < question->topic_count; i++) {
		if (logs_bloom_has(bloom, &question->topics[i]))
			return true;
	}
	return false;
}
