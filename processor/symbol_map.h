/* What a token is by its symbol. Pure. */
#ifndef BALLAST_PROCESSOR_SYMBOL_MAP_H
#define BALLAST_PROCESSOR_SYMBOL_MAP_H

#include "base/compiler.h"
#include "store/symbols.h"

enum token_role {
	TOKEN_ROLE_QUOTE,  /* exactly USDC */
	TOKEN_ROLE_EQUITY, /* a tokenized share: the ticker is known */
	TOKEN_ROLE_OTHER,  /* nothing we hedge */
};

/*
 * A tokenized symbol is a ticker with the prefix t or the suffix 0x or s1: tBRK.B, AAPL0x, NVDAs1.
 * A ticker begins with an upper-case letter and goes on with upper-case letters, digits, '.' and
 * '-', ten characters at most; so no symbol can be read in two ways. ticker is written for an
 * equity only.
 */
enum token_role symbol_map_role(const struct symbol *symbol, struct symbol *ticker);

#endif
