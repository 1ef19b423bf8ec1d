/* What comes before the first range: whether the node is on our chain, and where its head is. */
#ifndef BALLAST_BACKFILLER_START_H
#define BALLAST_BACKFILLER_START_H

#include "base/compiler.h"
#include "base/settings.h"
#include "ingest/chain_identity.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Asks until the node answers, attempts times at most (0: for ever), and records what the ledger is
 * of. Ends the process with exit 75 when the attempts are used up, 78 when node, CHAIN_ID and
 * ledger contradict each other. False: the process is to stop.
 */
MUST_USE bool start_with_node(struct store *store, const struct chain_settings *settings,
			      int64_t attempts, struct chain_identity *identity, int64_t *head);

/*
 * --check: reaches what the backfiller needs, and changes nothing. Ends the process with exit 69
 * (node), 75 or 78 (database, wrong chain) when something is not right.
 */
void start_check(const struct chain_settings *settings, const char *database_path);

#endif
