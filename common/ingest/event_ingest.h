/*
 * From logs to rows of event_queue: what listener and backfiller do alike.
 */
#ifndef BALLAST_INGEST_EVENT_INGEST_H
#define BALLAST_INGEST_EVENT_INGEST_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/config.h"
#include "chain/evm_log.h"
#include "chain/orderbook_events.h"
#include "store/event_queue.h"

#include <stdbool.h>
#include <stdint.h>

struct event_ingest {
	struct event_queue *queue;
	const struct config_addresses *owners;
	enum event_source source;
	int64_t first_block; /* DEPLOYMENT_BLOCK: what comes before is none of the ledger's */
	struct buffer json;
};

void event_ingest_init(struct event_ingest *ingest, struct event_queue *queue,
		       const struct config_addresses *owners, enum event_source source,
		       int64_t first_block);
void event_ingest_free(struct event_ingest *ingest);

/*
 * Whether the occurrence has an order of our owners (or cannot be read, and a person must look), in
 * a block that the ledger accounts for.
 */
bool event_ingest_wants(const struct event_ingest *ingest, const struct evm_logs *logs,
			const struct orderbook_occurrence *occurrence);

/*
 * Appends one occurrence to the queue, inside a transaction. block_timestamp: seconds since 1970.
 * Logs one line for an event that was added, and a warning for one that disagrees with what stands;
 * the listener then doubts what stands, so that the backfiller reads it again.
 * Numbers above INT64_MAX are refused by the parsers of chain/ before they come here.
 */
/* What event_ingest_append would find, without writing or logging anything. */
enum event_append event_ingest_look(struct event_ingest *ingest, const struct evm_logs *logs,
				    const struct orderbook_occurrence *occurrence);

enum event_append event_ingest_append(struct event_ingest *ingest, const struct evm_logs *logs,
				      const struct orderbook_occurrence *occurrence,
				      uint64_t block_timestamp);

#endif
