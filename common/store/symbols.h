/* The two small words that many tables share: a symbol and a side. */
#ifndef BALLAST_STORE_SYMBOLS_H
#define BALLAST_STORE_SYMBOLS_H

#include "base/compiler.h"

#include <stdbool.h>

/* A token's symbol as on chain, or a ticker: printable ASCII, at most 32 characters. */
#define SYMBOL_SIZE 33

struct symbol {
	char text[SYMBOL_SIZE];
};

enum direction {
	DIRECTION_BUY,
	DIRECTION_SELL,
};

/* 'BUY', 'SELL' */
const char *direction_name(enum direction direction);
enum direction direction_opposite(enum direction direction);
/* The word in SQL; any other is an invariant. */
enum direction direction_from_name(const char *name);

/* False: empty, longer than 32, or a byte outside printable ASCII (a space included). */
MUST_USE bool symbol_set(struct symbol *symbol, const char *text);
bool symbol_equal(const struct symbol *a, const struct symbol *b);

#endif
