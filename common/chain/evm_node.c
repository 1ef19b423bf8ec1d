/*
 * See evm_node.h. Every question: build the request, post it, look at the transport, have the
 * answer judged, give the slot back.
 */
#include "chain/evm_node.h"

#include "chain/evm_json.h"

#define STATUS_TOO_LARGE	 413
#define STATUS_TOO_MANY_REQUESTS 429

/* An error object is a few hundred bytes; what is longer is some server's page. */
#define ERROR_BODY_MAXIMUM ((size_t)64 * 1024)

static void open_with(struct evm_node *node, const struct chain_settings *settings,
		      size_t concurrency)
{
	const struct http_options options = {
		.url = settings->http_url.text,
		.ca_file = settings->ca_file.text,
		.timeout_ms = settings->rpc_timeout_ms,
		.concurrency = concurrency,
		.maximum_answer_bytes = BUFFER_MAX_HTTP_ANSWER,
	};

	*node = (struct evm_node){.http = http_open(&options), .next_id = 1};
	buffer_init(&node->request, BUFFER_MAX_HTTP_REQUEST);
}

void evm_node_open(struct evm_node *node, const struct chain_settings *settings)
{
	open_with(node, settings, 1);
}

void evm_node_open_for_dialogues(struct evm_node *node, const struct chain_settings *settings,
				 struct evm_dialogues *dialogues)
{
	open_with(node, settings, EVM_DIALOGUES);
	evm_dialogues_open(dialogues, node->http);
	node->dialogues = dialogues;
}

void evm_node_close(struct evm_node *node)
{
	if (node->dialogues != NULL)
		evm_dialogues_close(node->dialogues);
	http_close(node->http);
	buffer_free(&node->request);
}

bool evm_node_enter(struct evm_node *node, const struct evm_word *key, bool lasting)
{
	return node->dialogues == NULL ||
	       evm_dialogues_enter(node->dialogues, key, lasting, &node->next_id);
}

void evm_node_leave(struct evm_node *node, enum outcome outcome, const struct error *error)
{
	if (node->dialogues != NULL)
		evm_dialogues_leave(node->dialogues, outcome == OUTCOME_RETRY &&
							     error->kind == ERROR_KIND_UNDER_WAY);
}

/* True when body is an object with a JSON-RPC error object, which is classified then. */
static bool read_rpc_error(const struct http_answer *answer, enum outcome *outcome,
			   struct error *error)
{
	json_t *root = evm_json_parse((const char *)answer->body.data, answer->body.length, NULL);
	struct error judged = {.kind = ERROR_KIND_MALFORMED};
	enum outcome classified = evm_json_judge_error(json_object_get(root, "error"), &judged);

	json_decref(root);
	if (judged.kind == ERROR_KIND_MALFORMED)
		return false;
	*outcome = classified;
	if (error != NULL)
		*error = judged;
	return true;
}

enum outcome evm_node_transport_outcome(const struct http_answer *answer, struct error *error)
{
	enum outcome outcome = answer->outcome;

	if (outcome == OUTCOME_OK)
		return OUTCOME_OK;
	if (answer->status != STATUS_TOO_MANY_REQUESTS && answer->body.length > 0 &&
	    answer->body.length <= ERROR_BODY_MAXIMUM && read_rpc_error(answer, &outcome, error)) {
		if (error != NULL)
			error->retry_after_ms = answer->error.retry_after_ms;
		return outcome;
	}
	if (error != NULL)
		*error = answer->error;
	if (answer->error.kind == ERROR_KIND_RANGE_TOO_LARGE ||
	    answer->status == STATUS_TOO_LARGE) {
		if (error != NULL)
			error->kind = ERROR_KIND_RANGE_TOO_LARGE;
		return OUTCOME_RETRY;
	}
	return outcome;
}

/* An answer to node->request: now, or none yet. */
static enum outcome obtain(struct evm_node *node, struct http_answer *answer, struct error *error)
{
	const struct bytes request = {.data = node->request.bytes, .length = node->request.length};

	if (node->dialogues != NULL && !evm_dialogues_ask(node->dialogues, request, answer))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNDER_WAY, "not answered yet");
	if (node->dialogues == NULL && !http_post(node->http, request, answer))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_NONE,
				 "given up: the process is to stop");
	return OUTCOME_OK;
}

/* An answer that a dialogue keeps has no slot any more. */
static void release(struct evm_node *node, const struct http_answer *answer)
{
	if (node->dialogues == NULL)
		http_release(node->http, answer->slot);
}

/* Posts node->request. On OK the caller judges answer->body and calls finish. */
static enum outcome post(struct evm_node *node, struct http_answer *answer, struct error *error)
{
	enum outcome outcome = obtain(node, answer, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = evm_node_transport_outcome(answer, error);
	if (outcome != OUTCOME_OK)
		release(node, answer);
	return outcome;
}

/* After the judgement. */
static enum outcome finish(struct evm_node *node, const struct http_answer *answer,
			   enum outcome outcome, const struct error *error)
{
	if (outcome != OUTCOME_OK && error != NULL && error->kind == ERROR_KIND_MALFORMED)
		http_distrust_connections(node->http);
	release(node, answer);
	return outcome;
}

/* For the questions that are answered with one number. */
static enum outcome post_for_quantity(struct evm_node *node, uint64_t id, uint64_t *quantity,
				      struct error *error)
{
	struct http_answer answer;
	enum outcome outcome = post(node, &answer, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = evm_rpc_answer_quantity((const char *)answer.body.data, answer.body.length, id,
					  quantity, error);
	return finish(node, &answer, outcome, error);
}

enum outcome evm_node_chain_id(struct evm_node *node, uint64_t *chain_id, struct error *error)
{
	uint64_t id = node->next_id++;

	evm_rpc_request_chain_id(&node->request, id);
	return post_for_quantity(node, id, chain_id, error);
}

enum outcome evm_node_block_number(struct evm_node *node, uint64_t *block_number,
				   struct error *error)
{
	uint64_t id = node->next_id++;

	evm_rpc_request_block_number(&node->request, id);
	return post_for_quantity(node, id, block_number, error);
}

enum outcome evm_node_block(struct evm_node *node, uint64_t block_number, struct evm_block *block,
			    struct error *error)
{
	uint64_t id = node->next_id++;
	struct http_answer answer;
	enum outcome outcome;

	evm_rpc_request_block(&node->request, id, block_number);
	outcome = post(node, &answer, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = evm_rpc_answer_block_at((const char *)answer.body.data, answer.body.length, id,
					  block_number, block, error);
	return finish(node, &answer, outcome, error);
}

/* For the calls: what they return. */
static enum outcome post_for_data(struct evm_node *node, uint64_t id, struct buffer *result,
				  struct error *error)
{
	struct http_answer answer;
	enum outcome outcome = post(node, &answer, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = evm_rpc_answer_data((const char *)answer.body.data, answer.body.length, id,
				      result, error);
	return finish(node, &answer, outcome, error);
}

enum outcome evm_node_call(struct evm_node *node, const struct evm_address *to,
			   struct bytes call_data, struct buffer *result, struct error *error)
{
	uint64_t id = node->next_id++;

	evm_rpc_request_call(&node->request, id, to, call_data);
	return post_for_data(node, id, result, error);
}

/*
 * By number, for a node that cannot do it by hash: the block of that number must be the one, after
 * the call as before it.
 */
static enum outcome call_at_number(struct evm_node *node, const struct evm_call *call,
				   struct buffer *result, struct error *error)
{
	uint64_t id = node->next_id++;
	struct evm_block block = {.number = 0};
	enum outcome outcome;

	evm_rpc_request_call_at_number(&node->request, id, call);
	outcome = post_for_data(node, id, result, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = evm_node_block(node, call->block_number, &block, error);
	if (outcome == OUTCOME_OK && !evm_word_equal(&block.hash, &call->block_hash))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				 "the node has another block of that number");
	return outcome;
}

enum outcome evm_node_call_at(struct evm_node *node, const struct evm_call *call,
			      struct buffer *result, struct error *error)
{
	uint64_t id = node->next_id++;
	enum outcome outcome;

	evm_rpc_request_call_at_hash(&node->request, id, call);
	outcome = post_for_data(node, id, result, error);
	/* The contract refused, or the node does not know such a question: the other one tells. */
	if (outcome != OUTCOME_REJECTED || error->kind != ERROR_KIND_RPC)
		return outcome;
	buffer_clear(result);
	return call_at_number(node, call, result, error);
}

enum outcome evm_node_receipt(struct evm_node *node, const struct evm_word *tx_hash,
			      struct evm_receipt *receipt, struct evm_logs *logs,
			      struct error *error)
{
	uint64_t id = node->next_id++;
	struct http_answer answer;
	enum outcome outcome;

	evm_rpc_request_receipt(&node->request, id, tx_hash);
	outcome = post(node, &answer, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = evm_rpc_answer_receipt(answer.body, id, tx_hash, receipt, logs, error);
	return finish(node, &answer, outcome, error);
}

enum outcome evm_node_prices(struct evm_node *node, const struct evm_word *tx_hash,
			     const struct evm_address *oracle, struct pyth_prices *prices,
			     struct error *error)
{
	uint64_t id = node->next_id++;
	struct http_answer answer;
	enum outcome outcome;

	evm_rpc_request_trace(&node->request, id, tx_hash);
	outcome = post(node, &answer, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = pyth_trace_answer(answer.body, id, oracle, prices, error);
	return finish(node, &answer, outcome, error);
}
