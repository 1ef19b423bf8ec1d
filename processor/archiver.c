/* See archiver.h. */
#include "processor/archiver.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>

/* Settled or not: a step is short, so that a fill need not wait for it. */
#define MOST_LOOKED_AT 500
/* A batch that has copied so much is large enough. */
#define BATCH_BYTES ((size_t)4 * 1024 * 1024)
/* A quarter of an hour is nothing beside a day. */
#define WALK_INTERVAL_MS INT64_C(900000)
#define RETRY_FIRST_MS	 INT64_C(60000)
#define RETRY_LONGEST_MS INT64_C(3600000)

void archiver_open(struct archiver *archiver, struct store *store, int64_t age_ms)
{
	*archiver = (struct archiver){
		.store = store,
		.age_ms = age_ms,
		.place = SETTLED_PLACE_START,
	};
	settled_events_open(&archiver->events, store);
}

void archiver_close(struct archiver *archiver)
{
	archive_close(&archiver->archive);
	settled_events_close(&archiver->events);
}

/* Until another time, when the walk begins anew: what was left behind may be settled then. */
static void rest(struct archiver *archiver, int64_t wait_ms)
{
	archive_close(&archiver->archive);
	archiver->walking = false;
	archiver->place = SETTLED_PLACE_START;
	archiver->due_ms = clock_monotonic_ms() + wait_ms;
}

static void give_up(struct archiver *archiver, const struct error *error)
{
	int64_t retry_ms =
		backoff_doubled_ms(RETRY_FIRST_MS, archiver->failures++, RETRY_LONGEST_MS);

	log_warn("events are not archived, hedging goes on: %s archive=%s retry_in_ms=%" PRId64,
		 error->text, archive_path_of(archiver->store).text, retry_ms);
	archiver->failed = true;
	rest(archiver, retry_ms);
}

/* Before this the clock's own beginning, should it be so wrong. */
static struct clock_text oldest_to_keep(const struct archiver *archiver)
{
	int64_t wall_ms = clock_wall_ms() - archiver->age_ms;

	return clock_text_of_ms(wall_ms > 0 ? wall_ms : 0);
}

/* The ledger gives up what the archive has. False: the process is to stop. */
static bool mark_batch(struct archiver *archiver, size_t count)
{
	int marked = 0;

	if (!store_begin(archiver->store))
		return false;
	for (size_t i = 0; i < count; i++)
		marked += settled_events_mark_archived(&archiver->events, &archiver->batch[i]);
	store_commit_untold(archiver->store);
	archiver->archived += marked;
	log_info("events archived events=%d archive=%s", marked, archiver->archive.path.text);
	return true;
}

/* Copies the next settled events into the archive; how many. They are on disk when this is OK. */
static enum outcome copy_batch(struct archiver *archiver, const struct clock_text *before,
			       size_t *count, struct error *error)
{
	enum outcome outcome = archive_begin(&archiver->archive, error);
	size_t bytes = 0;

	*count = 0;
	for (int looked_at = 0;
	     outcome == OUTCOME_OK && archiver->walking && looked_at < MOST_LOOKED_AT &&
	     *count < ARCHIVER_BATCH && bytes < BATCH_BYTES;
	     looked_at++) {
		struct settled_event *event = &archiver->batch[*count];

		outcome = settled_events_copy_next(&archiver->events, &archiver->place, before,
						   &archiver->archive, event, &archiver->walking,
						   error);
		if (outcome == OUTCOME_OK && archiver->walking && event->settled) {
			bytes += event->size_bytes;
			++*count;
		}
	}
	return outcome == OUTCOME_OK ? archive_commit(&archiver->archive, error) : outcome;
}

bool archiver_step(struct archiver *archiver)
{
	struct clock_text before;
	struct error error;
	size_t count;

	if (clock_monotonic_ms() < archiver->due_ms)
		return false;
	before = oldest_to_keep(archiver);
	archiver->failed = false;
	if (!archiver->walking && !settled_events_any(&archiver->events, &before)) {
		rest(archiver, WALK_INTERVAL_MS);
		return false;
	}
	archiver->walking = true;
	if ((archiver->archive.connection == NULL &&
	     archive_open(&archiver->archive, archiver->store, &error) != OUTCOME_OK) ||
	    copy_batch(archiver, &before, &count, &error) != OUTCOME_OK) {
		give_up(archiver, &error);
		return false;
	}
	archiver->failures = 0;
	if (count > 0 && !mark_batch(archiver, count))
		return false;
	if (!archiver->walking)
		rest(archiver, WALK_INTERVAL_MS);
	return archiver->walking;
}

int64_t archiver_wait_ms(const struct archiver *archiver)
{
	int64_t wait_ms = archiver->due_ms - clock_monotonic_ms();

	return wait_ms > 0 ? wait_ms : 0;
}
