/*
 * /metrics: what there is to watch, for Prometheus. Cheap however large the database is: single
 * rows, indices, and counts that go on from the last row (metrics_counts.h). Labels have bounds: at
 * most 500 symbols. docs/prometheus-rules.yml has rules for it.
 */
#ifndef BALLAST_MONITOR_METRICS_H
#define BALLAST_MONITOR_METRICS_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "monitor/alarms.h"
#include "monitor/condition_list.h"
#include "monitor/conditions.h"
#include "monitor/metrics_counts.h"
#include "monitor/pnl.h"

#include <stdbool.h>
#include <stddef.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A few hundred bytes for each of 500 symbols, and all that there is but once. */
#define METRICS_MAXIMUM ((size_t)1024 * 1024)

struct metrics {
	struct conditions *conditions;
	struct statement head, gaps, oldest_waiting, waiting, quarantined, open_executions,
		positions, session, logins;
	struct metrics_counts counts;
};

/* conditions: opened, and lives as long; its database is what is told of. */
void metrics_open(struct metrics *metrics, struct conditions *conditions);
void metrics_close(struct metrics *metrics);

/*
 * Appends everything that the database tells. list: what conditions_read has just found. totals:
 * NULL when they are not known. False: it does not fit, and the buffer is of no use.
 */
MUST_USE bool metrics_write(struct metrics *metrics, const struct condition_list *list,
			    const struct pnl_totals *totals, struct buffer *buffer);

/* In its place when the database cannot be read: that this is so. */
MUST_USE bool metrics_write_unreadable(struct buffer *buffer);

/* Appends what the alarms have done: for who has them. */
MUST_USE bool metrics_write_alarms(const struct alarms *alarms, struct buffer *buffer);

#endif
