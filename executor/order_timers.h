/*
 * When the broker may next be asked about an execution. In memory only: after a restart everything
 * is due, once.
 */
#ifndef BALLAST_EXECUTOR_ORDER_TIMERS_H
#define BALLAST_EXECUTOR_ORDER_TIMERS_H

#include "base/backoff.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct order_timer {
	int64_t execution_id;
	int64_t due_ms; /* monotonic */
	struct backoff backoff;
	int64_t polls;		  /* how often the open order's state was read */
	int64_t looks;		  /* how often the answer settled nothing, in a row */
	int64_t looking_since_ms; /* monotonic: the first of them */
};

/* One entry for each execution that waits; there is at most one open execution a symbol. */
struct order_timers {
	struct order_timer *items;
	size_t count;
	size_t capacity;
};

void order_timers_init(struct order_timers *timers);
void order_timers_free(struct order_timers *timers);

/* An execution without a timer is due. */
bool order_timers_due(const struct order_timers *timers, int64_t execution_id);

/* Leaves it alone for that long. */
void order_timers_wait(struct order_timers *timers, int64_t execution_id, int64_t wait_ms);

/* Counts a failure and leaves it alone for a growing time, which is returned. */
int64_t order_timers_back_off(struct order_timers *timers, int64_t execution_id,
			      int64_t retry_after_ms);

/* Leaves an open order alone: half a second at first, then longer, up to 15 s and some jitter. */
void order_timers_poll(struct order_timers *timers, int64_t execution_id);

/* Counts an answer that settled nothing (absent, contradictory). */
struct order_looks {
	int64_t count;
	int64_t during_ms; /* since the first */
};
struct order_looks order_timers_look(struct order_timers *timers, int64_t execution_id);
/* An answer made sense: the next look is the first again, and so is the next failure. */
void order_timers_settle(struct order_timers *timers, int64_t execution_id);

void order_timers_forget(struct order_timers *timers, int64_t execution_id);

/* Milliseconds until the first becomes due; -1 when none waits. */
int64_t order_timers_next_ms(const struct order_timers *timers);

#endif
