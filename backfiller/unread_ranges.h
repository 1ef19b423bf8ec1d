/* What a run that comes to an end could not read, and why: for its last words. */
#ifndef BALLAST_BACKFILLER_UNREAD_RANGES_H
#define BALLAST_BACKFILLER_UNREAD_RANGES_H

#include "base/outcome.h"
#include "store/block_coverage.h"

#include <stdbool.h>
#include <stddef.h>

/* With so many, or so many in a row without one that was read, the run gives up the rest. */
#define UNREAD_RANGES_MAXIMUM  256
#define UNREAD_RANGES_IN_A_ROW 16

struct unread_range {
	struct block_range range;
	struct error error;
};

struct unread_ranges {
	struct unread_range items[UNREAD_RANGES_MAXIMUM];
	size_t count;
	size_t in_a_row;
};

/* Neighbours that failed alike become one. False when the run should give up. */
bool unread_ranges_add(struct unread_ranges *unread, struct block_range range,
		       const struct error *error);

/* A range was read in between. */
void unread_ranges_progress(struct unread_ranges *unread);

/* One error line each. */
void unread_ranges_log(const struct unread_ranges *unread);

#endif
