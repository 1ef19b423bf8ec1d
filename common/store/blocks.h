/*
 * Table blocks: headers of the chain that the ledger was read from. Two neighbours are linked by
 * parent_hash. Written by the backfiller.
 */
#ifndef BALLAST_STORE_BLOCKS_H
#define BALLAST_STORE_BLOCKS_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct block_row {
	int64_t block_number;
	struct evm_word block_hash;
	struct evm_word parent_hash;
	bool finalized;
};

struct blocks {
	struct store *store;
	struct statement put, find, highest, lowest, middle, remove_above, remove_below, finalize;
};

void blocks_open(struct blocks *blocks, struct store *store);
void blocks_close(struct blocks *blocks);

/* Inside a transaction. A row that is there already must say the same; finalized is not written. */
void blocks_put(struct blocks *blocks, const struct block_row *row);

MUST_USE bool blocks_find(struct blocks *blocks, int64_t block_number, struct block_row *row);

/* The highest row at or below block_number. */
MUST_USE bool blocks_highest(struct blocks *blocks, int64_t block_number, struct block_row *row);
MUST_USE bool blocks_lowest(struct blocks *blocks, struct block_row *row);

/* The one in the middle of the rows above `above` and below `below`. */
MUST_USE bool blocks_middle(struct blocks *blocks, int64_t above, int64_t below,
			    struct block_row *row);

/* Inside a transaction: they left the chain. */
void blocks_remove_above(struct blocks *blocks, int64_t block_number);

/*
 * Inside a transaction: the highest row at or below block_number is final; all below it have done
 * their service.
 */
void blocks_finalize(struct blocks *blocks, int64_t block_number);

#endif
