/* Table price_feeds: which Pyth feed is a ticker's. */
#ifndef BALLAST_STORE_PRICE_FEEDS_H
#define BALLAST_STORE_PRICE_FEEDS_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "store/store.h"
#include "store/symbols.h"

#include <stdbool.h>

struct price_feeds {
	struct store *store;
	struct statement find, find_symbol, learn, set;
};

void price_feeds_open(struct price_feeds *feeds, struct store *store);
void price_feeds_close(struct price_feeds *feeds);

MUST_USE bool price_feeds_find(struct price_feeds *feeds, const struct symbol *symbol,
			       struct evm_word *feed);
/* A ticker whose feed it is; false: nobody's. */
MUST_USE bool price_feeds_symbol(struct price_feeds *feeds, const struct evm_word *feed,
				 struct symbol *symbol);

/* Inside a transaction. A ticker that has a feed keeps it. */
void price_feeds_learn(struct price_feeds *feeds, const struct symbol *symbol,
		       const struct evm_word *feed);
/* An operator's word, in the place of whatever was known. */
void price_feeds_set(struct price_feeds *feeds, const struct symbol *symbol,
		     const struct evm_word *feed);

#endif
