/*
 * Events that nothing can change any more but a person: applied, confirmed (or removed and taken
 * back), of a final block, their trades wholly allocated and every execution of these taken in.
 * What is settled may go into the archive.
 */
#ifndef BALLAST_STORE_SETTLED_EVENTS_H
#define BALLAST_STORE_SETTLED_EVENTS_H

#include "base/clock.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "store/archived_data.h"
#include "store/store.h"
#include "store/store_archive.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a walk stands. */
struct settled_place {
	struct clock_text processed_at;
	int64_t id;
};
#define SETTLED_PLACE_START ((struct settled_place){.processed_at = {""}, .id = 0})

/* An event in the order of its being processed. */
struct settled_event {
	int64_t id;
	bool settled;
	size_t size_bytes;	       /* of event_data */
	struct archived_data archived; /* what is to stand in its place */
};

struct settled_events {
	struct statement any, next, mark;
};

void settled_events_open(struct settled_events *events, struct store *store);
void settled_events_close(struct settled_events *events);

/* Whether there is anything to look at: processed before `before` and not archived. */
MUST_USE bool settled_events_any(struct settled_events *events, const struct clock_text *before);

/*
 * The next event behind *place that was processed before `before` and is not archived; *place
 * becomes its. *found: whether there is one. A settled one is appended to the archive, whose
 * outcome it is.
 */
MUST_USE enum outcome settled_events_copy_next(struct settled_events *events,
					       struct settled_place *place,
					       const struct clock_text *before,
					       struct archive *archive, struct settled_event *event,
					       bool *found, struct error *error);

/*
 * Inside a transaction: its data is in the archive, on disk. False, and nothing done, when it is
 * not settled any more.
 */
MUST_USE bool settled_events_mark_archived(struct settled_events *events,
					   const struct settled_event *event);

/* Whether some of the ledger's oldest events are archived, so that there must be an archive. */
MUST_USE bool settled_events_need_archive(struct store *ledger);

#endif
