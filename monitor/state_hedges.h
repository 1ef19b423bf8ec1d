/* Members "positions", "executions" and "fills" of the state. */
#ifndef BALLAST_MONITOR_STATE_HEDGES_H
#define BALLAST_MONITOR_STATE_HEDGES_H

#include "base/decimal.h"
#include "monitor/json.h"
#include "store/store.h"

struct state_hedges {
	struct store *store;
	struct statement positions, counts, open, ended, fills;
};

void state_hedges_open(struct state_hedges *hedges, struct store *store);
void state_hedges_close(struct state_hedges *hedges);

void state_hedges_write(struct state_hedges *hedges, struct shares threshold, struct json *json);

#endif
