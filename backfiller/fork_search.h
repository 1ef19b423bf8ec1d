/*
 * Whether the node's chain is still the one that the ledger was read from, and if not, where the
 * two part: rows of table blocks are compared with the node's headers, the highest first, then by
 * halves. A header's hash stands for all that is below it, so one that agrees ends the search.
 *
 * A block that the node does not have says nothing: it may lag behind. Until its chain has grown to
 * that height again, what lies above its head is not judged.
 *
 * Reads the table; sends nothing and writes nothing.
 */
#ifndef BALLAST_BACKFILLER_FORK_SEARCH_H
#define BALLAST_BACKFILLER_FORK_SEARCH_H

#include "base/backoff.h"
#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "chain/http.h"
#include "store/blocks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORK_SEARCH_NO_SUSPECT ((int64_t)-1)
#define FORK_SEARCH_NOTHING    ((int64_t)-1)

enum fork_finding {
	FORK_SEARCHING,
	FORK_NONE,
	FORK_FOUND,	      /* above .fork_block nothing is on the chain any more */
	FORK_BELOW_FINALIZED, /* a block that the node had called final is not on its chain */
};

struct fork_search {
	struct blocks *blocks;
	enum fork_finding finding;
	int64_t fork_block;   /* FORK_SEARCH_NOTHING: no row is on the chain */
	int64_t top_block;    /* the highest row that differs */
	struct block_row row; /* the one to compare next */
	int64_t agrees;	      /* the highest row that was seen to agree, or -1 */
	int64_t differs;      /* the lowest row that was seen to differ, or INT64_MAX */
	bool finalized_differs;
	int64_t due_ms;
	bool asking;
	uint64_t request_id;
	size_t http_slot;
	struct backoff backoff;
};

void fork_search_init(struct fork_search *search, struct blocks *blocks);

/* suspect: a row that somebody has a reason to doubt is compared first; or FORK_SEARCH_NO_SUSPECT.
 */
void fork_search_begin(struct fork_search *search, int64_t suspect);

/* Only while searching. */
void fork_search_request(struct fork_search *search, uint64_t id, struct buffer *request);

/* Outcome: OK, with .finding; or not answered, and the same question is due after a backoff. */
MUST_USE enum outcome fork_search_answer(struct fork_search *search,
					 const struct http_answer *answer, int64_t now_ms,
					 struct error *error);

#endif
