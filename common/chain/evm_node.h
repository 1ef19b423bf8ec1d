/*
 * One question at a time to a node over HTTP: http.h carries, evm_rpc.h judges. Or several
 * dialogues beside each other, none of which waits for its answers.
 * Outcome of all: as evm_rpc.h says; RETRY with kind UNREACHABLE when the node cannot be reached.
 * RETRY of kind NONE when the process is to stop; of kind UNDER_WAY, in a dialogue, when the
 * question has been sent and the asker is to come again.
 */
#ifndef BALLAST_CHAIN_EVM_NODE_H
#define BALLAST_CHAIN_EVM_NODE_H

#include "base/compiler.h"
#include "base/settings.h"
#include "chain/evm_dialogues.h"
#include "chain/evm_rpc.h"
#include "chain/http.h"
#include "chain/pyth_trace.h"

struct evm_node {
	struct http_client *http;
	struct buffer request;
	uint64_t next_id;
	struct evm_dialogues *dialogues; /* NULL: every answer is waited for */
};

void evm_node_open(struct evm_node *node, const struct chain_settings *settings);
/* Every question is one of a dialogue then: evm_node_enter. dialogues is the caller's. */
void evm_node_open_for_dialogues(struct evm_node *node, const struct chain_settings *settings,
				 struct evm_dialogues *dialogues);
void evm_node_close(struct evm_node *node);

/*
 * The questions until leave are those of the key's dialogue: evm_dialogues.h says what that asks of
 * them. False: too many dialogues; come again when another has ended. lasting: it is not given up
 * because its asker stays away. With every answer waited for, both do nothing.
 */
MUST_USE bool evm_node_enter(struct evm_node *node, const struct evm_word *key, bool lasting);
/* outcome, error: what the run came to; of kind UNDER_WAY, the dialogue is to go on. */
void evm_node_leave(struct evm_node *node, enum outcome outcome, const struct error *error);

MUST_USE enum outcome evm_node_chain_id(struct evm_node *node, uint64_t *chain_id,
					struct error *error);
MUST_USE enum outcome evm_node_block_number(struct evm_node *node, uint64_t *block_number,
					    struct error *error);
MUST_USE enum outcome evm_node_block(struct evm_node *node, uint64_t block_number,
				     struct evm_block *block, struct error *error);
MUST_USE enum outcome evm_node_call(struct evm_node *node, const struct evm_address *to,
				    struct bytes call_data, struct buffer *result,
				    struct error *error);

/*
 * The call in the state after the block, by its hash where the node can (EIP-1898), else by its
 * number, and then the block must still have that hash. RETRY of kind BEHIND: the node does not
 * have the block; of kind ABSENT: it no longer has its state.
 */
MUST_USE enum outcome evm_node_call_at(struct evm_node *node, const struct evm_call *call,
				       struct buffer *result, struct error *error);

MUST_USE enum outcome evm_node_receipt(struct evm_node *node, const struct evm_word *tx_hash,
				       struct evm_receipt *receipt, struct evm_logs *logs,
				       struct error *error);
/* The prices that the transaction read of a Pyth contract. */
MUST_USE enum outcome evm_node_prices(struct evm_node *node, const struct evm_word *tx_hash,
				      const struct evm_address *oracle, struct pyth_prices *prices,
				      struct error *error);

/*
 * What an answer says before its result is looked at. OK: the body is to be judged by an *_answer
 * function of evm_rpc.h. A JSON-RPC error in the body of an HTTP error wins over the status and is
 * classified here, whatever its id: it can only be the answer to this request. Except 429, which is
 * RATE_LIMITED whatever the body says. An answer that is too large (our limit, or HTTP 413) is
 * RETRY with kind RANGE_TOO_LARGE.
 */
MUST_USE enum outcome evm_node_transport_outcome(const struct http_answer *answer,
						 struct error *error);

#endif
