/* Everything the first screen shows, of one state of the database: /api/state and /events. */
#ifndef BALLAST_MONITOR_STATE_H
#define BALLAST_MONITOR_STATE_H

#include "monitor/condition_list.h"
#include "monitor/json.h"
#include "monitor/latency.h"
#include "monitor/pnl.h"
#include "monitor/reader_settings.h"
#include "monitor/state_coverage.h"
#include "monitor/state_events.h"
#include "monitor/state_hedges.h"
#include "store/instance_lock.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct state {
	struct store *store;
	const struct reader_settings *settings;
	const struct pnl *pnl;
	const struct instance_lock *lock; /* NULL: no program has made the file yet */
	bool listener_open;		  /* when that was last looked at */
	struct statement ledger, trading, latest_session, open_session, login;
	struct state_coverage coverage;
	struct state_events events;
	struct state_hedges hedges;
	struct latency latency;
};

/* All live as long as the state. */
void state_open(struct state *state, struct store *store, const struct reader_settings *settings,
		const struct pnl *pnl);
void state_close(struct state *state);

void state_set_lock(struct state *state, const struct instance_lock *lock);

/* Whether a listener has come or gone since the last call, which no commit tells. */
bool state_listener_changed(struct state *state);

/* Inside store_begin_read and store_end_read. */
void state_write(struct state *state, const struct condition_list *list, struct json *json);

#endif
