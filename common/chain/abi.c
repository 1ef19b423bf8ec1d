/* See abi.h. Every position is compared with the length of what is really there before it is used.
 */
#include "chain/abi.h"

#include <string.h>

#define WORD EVM_WORD_SIZE

struct abi_tuple abi_data(struct bytes data)
{
	return (struct abi_tuple){.bytes = data};
}

/* Where head word index stands, or NULL when the data does not reach so far. */
static const uint8_t *word_at(const struct abi_tuple *tuple, size_t index)
{
	/* A division, so that no index can overflow. */
	if (index >= tuple->bytes.length / WORD)
		return NULL;
	return tuple->bytes.data + index * WORD;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

bool abi_word(const struct abi_tuple *tuple, size_t index, struct evm_word *word)
{
	const uint8_t *bytes = word_at(tuple, index);

	if (bytes == NULL)
		return false;
	memcpy(word->bytes, bytes, WORD);
	return true;
}

bool abi_address(const struct abi_tuple *tuple, size_t index, struct evm_address *address)
{
	const uint8_t *bytes = word_at(tuple, index);

	if (bytes == NULL || !is_zero(bytes, WORD - EVM_ADDRESS_SIZE))
		return false;
	memcpy(address->bytes, bytes + WORD - EVM_ADDRESS_SIZE, EVM_ADDRESS_SIZE);
	return true;
}

bool abi_uint8(const struct abi_tuple *tuple, size_t index, uint8_t *value)
{
	const uint8_t *bytes = word_at(tuple, index);

	if (bytes == NULL || !is_zero(bytes, WORD - 1))
		return false;
	*value = bytes[WORD - 1];
	return true;
}

bool abi_uint64(const struct abi_tuple *tuple, size_t index, uint64_t *value)
{
	struct evm_word word;

	return abi_word(tuple, index, &word) && evm_word_to_uint64(&word, value);
}

bool abi_int64(const struct abi_tuple *tuple, size_t index, int64_t *value)
{
	const uint8_t *bytes = word_at(tuple, index);
	uint64_t magnitude = 0;
	uint8_t sign;

	if (bytes == NULL)
		return false;
	sign = bytes[WORD - sizeof(*value)] >= 0x80 ? 0xff : 0;
	for (size_t i = 0; i < WORD - sizeof(*value); i++) {
		if (bytes[i] != sign)
			return false;
	}
	/* The bits below the sign's, inverted in a negative number: -1 - them is the value. */
	for (size_t i = WORD - sizeof(*value); i < WORD; i++)
		magnitude = magnitude << 8 | (uint8_t)(bytes[i] ^ sign);
	*value = sign == 0 ? (int64_t)magnitude : -1 - (int64_t)magnitude;
	return true;
}

bool abi_dynamic_tuple(const struct abi_tuple *tuple, size_t index, struct abi_tuple *inner)
{
	uint64_t offset;

	if (!abi_uint64(tuple, index, &offset) || offset > tuple->bytes.length)
		return false;
	inner->bytes.data = tuple->bytes.data + (size_t)offset;
	inner->bytes.length = tuple->bytes.length - (size_t)offset;
	return true;
}

/* What has its length in its first word: that length, and what lies behind it. */
static bool counted(const struct abi_tuple *tuple, size_t index, uint64_t *count,
		    struct bytes *behind)
{
	struct abi_tuple inner;

	if (!abi_dynamic_tuple(tuple, index, &inner) || !abi_uint64(&inner, 0, count))
		return false;
	behind->data = inner.bytes.data + WORD;
	behind->length = inner.bytes.length - WORD;
	return true;
}

bool abi_array(const struct abi_tuple *tuple, size_t index, size_t words_per_element,
	       struct abi_array *array)
{
	uint64_t count;
	struct bytes behind;

	if (!counted(tuple, index, &count, &behind) ||
	    count > behind.length / WORD / words_per_element)
		return false;
	array->elements = abi_data(behind);
	array->count = (size_t)count;
	return true;
}

bool abi_bytes(const struct abi_tuple *tuple, size_t index, struct bytes *bytes)
{
	uint64_t length;
	struct bytes behind;

	if (!counted(tuple, index, &length, &behind) || length > behind.length)
		return false;
	bytes->data = behind.data;
	bytes->length = (size_t)length;
	return true;
}
