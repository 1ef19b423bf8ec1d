/*
 * Logs that have arrived and are not yet in the queue. A clear waits here for its AfterClear, a
 * log without a time for its block's, and everything for the next transaction. Order of arrival
 * does not matter, twice does no harm.
 */
#ifndef BALLAST_LISTENER_WAITING_LOGS_H
#define BALLAST_LISTENER_WAITING_LOGS_H

#include "base/compiler.h"
#include "chain/evm_log.h"
#include "chain/orderbook_events.h"
#include "listener/head_times.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiting_logs {
	struct evm_logs logs;  /* sorted by waiting_logs_sort */
	struct evm_logs spare; /* the other half of a sweep */
	bool *marks;	       /* of a sweep: which logs go */
	size_t mark_capacity;
	int64_t since_ms; /* monotonic: since when it has not been empty */
};

/* An event all of whose parts are here. */
struct waiting_event {
	struct orderbook_occurrence occurrence;
	uint64_t block_timestamp;
};

void waiting_logs_init(struct waiting_logs *waiting);
void waiting_logs_free(struct waiting_logs *waiting);
void waiting_logs_clear(struct waiting_logs *waiting);

/* False: no room (BUFFER_MAX_LOG_DATA), the log was not taken. */
MUST_USE bool waiting_logs_add(struct waiting_logs *waiting, const struct evm_log *log,
			       struct bytes data);

void waiting_logs_sort(struct waiting_logs *waiting);

/* Walks the complete events of the sorted list; *cursor is 0 at first. False at the end. */
MUST_USE bool waiting_logs_next_complete(const struct waiting_logs *waiting,
					 const struct head_times *times, size_t *cursor,
					 struct waiting_event *event);

/* Removes exactly what waiting_logs_next_complete gives, once that is committed. */
void waiting_logs_sweep(struct waiting_logs *waiting, const struct head_times *times);

/* Removes the logs of one block, as it was (all of it has come by another way, or never will). */
void waiting_logs_drop_block(struct waiting_logs *waiting, const struct evm_word *block_hash);

#endif
