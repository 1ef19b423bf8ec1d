/* See percent.h. */
#include "net/percent.h"

#include "base/hex.h"

#include <stdint.h>

bool percent_decode(const char *value, size_t length, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		uint8_t byte = (uint8_t)value[i];

		if (value[i] == '%') {
			if (length - i < 3 || !hex_parse_byte(value + i + 1, &byte))
				return false;
			i += 2;
		}
		if (byte <= ' ' || byte > '~' || used + 1 >= size)
			return false;
		text[used++] = (char)byte;
	}
	text[used] = '\0';
	return used > 0;
}
