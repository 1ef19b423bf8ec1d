/* Table block_coverage: the proof of promise 1. Ranges are inclusive. */
#ifndef BALLAST_STORE_BLOCK_COVERAGE_H
#define BALLAST_STORE_BLOCK_COVERAGE_H

#include "base/compiler.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct block_range {
	int64_t first;
	int64_t last;
};

struct block_coverage {
	struct store *store;
	struct statement touching, remove, insert, covering, next_above, remove_above, cut, highest;
};

void block_coverage_open(struct block_coverage *coverage, struct store *store);
void block_coverage_close(struct block_coverage *coverage);

/* Adds a range and merges it with all that it overlaps or touches. Inside a transaction. */
void block_coverage_add(struct block_coverage *coverage, struct block_range range);

/* Inside a transaction: no block above block_number is covered any more. */
void block_coverage_remove_above(struct block_coverage *coverage, int64_t block_number);

/* The last covered block of all; false when none is covered. */
MUST_USE bool block_coverage_highest(struct block_coverage *coverage, int64_t *block_number);

/* The lowest gap within range, clipped to it; false when all of it is covered. */
MUST_USE bool block_coverage_first_gap(struct block_coverage *coverage, struct block_range range,
				       struct block_range *gap);

/* Blocks in range that are not covered. */
int64_t block_coverage_missing(struct block_coverage *coverage, struct block_range range);

/*
 * The last block up to which coverage is contiguous from first; first - 1 when first is not
 * covered.
 */
int64_t block_coverage_contiguous_to(struct block_coverage *coverage, int64_t first);

#endif
