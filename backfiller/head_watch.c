/* See head_watch.h. */
#include "backfiller/head_watch.h"

#include "base/log.h"
#include "chain/evm_node.h"
#include "chain/evm_rpc.h"

#define GENESIS_BLOCK	       0
#define WATCH_BACKOFF_BASE_MS  250
#define WATCH_BACKOFF_LIMIT_MS 60000

void head_watch_init(struct head_watch *watch, const struct evm_word *genesis_hash,
		     int64_t interval_ms)
{
	*watch = (struct head_watch){
		.genesis_hash = *genesis_hash,
		.interval_ms = interval_ms,
		.head = HEAD_WATCH_UNKNOWN,
		.settled = HEAD_WATCH_UNKNOWN,
		.finalized = HEAD_WATCH_UNKNOWN,
		.seen = HEAD_WATCH_UNKNOWN,
	};
	backoff_init(&watch->backoff, WATCH_BACKOFF_BASE_MS, WATCH_BACKOFF_LIMIT_MS);
}

void head_watch_hurry(struct head_watch *watch)
{
	watch->due_ms = 0;
}

void head_watch_request(struct head_watch *watch, uint64_t id, struct buffer *request)
{
	invariant(!watch->asking);
	watch->request_id = id;
	watch->asking = true;
	switch (watch->stage) {
	case HEAD_WATCH_GENESIS:
		evm_rpc_request_block(request, id, GENESIS_BLOCK);
		return;
	case HEAD_WATCH_NUMBER:
		evm_rpc_request_block_number(request, id);
		return;
	case HEAD_WATCH_FINALIZED:
		evm_rpc_request_finalized_block(request, id);
		return;
	}
	invariant_unreachable("a known stage");
}

static enum outcome check_chain(struct head_watch *watch, struct bytes body, struct error *error)
{
	struct evm_block genesis;
	enum outcome outcome =
		evm_rpc_answer_block_at((const char *)body.data, body.length, watch->request_id,
					GENESIS_BLOCK, &genesis, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (!evm_word_equal(&genesis.hash, &watch->genesis_hash))
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "the node is on another chain now: its genesis is %s, the ledger's %s",
		      evm_word_text(&genesis.hash).text, evm_word_text(&watch->genesis_hash).text);
	watch->stage = HEAD_WATCH_NUMBER;
	return OUTCOME_OK;
}

static enum outcome read_head(struct head_watch *watch, struct bytes body, int64_t now_ms,
			      struct error *error)
{
	uint64_t number;
	int64_t head;
	enum outcome outcome = evm_rpc_answer_quantity((const char *)body.data, body.length,
						       watch->request_id, &number, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (number > INT64_MAX)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "no chain has so many blocks");
	head = (int64_t)number;
	if (watch->seen == HEAD_WATCH_UNKNOWN) {
		watch->seen = head;
		watch->seen_at_ms = now_ms;
	} else if (now_ms - watch->seen_at_ms >= watch->interval_ms) {
		/* A node that says less now would not have the block when it is asked for. */
		watch->settled = watch->seen < head ? watch->seen : head;
		watch->seen = head;
		watch->seen_at_ms = now_ms;
	}
	watch->head = head;
	watch->stage = HEAD_WATCH_FINALIZED;
	return OUTCOME_OK;
}

static void end_round(struct head_watch *watch, int64_t finalized, int64_t now_ms)
{
	watch->finalized = finalized;
	watch->rounds++;
	watch->stage = HEAD_WATCH_GENESIS;
	watch->due_ms = now_ms + watch->interval_ms;
}

/* An error of the node's, or null, says that it knows of no final block: not every chain has one.
 */
static bool knows_no_final_block(enum outcome outcome, const struct error *error)
{
	return outcome != OUTCOME_OK &&
	       (error->kind == ERROR_KIND_RPC || error->kind == ERROR_KIND_BEHIND);
}

static enum outcome read_finalized(struct head_watch *watch, struct bytes body, int64_t now_ms,
				   struct error *error)
{
	struct evm_block block = {.number = 0};
	enum outcome outcome = evm_rpc_answer_block((const char *)body.data, body.length,
						    watch->request_id, &block, error);

	if (knows_no_final_block(outcome, error)) {
		end_round(watch, HEAD_WATCH_UNKNOWN, now_ms);
		return OUTCOME_OK;
	}
	if (outcome != OUTCOME_OK)
		return outcome;
	end_round(watch, (int64_t)block.number, now_ms);
	return OUTCOME_OK;
}

static enum outcome read_stage(struct head_watch *watch, struct bytes body, int64_t now_ms,
			       struct error *error)
{
	switch (watch->stage) {
	case HEAD_WATCH_GENESIS:
		return check_chain(watch, body, error);
	case HEAD_WATCH_NUMBER:
		return read_head(watch, body, now_ms, error);
	case HEAD_WATCH_FINALIZED:
		return read_finalized(watch, body, now_ms, error);
	}
	invariant_unreachable("a known stage");
}

enum outcome head_watch_answer(struct head_watch *watch, const struct http_answer *answer,
			       int64_t now_ms, struct error *error)
{
	struct error why = {.kind = ERROR_KIND_NONE};
	enum outcome outcome = evm_node_transport_outcome(answer, &why);

	invariant(watch->asking);
	watch->asking = false;
	if (outcome == OUTCOME_OK) {
		outcome = read_stage(watch, answer->body, now_ms, &why);
	} else if (watch->stage == HEAD_WATCH_FINALIZED && knows_no_final_block(outcome, &why)) {
		end_round(watch, HEAD_WATCH_UNKNOWN, now_ms);
		outcome = OUTCOME_OK;
	}
	if (outcome == OUTCOME_OK) {
		backoff_reset(&watch->backoff);
		return OUTCOME_OK;
	}
	watch->stage = HEAD_WATCH_GENESIS;
	watch->due_ms = now_ms + backoff_next_ms(&watch->backoff, why.retry_after_ms);
	if (error != NULL)
		*error = why;
	return outcome;
}
