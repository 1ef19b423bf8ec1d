/* What the files behind metrics.h share; nobody else includes it. */
#ifndef BALLAST_MONITOR_METRICS_PRIVATE_H
#define BALLAST_MONITOR_METRICS_PRIVATE_H

#include "monitor/metrics.h"
#include "monitor/metrics_text.h"

/* So many rows are counted each time, and no more. */
#define METRICS_MUCH "100000"

void metrics_write_chain(struct metrics *metrics, struct metrics_text *text);

#endif
