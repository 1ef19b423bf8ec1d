/* How long each stage took from a block to the end of an order: the query of report and state. */
#ifndef BALLAST_MONITOR_LATENCY_H
#define BALLAST_MONITOR_LATENCY_H

#include "monitor/json.h"
#include "store/store.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A row a stage: stage, count, p50_ms, p90_ms, p99_ms, max_ms. :newest so many trades and orders
 * are looked at (-1: all); :symbol, :from and :to choose among them (NULL: all).
 */
extern const char latency_sql[];

#define LATENCY_STAGES 5

struct latency_stage {
	char name[40];
	int64_t count;
	int64_t p50_ms;
	int64_t p90_ms;
	int64_t p99_ms;
	int64_t max_ms;
};

struct latency {
	struct store *store;
	struct statement rows;
	struct latency_stage stages[LATENCY_STAGES];
	size_t stage_count;
	int64_t read_ms; /* when; 0: never */
};

void latency_open(struct latency *latency, struct store *store);
void latency_close(struct latency *latency);

/* Member "latency" of the state: the newest 1,000, at most two seconds old. now_ms: monotonic. */
void latency_write(struct latency *latency, int64_t now_ms, struct json *json);

#endif
