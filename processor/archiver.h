/*
 * Retention: what is settled and old enough moves out of event_queue into the archive, in small
 * batches, when there is nothing to hedge. The archive is written first and is on disk before the
 * ledger gives anything up; killed between the two, the same batch is written once more.
 */
#ifndef BALLAST_PROCESSOR_ARCHIVER_H
#define BALLAST_PROCESSOR_ARCHIVER_H

#include "base/compiler.h"
#include "store/settled_events.h"
#include "store/store.h"
#include "store/store_archive.h"

#include <stdbool.h>
#include <stdint.h>

#define ARCHIVER_BATCH 50

struct archiver {
	struct store *store;
	struct settled_events events;
	struct archive archive;
	int64_t age_ms;
	int64_t due_ms;	  /* of the monotonic clock: nothing is looked at before */
	int64_t failures; /* in a row: how long to leave an archive alone that cannot be written */
	bool walking;	  /* behind place there may be more */
	bool failed;	  /* the last try ended without what it was for */
	int64_t archived; /* since it was opened */
	struct settled_place place;
	struct settled_event batch[ARCHIVER_BATCH];
};

/* Processed at least so long ago. Writes nothing. */
void archiver_open(struct archiver *archiver, struct store *store, int64_t age_ms);
void archiver_close(struct archiver *archiver);

/*
 * One batch. False when there is nothing to do for archiver_wait_ms: all is moved, or the archive
 * cannot be written, which was logged. Never ends the process for the archive's sake.
 */
bool archiver_step(struct archiver *archiver);

int64_t archiver_wait_ms(const struct archiver *archiver);

#endif
