/* See hex.h. */
#include "base/hex.h"

#include <string.h>

#define QUANTITY_DIGITS 16

static bool digit_value(char digit, uint8_t *value)
{
	if (digit >= '0' && digit <= '9')
		*value = (uint8_t)(digit - '0');
	else if (digit >= 'a' && digit <= 'f')
		*value = (uint8_t)(digit - 'a' + 10);
	else if (digit >= 'A' && digit <= 'F')
		*value = (uint8_t)(digit - 'A' + 10);
	else
		return false;
	return true;
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

static bool parse_byte(const char *digits, uint8_t *byte)
{
	uint8_t high;
	uint8_t low;

	if (!digit_value(digits[0], &high) || !digit_value(digits[1], &low))
		return false;
	*byte = (uint8_t)(high << 4 | low);
	return true;
}

bool hex_parse_data(const char *text, struct buffer *bytes)
{
	size_t before = bytes->length;
	size_t length;

	if (!has_prefix(text))
		return false;
	text += 2;
	length = strlen(text);
	if (length % 2 != 0)
		return false;
	for (size_t i = 0; i < length; i += 2) {
		uint8_t byte;

		if (!parse_byte(text + i, &byte) || !buffer_append(bytes, &byte, 1)) {
			bytes->length = before;
			if (bytes->bytes != NULL)
				bytes->bytes[before] = '\0';
			return false;
		}
	}
	return true;
}

bool hex_parse_fixed(const char *text, uint8_t *bytes, size_t length)
{
	uint8_t byte;

	if (!has_prefix(text) || strlen(text) != 2 + 2 * length)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!parse_byte(text + 2 + 2 * i, &byte))
			return false;
	}
	/* Every pair was just seen to be right. */
	for (size_t i = 0; i < length; i++)
		(void)parse_byte(text + 2 + 2 * i, &bytes[i]);
	return true;
}

static const char digits[] = "0123456789abcdef";

bool hex_append_data(struct buffer *text, struct bytes bytes)
{
	size_t before = text->length;

	if (!buffer_append_text(text, "0x"))
		return false;
	for (size_t i = 0; i < bytes.length; i++) {
		const char pair[2] = {digits[bytes.data[i] >> 4], digits[bytes.data[i] & 0x0f]};

		if (!buffer_append(text, pair, sizeof(pair))) {
			text->length = before;
			text->bytes[before] = '\0';
			return false;
		}
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
