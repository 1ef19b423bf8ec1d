/* See orderbook_float.h. Bytes are taken as unsigned throughout: no sign can overflow. */
#include "chain/orderbook_float.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXPONENT_SIZE	 4
#define COEFFICIENT_SIGN 0x80

bool orderbook_float_is_negative(const struct evm_word *word)
{
	return (word->bytes[EXPONENT_SIZE] & COEFFICIENT_SIGN) != 0;
}

static int32_t exponent_of(const struct evm_word *word)
{
	int64_t exponent = 0;

	for (size_t i = 0; i < EXPONENT_SIZE; i++)
		exponent = exponent * 256 + word->bytes[i];
	return (int32_t)(exponent > INT32_MAX ? exponent - ((int64_t)1 << 32) : exponent);
}

/* Two's complement of the last 28 bytes: all their bits inverted, plus one. */
static void negate(struct evm_word *word)
{
	unsigned int carry = 1;

	for (size_t i = sizeof(word->bytes); i-- > EXPONENT_SIZE;) {
		unsigned int byte = (word->bytes[i] ^ 0xffu) + carry;

		word->bytes[i] = (uint8_t)byte;
		carry = byte >> 8;
	}
}

/* |coefficient|, at most 2^223. */
static struct evm_word magnitude_of(const struct evm_word *word)
{
	struct evm_word magnitude = *word;

	if (orderbook_float_is_negative(word))
		negate(&magnitude);
	memset(magnitude.bytes, 0, EXPONENT_SIZE);
	return magnitude;
}

bool orderbook_float_to_shares(const struct evm_word *word, struct shares *value)
{
	const struct evm_word magnitude = magnitude_of(word);

	return !orderbook_float_is_negative(word) &&
	       shares_from_scientific(&magnitude, exponent_of(word), value);
}

bool orderbook_float_to_usd(const struct evm_word *word, struct usd *value)
{
	const struct evm_word magnitude = magnitude_of(word);

	return !orderbook_float_is_negative(word) &&
	       usd_from_scientific(&magnitude, exponent_of(word), value);
}

bool orderbook_float_to_token(const struct evm_word *word, uint8_t decimals, struct evm_word *raw)
{
	struct evm_word scaled = magnitude_of(word);

	if (orderbook_float_is_negative(word) ||
	    !evm_word_scale(&scaled, (int64_t)exponent_of(word) + decimals))
		return false;
	*raw = scaled;
	return true;
}

struct orderbook_float_text orderbook_float_text(const struct evm_word *word)
{
	const struct evm_word magnitude = magnitude_of(word);
	struct orderbook_float_text text = {.text = ""};

	(void)snprintf(text.text, sizeof(text.text), "%s%se%" PRId32,
		       orderbook_float_is_negative(word) ? "-" : "",
		       evm_uint256_text(&magnitude).text, exponent_of(word));
	return text;
}
