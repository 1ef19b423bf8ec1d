/*
 * Profit and loss of all fills, first in, first out, kept in memory as they come: each fill with
 * what it realised. Fills may come in any order; one that belongs before others makes all be
 * computed again, a piece at a time, so that nobody waits for it.
 */
#ifndef BALLAST_MONITOR_PNL_BOOK_H
#define BALLAST_MONITOR_PNL_BOOK_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "monitor/fifo.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 80 bytes each. */
#define PNL_FILLS_MAXIMUM   ((size_t)2000000)
#define PNL_SYMBOLS_MAXIMUM 1000

/* The order is that of the members up to id, as in `monitor report pnl`. */
struct pnl_fill {
	int64_t time_ms;
	int64_t block_number;
	int64_t id;
	uint32_t log_index;
	uint16_t symbol;    /* index in symbols */
	bool of_broker : 1; /* counts after the chain's of the same time */
	bool priced : 1;
	bool buys : 1;
	struct shares shares;
	struct usd cash;
	struct usd realised; /* by it; of fills that are applied */
};

struct pnl_symbol {
	struct symbol name;
	struct fifo_book fifo;
	struct shares unpriced; /* closed shares whose gain is unknown */
	int64_t fills;
};

struct pnl_book {
	struct pnl_fill *fills; /* in order */
	size_t count;
	size_t capacity;
	size_t applied; /* so many of them, from the first */
	struct pnl_symbol symbols[PNL_SYMBOLS_MAXIMUM];
	size_t symbol_count;
	struct usd realised; /* of all that are applied */
	bool disordered;     /* a fill came that belongs before one that is applied */
	bool too_much; /* more fills or symbols than there is room for, or a sum that does not fit
			*/
};

void pnl_book_init(struct pnl_book *book);
void pnl_book_free(struct pnl_book *book);

/* The index for a fill of that symbol; false, and the book is too_much, when there are too many. */
MUST_USE bool pnl_book_symbol(struct pnl_book *book, const char *name, uint16_t *index);

/* Puts fills in their places. They are sorted where they are; realised need not be set. */
void pnl_book_add(struct pnl_book *book, struct pnl_fill *added, size_t count);

/* Applies at most so many. False once there is nothing left to do, which includes disorder. */
MUST_USE bool pnl_book_apply(struct pnl_book *book, size_t maximum);

/* Begins again with the first fill: what disorder asks for. */
void pnl_book_begin_again(struct pnl_book *book);

#endif
