/*
 * See backfill.h. What may be asked comes from the tables anew in each turn (coverage, session), so
 * that another backfiller at work and a restart need no word between them; only what is under way,
 * and what a run that ends has given up, is kept in memory.
 */
#include "backfiller/backfill.h"

#include "backfiller/target.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "chain/orderbook_events.h"

#include <inttypes.h>
#include <unistd.h>

/* While requests are under way, a new session is noticed at least so often. */
#define BUSY_WAIT_MS 100

static struct target_facts facts_of(const struct backfill *backfill)
{
	return (struct target_facts){
		.deployment_block = backfill->settings.chain->deployment_block,
		.once = backfill->settings.once,
		.head = backfill->guard.watch.head,
		.settled = backfill->guard.watch.settled,
		.session = backfill->has_session ? &backfill->session : NULL,
	};
}

static void open_tables(struct backfill *backfill)
{
	struct store *store = backfill->store;

	instance_lock_open(&backfill->lock, store->path.text);
	block_coverage_open(&backfill->coverage, store);
	blocks_open(&backfill->blocks, store);
	controls_open(&backfill->controls, store);
	event_queue_open(&backfill->queue, store);
	listener_sessions_open(&backfill->sessions, store, &backfill->lock);
	event_ingest_init(&backfill->ingest, &backfill->queue, &backfill->settings.chain->owners,
			  EVENT_SOURCE_BACKFILLER, backfill->settings.chain->deployment_block);
	wakeup_open_without_hurry(&backfill->wakeup, store);
}

static void open_source(struct backfill *backfill)
{
	const struct backfill_settings *settings = &backfill->settings;
	struct block_range target = settings->recheck_range;

	if (!settings->recheck) {
		struct target_facts facts;

		/* One that goes on looks for sessions in each turn. */
		if (settings->once)
			backfill->has_session =
				listener_sessions_current(&backfill->sessions, &backfill->session);
		facts = facts_of(backfill);
		target = target_range(&facts);
	}
	range_source_init(&backfill->source, &backfill->coverage, &backfill->queue, target,
			  settings->recheck);
	if (target.last < target.first)
		log_info("nothing to read yet: DEPLOYMENT_BLOCK is in the future"
			 " deployment_block=%" PRId64 " head=%" PRId64,
			 target.first, backfill->guard.watch.head);
}

static void open_guard(struct backfill *backfill, const struct backfill_start *start)
{
	const struct backfill_settings *settings = &backfill->settings;
	const struct chain_guard_options options = {
		.once = settings->once,
		.accept_reorg = settings->accept_reorg,
		.link_all = settings->link_all,
		.finality_blocks = settings->finality_blocks,
	};
	const struct reorganisation writer = {
		.store = backfill->store,
		.coverage = &backfill->coverage,
		.blocks = &backfill->blocks,
		.queue = &backfill->queue,
		.controls = &backfill->controls,
	};
	struct head_watch watch;

	head_watch_init(&watch, &start->identity.genesis_hash, settings->trail_seconds * 1000);
	watch.head = start->head;
	chain_guard_init(&backfill->guard, &options, &watch, &writer);
	if (settings->verify) {
		/* What is to be proven is not corrected beforehand. */
		backfill->guard.trust = CHAIN_SURE;
		backfill->guard.linked_from = 0;
	}
}

void backfill_open(struct backfill *backfill, struct store *store,
		   const struct backfill_settings *settings, const struct backfill_start *start)
{
	const struct chain_settings *chain = settings->chain;
	const struct http_options http = {
		.url = chain->http_url.text,
		.ca_file = chain->ca_file.text,
		.timeout_ms = chain->rpc_timeout_ms,
		.concurrency = (size_t)settings->concurrency,
		.maximum_answer_bytes = BUFFER_MAX_HTTP_ANSWER,
	};
	const struct range_tasks_options tasks = {
		.orderbook = &chain->orderbook,
		.ingest = &backfill->ingest,
		.plan = &backfill->plan,
		.bloom = settings->use_bloom ? &backfill->bloom : NULL,
		.linked_from = &backfill->guard.linked_from,
		.takes_batches = &backfill->takes_batches,
		.attempts_maximum = settings->attempts,
		.for_ever = !settings->once,
	};

	*backfill = (struct backfill){
		.settings = *settings, .store = store, .next_id = 1, .takes_batches = true};
	open_tables(backfill);
	backfill->http = http_open(&http);
	buffer_init(&backfill->request, BUFFER_MAX_HTTP_REQUEST);
	node_health_init(&backfill->health);
	open_guard(backfill, start);
	logs_bloom_ask(&backfill->bloom, &chain->orderbook, orderbook_topics,
		       ORDERBOOK_TOPIC_COUNT);
	verify_init(&backfill->verify, &backfill->coverage, &backfill->blocks, &backfill->ingest);
	range_plan_init(&backfill->plan, settings->batch_size,
			settings->batch_size * settings->batch_growth);
	range_tasks_init(&backfill->tasks, &tasks);
	progress_init(&backfill->progress, isatty(STDERR_FILENO) == 1);
	open_source(backfill);
}

void backfill_close(struct backfill *backfill)
{
	verify_free(&backfill->verify);
	range_tasks_free(&backfill->tasks);
	buffer_free(&backfill->request);
	http_close(backfill->http);
	wakeup_close(&backfill->wakeup);
	event_ingest_free(&backfill->ingest);
	listener_sessions_close(&backfill->sessions);
	event_queue_close(&backfill->queue);
	controls_close(&backfill->controls);
	blocks_close(&backfill->blocks);
	block_coverage_close(&backfill->coverage);
	instance_lock_close(&backfill->lock);
}

/* A run that ends has its target from the start; one that goes on follows listener and head. */
static void refresh_target(struct backfill *backfill)
{
	int64_t before = backfill->has_session ? backfill->session.id : 0;
	struct target_facts facts;

	if (backfill->settings.once)
		return;
	backfill->has_session = listener_sessions_current(&backfill->sessions, &backfill->session);
	if (backfill->has_session && backfill->session.id != before)
		log_info("listener session is open: reading up to its cutoff, then behind it"
			 " session=%" PRId64 " cutoff_block=%" PRId64,
			 backfill->session.id, backfill->session.cutoff_block);
	if (!backfill->has_session && before != 0) {
		log_info("listener session is over: reading up to the head session=%" PRId64,
			 before);
		head_watch_hurry(&backfill->guard.watch);
	}
	facts = facts_of(backfill);
	backfill->source.target = target_range(&facts);
}

bool backfill_next_range(struct backfill *backfill, struct block_range *range)
{
	struct block_range taken[RANGE_TASKS_MAXIMUM + UNREAD_RANGES_MAXIMUM];
	size_t count = range_tasks_ranges(&backfill->tasks, taken);

	for (size_t i = 0; i < backfill->unread.count; i++)
		taken[count++] = backfill->unread.items[i].range;
	if (!range_source_next(&backfill->source, &backfill->plan, taken, count, range))
		return false;
	*range = range_plan_clip_linked(*range, backfill->guard.linked_from);
	return true;
}

bool backfill_is_finished(struct backfill *backfill)
{
	struct block_range range;

	if (!backfill->settings.once)
		return false;
	return backfill->abandoned || backfill->guard.trust == CHAIN_HALTED ||
	       (backfill->guard.trust == CHAIN_SURE && range_tasks_count(&backfill->tasks) == 0 &&
		!backfill_next_range(backfill, &range));
}

/* The gap that opens behind a moving head is not worth a line each time. */
static void begin_pass(struct backfill *backfill)
{
	bool small = range_source_left(&backfill->source) <= backfill->plan.batch_size;

	progress_begin(&backfill->progress,
		       !backfill->settings.once && backfill->had_pass && small);
	backfill->in_pass = true;
	backfill->had_pass = true;
}

static struct range_task *open_new_range(struct backfill *backfill)
{
	struct target_facts facts = facts_of(backfill);
	struct block_range range;
	struct range_task *task;

	if (!backfill_next_range(backfill, &range))
		return NULL;
	task = range_tasks_add(&backfill->tasks, range);
	if (task == NULL)
		return NULL;
	range_source_hand_out(&backfill->source, range);
	task->expectation = target_expectation(&facts);
	task->expectation.by_recheck = backfill->settings.recheck;
	if (!backfill->in_pass)
		begin_pass(backfill);
	return task;
}

/* While the node is in doubt, what failed before is not the first to be tried: it may be the cause.
 */
static struct range_task *choose_task(struct backfill *backfill, int64_t now_ms)
{
	bool in_doubt = node_health_in_doubt(&backfill->health);
	struct range_task *task = range_tasks_due(&backfill->tasks, now_ms, in_doubt);

	if (task == NULL)
		task = open_new_range(backfill);
	if (task == NULL && in_doubt)
		task = range_tasks_due(&backfill->tasks, now_ms, false);
	return task;
}

static void post(struct backfill *backfill, size_t slot, const struct http_filter *filter)
{
	const struct bytes body = {.data = backfill->request.bytes,
				   .length = backfill->request.length};

	http_start(backfill->http, slot, body, filter);
	backfill->under_way++;
}

/* False: there is nothing to send now. */
static bool send_one(struct backfill *backfill)
{
	int64_t now_ms = clock_monotonic_ms();
	struct range_task *task;
	size_t slot;

	if (!node_health_allows(&backfill->health, now_ms, backfill->under_way) ||
	    !http_slot_available(backfill->http, &slot))
		return false;
	if (chain_guard_due_ms(&backfill->guard) <= now_ms) {
		chain_guard_request(&backfill->guard, backfill->next_id++, slot,
				    &backfill->request);
		post(backfill, slot, NULL);
		return true;
	}
	task = backfill->guard.trust == CHAIN_SURE ? choose_task(backfill, now_ms) : NULL;
	if (task == NULL)
		return false;
	range_reader_request(&task->reader, backfill->next_id, &backfill->request);
	backfill->next_id += RANGE_READER_HEADERS;
	task->state = RANGE_TASK_ASKING;
	task->http_slot = slot;
	post(backfill, slot, range_reader_filter(&task->reader));
	return true;
}

void backfill_send(struct backfill *backfill)
{
	refresh_target(backfill);
	while (send_one(backfill)) {
	}
}

/* How long until something that waits for its time may be sent. */
static int64_t time_to_next_ms(const struct backfill *backfill)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t due_ms = chain_guard_due_ms(&backfill->guard);

	if (backfill->guard.trust == CHAIN_SURE &&
	    range_tasks_next_due_ms(&backfill->tasks) < due_ms)
		due_ms = range_tasks_next_due_ms(&backfill->tasks);
	/* A range that nobody reads yet waits for the end of a pause, too. */
	if (backfill->health.paused_until_ms > now_ms)
		due_ms = backfill->health.paused_until_ms;
	return due_ms > now_ms ? due_ms - now_ms : 0;
}

bool backfill_wait(struct backfill *backfill, struct http_answer *answer)
{
	int64_t time_ms = time_to_next_ms(backfill);

	if (backfill->under_way > 0) {
		/* What is due and was not sent waits for an answer, not for a time. */
		if (time_ms == 0 || time_ms > BUSY_WAIT_MS)
			time_ms = BUSY_WAIT_MS;
		return http_wait(backfill->http, time_ms, answer);
	}
	if (backfill->settings.once)
		(void)process_sleep_ms(time_ms);
	else
		(void)wakeup_wait(&backfill->wakeup, time_ms);
	return false;
}
