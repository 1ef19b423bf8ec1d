/* Member "coverage" of the state. */
#ifndef BALLAST_MONITOR_STATE_COVERAGE_H
#define BALLAST_MONITOR_STATE_COVERAGE_H

#include "monitor/json.h"
#include "store/block_coverage.h"
#include "store/store.h"

#include <stdint.h>

struct state_coverage {
	struct block_coverage ranges;
	struct statement lowest, head, newest, gaps;
};

void state_coverage_open(struct state_coverage *coverage, struct store *store);
void state_coverage_close(struct state_coverage *coverage);

/* deployment_block -1: the lowest that is covered. */
void state_coverage_write(struct state_coverage *coverage, int64_t deployment_block,
			  struct json *json);

#endif
