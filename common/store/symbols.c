/* Symbols and sides, as they stand in columns. */
#include "store/symbols.h"

#include "base/log.h"

#include <string.h>

const char *direction_name(enum direction direction)
{
	switch (direction) {
	case DIRECTION_BUY:
		return "BUY";
	case DIRECTION_SELL:
		return "SELL";
	}
	invariant_unreachable("direction");
}

enum direction direction_opposite(enum direction direction)
{
	switch (direction) {
	case DIRECTION_BUY:
		return DIRECTION_SELL;
	case DIRECTION_SELL:
		return DIRECTION_BUY;
	}
	invariant_unreachable("direction");
}

enum direction direction_from_name(const char *name)
{
	if (name != NULL && strcmp(name, "BUY") == 0)
		return DIRECTION_BUY;
	if (name != NULL && strcmp(name, "SELL") == 0)
		return DIRECTION_SELL;
	invariant_unreachable("direction name");
}

bool symbol_set(struct symbol *symbol, const char *text)
{
	size_t length = strnlen(text, SYMBOL_SIZE);

	if (length == 0 || length >= SYMBOL_SIZE)
		return false;
	for (size_t i = 0; i < length; i++) {
		/* '!' to '~': no isprint, which asks the locale. */
		if (text[i] < '!' || text[i] > '~')
			return false;
	}
	memset(symbol, 0, sizeof(*symbol));
	memcpy(symbol->text, text, length);
	return true;
}

bool symbol_equal(const struct symbol *a, const struct symbol *b)
{
	return strcmp(a->text, b->text) == 0;
}
