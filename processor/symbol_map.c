/* See symbol_map.h. */
#include "processor/symbol_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define TICKER_MAXIMUM 10

static bool is_upper(char byte)
{
	return byte >= 'A' && byte <= 'Z';
}

static bool is_ticker(const char *text, size_t length)
{
	if (length == 0 || length > TICKER_MAXIMUM || !is_upper(text[0]))
		return false;
	for (size_t i = 1; i < length; i++) {
		bool is_digit = text[i] >= '0' && text[i] <= '9';

		if (!is_upper(text[i]) && !is_digit && text[i] != '.' && text[i] != '-')
			return false;
	}
	return true;
}

static bool take_ticker(const char *text, size_t length, struct symbol *ticker)
{
	if (!is_ticker(text, length))
		return false;
	memcpy(ticker->text, text, length);
	ticker->text[length] = '\0';
	return true;
}

static bool has_suffix(const char *text, size_t length, const char *suffix)
{
	return length > 2 && memcmp(text + length - 2, suffix, 2) == 0;
}

enum token_role symbol_map_role(const struct symbol *symbol, struct symbol *ticker)
{
	const char *text = symbol->text;
	size_t length = strlen(text);

	if (strcmp(text, "USDC") == 0)
		return TOKEN_ROLE_QUOTE;
	if (text[0] == 't' && take_ticker(text + 1, length - 1, ticker))
		return TOKEN_ROLE_EQUITY;
	if ((has_suffix(text, length, "0x") || has_suffix(text, length, "s1")) &&
	    take_ticker(text, length - 2, ticker))
		return TOKEN_ROLE_EQUITY;
	return TOKEN_ROLE_OTHER;
}
