/* See pnl_book.h. */
#include "monitor/pnl_book.h"

#include "base/buffer.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct pnl_fill) == 80, "as pnl_book.h says");

void pnl_book_init(struct pnl_book *book)
{
	memset(book, 0, sizeof(*book));
}

void pnl_book_free(struct pnl_book *book)
{
	for (size_t i = 0; i < book->symbol_count; i++)
		fifo_free(&book->symbols[i].fifo);
	memory_free(book->fills);
	memset(book, 0, sizeof(*book));
}

bool pnl_book_symbol(struct pnl_book *book, const char *name, uint16_t *index)
{
	struct symbol symbol;
	size_t i = 0;
	bool valid = symbol_set(&symbol, name);

	invariant(valid);
	while (i < book->symbol_count && !symbol_equal(&book->symbols[i].name, &symbol))
		i++;
	if (i == PNL_SYMBOLS_MAXIMUM) {
		book->too_much = true;
		return false;
	}
	if (i == book->symbol_count) {
		book->symbols[i].name = symbol;
		book->symbol_count++;
	}
	*index = (uint16_t)i;
	return true;
}

static int compare_integers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_fills(const void *first, const void *second)
{
	const struct pnl_fill *a = first;
	const struct pnl_fill *b = second;
	int order = compare_integers(a->time_ms, b->time_ms);

	if (order == 0)
		order = compare_integers(a->of_broker, b->of_broker);
	if (order == 0)
		order = compare_integers(a->block_number, b->block_number);
	if (order == 0)
		order = compare_integers(a->log_index, b->log_index);
	if (order == 0)
		order = compare_integers(a->id, b->id);
	return order;
}

static bool make_room(struct pnl_book *book, size_t count)
{
	size_t capacity = book->capacity == 0 ? 1024 : book->capacity;

	if (count > PNL_FILLS_MAXIMUM - book->count)
		return false;
	/* Not doubled: a million of them is 80 MB. */
	while (capacity < book->count + count)
		capacity += capacity / 4;
	if (capacity == book->capacity)
		return true;
	book->fills = memory_grow(book->fills, book->capacity, capacity, sizeof(*book->fills));
	book->capacity = capacity;
	return true;
}

/* From the back: only those that come after an added one move. */
static void merge(struct pnl_book *book, const struct pnl_fill *added, size_t count)
{
	size_t old = book->count;

	book->count += count;
	for (size_t place = book->count; count > 0; place--) {
		if (old > 0 && compare_fills(&book->fills[old - 1], &added[count - 1]) > 0)
			book->fills[place - 1] = book->fills[--old];
		else
			book->fills[place - 1] = added[--count];
	}
	if (old < book->applied)
		book->disordered = true;
}

void pnl_book_add(struct pnl_book *book, struct pnl_fill *added, size_t count)
{
	if (!make_room(book, count)) {
		book->too_much = true;
		return;
	}
	qsort(added, count, sizeof(*added), compare_fills);
	merge(book, added, count);
}

static bool apply_fill(struct pnl_book *book, struct pnl_fill *fill)
{
	const struct fifo_fill input = {
		.direction = fill->buys ? DIRECTION_BUY : DIRECTION_SELL,
		.shares = fill->shares,
		.priced = fill->priced,
		.cash = fill->cash,
	};
	struct pnl_symbol *symbol = &book->symbols[fill->symbol];
	struct fifo_result result;

	if (!fifo_apply(&symbol->fifo, &input, &result) ||
	    !shares_add(symbol->unpriced, result.unpriced, &symbol->unpriced) ||
	    !usd_add(book->realised, result.realised, &book->realised))
		return false;
	fill->realised = result.realised;
	symbol->fills++;
	return true;
}

bool pnl_book_apply(struct pnl_book *book, size_t maximum)
{
	for (size_t i = 0; i < maximum; i++) {
		if (book->too_much || book->disordered || book->applied == book->count)
			return false;
		if (!apply_fill(book, &book->fills[book->applied]))
			book->too_much = true;
		book->applied++;
	}
	return true;
}

void pnl_book_begin_again(struct pnl_book *book)
{
	for (size_t i = 0; i < book->symbol_count; i++) {
		struct pnl_symbol *symbol = &book->symbols[i];

		fifo_free(&symbol->fifo);
		symbol->unpriced = (struct shares){0};
		symbol->fills = 0;
	}
	book->realised = (struct usd){0};
	book->applied = 0;
	book->disordered = false;
}
