/*
 * What a ledger says, for proofs: read only, across tables, in an order that does not depend on
 * when things happened. Text is valid until the next row.
 */
#ifndef BALLAST_STORE_AUDIT_H
#define BALLAST_STORE_AUDIT_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "store/event_queue.h"
#include "store/store.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stdint.h>

/* An event that became trades or was filtered. */
struct audit_event {
	int64_t id;
	struct event_record record;
	bool archived;	 /* event_data only names what the archive has */
	bool taken_back; /* removed, and its trades were reversed */
};

struct audit {
	struct store *store;
	struct statement events, facts, tickers, hedged;
};

void audit_open(struct audit *audit, struct store *store);
void audit_close(struct audit *audit);

/* Those that were taken back first, in the order of their coming, then the others in chain order.
 */
MUST_USE bool audit_next_event(struct audit *audit, struct audit_event *event);

/*
 * What was made of the events: a line for each outcome and each trade, without ids and times,
 * sorted. NULL at the end.
 */
const char *audit_next_fact(struct audit *audit);

/*
 * The exposure of each ticker, sorted: net_position and what was sold, less what was bought, at the
 * broker: asked for while open, filled once settled.
 */
MUST_USE bool audit_next_exposure(struct audit *audit, struct symbol *ticker,
				  struct shares *exposure);

#endif
