/* What a token is: by the operator's map, else by its symbol. Pure, but for reading the map's file.
 */
#ifndef BALLAST_PROCESSOR_SYMBOL_MAP_H
#define BALLAST_PROCESSOR_SYMBOL_MAP_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "store/symbols.h"
#include "store/tokens.h"

#include <stdbool.h>
#include <stddef.h>

enum token_role {
	TOKEN_ROLE_QUOTE,   /* exactly USDC */
	TOKEN_ROLE_EQUITY,  /* a tokenized share: the ticker is known */
	TOKEN_ROLE_WRAPPED, /* a share of an ERC-4626 vault that holds tokenized shares of the
			       ticker */
	TOKEN_ROLE_OTHER,   /* nothing we hedge */
};

#define SYMBOL_MAP_MAXIMUM 256

struct mapped_token {
	bool by_address;
	struct evm_address address;
	struct symbol symbol; /* as on chain */
	enum token_role role;
	struct symbol ticker;
};

/* All zero: an empty one, which requires nothing. */
struct symbol_map {
	struct mapped_token entries[SYMBOL_MAP_MAXIMUM];
	size_t count;
	bool required; /* what it does not name is nothing we hedge */
};

/*
 * The value of SYMBOL_MAP: "KEY=TICKER,..." or "@FILE" with one or more of them a line, '#' begins
 * a comment. KEY: a token's address or its symbol on chain. TICKER: "USDC" is the dollar; "wtAAPL",
 * or "AAPL" for a symbol that begins with wt, is a wrapped share. False after logging what is
 * wrong.
 */
MUST_USE bool symbol_map_read(struct symbol_map *map, const char *value);

/*
 * A token the map names is what the map says, by its address before its symbol. Otherwise a
 * tokenized symbol is a ticker with the prefix t or wt (wrapped) or the suffix 0x or s1: tBRK.B,
 * wtBRK.B, AAPL0x, NVDAs1. A ticker begins with an upper-case letter and goes on with upper-case
 * letters, digits, '.' and '-', ten characters at most; so no symbol can be read in two ways.
 * ticker is written for equity and wrapped only.
 */
enum token_role symbol_map_role(const struct symbol_map *map, const struct token *token,
				struct symbol *ticker);

#endif
