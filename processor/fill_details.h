/*
 * What a fill's transaction cost, and the price that the order itself read: asked when the
 * processor has nothing else to do. It does not wait for answers, and nothing waits for it. Asks
 * the network and writes, so never inside a transaction.
 */
#ifndef BALLAST_PROCESSOR_FILL_DETAILS_H
#define BALLAST_PROCESSOR_FILL_DETAILS_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "processor/asked_node.h"
#include "processor/unanswered.h"
#include "store/price_feeds.h"
#include "store/store.h"
#include "store/trade_details.h"

#include <stdbool.h>
#include <stdint.h>

struct fill_details_settings {
	struct evm_address oracle;
	bool wants_prices; /* false: only what a receipt says */
};

struct fill_details {
	struct store *store;
	struct fill_details_settings settings;
	struct trade_details details;
	struct price_feeds feeds;
	struct asked_node *node;
	struct evm_logs logs; /* of a receipt; nobody reads them */
	struct unanswered waiting;
	bool is_asking;	    /* an answer has not come yet */
	bool has_no_traces; /* the node said so, in this process */
};

/* Everything that is known of one transaction. */
struct fill_facts {
	struct trade_gas gas;
	struct evm_word block_hash;
	bool has_prices;
	struct pyth_prices prices;
	struct error no_prices; /* why there are none */
};

void fill_details_open(struct fill_details *fills, struct store *store, struct asked_node *node,
		       const struct fill_details_settings *settings);
void fill_details_close(struct fill_details *fills);

/*
 * Asks about the first trade that has no details and whose time has come, or goes on with that.
 * True when one was settled: there may be more.
 */
bool fill_details_step(struct fill_details *fills);

/* Milliseconds until fill_details_step may have something to do again; -1: no trade waits but for
 * the node's answer. */
int64_t fill_details_wait_ms(struct fill_details *fills);

/* Asks about one transaction; of kind UNDER_WAY: asked_node.h. */
MUST_USE enum outcome fill_details_ask(struct fill_details *fills, const struct evm_word *tx_hash,
				       struct fill_facts *facts, struct error *error);

#endif
