/* Members "events" and "quarantine" of the state. */
#ifndef BALLAST_MONITOR_STATE_EVENTS_H
#define BALLAST_MONITOR_STATE_EVENTS_H

#include "monitor/json.h"
#include "store/store.h"

struct state_events {
	struct store *store;
	struct statement counts, quarantine;
};

void state_events_open(struct state_events *events, struct store *store);
void state_events_close(struct state_events *events);

void state_events_write(struct state_events *events, struct json *json);

#endif
