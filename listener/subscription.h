/*
 * One connection to the node: chain checked, logs and newHeads subscribed before anything else, the
 * cutoff settled, gaps in what arrives filled by asking. Everything that arrives goes into the
 * session.
 *
 * It is at every moment in one phase; any failure ends it with a reason, and the next connection is
 * a new session.
 */
#ifndef BALLAST_LISTENER_SUBSCRIPTION_H
#define BALLAST_LISTENER_SUBSCRIPTION_H

#include "base/compiler.h"
#include "base/outcome.h"
#include "base/settings.h"
#include "chain/evm_rpc.h"
#include "chain/websocket.h"
#include "listener/requests.h"
#include "listener/session.h"

#include <stdbool.h>
#include <stdint.h>

struct subscription_timing {
	int64_t rpc_timeout_ms;
	int64_t cutoff_timeout_ms; /* without an event for so long, eth_blockNumber is the cutoff */
	int64_t head_timeout_ms; /* without a head for so long, the node is asked whether it has one
				  */
	int64_t ping_ms; /* without a byte for so long a ping is sent; for twice as long it is over
			  */
};

enum subscription_phase {
	SUBSCRIPTION_IDENTIFYING,
	SUBSCRIPTION_SUBSCRIBING,
	SUBSCRIPTION_LIVE,
};

struct subscription {
	const struct chain_settings *settings;
	struct subscription_timing timing;
	struct session *session;
	struct websocket *websocket;
	struct requests requests;
	struct buffer request_text;
	struct evm_message message; /* scratch */
	struct evm_logs answer_logs;

	enum subscription_phase phase;
	bool has_chain_id;
	uint64_t chain_id;
	bool has_genesis;
	struct evm_word genesis_hash;
	bool logs_subscribed;
	bool heads_subscribed;
	bool cutoff_block_read; /* the cutoff block's own logs have been asked for and taken */

	int64_t cutoff_due_ms; /* monotonic, as all below */
	int64_t cutoff_logs_due_ms;
	int64_t head_due_ms;
	int64_t repair_due_ms;
	int64_t ping_sent_ms; /* 0: none since the last byte arrived */
	uint64_t malformed_count;

	bool failed;
	struct error failure;
};

void subscription_init(struct subscription *subscription, const struct chain_settings *settings,
		       const struct subscription_timing *timing, struct session *session);
void subscription_free(struct subscription *subscription);

/*
 * Connects and asks who the node is; returns at once when the connection stands. A chain other than
 * CHAIN_ID or the ledger's ends the process with exit 78.
 */
MUST_USE enum outcome subscription_open(struct subscription *subscription, struct error *error);
void subscription_close(struct subscription *subscription);

/*
 * Waits for the connection, the process's end or the next timer, and handles what came. RETRY: the
 * connection is over, error says why.
 */
MUST_USE enum outcome subscription_serve(struct subscription *subscription, struct error *error);

/* The cutoff is known and its block has been read: the session is complete from its cutoff on. */
bool subscription_is_settled(const struct subscription *subscription);

#endif
