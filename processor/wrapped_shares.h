/*
 * What shares of an ERC-4626 vault were worth in the block of their fill: from the tables, else by
 * convertToAssets in the state after that block, once, and kept for ever. Asks the network and
 * writes, so never inside a transaction. What cannot be asked now waits by itself, with a backoff
 * of its own.
 */
#ifndef BALLAST_PROCESSOR_WRAPPED_SHARES_H
#define BALLAST_PROCESSOR_WRAPPED_SHARES_H

#include "base/compiler.h"
#include "processor/asked_node.h"
#include "processor/trade_decoder.h"
#include "processor/unanswered.h"
#include "store/store.h"
#include "store/vaults.h"

#include <stdbool.h>
#include <stdint.h>

struct wrapped_shares {
	struct store *store;
	struct asked_node *node;
	struct vaults vaults;
	struct unanswered waiting;
};

/* The block of a fill. */
struct fill_block {
	struct evm_word hash;
	int64_t number;
};

void wrapped_shares_open(struct wrapped_shares *wrapped, struct store *store,
			 struct asked_node *node);
void wrapped_shares_close(struct wrapped_shares *wrapped);

/* Begins a round of wrapped_shares_resolve. */
void wrapped_shares_begin_pass(struct wrapped_shares *wrapped);

/* Asks for those of the amounts that the tables do not have and whose time has come, or goes on
 * with that: it does not wait for an answer. */
void wrapped_shares_resolve(struct wrapped_shares *wrapped, const struct fill_block *block,
			    const struct wrapped_amounts *amounts);

/*
 * Without the network: OK, and what each amount is worth; REJECTED: a vault that refuses, or a node
 * that no longer has the block's state (error says so); RETRY: not known yet.
 */
MUST_USE enum outcome wrapped_shares_find(struct wrapped_shares *wrapped,
					  const struct fill_block *block,
					  struct wrapped_amounts *amounts, struct error *error);

/* Milliseconds until one that an event of this pass waits for may be asked, or gone on with; -1
 * when none waits but for the node's answer. */
int64_t wrapped_shares_wait_ms(const struct wrapped_shares *wrapped);

#endif
