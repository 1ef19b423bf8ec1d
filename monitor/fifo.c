/* See fifo.h. */
#include "monitor/fifo.h"

#include "base/buffer.h"

#include <string.h>

static bool has_lots(const struct fifo_book *book)
{
	return book->first < book->count;
}

/* Takes so many shares out of a lot, with their part of its dollars. */
static bool take_part(struct fifo_lot *from, struct shares shares, struct fifo_lot *part)
{
	part->shares = shares;
	part->priced = from->priced;
	return usd_part(from->cash, shares, from->shares, &part->cash) &&
	       usd_subtract(from->cash, part->cash, &from->cash) &&
	       shares_subtract(from->shares, shares, &from->shares);
}

/* What closing opened (of side) by closing earned. */
static bool add_gain(enum direction side, const struct fifo_lot *opened,
		     const struct fifo_lot *closing, struct fifo_result *result)
{
	const struct fifo_lot *sold = side == DIRECTION_BUY ? closing : opened;
	const struct fifo_lot *bought = side == DIRECTION_BUY ? opened : closing;
	struct usd gain;

	if (!opened->priced || !closing->priced)
		return shares_add(result->unpriced, opened->shares, &result->unpriced);
	return usd_subtract(sold->cash, bought->cash, &gain) &&
	       usd_add(result->realised, gain, &result->realised);
}

static bool close_oldest(struct fifo_book *book, struct fifo_lot *rest, struct fifo_result *result)
{
	struct fifo_lot *oldest = &book->lots[book->first];
	const struct shares shares = shares_minimum(oldest->shares, rest->shares);
	struct fifo_lot opened;
	struct fifo_lot closing;

	if (!take_part(oldest, shares, &opened) || !take_part(rest, shares, &closing))
		return false;
	if (shares_is_zero(oldest->shares))
		book->first++;
	return add_gain(book->side, &opened, &closing, result);
}

/* Closed lots are dropped before the array grows: it is as long as the most lots that were open. */
static void open_lot(struct fifo_book *book, const struct fifo_lot *lot)
{
	if (book->count == book->capacity && book->first > 0) {
		book->count -= book->first;
		memmove(book->lots, book->lots + book->first, book->count * sizeof(*book->lots));
		book->first = 0;
	}
	if (book->count == book->capacity) {
		const size_t capacity = book->capacity == 0 ? 16 : book->capacity * 2;

		book->lots = memory_grow(book->lots, book->capacity, capacity, sizeof(*lot));
		book->capacity = capacity;
	}
	book->lots[book->count++] = *lot;
}

static bool count_in(struct fifo_book *book, const struct fifo_fill *fill)
{
	return fill->direction == DIRECTION_BUY
		       ? shares_add(book->net, fill->shares, &book->net)
		       : shares_subtract(book->net, fill->shares, &book->net);
}

bool fifo_apply(struct fifo_book *book, const struct fifo_fill *fill, struct fifo_result *result)
{
	struct fifo_lot rest = {fill->shares, fill->priced, fill->cash};

	memset(result, 0, sizeof(*result));
	while (has_lots(book) && book->side != fill->direction && !shares_is_zero(rest.shares)) {
		if (!close_oldest(book, &rest, result))
			return false;
	}
	if (!shares_is_zero(rest.shares)) {
		book->side = fill->direction;
		open_lot(book, &rest);
	}
	return count_in(book, fill) && usd_add(book->realised, result->realised, &book->realised);
}

void fifo_free(struct fifo_book *book)
{
	memory_free(book->lots);
	memset(book, 0, sizeof(*book));
}
