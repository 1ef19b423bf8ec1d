/*
 * The node that the processor asks about tokens, vaults and fills: several questions at once, of
 * which none is waited for, and none before the node is known to be on the ledger's chain.
 */
#ifndef BALLAST_PROCESSOR_ASKED_NODE_H
#define BALLAST_PROCESSOR_ASKED_NODE_H

#include "base/compiler.h"
#include "base/settings.h"
#include "chain/evm_node.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct asked_node {
	struct evm_node node;
	struct evm_dialogues dialogues;
	struct store *store;
	const struct chain_settings *settings;
	bool is_ours; /* its chain id and genesis were compared with the ledger's */
};

void asked_node_open(struct asked_node *asked, struct store *store,
		     const struct chain_settings *settings);
/* Each question is waited for: for who has nothing else to do. */
void asked_node_open_waiting(struct asked_node *asked, struct store *store,
			     const struct chain_settings *settings);
void asked_node_close(struct asked_node *asked);

/*
 * The run of a sequence of questions begins: evm_node_enter. OK: ask asked->node, then
 * asked_node_end. RETRY of kind UNDER_WAY: come again when an answer has come; of another kind: the
 * node cannot be asked. A node on another chain than the ledger's ends the process (78).
 */
MUST_USE enum outcome asked_node_begin(struct asked_node *asked, const struct evm_word *key,
				       bool lasting, struct error *error);
/* With what the run came to. */
void asked_node_end(struct asked_node *asked, enum outcome outcome, const struct error *error);

/* Whether there is something to come for: an answer, or room for a question. */
bool asked_node_can_go_on(struct asked_node *asked, const struct evm_word *key);

bool asked_node_awaits_answer(const struct asked_node *asked);

/* Takes the answers that have come, without waiting; whether there were any. */
bool asked_node_take_answers(struct asked_node *asked);

/* Until an answer has come, or interruption, or timeout_ms have passed. */
void asked_node_wait(struct asked_node *asked, const struct http_interruption *interruption,
		     int64_t timeout_ms);

#endif
