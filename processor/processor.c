/* See processor.h. */
#include "processor/processor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "chain/orderbook_json.h"
#include "processor/held_tokens.h"
#include "processor/symbol_map.h"
#include "processor/trade_decoder.h"

#include <inttypes.h>
#include <string.h>

/* Events a transaction: one sync for many, and no other program waits long for its turn. */
#define BATCH_SIZE 200

/*
 * While the node is expected to answer, which mostly takes milliseconds, at most a batch of waiting
 * events is walked past: past a whole history it takes seconds. Past all of them, for what may be
 * behind, when this long has passed since the start, and then for a tenth of the time.
 */
#define FIRST_WHOLE_WALK_MS 500
#define WHOLE_WALK_REST	    10

/* A ledger that begins knows no token: as long as the node answers, its first events are applied in
 * the chain's order all the same. */
#define IN_ORDER_AT_FIRST_MS 1000

void processor_open(struct processor *processor, const struct chain_settings *settings,
		    const struct symbol_map *symbols, struct shares threshold,
		    int64_t retry_after_ms)
{
	struct store *store = &processor->store;

	processor->settings = settings;
	processor->symbols = symbols;
	event_queue_open(&processor->events, store);
	block_coverage_open(&processor->coverage, store);
	listener_sessions_open(&processor->sessions, store, &processor->lock);
	tokens_open(&processor->tokens, store);
	positions_open(&processor->positions, store, threshold, retry_after_ms);
	asked_node_open(&processor->node, store, settings);
	token_resolver_open(&processor->resolver, store, &processor->tokens, &processor->node);
	wrapped_shares_open(&processor->wrapped, store, &processor->node);
	processor->last_processed = event_queue_last_processed(&processor->events);
	processor->waiting_for_tokens = 0;
	processor->positions_wait_ms = 0;
	processor->whole_walk_due_ms = clock_monotonic_ms() + FIRST_WHOLE_WALK_MS;
	processor->in_order_until_ms = clock_monotonic_ms() + IN_ORDER_AT_FIRST_MS;
	processor->walk_was_cut = false;
	processor->asks_first = true;
	/* Of another ledger, perhaps. */
	memset(processor->decoded, 0, sizeof(processor->decoded));
}

void processor_close(struct processor *processor)
{
	wrapped_shares_close(&processor->wrapped);
	token_resolver_close(&processor->resolver);
	asked_node_close(&processor->node);
	positions_close(&processor->positions);
	tokens_close(&processor->tokens);
	listener_sessions_close(&processor->sessions);
	block_coverage_close(&processor->coverage);
	event_queue_close(&processor->events);
}

/*
 * The highest block whose events are ready: to where coverage is contiguous, or all when a session
 * is open and everything below its cutoff is covered.
 */
static int64_t ready_to(struct processor *processor)
{
	int64_t first = processor->settings->deployment_block;
	int64_t covered = block_coverage_contiguous_to(&processor->coverage, first);
	struct listener_session session;

	if (listener_sessions_current(&processor->sessions, &session) &&
	    (session.cutoff_block <= first || covered >= session.cutoff_block - 1))
		return INT64_MAX;
	return covered;
}

/* The dollar is in nearly every event and has no position: known, it holds up nothing. */
static bool is_known_quote(struct processor *processor, const struct evm_address *address)
{
	struct symbol ticker;
	struct token token;

	return tokens_find(&processor->tokens, address, &token) &&
	       symbol_map_role(processor->symbols, &token, &ticker) == TOKEN_ROLE_QUOTE;
}

/* An event as far as it can be read, and what it needs. */
struct opened_event {
	struct event_row row;
	struct orderbook_event decoded;
	struct event_tokens tokens;
	struct event_knowledge known;
	enum outcome outcome; /* of decoding */
	struct error error;
};

/* Before the transaction and again within it, but only once from the text, which never changes. */
static const struct decoded_event *decode(struct processor *processor, const struct event_row *row)
{
	struct decoded_event *decoded =
		&processor->decoded[(uint64_t)row->id % ARRAY_LENGTH(processor->decoded)];

	if (decoded->event_id == row->id)
		return decoded;
	*decoded = (struct decoded_event){.event_id = row->id};
	decoded->outcome = orderbook_json_decode(row->event_data, &decoded->event, &decoded->error);
	if (decoded->outcome == OUTCOME_OK)
		trade_decoder_tokens(&decoded->event, &processor->settings->owners,
				     &decoded->tokens);
	return decoded;
}

static bool open_next(struct processor *processor, struct event_position after, int64_t limit,
		      struct opened_event *event)
{
	const struct decoded_event *decoded;

	if (!event_queue_next(&processor->events, after, limit, &event->row))
		return false;
	decoded = decode(processor, &event->row);
	event->decoded = decoded->event;
	event->tokens = decoded->tokens;
	event->outcome = decoded->outcome;
	event->error = decoded->error;
	return true;
}

static struct event_position position_of(const struct event_row *row)
{
	return (struct event_position){.block_number = row->block_number,
				       .log_index = row->log_index};
}

static bool comes_before(struct event_position a, struct event_position b)
{
	return a.block_number < b.block_number ||
	       (a.block_number == b.block_number && a.log_index < b.log_index);
}

/* All tokens of the event, or the outcome of the first that is missing: REJECTED counts more than
 * RETRY. */
static enum outcome know_tokens(struct processor *processor, struct opened_event *event,
				struct error *error)
{
	enum outcome worst = OUTCOME_OK;

	event->known.symbols = processor->symbols;
	for (size_t i = 0; i < event->tokens.count; i++) {
		struct error reason;
		enum outcome outcome =
			token_resolver_find(&processor->resolver, &event->tokens.addresses[i],
					    &event->known.tokens[i], &reason);

		if (outcome == OUTCOME_OK || worst == OUTCOME_REJECTED)
			continue;
		worst = outcome;
		*error = reason;
	}
	if (worst == OUTCOME_OK)
		trade_decoder_wrapped(&event->decoded, &processor->settings->owners, &event->known);
	return worst;
}

static struct fill_block block_of(const struct event_row *row)
{
	return (struct fill_block){.hash = row->block_hash, .number = row->block_number};
}

/* The tokens, and what wrapped shares were worth. */
static enum outcome know(struct processor *processor, struct opened_event *event,
			 struct error *error)
{
	const struct fill_block block = block_of(&event->row);
	enum outcome outcome = know_tokens(processor, event, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	return wrapped_shares_find(&processor->wrapped, &block, &event->known.wrapped, error);
}

/*
 * The way past ready events in chain order, a batch of which can be applied. Applying goes it
 * within the transaction. Asking goes it before, where the last batch met something that is not
 * known, so that what applying misses then is what was asked for.
 */
struct event_walk {
	int64_t limit;
	struct event_position after;
	struct held_tokens held;
	int ready;
	int64_t waiting;
};

static void walk_begin(struct event_walk *walk, int64_t limit)
{
	*walk = (struct event_walk){.limit = limit, .after = EVENT_POSITION_START};
	held_tokens_init(&walk->held);
}

/* Before the next whole walk. */
static bool is_far_enough(struct processor *processor, const struct event_walk *walk)
{
	if (walk->waiting < BATCH_SIZE || clock_monotonic_ms() >= processor->whole_walk_due_ms ||
	    !asked_node_awaits_answer(&processor->node))
		return false;
	processor->walk_was_cut = true;
	return true;
}

/* is_held: it must wait behind an earlier one. */
static bool walk_next(struct processor *processor, struct event_walk *walk,
		      struct opened_event *event, bool *is_held)
{
	if (walk->ready == BATCH_SIZE || is_far_enough(processor, walk) ||
	    !open_next(processor, walk->after, walk->limit, event))
		return false;
	walk->after = position_of(&event->row);
	*is_held = held_tokens_touch(&walk->held, &event->tokens);
	return true;
}

/* The event waits, and with it what is behind it of its tokens. */
static void walk_past(struct processor *processor, struct event_walk *walk,
		      const struct opened_event *event)
{
	for (size_t i = 0; i < event->tokens.count; i++) {
		if (!is_known_quote(processor, &event->tokens.addresses[i]))
			held_tokens_add(&walk->held, &event->tokens.addresses[i]);
	}
	walk->waiting++;
}

/* Whether the event must wait: something is neither known nor refused. */
static bool ask_about(struct processor *processor, struct opened_event *event)
{
	const struct fill_block block = block_of(&event->row);
	struct error error;

	if (event->outcome != OUTCOME_OK || know(processor, event, &error) != OUTCOME_RETRY)
		return false;
	for (size_t i = 0; i < event->tokens.count; i++)
		token_resolver_resolve(&processor->resolver, &event->tokens.addresses[i]);
	if (know_tokens(processor, event, &error) == OUTCOME_OK)
		wrapped_shares_resolve(&processor->wrapped, &block, &event->known.wrapped);
	return know(processor, event, &error) == OUTCOME_RETRY;
}

/* Asks the chain for what the coming batch needs, or hears what it says, before the transaction. */
static void ask_for_missing(struct processor *processor, int64_t limit)
{
	struct opened_event event;
	struct event_walk walk;
	bool is_held;

	evm_dialogues_begin_round(&processor->node.dialogues);
	token_resolver_begin_pass(&processor->resolver);
	wrapped_shares_begin_pass(&processor->wrapped);
	walk_begin(&walk, limit);
	while (!process_stopping() && walk_next(processor, &walk, &event, &is_held)) {
		if (ask_about(processor, &event) || is_held)
			walk_past(processor, &walk, &event);
		else
			walk.ready++;
	}
	/* What is behind a cut keeps what it has been told. */
	if (!processor->walk_was_cut)
		evm_dialogues_end_round(&processor->node.dialogues);
}

static void quarantine(struct processor *processor, const struct event_row *row, const char *reason)
{
	event_queue_mark_processed(&processor->events, row->id, EVENT_OUTCOME_QUARANTINED, reason);
	log_error("event quarantined event_id=%" PRId64 " block_number=%" PRId64
		  " log_index=%" PRId64 " tx_hash=%s reason=%s",
		  row->id, row->block_number, row->log_index, row->tx_hash.text, reason);
}

static void book(struct processor *processor, const struct event_row *row,
		 struct decoded_trades *trades)
{
	if (trades->count == 0) {
		event_queue_mark_processed(&processor->events, row->id, EVENT_OUTCOME_FILTERED,
					   "no order of an owner");
		return;
	}
	if (comes_before(position_of(row), processor->last_processed))
		log_warn("late event applied: later ones were applied before it "
			 "block_number=%" PRId64 " log_index=%" PRId64 " tx_hash=%s",
			 row->block_number, row->log_index, row->tx_hash.text);
	for (size_t i = 0; i < trades->count; i++)
		trades->items[i].event = row;
	positions_take_trades(&processor->positions, trades->items, trades->count);
	event_queue_mark_processed(&processor->events, row->id, EVENT_OUTCOME_TRADE, NULL);
}

/* False when the event must wait for what its tokens are, or were worth. */
static bool apply(struct processor *processor, struct opened_event *event)
{
	struct decoded_trades trades;

	if (event->outcome == OUTCOME_OK)
		event->outcome = know(processor, event, &event->error);
	if (event->outcome == OUTCOME_RETRY)
		return false;
	if (event->outcome == OUTCOME_OK)
		event->outcome = trade_decoder_decode(&event->decoded, &processor->settings->owners,
						      &event->known, &trades, &event->error);
	if (event->outcome == OUTCOME_OK)
		book(processor, &event->row, &trades);
	else
		quarantine(processor, &event->row, event->error.text);
	if (comes_before(processor->last_processed, position_of(&event->row)))
		processor->last_processed = position_of(&event->row);
	return true;
}

/* Whether what is behind an event that waits must wait, too. */
static bool must_keep_order(struct processor *processor)
{
	return asked_node_awaits_answer(&processor->node) &&
	       clock_monotonic_ms() < processor->in_order_until_ms;
}

/* Applies ready events in chain order; how many. What nobody has asked about yet ends the batch. */
static int apply_batch(struct processor *processor, int64_t limit, bool asked)
{
	struct opened_event event;
	struct event_walk walk;
	bool is_held;

	walk_begin(&walk, limit);
	while (walk_next(processor, &walk, &event, &is_held)) {
		if (!is_held && apply(processor, &event)) {
			walk.ready++;
			continue;
		}
		walk_past(processor, &walk, &event);
		if (!asked)
			break;
		if (must_keep_order(processor)) {
			processor->walk_was_cut = true;
			break;
		}
	}
	processor->asks_first = walk.waiting > 0;
	processor->waiting_for_tokens = asked ? walk.waiting : 0;
	return walk.ready;
}

/* Takes back what left the chain; how many events. */
static int take_back(struct processor *processor)
{
	struct event_row event;
	int count = 0;

	while (count < BATCH_SIZE && event_queue_next_unreversed(&processor->events, &event)) {
		positions_take_back(&processor->positions, &event);
		event_queue_mark_reversed(&processor->events, event.id);
		log_warn("event taken back: its block left the chain event_id=%" PRId64
			 " block_number=%" PRId64 " log_index=%" PRId64 " tx_hash=%s",
			 event.id, event.block_number, event.log_index, event.tx_hash.text);
		count++;
	}
	return count;
}

/* Until something may be asked again that an event waits for; -1: nothing is. */
static int64_t question_wait_ms(const struct processor *processor)
{
	return clock_shorter_wait_ms(token_resolver_wait_ms(&processor->resolver),
				     wrapped_shares_wait_ms(&processor->wrapped));
}

static bool has_question(const struct processor *processor)
{
	return processor->waiting_for_tokens > 0 && question_wait_ms(processor) == 0;
}

/* An event that waits for an answer, with its time not yet come, is no work. */
static bool has_ready_event(struct processor *processor, int64_t limit)
{
	struct event_row row;
	bool found = event_queue_next(&processor->events, EVENT_POSITION_START, limit, &row);

	/* Those that waited are not ready any more: a session has ended. */
	if (!found)
		processor->waiting_for_tokens = 0;
	return found &&
	       (processor->waiting_for_tokens == 0 || has_question(processor) ||
		event_queue_count_waiting(&processor->events) > processor->waiting_for_tokens);
}

static bool has_removed_event(struct processor *processor)
{
	struct event_row row;

	return event_queue_next_unreversed(&processor->events, &row);
}

static void tell_waiting(const struct processor *processor, int64_t waited)
{
	int64_t waiting = processor->waiting_for_tokens;

	if (waiting > 0 && waiting != waited && !asked_node_awaits_answer(&processor->node))
		log_warn("events wait for tokens that could not be asked events=%" PRId64, waiting);
}

static void rest_from_walking(struct processor *processor, int64_t began_ms)
{
	int64_t now_ms = clock_monotonic_ms();

	if (now_ms >= processor->whole_walk_due_ms)
		processor->whole_walk_due_ms = now_ms + WHOLE_WALK_REST * (now_ms - began_ms);
}

static bool positions_are_due(struct processor *processor)
{
	processor->positions_wait_ms = positions_wait_ms(&processor->positions);
	return processor->positions_wait_ms == 0;
}

struct work {
	int64_t limit;	/* ready_to */
	bool may_apply; /* an event is ready, or was told what it waits for */
};

/* Whether there is any, as of one state of the database. */
static bool find_work(struct processor *processor, bool answered, struct work *work)
{
	bool found;

	store_begin_read(&processor->store);
	work->limit = ready_to(processor);
	work->may_apply = answered || has_ready_event(processor, work->limit);
	found = work->may_apply || has_removed_event(processor) || positions_are_due(processor);
	store_end_read(&processor->store);
	return found;
}

/* What the transaction left for the next one, which nobody needs to wait for. */
static bool leaves_more(const struct processor *processor, bool asked, int applied, int taken_back)
{
	return applied == BATCH_SIZE || taken_back == BATCH_SIZE ||
	       (applied > 0 && processor->walk_was_cut) || (processor->asks_first && !asked) ||
	       has_question(processor) || processor->positions_wait_ms == 0;
}

enum processor_progress processor_step(struct processor *processor)
{
	bool answered = asked_node_take_answers(&processor->node);
	bool asks = answered || processor->asks_first;
	int64_t waited = processor->waiting_for_tokens;
	int64_t began_ms = clock_monotonic_ms();
	struct work work;
	int applied;
	int taken_back;

	processor->walk_was_cut = false;
	if (!find_work(processor, answered, &work))
		return PROCESSOR_IDLE;
	if (asks && work.may_apply)
		ask_for_missing(processor, work.limit);
	if (!store_begin(&processor->store))
		return PROCESSOR_IDLE;
	taken_back = take_back(processor);
	/* Read again under the lock: a session may have ended meanwhile, and its events must wait
	 * for coverage then. */
	applied = apply_batch(processor, ready_to(processor), asks);
	/* Last: a fill that was mined again elsewhere needs no order. */
	processor->positions_wait_ms = positions_follow(&processor->positions);
	store_commit(&processor->store);
	if (!processor->walk_was_cut)
		rest_from_walking(processor, began_ms);
	if (applied > 0)
		log_debug("batch applied events=%d", applied);
	tell_waiting(processor, waited);
	if (leaves_more(processor, asks, applied, taken_back))
		return PROCESSOR_MORE;
	return applied > 0 || taken_back > 0 ? PROCESSOR_DONE : PROCESSOR_IDLE;
}

int64_t processor_wait_ms(const struct processor *processor)
{
	int64_t wait_ms = processor->positions_wait_ms;

	if (processor->waiting_for_tokens > 0)
		wait_ms = clock_shorter_wait_ms(wait_ms, question_wait_ms(processor));
	if (processor->walk_was_cut) {
		int64_t now_ms = clock_monotonic_ms();
		int64_t left_ms =
			(now_ms < processor->in_order_until_ms ? processor->in_order_until_ms
							       : processor->whole_walk_due_ms) -
			now_ms;

		wait_ms = clock_shorter_wait_ms(wait_ms, left_ms > 0 ? left_ms : 0);
	}
	return wait_ms;
}
