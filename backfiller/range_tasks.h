/*
 * The ranges that are being read, each with its attempts. A task takes a range in parts, from the
 * front: at first all of it, smaller ones when the provider calls that too large. Pure: the time is
 * given.
 */
#ifndef BALLAST_BACKFILLER_RANGE_TASKS_H
#define BALLAST_BACKFILLER_RANGE_TASKS_H

#include "backfiller/range_commit.h"
#include "backfiller/range_plan.h"
#include "backfiller/range_reader.h"
#include "base/backoff.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most requests at once, and as many ranges that wait for another attempt, so that others go
 * on. */
#define RANGE_TASKS_MAXIMUM 128

enum range_task_state {
	RANGE_TASK_FREE,
	RANGE_TASK_WAITING, /* to send its question, not before due_ms */
	RANGE_TASK_ASKING,
};

struct range_task {
	enum range_task_state state;
	struct block_range whole;   /* still to be read; begins with the reader's range */
	struct range_reader reader; /* of the part at its front */
	struct range_expectation expectation;
	struct backoff backoff;
	int64_t attempt; /* of the part, from 1 */
	int64_t due_ms;
	size_t http_slot;
};

struct range_tasks_options {
	const struct evm_address *orderbook;
	const struct event_ingest *ingest;
	const struct range_plan *plan;		 /* how large a part is */
	const struct logs_bloom_question *bloom; /* range_reader.h */
	const int64_t *linked_from;		 /* a part from there on is read header by header */
	bool *takes_batches;			 /* range_reader.h */
	int64_t attempts_maximum; /* from here on a reader accepts what looks truncated */
	bool for_ever;		  /* and then goes on trying */
};

struct range_tasks {
	struct range_tasks_options options;
	struct range_task items[RANGE_TASKS_MAXIMUM];
};

void range_tasks_init(struct range_tasks *tasks, const struct range_tasks_options *options);
void range_tasks_free(struct range_tasks *tasks);

size_t range_tasks_count(const struct range_tasks *tasks);
/* Their ranges; taken holds RANGE_TASKS_MAXIMUM. How many there are. */
size_t range_tasks_ranges(const struct range_tasks *tasks, struct block_range *taken);

/* A task for whole, due at once; NULL when there are too many. */
struct range_task *range_tasks_add(struct range_tasks *tasks, struct block_range whole);

/* Whose request runs in that slot; NULL: nobody's. */
struct range_task *range_tasks_of_slot(struct range_tasks *tasks, size_t http_slot);

/* The lowest range that is due; only those that did not fail yet, if asked so. NULL: none. */
struct range_task *range_tasks_due(struct range_tasks *tasks, int64_t now_ms, bool only_unfailed);

/* When the next one is due; INT64_MAX: none waits. */
int64_t range_tasks_next_due_ms(const struct range_tasks *tasks);

/* The part was answered: its next question is due at once, if it has one. */
void range_tasks_ask_on(struct range_task *task);

/* The part was read, or is given up: the next part, or the task is free again. */
void range_tasks_next_part(struct range_tasks *tasks, struct range_task *task);

/* Nobody reads it any more: what is still needed of it is planned anew. */
void range_tasks_give_back(struct range_task *task);

/* The part was too large: a smaller one at once, by the plan that knows of it already. */
void range_tasks_split(struct range_tasks *tasks, struct range_task *task);

/*
 * The attempt failed: the next one is due after a backoff, for a smaller part if the plan has
 * shrunk meanwhile. False, and nothing done, when that was the last attempt.
 */
MUST_USE bool range_tasks_retry(struct range_tasks *tasks, struct range_task *task,
				int64_t retry_after_ms, int64_t now_ms);

#endif
