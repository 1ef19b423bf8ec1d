/* The processor's step: what is ready in the queue becomes trades, offsets, positions and
 * executions. */
#ifndef BALLAST_PROCESSOR_PROCESSOR_H
#define BALLAST_PROCESSOR_PROCESSOR_H

#include "base/compiler.h"
#include "base/config.h"
#include "base/settings.h"
#include "processor/asked_node.h"
#include "processor/position.h"
#include "processor/symbol_map.h"
#include "processor/token_resolver.h"
#include "processor/trade_decoder.h"
#include "processor/wrapped_shares.h"
#include "store/block_coverage.h"
#include "store/event_queue.h"
#include "store/instance_lock.h"
#include "store/listener_sessions.h"
#include "store/store.h"
#include "store/tokens.h"

#include <stdbool.h>
#include <stdint.h>

/* What was read of an event's text. */
struct decoded_event {
	int64_t event_id; /* 0: of none */
	enum outcome outcome;
	struct orderbook_event event;
	struct event_tokens tokens;
	struct error error;
};

/* More than a batch, whose ids mostly follow one another. */
#define PROCESSOR_DECODED_EVENTS 256

struct processor {
	const struct chain_settings *settings;
	const struct symbol_map *symbols;
	struct store store;
	struct instance_lock lock;
	struct event_queue events;
	struct block_coverage coverage;
	struct listener_sessions sessions;
	struct tokens tokens;
	struct positions positions;
	struct asked_node node;
	struct token_resolver resolver;
	struct wrapped_shares wrapped;
	struct decoded_event decoded[PROCESSOR_DECODED_EVENTS]; /* by id modulo their number */
	struct event_position
		last_processed;	    /* the highest ever applied; what comes below is late */
	int64_t waiting_for_tokens; /* events that the last step had to leave, for what their tokens
				       are or were worth */
	int64_t positions_wait_ms;  /* as of the last step */
	int64_t whole_walk_due_ms;  /* monotonic: from then on past all events that wait */
	int64_t in_order_until_ms;  /* monotonic: so long nothing is applied before what waits */
	bool walk_was_cut;	    /* the last step's: there may be more behind */
	bool asks_first; /* the last batch met what is not known: the next is asked for first */
};

/* Opens everything but the store and the lock, which are the caller's and already open. */
void processor_open(struct processor *processor, const struct chain_settings *settings,
		    const struct symbol_map *symbols, struct shares threshold,
		    int64_t retry_after_ms);
void processor_close(struct processor *processor);

enum processor_progress {
	PROCESSOR_IDLE, /* no event was applied or taken back */
	PROCESSOR_DONE, /* all there was: a commit of another's, or time, must come first */
	PROCESSOR_MORE, /* the next step has something to do */
};

/*
 * Takes the node's answers and asks for what is not known, without waiting; then one transaction:
 * ended executions are taken in, up to a batch of ready events is applied in chain order, hedges
 * are planned.
 */
enum processor_progress processor_step(struct processor *processor);

/* Behind a step that did not return PROCESSOR_MORE: how long the next has nothing to do unless the
 * database changes or the node answers; -1: for ever. */
int64_t processor_wait_ms(const struct processor *processor);

#endif
