/*
 * Hashes, addresses and symbols to and from columns. What stands in the database was written by us:
 * a malformed one is an invariant.
 */
#ifndef BALLAST_STORE_WORDS_H
#define BALLAST_STORE_WORDS_H

#include "base/evm_types.h"
#include "store/store.h"
#include "store/symbols.h"

void statement_bind_word(struct statement *statement, const char *name,
			 const struct evm_word *word);
struct evm_word statement_word(struct statement *statement, const char *column);
struct evm_address statement_address(struct statement *statement, const char *column);
struct symbol statement_symbol(struct statement *statement, const char *column);

#endif
