/*
 * Keeps the ledger on the node's chain. In rounds it asks where the head and the newest final block
 * are (head_watch.h), then whether the chain is still the one that was read (fork_search.h), and
 * writes what follows (reorganisation.h). Ranges are read only while it is sure.
 */
#ifndef BALLAST_BACKFILLER_CHAIN_GUARD_H
#define BALLAST_BACKFILLER_CHAIN_GUARD_H

#include "backfiller/fork_search.h"
#include "backfiller/head_watch.h"
#include "backfiller/reorganisation.h"
#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "chain/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So often a final block must be found missing, a second apart, before it is believed. */
#define CHAIN_GUARD_PROOFS 3

enum chain_trust {
	CHAIN_UNSURE, /* not compared yet, or there is a reason to compare again */
	CHAIN_SURE,
	CHAIN_HALTED, /* a final block is missing: compared again in every round */
};

struct chain_guard_options {
	bool once;		 /* one round, and another only with a reason */
	bool accept_reorg;	 /* even of final blocks: a person has decided */
	bool link_all;		 /* every block is read by its header */
	int64_t finality_blocks; /* for a node that knows no final block: so far below the head */
};

struct chain_guard {
	struct chain_guard_options options;
	struct head_watch watch;
	struct fork_search search;
	struct reorganisation writer;
	enum chain_trust trust;
	int64_t suspect; /* to be compared when no question is under way, or FORK_SEARCH_NO_SUSPECT
			  */
	int proofs;
	int64_t linked_from; /* blocks from here on are not final: they are read header by header */
};

/* writer: its tables, open as long as the guard is used. */
void chain_guard_init(struct chain_guard *guard, const struct chain_guard_options *options,
		      const struct head_watch *watch, const struct reorganisation *writer);

/* When it has a question; INT64_MAX: none, or one is under way. */
int64_t chain_guard_due_ms(const struct chain_guard *guard);

void chain_guard_request(struct chain_guard *guard, uint64_t id, size_t http_slot,
			 struct buffer *request);

/* Whether its question runs in that slot. */
bool chain_guard_asks_in(const struct chain_guard *guard, size_t http_slot);

/* Outcome: OK, or not answered (it asks again after a backoff). */
MUST_USE enum outcome chain_guard_answer(struct chain_guard *guard,
					 const struct http_answer *answer, int64_t now_ms,
					 struct error *error);

/* At the end of a run: what it has read of the final blocks is the ledger's last word on them. */
void chain_guard_finalize(const struct chain_guard *guard);

/* Somebody read another branch than the row of that block: the two are compared at once. */
void chain_guard_suspect(struct chain_guard *guard, int64_t block_number);

#endif
