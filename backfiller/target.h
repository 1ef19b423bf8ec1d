/*
 * Which blocks are to be covered, from what the listener promises and where the head is. Pure.
 *
 *	no session        DEPLOYMENT_BLOCK ... head
 *	an open session   DEPLOYMENT_BLOCK ... cutoff - 1, and what is settled of its blocks
 *	a run that ends   DEPLOYMENT_BLOCK ... head: the ledger is to be complete
 */
#ifndef BALLAST_BACKFILLER_TARGET_H
#define BALLAST_BACKFILLER_TARGET_H

#include "backfiller/range_commit.h"
#include "base/compiler.h"
#include "store/block_coverage.h"
#include "store/listener_sessions.h"

#include <stdbool.h>
#include <stdint.h>

struct target_facts {
	int64_t deployment_block;
	bool once;
	int64_t head;				/* -1: unknown */
	int64_t settled;			/* -1: nothing is */
	const struct listener_session *session; /* NULL: none is open */
};

/* Empty (last < first) when there is nothing to read. */
struct block_range target_range(const struct target_facts *facts);

/* What the open session should have found already, for a range that is about to be read. */
struct range_expectation target_expectation(const struct target_facts *facts);

#endif
