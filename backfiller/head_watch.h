/*
 * Where the chain's head is, asked again and again, in rounds: first whether the node still is on
 * our chain (its genesis hash), then its block number, then its newest final block. A head is
 * settled once it has been known for the whole interval: so long the listener had to deliver its
 * block. Pure: the time is given, the answers are fed in.
 */
#ifndef BALLAST_BACKFILLER_HEAD_WATCH_H
#define BALLAST_BACKFILLER_HEAD_WATCH_H

#include "base/backoff.h"
#include "base/buffer.h"
#include "base/compiler.h"
#include "base/evm_types.h"
#include "base/outcome.h"
#include "chain/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_WATCH_UNKNOWN ((int64_t)-1)

enum head_watch_stage {
	HEAD_WATCH_GENESIS,
	HEAD_WATCH_NUMBER,
	HEAD_WATCH_FINALIZED,
};

struct head_watch {
	struct evm_word genesis_hash;
	int64_t interval_ms;
	int64_t head;	   /* as told last, or HEAD_WATCH_UNKNOWN */
	int64_t settled;   /* or HEAD_WATCH_UNKNOWN */
	int64_t finalized; /* as told last, or HEAD_WATCH_UNKNOWN: the node does not say */
	int64_t rounds;	   /* that came to their end */
	int64_t seen;	   /* what is to be settled next, or HEAD_WATCH_UNKNOWN */
	int64_t seen_at_ms;
	int64_t due_ms;
	enum head_watch_stage stage;
	bool asking;
	uint64_t request_id;
	size_t http_slot;
	struct backoff backoff;
};

/* The first question is due at once. */
void head_watch_init(struct head_watch *watch, const struct evm_word *genesis_hash,
		     int64_t interval_ms);

/* Asks as soon as possible: what is known of the head may be old. */
void head_watch_hurry(struct head_watch *watch);

void head_watch_request(struct head_watch *watch, uint64_t id, struct buffer *request);

/*
 * Outcome: OK, or not answered (the round is due again after a backoff). A node that is on another
 * chain now ends the process with exit 78, naming both genesis hashes.
 */
MUST_USE enum outcome head_watch_answer(struct head_watch *watch, const struct http_answer *answer,
					int64_t now_ms, struct error *error);

#endif
