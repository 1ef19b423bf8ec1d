/* The one transaction of the backfiller: the events of a verified range, and its coverage. */
#ifndef BALLAST_BACKFILLER_RANGE_COMMIT_H
#define BALLAST_BACKFILLER_RANGE_COMMIT_H

#include "backfiller/range_reader.h"
#include "base/compiler.h"
#include "ingest/event_ingest.h"
#include "store/block_coverage.h"
#include "store/listener_sessions.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a new event is one that somebody else should have found before. */
struct range_expectation {
	bool by_recheck;    /* everywhere: the blocks were read before */
	int64_t session_id; /* 0: none. Else: in these blocks, if that session is still open */
	struct block_range blocks;
};

struct range_commit {
	struct store *store;
	struct block_coverage *coverage;
	struct event_ingest *ingest;
	struct listener_sessions *sessions;
};

/*
 * Durable on return: the events of a complete reader and the coverage of its range. added: events
 * that were not known. False only when the process is to stop: nothing was written.
 */
MUST_USE bool range_commit_step(const struct range_commit *commit,
				const struct range_reader *reader,
				const struct range_expectation *expectation, int64_t *added);

#endif
