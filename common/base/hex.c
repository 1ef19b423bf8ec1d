/* See hex.h. */
#include "base/hex.h"

#include "base/log.h"

#include <string.h>

#define QUANTITY_DIGITS 16

/* One more than a digit's value; 0: no digit. A table, since megabytes of an answer are digits. */
static const uint8_t values[256] = {
	['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static bool digit_value(char digit, uint8_t *value)
{
	uint8_t found = values[(unsigned char)digit];

	*value = (uint8_t)(found - 1);
	return found != 0;
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
		if (!digit_value(text[i], &digit))
			return false;
		parsed = parsed << 4 | digit;
	}
	*value = parsed;
	return true;
}

bool hex_parse_byte(const char *digits, uint8_t *byte)
{
	unsigned int high = values[(unsigned char)digits[0]];
	unsigned int low = values[(unsigned char)digits[1]];

	*byte = (uint8_t)((high - 1) << 4 | (low - 1));
	return high != 0 && low != 0;
}

bool hex_parse_data_of(struct bytes text, struct buffer *bytes)
{
	const char *pairs = (const char *)text.data + 2;
	size_t before = bytes->length;
	unsigned int seen = 0;
	uint8_t *parsed;

	if (text.length < 2 || text.length % 2 != 0 || text.data[0] != '0' || text.data[1] != 'x')
		return false;
	parsed = buffer_extend(bytes, text.length / 2 - 1);
	if (parsed == NULL)
		return false;
	/* Whether all were digits is asked once: what is none sets bits above the lowest four. */
	for (size_t i = 0; i < text.length / 2 - 1; i++) {
		unsigned int high = values[(unsigned char)pairs[2 * i]] - 1U;
		unsigned int low = values[(unsigned char)pairs[2 * i + 1]] - 1U;

		parsed[i] = (uint8_t)(high << 4 | low);
		seen |= high | low;
	}
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
