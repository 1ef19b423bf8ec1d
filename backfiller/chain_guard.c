/* See chain_guard.h. */
#include "backfiller/chain_guard.h"

#include "base/log.h"

#include <inttypes.h>

#define PROOF_INTERVAL_MS 1000

void chain_guard_init(struct chain_guard *guard, const struct chain_guard_options *options,
		      const struct head_watch *watch, const struct reorganisation *writer)
{
	*guard = (struct chain_guard){
		.options = *options,
		.watch = *watch,
		.writer = *writer,
		.trust = CHAIN_UNSURE,
		.suspect = FORK_SEARCH_NO_SUSPECT,
	};
	fork_search_init(&guard->search, writer->blocks);
}

static bool is_searching(const struct chain_guard *guard)
{
	return guard->search.finding == FORK_SEARCHING;
}

int64_t chain_guard_due_ms(const struct chain_guard *guard)
{
	if (guard->watch.asking || guard->search.asking)
		return INT64_MAX;
	if (is_searching(guard))
		return guard->search.due_ms;
	if (guard->options.once && guard->trust != CHAIN_UNSURE)
		return INT64_MAX;
	return guard->watch.due_ms;
}

void chain_guard_request(struct chain_guard *guard, uint64_t id, size_t http_slot,
			 struct buffer *request)
{
	if (is_searching(guard)) {
		guard->search.http_slot = http_slot;
		fork_search_request(&guard->search, id, request);
	} else {
		guard->watch.http_slot = http_slot;
		head_watch_request(&guard->watch, id, request);
	}
}

bool chain_guard_asks_in(const struct chain_guard *guard, size_t http_slot)
{
	return (guard->watch.asking && guard->watch.http_slot == http_slot) ||
	       (guard->search.asking && guard->search.http_slot == http_slot);
}

/* The newest block that is taken for final; -1: none. */
static int64_t finalized_block(const struct chain_guard *guard)
{
	if (guard->watch.finalized != HEAD_WATCH_UNKNOWN)
		return guard->watch.finalized;
	return guard->watch.head > guard->options.finality_blocks
		       ? guard->watch.head - guard->options.finality_blocks
		       : -1;
}

void chain_guard_finalize(const struct chain_guard *guard)
{
	if (guard->trust == CHAIN_SURE)
		reorganisation_finalize_step(&guard->writer, finalized_block(guard));
}

static void become_sure(struct chain_guard *guard)
{
	int64_t finalized = finalized_block(guard);

	if (guard->trust == CHAIN_HALTED)
		log_warn("the node's chain has the final blocks again: reading goes on, trading "
			 "stays halted until somebody resumes it");
	guard->trust = CHAIN_SURE;
	guard->proofs = 0;
	guard->linked_from = guard->options.link_all ? 0 : finalized + 1;
	chain_guard_finalize(guard);
}

static void take_missing_final_block(struct chain_guard *guard, int64_t now_ms)
{
	int64_t top_block = guard->search.top_block;

	if (guard->trust == CHAIN_HALTED)
		return;
	guard->proofs++;
	if (guard->proofs < CHAIN_GUARD_PROOFS) {
		log_warn("the node's chain lacks a block that it had called final: looking again"
			 " block_number=%" PRId64,
			 top_block);
		guard->trust = CHAIN_UNSURE;
		guard->watch.due_ms = now_ms + PROOF_INTERVAL_MS;
	} else if (guard->options.accept_reorg) {
		log_warn("a reorganisation of final blocks is accepted");
		if (reorganisation_step(&guard->writer, guard->search.fork_block, top_block))
			become_sure(guard);
	} else if (reorganisation_halt_step(&guard->writer, top_block)) {
		guard->trust = CHAIN_HALTED;
	}
}

static void take_finding(struct chain_guard *guard, int64_t now_ms)
{
	switch (guard->search.finding) {
	case FORK_SEARCHING:
		return;
	case FORK_NONE:
		become_sure(guard);
		return;
	case FORK_FOUND:
		if (reorganisation_step(&guard->writer, guard->search.fork_block,
					guard->search.top_block))
			become_sure(guard);
		return;
	case FORK_BELOW_FINALIZED:
		take_missing_final_block(guard, now_ms);
		return;
	}
	invariant_unreachable("a known finding");
}

static void begin_search(struct chain_guard *guard, int64_t now_ms)
{
	int64_t suspect = guard->suspect;

	guard->suspect = FORK_SEARCH_NO_SUSPECT;
	fork_search_begin(&guard->search, suspect);
	take_finding(guard, now_ms);
}

enum outcome chain_guard_answer(struct chain_guard *guard, const struct http_answer *answer,
				int64_t now_ms, struct error *error)
{
	int64_t rounds = guard->watch.rounds;
	enum outcome outcome;

	if (guard->search.asking) {
		outcome = fork_search_answer(&guard->search, answer, now_ms, error);
		if (outcome == OUTCOME_OK)
			take_finding(guard, now_ms);
	} else {
		outcome = head_watch_answer(&guard->watch, answer, now_ms, error);
		if (outcome == OUTCOME_OK && guard->watch.rounds > rounds)
			begin_search(guard, now_ms);
	}
	if (guard->suspect != FORK_SEARCH_NO_SUSPECT && !is_searching(guard))
		begin_search(guard, now_ms);
	return outcome;
}

void chain_guard_suspect(struct chain_guard *guard, int64_t block_number)
{
	if (guard->trust == CHAIN_SURE)
		guard->trust = CHAIN_UNSURE;
	guard->suspect = block_number;
	if (!guard->watch.asking && !guard->search.asking)
		begin_search(guard, 0);
}
