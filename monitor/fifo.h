/*
 * First in, first out: what was earned on one symbol, exactly. A fill first closes the oldest open
 * lots of the other side, then opens a lot with what is left of it. Money is never divided: each
 * lot keeps the dollars it is worth, a part of it takes its share rounded towards zero, and the
 * rest stays. So what was realised and what is still open always add up to the dollars that changed
 * hands.
 */
#ifndef BALLAST_MONITOR_FIFO_H
#define BALLAST_MONITOR_FIFO_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stddef.h>

struct fifo_fill {
	enum direction direction;
	struct shares shares;
	bool priced;	 /* false: nobody knows what it was worth (equity against equity) */
	struct usd cash; /* dollars paid or received, not negative; of all shares together */
};

struct fifo_lot {
	struct shares shares;
	bool priced;
	struct usd cash;
};

/* All open lots are of one side. Start with all zero; end with fifo_free. */
struct fifo_book {
	enum direction side;
	struct fifo_lot *lots;
	size_t first; /* lots before it are closed */
	size_t count; /* lots, the closed ones included */
	size_t capacity;
	struct shares net;   /* shares in open lots, long positive */
	struct usd realised; /* in all */
};

struct fifo_result {
	struct usd realised;	/* by this fill */
	struct shares unpriced; /* closed shares whose gain is unknown, and not in realised */
};

/* False: an amount or a sum does not fit; the book is then of no use any more. */
MUST_USE bool fifo_apply(struct fifo_book *book, const struct fifo_fill *fill,
			 struct fifo_result *result);

void fifo_free(struct fifo_book *book);

#endif
