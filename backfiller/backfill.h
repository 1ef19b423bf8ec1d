/*
 * Reads what block_coverage lacks: several ranges at once over one HTTP client, one thread. Each
 * turn of the program's loop is backfill_send, backfill_wait, backfill_take.
 */
#ifndef BALLAST_BACKFILLER_BACKFILL_H
#define BALLAST_BACKFILLER_BACKFILL_H

#include "backfiller/chain_guard.h"
#include "backfiller/node_health.h"
#include "backfiller/progress.h"
#include "backfiller/range_plan.h"
#include "backfiller/range_source.h"
#include "backfiller/range_tasks.h"
#include "backfiller/unread_ranges.h"
#include "backfiller/verify.h"
#include "base/compiler.h"
#include "base/settings.h"
#include "chain/http.h"
#include "ingest/chain_identity.h"
#include "ingest/event_ingest.h"
#include "store/block_coverage.h"
#include "store/event_queue.h"
#include "store/instance_lock.h"
#include "store/listener_sessions.h"
#include "store/store.h"
#include "store/wakeup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backfill_settings {
	const struct chain_settings *chain;
	int64_t batch_size;
	int64_t batch_growth; /* times batch_size that a batch may grow to */
	int64_t concurrency;
	int64_t attempts;
	int64_t trail_seconds;
	int64_t finality_blocks;
	bool use_bloom;
	bool link_all;
	bool once;
	bool accept_reorg;
	bool recheck; /* implies once */
	bool verify;  /* implies recheck: compares, and writes nothing */
	struct block_range recheck_range;
};

/* What is known at start. */
struct backfill_start {
	struct chain_identity identity;
	int64_t head;
};

/* Owns all that it has, except the store, which is given. */
struct backfill {
	struct backfill_settings settings;
	struct store *store;
	struct instance_lock lock;
	struct block_coverage coverage;
	struct blocks blocks;
	struct controls controls;
	struct event_queue queue;
	struct listener_sessions sessions;
	struct event_ingest ingest;
	struct wakeup wakeup;

	struct http_client *http;
	struct buffer request;
	uint64_t next_id;
	size_t under_way;
	struct node_health health;
	bool takes_batches; /* as far as is known */
	struct chain_guard guard;
	int64_t guard_failures; /* since it was sure */

	struct verify verify;
	struct logs_bloom_question bloom;
	struct range_plan plan;
	struct range_source source;
	struct range_tasks tasks;
	struct unread_ranges unread;
	bool abandoned; /* the rest is given up, for this reason: */
	struct error abandoned_error;

	bool has_session;
	struct listener_session session;
	struct progress progress;
	bool in_pass;
	bool had_pass;
};

void backfill_open(struct backfill *backfill, struct store *store,
		   const struct backfill_settings *settings, const struct backfill_start *start);
void backfill_close(struct backfill *backfill);

/* Nothing is left to do for a run that comes to an end. */
bool backfill_is_finished(struct backfill *backfill);

/* What is to be read and neither under way nor given up. False: there is nothing. */
MUST_USE bool backfill_next_range(struct backfill *backfill, struct block_range *range);

/* Looks what there is to read, and sends as many requests as may be under way. */
void backfill_send(struct backfill *backfill);

/* Waits for an answer (true), or until there may be something else to do (false). */
MUST_USE bool backfill_wait(struct backfill *backfill, struct http_answer *answer);

/* Judges one answer. When it completes a range: one transaction. */
void backfill_take(struct backfill *backfill, const struct http_answer *answer);

/* The exit code of a finished run, after its last words. */
int backfill_result(struct backfill *backfill);

#endif
