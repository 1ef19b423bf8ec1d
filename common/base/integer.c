/* See integer.h. */
#include "base/integer.h"

bool integer_parse(const char *text, size_t length, int64_t *number)
{
	int64_t parsed = 0;

	if (length == 0)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(parsed, 10, &parsed) ||
		    __builtin_add_overflow(parsed, text[i] - '0', &parsed))
			return false;
	}
	*number = parsed;
	return true;
}
