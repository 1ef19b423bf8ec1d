/* See hex.h. */
#include "base/hex.h"

#include "base/log.h"

#include <string.h>

#define QUANTITY_DIGITS 16
#define BLOCK_BYTES	16
#define NO_DIGIT	0xff

/* A digit's value, NO_DIGIT of anything else. Neither branch nor table: where digits stand in a row
 * the compiler takes sixteen at once, and megabytes of an answer are digits. */
static uint8_t digit_value(char digit)
{
	uint8_t number = (uint8_t)(digit - '0');
	uint8_t letter = (uint8_t)((digit | 0x20) - 'a');
	uint8_t value = letter < 6 ? (uint8_t)(letter + 10) : NO_DIGIT;

	return number < 10 ? number : value;
}

static bool has_prefix(const char *text)
{
	return text[0] == '0' && text[1] == 'x';
}

bool hex_parse_quantity(const char *text, uint64_t *value)
{
	uint64_t parsed = 0;
	size_t length;
	uint8_t digit;

	if (!has_prefix(text))
		return false;
	text += 2;
	length = strlen(text);
	if (length == 0)
		return false;
	while (length > QUANTITY_DIGITS && text[0] == '0') {
		text++;
		length--;
	}
	if (length > QUANTITY_DIGITS)
		return false;
	for (size_t i = 0; i < length; i++) {
		digit = digit_value(text[i]);
		if (digit == NO_DIGIT)
			return false;
		parsed = parsed << 4 | digit;
	}
	*value = parsed;
	return true;
}

/* What is no digit sets bits of *seen above the lowest four. */
static uint8_t pair_value(const char *digits, uint8_t *seen)
{
	uint8_t high = digit_value(digits[0]);
	uint8_t low = digit_value(digits[1]);

	*seen |= high | low;
	return (uint8_t)(high << 4 | low);
}

bool hex_parse_byte(const char *digits, uint8_t *byte)
{
	uint8_t seen = 0;

	*byte = pair_value(digits, &seen);
	return seen <= 0x0f;
}

/* BLOCK_BYTES of them, in loops of a constant length, which is what the compiler asks for. */
static void parse_block(const char *digits, uint8_t *bytes, uint8_t *seen)
{
	uint8_t values[2 * BLOCK_BYTES];

	for (size_t i = 0; i < 2 * BLOCK_BYTES; i++)
		values[i] = digit_value(digits[i]);
	for (size_t i = 0; i < 2 * BLOCK_BYTES; i++)
		*seen |= values[i];
	for (size_t i = 0; i < BLOCK_BYTES; i++)
		bytes[i] = (uint8_t)(values[2 * i] << 4 | values[2 * i + 1]);
}

bool hex_parse_data_of(struct bytes text, struct buffer *bytes)
{
	const char *pairs = (const char *)text.data + 2;
	size_t before = bytes->length;
	uint8_t seen = 0;
	uint8_t *parsed;
	size_t length, i;

	if (text.length < 2 || text.length % 2 != 0 || text.data[0] != '0' || text.data[1] != 'x')
		return false;
	length = text.length / 2 - 1;
	parsed = buffer_extend(bytes, length);
	if (parsed == NULL)
		return false;
	/* Whether all were digits is asked once, at the end. */
	for (i = 0; length - i >= BLOCK_BYTES; i += BLOCK_BYTES)
		parse_block(pairs + 2 * i, parsed + i, &seen);
	for (; i < length; i++)
		parsed[i] = pair_value(pairs + 2 * i, &seen);
	if (seen > 0x0f)
		buffer_shorten(bytes, before);
	return seen <= 0x0f;
}

bool hex_parse_data(const char *text, struct buffer *bytes)
{
	const struct bytes all = {.data = (const uint8_t *)text, .length = strlen(text)};

	return hex_parse_data_of(all, bytes);
}

bool hex_parse_fixed(const char *text, uint8_t *bytes, size_t length)
{
	uint8_t byte;

	if (!has_prefix(text) || strlen(text) != 2 + 2 * length)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!hex_parse_byte(text + 2 + 2 * i, &byte))
			return false;
	}
	for (size_t i = 0; i < length; i++) {
		/* Every pair was just seen to be right. */
		bool good = hex_parse_byte(text + 2 + 2 * i, &bytes[i]);

		invariant(good);
	}
	return true;
}

static const char digits[] = "0123456789abcdef";

bool hex_append_data(struct buffer *text, struct bytes bytes)
{
	uint8_t *added;

	/* Twice a length that exists in memory fits. */
	added = buffer_extend(text, 2 + 2 * bytes.length);
	if (added == NULL)
		return false;
	*added++ = '0';
	*added++ = 'x';
	for (size_t i = 0; i < bytes.length; i++) {
		*added++ = (uint8_t)digits[bytes.data[i] >> 4];
		*added++ = (uint8_t)digits[bytes.data[i] & 0x0f];
	}
	return true;
}

void hex_format_fixed(const uint8_t *bytes, size_t length, char *text)
{
	*text++ = '0';
	*text++ = 'x';
	for (size_t i = 0; i < length; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 0x0f];
	}
	*text = '\0';
}
