/*
 * Which blocks to ask for next, and how many at once. Pure: no node, no database.
 *
 * The first batch is what the configuration says. As long as nothing was too large, each that finds
 * few logs doubles the next one, up to a maximum: most blocks of a history have no event. The batch
 * shrinks to half of what a provider called too large, and grows again by half after ten batches in
 * a row that it took. Source: providers suggest ranges that they refuse as well, so the
 * size of the next one never comes from their words.
 */
#ifndef BALLAST_BACKFILLER_RANGE_PLAN_H
#define BALLAST_BACKFILLER_RANGE_PLAN_H

#include "base/compiler.h"
#include "store/block_coverage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGE_PLAN_SUCCESSES_TO_GROW 10
/* A quarter of what providers give at most. */
#define RANGE_PLAN_FEW_LOGS 2500

struct range_plan {
	int64_t batch_size; /* 1..maximum */
	int64_t first_size;
	int64_t maximum;
	bool was_too_large;	/* some batch */
	unsigned int successes; /* in a row, of whole batches */
};

/* 1 <= first_size <= maximum */
void range_plan_init(struct range_plan *plan, int64_t first_size, int64_t maximum);

/* Blocks in a range; INT64_MAX when they are more. */
int64_t block_range_count(struct block_range range);

/* The beginning of range: one batch at most. */
struct block_range range_plan_clip(const struct range_plan *plan, struct block_range range);

/*
 * The beginning of range on one side of linked_from, the first block that is not final: from there
 * on each block costs a request of its own, so pieces are small enough to be read side by side.
 */
#define RANGE_PLAN_LINKED_BLOCKS 64
struct block_range range_plan_clip_linked(struct block_range range, int64_t linked_from);

/* logs: so many were in these blocks. */
void range_plan_succeeded(struct range_plan *plan, int64_t block_count, size_t logs);
void range_plan_too_large(struct range_plan *plan, int64_t block_count);

/* The first piece of gap that lies in none of the taken ranges; false when there is none. */
MUST_USE bool range_plan_first_free(struct block_range gap, const struct block_range *taken,
				    size_t taken_count, struct block_range *piece);

#endif
