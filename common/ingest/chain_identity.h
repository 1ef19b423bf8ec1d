/*
 * Which chain a node is on, and whether that is ours: chain id and genesis hash, since a chain that
 * was started anew has the same id. What the programs that put events into the queue do alike.
 */
#ifndef BALLAST_INGEST_CHAIN_IDENTITY_H
#define BALLAST_INGEST_CHAIN_IDENTITY_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "base/outcome.h"
#include "base/settings.h"
#include "chain/evm_node.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct chain_identity {
	uint64_t chain_id;
	struct evm_word genesis_hash;
};

/* Ends the process with exit 78, naming both ids, when CHAIN_ID is set and the node is on another
 * chain. */
void chain_identity_require_id(const struct chain_settings *settings, uint64_t chain_id);

/* Asks the node. Outcome: as evm_node.h says. A contradiction of CHAIN_ID ends the process (78). */
MUST_USE enum outcome chain_identity_read(struct evm_node *node,
					  const struct chain_settings *settings,
					  struct chain_identity *identity, struct error *error);

/*
 * Records chain, genesis, orderbook and owners in a new ledger; with an older one they must agree,
 * else the process ends with exit 78 and nothing was written. Outside a transaction.
 */
void chain_identity_record(struct store *store, const struct chain_identity *identity,
			   const struct chain_settings *settings);

/*
 * Both, before a node's word is taken, once a process: *is_ours is false at first, and true from
 * then on. Outcome: as chain_identity_read.
 */
MUST_USE enum outcome chain_identity_check(struct evm_node *node, struct store *store,
					   const struct chain_settings *settings, bool *is_ours,
					   struct error *error);

#endif
