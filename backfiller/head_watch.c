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
	if (watch->chain_checked)
		evm_rpc_request_block_number(request, id);
	else
		evm_rpc_request_block(request, id, GENESIS_BLOCK);
}

static enum outcome check_chain(struct head_watch *watch, struct bytes body, struct error *error)
{
	struct evm_block genesis;
	enum outcome outcome = evm_rpc_answer_block((const char *)body.data, body.length,
						    watch->request_id, &genesis, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (genesis.number != GENESIS_BLOCK)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "asked for block 0, got another one");
	if (!evm_word_equal(&genesis.hash, &watch->genesis_hash))
		fatal(EXIT_CODE_NEEDS_PERSON,
		      "the node is on another chain now: its genesis is %s, the ledger's %s",
		      evm_word_text(&genesis.hash).text, evm_word_text(&watch->genesis_hash).text);
	watch->chain_checked = true;
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
	watch->chain_checked = false;
	watch->due_ms = now_ms + watch->interval_ms;
	return OUTCOME_OK;
}

enum outcome head_watch_answer(struct head_watch *watch, const struct http_answer *answer,
			       int64_t now_ms, struct error *error)
{
	static const uint8_t nothing[] = "";
	struct bytes body = answer->body;
	struct error why = {.kind = ERROR_KIND_NONE};
	enum outcome outcome = evm_node_transport_outcome(answer, &why);

	invariant(watch->asking);
	watch->asking = false;
	if (body.data == NULL)
		body = (struct bytes){.data = nothing, .length = 0};
	if (outcome == OUTCOME_OK && watch->chain_checked)
		outcome = read_head(watch, body, now_ms, &why);
	else if (outcome == OUTCOME_OK)
		outcome = check_chain(watch, body, &why);
	if (outcome == OUTCOME_OK) {
		backoff_reset(&watch->backoff);
		return OUTCOME_OK;
	}
	watch->chain_checked = false;
	watch->due_ms = now_ms + backoff_next_ms(&watch->backoff, why.retry_after_ms);
	if (error != NULL)
		*error = why;
	return outcome;
}
