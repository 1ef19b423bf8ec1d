/* See fork_search.h. */
#include "backfiller/fork_search.h"

#include "base/log.h"
#include "chain/evm_node.h"
#include "chain/evm_rpc.h"

#define SEARCH_BACKOFF_BASE_MS	250
#define SEARCH_BACKOFF_LIMIT_MS 60000

void fork_search_init(struct fork_search *search, struct blocks *blocks)
{
	*search = (struct fork_search){.blocks = blocks, .finding = FORK_NONE};
	backoff_init(&search->backoff, SEARCH_BACKOFF_BASE_MS, SEARCH_BACKOFF_LIMIT_MS);
}

void fork_search_begin(struct fork_search *search, int64_t suspect)
{
	invariant(!search->asking);
	search->agrees = FORK_SEARCH_NOTHING;
	search->differs = INT64_MAX;
	search->top_block = FORK_SEARCH_NOTHING;
	search->fork_block = FORK_SEARCH_NOTHING;
	search->finalized_differs = false;
	search->due_ms = 0;
	search->finding = FORK_NONE;
	if ((suspect != FORK_SEARCH_NO_SUSPECT &&
	     blocks_find(search->blocks, suspect, &search->row)) ||
	    blocks_highest(search->blocks, INT64_MAX, &search->row))
		search->finding = FORK_SEARCHING;
}

void fork_search_request(struct fork_search *search, uint64_t id, struct buffer *request)
{
	invariant(search->finding == FORK_SEARCHING && !search->asking);
	search->request_id = id;
	search->asking = true;
	evm_rpc_request_block(request, id, (uint64_t)search->row.block_number);
}

static void conclude(struct fork_search *search)
{
	if (search->differs == INT64_MAX) {
		search->finding = FORK_NONE;
		return;
	}
	search->fork_block = search->agrees;
	search->finding = search->finalized_differs ? FORK_BELOW_FINALIZED : FORK_FOUND;
}

/* The row has been compared: the next one, or the conclusion. */
static void take_comparison(struct fork_search *search, bool agrees)
{
	int64_t number = search->row.block_number;

	if (agrees) {
		search->agrees = number;
	} else {
		search->differs = number;
		search->finalized_differs = search->finalized_differs || search->row.finalized;
		if (number > search->top_block)
			search->top_block = number;
	}
	if ((agrees && search->differs == INT64_MAX) ||
	    !blocks_middle(search->blocks, search->agrees, search->differs, &search->row))
		conclude(search);
}

/* The node does not have the block. */
static void go_below(struct fork_search *search)
{
	if (search->row.block_number == 0 ||
	    !blocks_highest(search->blocks, search->row.block_number - 1, &search->row))
		conclude(search);
}

static enum outcome read_header(struct fork_search *search, const struct http_answer *answer,
				struct error *error)
{
	struct evm_block block = {.number = 0};
	enum outcome outcome = evm_node_transport_outcome(answer, error);

	if (outcome == OUTCOME_OK)
		outcome = evm_rpc_answer_block_at(
			(const char *)answer->body.data, answer->body.length, search->request_id,
			(uint64_t)search->row.block_number, &block, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	take_comparison(search, evm_word_equal(&block.hash, &search->row.block_hash));
	return OUTCOME_OK;
}

enum outcome fork_search_answer(struct fork_search *search, const struct http_answer *answer,
				int64_t now_ms, struct error *error)
{
	struct error why = {.kind = ERROR_KIND_NONE};
	enum outcome outcome;

	invariant(search->asking);
	search->asking = false;
	outcome = read_header(search, answer, &why);
	if (outcome != OUTCOME_OK && why.kind == ERROR_KIND_BEHIND &&
	    search->differs == INT64_MAX) {
		go_below(search);
		outcome = OUTCOME_OK;
	}
	if (outcome == OUTCOME_OK) {
		backoff_reset(&search->backoff);
		return OUTCOME_OK;
	}
	search->due_ms = now_ms + backoff_next_ms(&search->backoff, why.retry_after_ms);
	if (error != NULL)
		*error = why;
	return outcome;
}
