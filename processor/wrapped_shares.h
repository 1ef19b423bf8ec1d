/*
 * What shares of an ERC-4626 vault were worth in the block of their fill: from the tables, else by
 * convertToAssets in the state after that block, once, and kept for ever. Asks the network, so
 * never inside a transaction. What cannot be asked now waits by itself, with a backoff of its own.
 */
#ifndef BALLAST_PROCESSOR_WRAPPED_SHARES_H
#define BALLAST_PROCESSOR_WRAPPED_SHARES_H

#include "base/compiler.h"
#include "processor/token_resolver.h"
#include "processor/trade_decoder.h"
#include "processor/unanswered.h"
#include "store/store.h"
#include "store/vaults.h"

#include <stdbool.h>
#include <stdint.h>

struct wrapped_shares {
	struct store *store;
	struct token_resolver *resolver; /* whose node is asked */
	struct vaults vaults;
	struct unanswered waiting;
	bool failed; /* in this pass: the rest waits for the next */
};

/* The block of a fill. */
struct fill_block {
	struct evm_word hash;
	int64_t number;
};

void wrapped_shares_open(struct wrapped_shares *wrapped, struct store *store,
			 struct token_resolver *resolver);
void wrapped_shares_close(struct wrapped_shares *wrapped);

/* Begins a round of wrapped_shares_resolve, which ends with the first question that fails: a node
 * that does not answer costs one time-out a round. */
void wrapped_shares_begin_pass(struct wrapped_shares *wrapped);

/* Asks for those of the amounts that the tables do not have and whose time has come. True when
 * something was learned, be it a refusal. */
bool wrapped_shares_resolve(struct wrapped_shares *wrapped, const struct fill_block *block,
			    const struct wrapped_amounts *amounts);

/*
 * Without the network: OK, and what each amount is worth; REJECTED: a vault that refuses, or a node
 * that no longer has the block's state (error says so); RETRY: not known yet.
 */
MUST_USE enum outcome wrapped_shares_find(struct wrapped_shares *wrapped,
					  const struct fill_block *block,
					  struct wrapped_amounts *amounts, struct error *error);

/* Milliseconds until one that an event waits for may be asked again; -1 when none waits. */
int64_t wrapped_shares_wait_ms(const struct wrapped_shares *wrapped);

#endif
