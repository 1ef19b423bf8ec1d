/* Hashes to and from columns: lower-case 0x hex. A malformed one in the database is an invariant.
 */
#ifndef BALLAST_STORE_WORDS_H
#define BALLAST_STORE_WORDS_H

#include "base/evm_types.h"
#include "store/store.h"

void statement_bind_word(struct statement *statement, const char *name,
			 const struct evm_word *word);
struct evm_word statement_word(struct statement *statement, const char *column);

#endif
