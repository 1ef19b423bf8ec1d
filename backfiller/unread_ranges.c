/* See unread_ranges.h. The list is in order of blocks, and no two neighbours in it could be one. */
#include "backfiller/unread_ranges.h"

#include "base/log.h"

#include <inttypes.h>
#include <string.h>

static bool continues(const struct unread_range *item, const struct unread_range *next)
{
	return item->error.kind == next->error.kind && item->range.last == next->range.first - 1;
}

static void insert_at(struct unread_ranges *unread, size_t place, const struct unread_range *item)
{
	memmove(&unread->items[place + 1], &unread->items[place],
		(unread->count - place) * sizeof(unread->items[0]));
	unread->items[place] = *item;
	unread->count++;
}

static void remove_at(struct unread_ranges *unread, size_t place)
{
	unread->count--;
	memmove(&unread->items[place], &unread->items[place + 1],
		(unread->count - place) * sizeof(unread->items[0]));
}

/* What stands at place and its successor become one if they are neighbours that failed alike. */
static void join_at(struct unread_ranges *unread, size_t place)
{
	if (place + 1 >= unread->count ||
	    !continues(&unread->items[place], &unread->items[place + 1]))
		return;
	unread->items[place].range.last = unread->items[place + 1].range.last;
	remove_at(unread, place + 1);
}

bool unread_ranges_add(struct unread_ranges *unread, struct block_range range,
		       const struct error *error)
{
	const struct unread_range item = {.range = range, .error = *error};
	size_t place = 0;

	invariant(unread->count < UNREAD_RANGES_MAXIMUM);
	while (place < unread->count && unread->items[place].range.first < range.first)
		place++;
	insert_at(unread, place, &item);
	join_at(unread, place);
	if (place > 0)
		join_at(unread, place - 1);
	unread->in_a_row++;
	return unread->count < UNREAD_RANGES_MAXIMUM && unread->in_a_row < UNREAD_RANGES_IN_A_ROW;
}

void unread_ranges_progress(struct unread_ranges *unread)
{
	unread->in_a_row = 0;
}

void unread_ranges_log(const struct unread_ranges *unread)
{
	for (size_t i = 0; i < unread->count; i++) {
		const struct unread_range *item = &unread->items[i];

		log_error("blocks not read first_block=%" PRId64 " last_block=%" PRId64
			  " kind=%s reason=%s",
			  item->range.first, item->range.last, error_kind_name(item->error.kind),
			  item->error.text);
	}
}
