/* See symbol_map.h. What is no ticker is never taken for one: a wrong hedge is worse than none. */
#include "processor/symbol_map.h"

#include "base/buffer.h"
#include "base/config.h"
#include "base/log.h"

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

static enum token_role role_of_symbol(const char *text, struct symbol *ticker)
{
	size_t length = strlen(text);

	if (strcmp(text, "USDC") == 0)
		return TOKEN_ROLE_QUOTE;
	if (strncmp(text, "wt", 2) == 0 && take_ticker(text + 2, length - 2, ticker))
		return TOKEN_ROLE_WRAPPED;
	if (text[0] == 't' && take_ticker(text + 1, length - 1, ticker))
		return TOKEN_ROLE_EQUITY;
	if ((has_suffix(text, length, "0x") || has_suffix(text, length, "s1")) &&
	    take_ticker(text, length - 2, ticker))
		return TOKEN_ROLE_EQUITY;
	return TOKEN_ROLE_OTHER;
}

/* What the right side of an entry says; EQUITY when it is for the token's own symbol to say more.
 */
static bool read_ticker(const char *text, struct mapped_token *entry)
{
	if (take_ticker(text, strlen(text), &entry->ticker)) {
		entry->role = strcmp(text, "USDC") == 0 ? TOKEN_ROLE_QUOTE : TOKEN_ROLE_EQUITY;
		return true;
	}
	entry->role = TOKEN_ROLE_WRAPPED;
	return strncmp(text, "wt", 2) == 0 &&
	       take_ticker(text + 2, strlen(text) - 2, &entry->ticker);
}

static bool same_key(const struct mapped_token *a, const struct mapped_token *b)
{
	if (a->by_address != b->by_address)
		return false;
	return a->by_address ? evm_address_equal(&a->address, &b->address)
			     : symbol_equal(&a->symbol, &b->symbol);
}

static bool refuse(const char *entry, const char *why)
{
	log_error("SYMBOL_MAP: %s entry=%s", why, entry);
	return false;
}

/* One "KEY=TICKER"; text is cut apart. */
static bool add_entry(struct symbol_map *map, char *text)
{
	struct mapped_token entry = {.by_address = false};
	char *equals = strchr(text, '=');

	if (equals == NULL)
		return refuse(text, "is not ADDRESS=TICKER or SYMBOL=TICKER");
	*equals = '\0';
	entry.by_address = evm_address_parse(text, &entry.address);
	if (!entry.by_address && (strncmp(text, "0x", 2) == 0 || !symbol_set(&entry.symbol, text)))
		return refuse(text, "neither an address of 40 hex digits nor a symbol");
	if (!read_ticker(equals + 1, &entry))
		return refuse(equals + 1, "no ticker: upper-case letters, digits, '.' and '-', at "
					  "most ten, behind wt for a wrapped share");
	if (map->count == SYMBOL_MAP_MAXIMUM)
		return refuse(text, "more entries than 256");
	for (size_t i = 0; i < map->count; i++) {
		if (same_key(&map->entries[i], &entry))
			return refuse(text, "names a token twice");
	}
	map->entries[map->count++] = entry;
	return true;
}

/* Everything between commas, blanks and ends of lines, but what stands behind a '#'. */
static bool add_entries(struct symbol_map *map, char *text)
{
	char *lines = NULL;
	bool good = true;

	for (char *line = strtok_r(text, "\r\n", &lines); line != NULL;
	     line = strtok_r(NULL, "\r\n", &lines)) {
		char *entries = NULL;

		line[strcspn(line, "#")] = '\0';
		for (char *entry = strtok_r(line, ", \t", &entries); entry != NULL;
		     entry = strtok_r(NULL, ", \t", &entries))
			good = add_entry(map, entry) && good;
	}
	return good;
}

bool symbol_map_read(struct symbol_map *map, const char *value)
{
	struct buffer text;
	bool good;

	buffer_init(&text, BUFFER_MAX_CONFIG);
	if (value[0] == '@')
		good = config_read_file(value + 1, &text);
	else
		good = buffer_append_text(&text, value);
	if (good && text.length > 0)
		good = add_entries(map, (char *)text.bytes);
	buffer_free(&text);
	return good;
}

static const struct mapped_token *find_mapped(const struct symbol_map *map,
					      const struct token *token, bool by_address)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct mapped_token *entry = &map->entries[i];

		if (entry->by_address != by_address)
			continue;
		if (by_address ? evm_address_equal(&entry->address, &token->address)
			       : symbol_equal(&entry->symbol, &token->symbol))
			return entry;
	}
	return NULL;
}

enum token_role symbol_map_role(const struct symbol_map *map, const struct token *token,
				struct symbol *ticker)
{
	const struct mapped_token *entry = find_mapped(map, token, true);
	struct symbol own;
	enum token_role role = role_of_symbol(token->symbol.text, &own);

	if (entry == NULL)
		entry = find_mapped(map, token, false);
	if (entry == NULL && map->required)
		return TOKEN_ROLE_OTHER;
	if (entry == NULL) {
		if (role == TOKEN_ROLE_EQUITY || role == TOKEN_ROLE_WRAPPED)
			*ticker = own;
		return role;
	}
	if (entry->role != TOKEN_ROLE_QUOTE)
		*ticker = entry->ticker;
	/* Whatever its ticker is: a vault's share stays one. */
	return entry->role == TOKEN_ROLE_EQUITY && role == TOKEN_ROLE_WRAPPED ? TOKEN_ROLE_WRAPPED
									      : entry->role;
}
