/* See unread_ranges.h. */
#include "backfiller/unread_ranges.h"

#include "base/log.h"

#include <inttypes.h>

static bool extend(struct unread_range *item, struct block_range range, enum error_kind kind)
{
	if (item->error.kind != kind)
		return false;
	if (range.first > 0 && item->range.last == range.first - 1)
		item->range.last = range.last;
	else if (item->range.first > 0 && range.last == item->range.first - 1)
		item->range.first = range.first;
	else
		return false;
	return true;
}

bool unread_ranges_add(struct unread_ranges *unread, struct block_range range,
		       const struct error *error)
{
	bool extended = false;

	invariant(unread->count < UNREAD_RANGES_MAXIMUM);
	for (size_t i = 0; i < unread->count && !extended; i++)
		extended = extend(&unread->items[i], range, error->kind);
	if (!extended)
		unread->items[unread->count++] =
			(struct unread_range){.range = range, .error = *error};
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
