/*
 * The executor's steps: each takes one execution one state further. An effect stands between two
 * commits: the intent on disk, then the broker, then the result on disk. Nothing waits on the
 * broker inside a transaction.
 */
#ifndef BALLAST_EXECUTOR_EXECUTOR_H
#define BALLAST_EXECUTOR_EXECUTOR_H

#include "base/compiler.h"
#include "executor/broker.h"
#include "executor/order_gate.h"
#include "executor/order_timers.h"
#include "store/controls.h"
#include "store/executions.h"
#include "store/store.h"
#include "store/trade_allocations.h"

#include <stdbool.h>
#include <stdint.h>

struct executor {
	struct store store;
	struct executions executions;
	struct trade_allocations allocations;
	struct controls controls;
	struct broker broker;
	struct order_timers timers;
	struct order_gate gate;
	struct broker_known_orders known;
	int64_t keep_due_ms; /* monotonic: the broker's own housekeeping */
	bool halt_announced;
};

struct executor_options {
	struct order_limits limits;
	bool enforce_hours;
	bool once; /* open orders are asked about at once, not spread over the first seconds */
};

/* Takes the store and the broker over; executor_close closes both. */
void executor_open(struct executor *executor, const struct store *store,
		   const struct broker *broker, const struct executor_options *options);
void executor_close(struct executor *executor);

/*
 * Asks and acts wherever it is time to: reconciles what may have been sent, submits what is
 * pending, reads the open orders' states, one by one, with what is pending meanwhile before each.
 * True when an execution changed its state: there may be more to do at once.
 */
bool executor_step(struct executor *executor);

/* How long executor_step has nothing to do unless the database changes; -1: for ever. */
int64_t executor_wait_ms(const struct executor *executor);

#endif
