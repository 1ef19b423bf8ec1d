/* Table tokens: what a token contract said of itself, kept for ever. */
#ifndef BALLAST_STORE_TOKENS_H
#define BALLAST_STORE_TOKENS_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "store/store.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stdint.h>

struct token {
	struct evm_address address;
	struct symbol symbol;
	uint8_t decimals;
};

/* Every event asks for its tokens several times, and an owner trades a few dozen. */
#define TOKENS_REMEMBERED 64

struct tokens {
	struct store *store;
	struct statement find, all, insert;
	bool inserted; /* in the open transaction, perhaps, which may still be taken back */
	/* Rows that were found, which never change, by address; no symbol: none. */
	struct token remembered[TOKENS_REMEMBERED];
};

void tokens_open(struct tokens *tokens, struct store *store);
void tokens_close(struct tokens *tokens);

MUST_USE bool tokens_find(struct tokens *tokens, const struct evm_address *address,
			  struct token *token);
/* One after another, by address; false at the end, and then from the beginning again. */
MUST_USE bool tokens_next(struct tokens *tokens, struct token *token);
/* Knowing it already is harmless. Inside a transaction. */
void tokens_insert(struct tokens *tokens, const struct token *token);

#endif
