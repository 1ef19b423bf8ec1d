/* Which chain a node is on. The comparison with the ledger is store_identify's. */
#include "ingest/chain_identity.h"

#include "base/log.h"

#include <inttypes.h>

#define GENESIS_BLOCK 0

void chain_identity_require_id(const struct chain_settings *settings, uint64_t chain_id)
{
	if (settings->chain_id != 0 && (uint64_t)settings->chain_id != chain_id)
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "wrong chain: CHAIN_ID says %" PRId64 ", the node is on %" PRIu64,
		      settings->chain_id, chain_id);
}

enum outcome chain_identity_read(struct evm_node *node, const struct chain_settings *settings,
				 struct chain_identity *identity, struct error *error)
{
	struct chain_identity read = {.chain_id = 0};
	struct evm_block genesis;
	enum outcome outcome = evm_node_chain_id(node, &read.chain_id, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	chain_identity_require_id(settings, read.chain_id);
	outcome = evm_node_block(node, GENESIS_BLOCK, &genesis, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	read.genesis_hash = genesis.hash;
	*identity = read;
	return OUTCOME_OK;
}

void chain_identity_record(struct store *store, const struct chain_identity *identity,
			   const struct chain_settings *settings)
{
	const struct store_identity ledger = {
		.chain_id = &identity->chain_id,
		.genesis_hash = &identity->genesis_hash,
		.orderbook = &settings->orderbook,
		.owners = &settings->owners,
	};

	store_identify(store, &ledger);
}

enum outcome chain_identity_check(struct evm_node *node, struct store *store,
				  const struct chain_settings *settings, bool *is_ours,
				  struct error *error)
{
	struct chain_identity identity;
	enum outcome outcome;

	if (*is_ours)
		return OUTCOME_OK;
	outcome = chain_identity_read(node, settings, &identity, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	chain_identity_record(store, &identity, settings);
	*is_ours = true;
	return OUTCOME_OK;
}
