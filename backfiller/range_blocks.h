/*
 * The blocks of one range whose headers are needed, what their headers said, and which of them must
 * be asked about once more. Ascending by number. Pure.
 */
#ifndef BALLAST_BACKFILLER_RANGE_BLOCKS_H
#define BALLAST_BACKFILLER_RANGE_BLOCKS_H

#include "base/compiler.h"
#include "base/evm_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why the logs of a block are not simply believed. */
enum block_doubt {
	BLOCK_BELIEVED,
	/* Read by its hash as well, and its receipts, if the node has any: all must agree. */
	BLOCK_HAS_LOGS,
	/* Its bloom or a row of the queue says so, the answer has none: after the second answer its
	 * receipts decide, which the node must have then. */
	BLOCK_MAY_HAVE_LOGS,
};

struct range_block {
	uint64_t block_number;
	bool has_header; /* what stands below is known */
	struct evm_word block_hash;
	struct evm_word parent_hash;
	uint64_t timestamp; /* seconds since 1970 */
	bool bloom_is_zero;
	enum block_doubt doubt;
	bool read_by_hash;
	bool no_receipts; /* the node refuses to tell them */
	bool arbitrated;  /* its receipts have decided */
};

/* Owns: items. */
struct range_blocks {
	struct range_block *items;
	size_t count;
	size_t capacity;
};

void range_blocks_init(struct range_blocks *blocks);
void range_blocks_free(struct range_blocks *blocks);

/* The entry of that block; a new one without a header if there was none. Valid until the next. */
struct range_block *range_blocks_need(struct range_blocks *blocks, uint64_t block_number);
/* NULL: not needed so far. */
struct range_block *range_blocks_find(const struct range_blocks *blocks, uint64_t block_number);

/* The numbers of those without a header, the highest first, at most maximum; how many. */
size_t range_blocks_without_header(const struct range_blocks *blocks, uint64_t *numbers,
				   size_t maximum);
/* The lowest with doubts that another question can remove; NULL: there is none. */
struct range_block *range_blocks_in_doubt(const struct range_blocks *blocks);

#endif
