/*
 * What a token says of itself: from table tokens, else from the token contract through eth_call,
 * once, and kept for ever. Asks the network, so never inside a transaction. A token that cannot be
 * asked now waits by itself, with a backoff of its own.
 */
#ifndef BALLAST_PROCESSOR_TOKEN_RESOLVER_H
#define BALLAST_PROCESSOR_TOKEN_RESOLVER_H

#include "base/compiler.h"
#include "base/settings.h"
#include "chain/evm_node.h"
#include "processor/unanswered.h"
#include "store/store.h"
#include "store/tokens.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token_resolver {
	struct store *store;
	struct tokens *tokens;
	const struct chain_settings *settings;
	struct evm_node node;
	bool node_is_ours; /* its chain id and genesis were compared with the ledger's */
	struct unanswered waiting;
};

void token_resolver_open(struct token_resolver *resolver, struct store *store,
			 struct tokens *tokens, const struct chain_settings *settings);
void token_resolver_close(struct token_resolver *resolver);

/*
 * Begins a round of token_resolver_resolve. In each, every new token is asked, and those that
 * failed before until one fails again: a node that does not answer then costs one time-out a round,
 * and events that need no token go on between the rounds.
 */
void token_resolver_begin_pass(struct token_resolver *resolver);

/*
 * Asks the chain for a token that the table does not have and whose time has come. A node on
 * another chain than the ledger's ends the process (78).
 */
void token_resolver_resolve(struct token_resolver *resolver, const struct evm_address *address);

/*
 * Without the network: OK and the token; REJECTED: the contract's answer can never be used (error
 * says why); RETRY: not known yet; one that was never asked is due at once.
 */
MUST_USE enum outcome token_resolver_find(struct token_resolver *resolver,
					  const struct evm_address *address, struct token *token,
					  struct error *error);

/* The node, for other questions about the chain, once it is known to be on the ledger's. */
MUST_USE enum outcome token_resolver_node(struct token_resolver *resolver, struct evm_node **node,
					  struct error *error);

/*
 * Milliseconds until a token that an event of this pass waits for may be asked again; -1 when none
 * waits.
 */
int64_t token_resolver_wait_ms(const struct token_resolver *resolver);

#endif
