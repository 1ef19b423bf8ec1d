/* See answers.h. */
#include "listener/answers.h"

#include "base/clock.h"
#include "base/log.h"
#include "ingest/chain_identity.h"

#include <inttypes.h>

/* When the node could not say what the cutoff block holds, it is asked again after this. */
#define CUTOFF_LOGS_INTERVAL_MS 1000

void answers_ask_identity(struct subscription *subscription)
{
	struct request *request = subscription_ask(subscription, REQUEST_CHAIN_ID);

	/* The table was just cleared: there is room. */
	invariant(request != NULL);
	evm_rpc_request_chain_id(&subscription->request_text, request->id);
	subscription_send(subscription);
	request = subscription_ask(subscription, REQUEST_GENESIS);
	invariant(request != NULL);
	evm_rpc_request_block(&subscription->request_text, request->id, 0);
	subscription_send(subscription);
}

static void ask_subscriptions(struct subscription *subscription)
{
	struct request *request = subscription_ask(subscription, REQUEST_SUBSCRIBE_LOGS);

	invariant(request != NULL);
	evm_rpc_request_subscribe_logs(&subscription->request_text, request->id,
				       &subscription->settings->orderbook, orderbook_topics,
				       ORDERBOOK_TOPIC_COUNT);
	subscription_send(subscription);
	request = subscription_ask(subscription, REQUEST_SUBSCRIBE_HEADS);
	invariant(request != NULL);
	evm_rpc_request_subscribe_heads(&subscription->request_text, request->id);
	subscription_send(subscription);
}

void answers_ask_once(struct subscription *subscription, enum request_kind kind)
{
	struct request *request;

	if (requests_pending(&subscription->requests, kind, 0))
		return;
	request = subscription_ask(subscription, kind);
	if (request == NULL)
		return;
	evm_rpc_request_block_number(&subscription->request_text, request->id);
	subscription_send(subscription);
}

void answers_ask_cutoff_logs(struct subscription *subscription)
{
	uint64_t block_number = (uint64_t)subscription->session->cutoff_block;
	struct request *request;

	if (requests_pending(&subscription->requests, REQUEST_CUTOFF_LOGS, block_number) ||
	    clock_monotonic_ms() < subscription->cutoff_logs_due_ms)
		return;
	request = subscription_ask(subscription, REQUEST_CUTOFF_LOGS);
	if (request == NULL)
		return;
	subscription->cutoff_logs_due_ms = clock_monotonic_ms() + CUTOFF_LOGS_INTERVAL_MS;
	request->block_number = block_number;
	evm_rpc_request_logs(&subscription->request_text, request->id,
			     &subscription->settings->orderbook, orderbook_topics,
			     ORDERBOOK_TOPIC_COUNT, block_number, block_number);
	subscription_send(subscription);
}

static void ask_block_logs(struct subscription *subscription, const struct evm_log *log)
{
	struct request *request;

	if (requests_pending(&subscription->requests, REQUEST_BLOCK_LOGS, log->block_number))
		return;
	request = subscription_ask(subscription, REQUEST_BLOCK_LOGS);
	if (request == NULL)
		return;
	request->block_number = log->block_number;
	request->block_hash = log->block_hash;
	evm_rpc_request_logs_of_block(&subscription->request_text, request->id,
				      &subscription->settings->orderbook, orderbook_topics,
				      ORDERBOOK_TOPIC_COUNT, &request->block_hash);
	subscription_send(subscription);
}

static void ask_block_time(struct subscription *subscription, const struct evm_log *log)
{
	struct request *request;

	if (requests_pending(&subscription->requests, REQUEST_BLOCK_TIME, log->block_number))
		return;
	request = subscription_ask(subscription, REQUEST_BLOCK_TIME);
	if (request == NULL)
		return;
	request->block_number = log->block_number;
	request->block_hash = log->block_hash;
	evm_rpc_request_block(&subscription->request_text, request->id, log->block_number);
	subscription_send(subscription);
}

void answers_ask_missing(struct subscription *subscription)
{
	const struct session *session = subscription->session;
	uint64_t timestamp;

	for (size_t i = 0; i < session->waiting.logs.count; i++) {
		const struct evm_log *log = &session->waiting.logs.items[i];

		if (!orderbook_is_take_order(log))
			ask_block_logs(subscription, log);
		if (!log->has_block_timestamp &&
		    !head_times_find(&session->times, &log->block_hash, &timestamp))
			ask_block_time(subscription, log);
	}
}

/* Another chain than the ledger's is no matter of trying again: the process ends here with exit 78.
 */
static void identify(struct subscription *subscription)
{
	const struct chain_identity identity = {
		.chain_id = subscription->chain_id,
		.genesis_hash = subscription->genesis_hash,
	};

	chain_identity_require_id(subscription->settings, identity.chain_id);
	chain_identity_record(subscription->session->store, &identity, subscription->settings);
	subscription->phase = SUBSCRIPTION_SUBSCRIBING;
	ask_subscriptions(subscription);
}

static enum outcome handle_chain_id(struct subscription *subscription,
				    const struct request *request, struct bytes text,
				    struct error *error)
{
	enum outcome outcome = evm_rpc_answer_quantity((const char *)text.data, text.length,
						       request->id, &subscription->chain_id, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	subscription->has_chain_id = true;
	if (subscription->has_genesis)
		identify(subscription);
	return OUTCOME_OK;
}

static enum outcome handle_genesis(struct subscription *subscription, const struct request *request,
				   struct bytes text, struct error *error)
{
	struct evm_block block;
	enum outcome outcome = evm_rpc_answer_block_at((const char *)text.data, text.length,
						       request->id, 0, &block, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	subscription->genesis_hash = block.hash;
	subscription->has_genesis = true;
	if (subscription->has_chain_id)
		identify(subscription);
	return OUTCOME_OK;
}

static enum outcome handle_subscribed(struct subscription *subscription,
				      const struct request *request, struct bytes text,
				      struct error *error)
{
	struct evm_subscription_id id;
	enum outcome outcome = evm_rpc_answer_subscribe((const char *)text.data, text.length,
							request->id, &id, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (request->kind == REQUEST_SUBSCRIBE_LOGS)
		subscription->logs_subscribed = true;
	else
		subscription->heads_subscribed = true;
	if (!subscription->logs_subscribed || !subscription->heads_subscribed)
		return OUTCOME_OK;
	subscription->phase = SUBSCRIPTION_LIVE;
	subscription->cutoff_due_ms = clock_monotonic_ms() + subscription->timing.cutoff_timeout_ms;
	subscription->head_due_ms = clock_monotonic_ms() + subscription->timing.head_timeout_ms;
	log_info("subscription started");
	return OUTCOME_OK;
}

/* The higher of what the node says and what its heads said: blocks from the cutoff on must have
 * been subscribed. */
static enum outcome handle_cutoff(struct subscription *subscription, const struct request *request,
				  struct bytes text, struct error *error)
{
	const struct session *session = subscription->session;
	uint64_t block_number;
	enum outcome outcome = evm_rpc_answer_quantity((const char *)text.data, text.length,
						       request->id, &block_number, error);
	int64_t cutoff_block;

	if (outcome != OUTCOME_OK)
		return outcome;
	if (block_number > INT64_MAX)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "eth_blockNumber: a block number beyond 63 bits");
	cutoff_block = (int64_t)block_number;
	if (session->heard_block > cutoff_block)
		cutoff_block = session->heard_block;
	session_settle(subscription->session, cutoff_block, CUTOFF_BLOCK_NUMBER);
	return OUTCOME_OK;
}

/* No head for a while: either the chain is quiet, or the subscription has died while the connection
 * lives. */
static enum outcome handle_head_check(struct subscription *subscription,
				      const struct request *request, struct bytes text,
				      struct error *error)
{
	const struct session *session = subscription->session;
	uint64_t block_number;
	enum outcome outcome = evm_rpc_answer_quantity((const char *)text.data, text.length,
						       request->id, &block_number, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (session->heard_block >= 0 && block_number > (uint64_t)session->heard_block)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				 "newHeads stalled: last heard of block %" PRId64
				 ", the node is at %" PRIu64,
				 session->heard_block, block_number);
	log_info("no new head for %" PRId64
		 " ms: the node says the chain is quiet at block %" PRIu64,
		 subscription->timing.head_timeout_ms, block_number);
	if (session->heard_block < 0)
		subscription->session->heard_block = (int64_t)block_number;
	subscription->head_due_ms = clock_monotonic_ms() + subscription->timing.head_timeout_ms;
	return OUTCOME_OK;
}

static enum outcome take_logs(struct subscription *subscription, struct error *error)
{
	const struct evm_logs *logs = &subscription->answer_logs;

	for (size_t i = 0; i < logs->count; i++) {
		if (!session_take_log(subscription->session, &logs->items[i],
				      evm_logs_data(logs, &logs->items[i])))
			return error_set(error, OUTCOME_RETRY, ERROR_KIND_NONE,
					 "too far behind: no room for the logs of a block");
	}
	return OUTCOME_OK;
}

static enum outcome handle_logs(struct subscription *subscription, const struct request *request,
				struct bytes text, struct error *error)
{
	struct waiting_logs *waiting = &subscription->session->waiting;
	int64_t since_ms = waiting->since_ms;
	enum outcome outcome;

	outcome = evm_rpc_answer_logs((const char *)text.data, text.length, request->id,
				      &subscription->settings->orderbook, orderbook_topics,
				      ORDERBOOK_TOPIC_COUNT, request->block_number,
				      request->block_number, &subscription->answer_logs, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	if (request->kind == REQUEST_CUTOFF_LOGS) {
		subscription->cutoff_block_read = true;
		return take_logs(subscription, error);
	}
	waiting_logs_drop_block(waiting, &request->block_hash);
	outcome = take_logs(subscription, error);
	/* What is incomplete even now has been so since before: the time to give it up comes. */
	waiting->since_ms = since_ms;
	return outcome;
}

static enum outcome handle_block_time(struct subscription *subscription,
				      const struct request *request, struct bytes text,
				      struct error *error)
{
	struct evm_block block;
	enum outcome outcome = evm_rpc_answer_block((const char *)text.data, text.length,
						    request->id, &block, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (evm_word_equal(&block.hash, &request->block_hash)) {
		head_times_add(&subscription->session->times, &block);
		return OUTCOME_OK;
	}
	log_warn("logs of a block that left the chain are dropped block_number=%" PRIu64,
		 request->block_number);
	waiting_logs_drop_block(&subscription->session->waiting, &request->block_hash);
	return OUTCOME_OK;
}

static enum outcome handle(struct subscription *subscription, const struct request *request,
			   struct bytes text, struct error *error)
{
	switch (request->kind) {
	case REQUEST_CHAIN_ID:
		return handle_chain_id(subscription, request, text, error);
	case REQUEST_GENESIS:
		return handle_genesis(subscription, request, text, error);
	case REQUEST_SUBSCRIBE_LOGS:
	case REQUEST_SUBSCRIBE_HEADS:
		return handle_subscribed(subscription, request, text, error);
	case REQUEST_CUTOFF:
		return handle_cutoff(subscription, request, text, error);
	case REQUEST_HEAD_CHECK:
		return handle_head_check(subscription, request, text, error);
	case REQUEST_CUTOFF_LOGS:
	case REQUEST_BLOCK_LOGS:
		return handle_logs(subscription, request, text, error);
	case REQUEST_BLOCK_TIME:
		return handle_block_time(subscription, request, text, error);
	}
	invariant_unreachable("a known request");
}

/* An answer about one block may fail without harm: it is asked again, and the backfiller reads
 * every block anyway. */
static bool is_about_a_block(enum request_kind kind)
{
	return kind == REQUEST_CUTOFF_LOGS || kind == REQUEST_BLOCK_LOGS ||
	       kind == REQUEST_BLOCK_TIME;
}

void answers_handle(struct subscription *subscription, uint64_t id, const char *text, size_t length)
{
	const struct bytes bytes = {.data = (const uint8_t *)text, .length = length};
	struct request request;
	struct error error;

	if (!requests_take(&subscription->requests, id, &request)) {
		log_warn("answer to a question nobody asked ignored id=%" PRIu64, id);
		return;
	}
	if (handle(subscription, &request, bytes, &error) == OUTCOME_OK)
		return;
	log_warn("%s failed kind=%s reason=%s", request_kind_name(request.kind),
		 error_kind_name(error.kind), error.text);
	if (!is_about_a_block(request.kind))
		subscription_fail(subscription, &error);
}
