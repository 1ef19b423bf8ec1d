/* How long each stage took from a block to the end of an order: the query of report and state. */
#ifndef BALLAST_MONITOR_LATENCY_H
#define BALLAST_MONITOR_LATENCY_H

#include "monitor/json.h"
#include "store/store.h"

/*
 * A row a stage: stage, count, p50_ms, p90_ms, p99_ms, max_ms. :newest so many trades and orders
 * are looked at (-1: all); :symbol, :from and :to choose among them (NULL: all).
 */
extern const char latency_sql[];

struct latency {
	struct store *store;
	struct statement rows;
};

void latency_open(struct latency *latency, struct store *store);
void latency_close(struct latency *latency);

/* Member "latency" of the state: the newest 1,000. */
void latency_write(struct latency *latency, struct json *json);

#endif
