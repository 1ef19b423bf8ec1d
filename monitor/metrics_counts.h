/*
 * What /metrics counts of all rows there ever were, without reading them again: rows are only ever
 * appended, in the order of their ids, so each is counted once and the last id is remembered. What
 * is not decided yet (an event that waits, an execution that is open) is remembered until it is.
 *
 * The first time there may be millions: so many rows a call, and until the end is reached the
 * counts are not complete, and are not to be shown.
 */
#ifndef BALLAST_MONITOR_METRICS_COUNTS_H
#define BALLAST_MONITOR_METRICS_COUNTS_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "monitor/metrics_text.h"
#include "store/store.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Label values; symbols beyond are counted together, as "other". */
#define METRICS_SYMBOLS_MAXIMUM 500
#define METRICS_BROKERS_MAXIMUM 8

/* Events and executions that are not decided; while there is no room no new rows are counted. */
#define METRICS_UNDECIDED_MAXIMUM 100000

struct undecided {
	int64_t ids[METRICS_UNDECIDED_MAXIMUM];
	size_t count;
};

struct symbol_counts {
	struct symbol symbol;
	int64_t fills[2]; /* by enum direction, the owner's */
	int64_t reversed;
	struct shares hedged[2]; /* by the order's direction */
};

struct broker_counts {
	char name[17];
	int64_t orders; /* that have ended */
};

/* From the newest fill of a hedge in the queue to the intent of its order on disk. */
#define LATENCY_BUCKETS 15

struct latency_counts {
	int64_t buckets[LATENCY_BUCKETS]; /* not cumulative; the last: longer than any bound */
	int64_t count;
	int64_t sum_ms;
};

struct metrics_counts {
	struct store *store;
	struct statement events, event, trades, executions, execution, heard;
	bool complete;
	int64_t last_event, last_trade, last_execution;
	struct undecided waiting, open;
	int64_t found[2];    /* by enum event_source */
	int64_t outcomes[3]; /* by enum event_outcome */
	int64_t ended[2];    /* executions: FILLED, FAILED */
	struct symbol_counts symbols[METRICS_SYMBOLS_MAXIMUM + 1];
	size_t symbol_count;
	struct broker_counts brokers[METRICS_BROKERS_MAXIMUM + 1];
	size_t broker_count;
	struct latency_counts latency;
};

void metrics_counts_open(struct metrics_counts *counts, struct store *store);
void metrics_counts_close(struct metrics_counts *counts);

/* Counts what is new, at most so many rows of each table. Inside store_begin_read. */
void metrics_counts_step(struct metrics_counts *counts, int64_t rows_maximum);

/* The upper bound of a bucket but the last. Unit: milliseconds. */
int64_t metrics_latency_bound_ms(size_t bucket);

/* Nothing while they are not complete. */
void metrics_counts_write(const struct metrics_counts *counts, struct metrics_text *text);

#endif
