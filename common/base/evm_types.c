/* See evm_types.h. */
#include "base/evm_types.h"

#include "base/hex.h"

#include <string.h>

/* Nine decimal digits at a time: the remainder of a division by 10^9 fits 32 bits. */
#define CHUNK	     1000000000u
#define CHUNK_DIGITS 9

bool evm_address_equal(const struct evm_address *a, const struct evm_address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool evm_word_equal(const struct evm_word *a, const struct evm_word *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct evm_address_text evm_address_text(const struct evm_address *address)
{
	struct evm_address_text text = {.text = ""};

	hex_format_fixed(address->bytes, sizeof(address->bytes), text.text);
	return text;
}

struct evm_word_text evm_word_text(const struct evm_word *word)
{
	struct evm_word_text text = {.text = ""};

	hex_format_fixed(word->bytes, sizeof(word->bytes), text.text);
	return text;
}

/* Divides the big-endian number in place and returns the remainder. */
static uint32_t divide_by_chunk(struct evm_word *number)
{
	uint64_t remainder = 0;

	for (size_t i = 0; i < sizeof(number->bytes); i++) {
		uint64_t part = remainder << 8 | number->bytes[i];

		number->bytes[i] = (uint8_t)(part / CHUNK);
		remainder = part % CHUNK;
	}
	return (uint32_t)remainder;
}

struct evm_uint256_text evm_uint256_text(const struct evm_word *word)
{
	/* Filled from the end: 9 chunks of 9 digits are more than the 78 that can be. */
	char digits[9 * CHUNK_DIGITS];
	size_t start = sizeof(digits);
	struct evm_word rest = *word;
	struct evm_uint256_text text;

	for (int chunk = 0; chunk < 9; chunk++) {
		uint32_t value = divide_by_chunk(&rest);

		for (int i = 0; i < CHUNK_DIGITS; i++) {
			digits[--start] = (char)('0' + value % 10);
			value /= 10;
		}
	}
	while (start < sizeof(digits) - 1 && digits[start] == '0')
		start++;
	memcpy(text.text, digits + start, sizeof(digits) - start);
	text.text[sizeof(digits) - start] = '\0';
	return text;
}

bool evm_address_parse(const char *text, struct evm_address *address)
{
	return hex_parse_fixed(text, address->bytes, sizeof(address->bytes));
}

bool evm_word_parse(const char *text, struct evm_word *word)
{
	return hex_parse_fixed(text, word->bytes, sizeof(word->bytes));
}

bool evm_word_to_uint128(const struct evm_word *word, uint128 *value)
{
	uint128 parsed = 0;

	for (size_t i = 0; i < 16; i++) {
		if (word->bytes[i] != 0)
			return false;
	}
	for (size_t i = 16; i < 32; i++)
		parsed = parsed << 8 | word->bytes[i];
	*value = parsed;
	return true;
}

bool evm_word_to_uint64(const struct evm_word *word, uint64_t *value)
{
	uint128 wide;

	if (!evm_word_to_uint128(word, &wide) || wide > UINT64_MAX)
		return false;
	*value = (uint64_t)wide;
	return true;
}

static bool is_zero(const struct evm_word *word)
{
	static const struct evm_word zero = {{0}};

	return evm_word_equal(word, &zero);
}

unsigned int evm_word_divide_by_ten(struct evm_word *word)
{
	unsigned int remainder = 0;

	for (size_t i = 0; i < sizeof(word->bytes); i++) {
		unsigned int part = remainder << 8 | word->bytes[i];

		word->bytes[i] = (uint8_t)(part / 10);
		remainder = part % 10;
	}
	return remainder;
}

static bool multiply_by_ten(struct evm_word *word)
{
	unsigned int carry = 0;

	for (size_t i = sizeof(word->bytes); i-- > 0;) {
		unsigned int part = word->bytes[i] * 10u + carry;

		word->bytes[i] = (uint8_t)part;
		carry = part >> 8;
	}
	return carry == 0;
}

/* Zero stays zero; anything else is zero, or too large, after 78 steps. */
bool evm_word_scale(struct evm_word *word, int64_t exponent)
{
	for (; exponent > 0 && !is_zero(word); exponent--) {
		if (!multiply_by_ten(word))
			return false;
	}
	for (; exponent < 0 && !is_zero(word); exponent++)
		(void)evm_word_divide_by_ten(word);
	return true;
}
