/*
 * What a token says of itself: from table tokens, else from the token contract through eth_call,
 * once, and kept for ever. Asks the network and writes, so never inside a transaction. A token that
 * cannot be asked now waits by itself, with a backoff of its own.
 */
#ifndef BALLAST_PROCESSOR_TOKEN_RESOLVER_H
#define BALLAST_PROCESSOR_TOKEN_RESOLVER_H

#include "base/compiler.h"
#include "processor/asked_node.h"
#include "processor/unanswered.h"
#include "store/store.h"
#include "store/tokens.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token_resolver {
	struct store *store;
	struct tokens *tokens;
	struct asked_node *node;
	struct unanswered waiting;
};

void token_resolver_open(struct token_resolver *resolver, struct store *store,
			 struct tokens *tokens, struct asked_node *node);
void token_resolver_close(struct token_resolver *resolver);

/* Begins a round of token_resolver_resolve. */
void token_resolver_begin_pass(struct token_resolver *resolver);

/*
 * Asks the chain for a token that the table does not have and whose time has come, or goes on with
 * that: it does not wait for an answer. A node on another chain than the ledger's ends the process
 * (78).
 */
void token_resolver_resolve(struct token_resolver *resolver, const struct evm_address *address);

/*
 * Without the network: OK and the token; REJECTED: the contract's answer can never be used (error
 * says why); RETRY: not known yet; one that was never asked is due at once.
 */
MUST_USE enum outcome token_resolver_find(struct token_resolver *resolver,
					  const struct evm_address *address, struct token *token,
					  struct error *error);

/*
 * Milliseconds until a token that an event of this pass waits for may be asked, or gone on with; -1
 * when none waits but for the node's answer.
 */
int64_t token_resolver_wait_ms(const struct token_resolver *resolver);

#endif
