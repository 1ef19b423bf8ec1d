/* See check.h. Asks the node over a connection of its own, for the chain id only. */
#include "listener/check.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "chain/evm_rpc.h"
#include "chain/websocket.h"
#include "ingest/chain_identity.h"
#include "store/store.h"

#include <inttypes.h>
#include <poll.h>

#define CHECK_REQUEST_ID 1

struct check {
	bool answered;
	enum outcome outcome;
	uint64_t chain_id;
	struct error error;
};

static void on_message(void *context, const char *text, size_t length)
{
	struct check *check = context;

	check->outcome = evm_rpc_answer_quantity(text, length, CHECK_REQUEST_ID, &check->chain_id,
						 &check->error);
	check->answered = true;
}

static enum outcome ask(struct websocket *websocket, struct error *error)
{
	struct buffer request;
	enum outcome outcome;

	buffer_init(&request, BUFFER_MAX_HTTP_REQUEST);
	evm_rpc_request_chain_id(&request, CHECK_REQUEST_ID);
	outcome = websocket_send_text(
		websocket, (struct bytes){.data = request.bytes, .length = request.length}, error);
	buffer_free(&request);
	return outcome;
}

static enum outcome serve_until_answered(struct websocket *websocket, const struct check *check,
					 int64_t timeout_ms, struct error *error)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;

	for (;;) {
		struct pollfd fd = {.fd = websocket_fd(websocket), .events = POLLIN};
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		enum outcome outcome = websocket_service(websocket, error);

		if (outcome != OUTCOME_OK || check->answered)
			return outcome;
		if (left_ms <= 0 || process_stopping())
			return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
					 "no answer to eth_chainId within %" PRId64 " ms",
					 timeout_ms);
		if (websocket_wants_write(websocket))
			fd.events |= POLLOUT;
		/* A signal ends the wait early, which the loop notices. */
		(void)poll(&fd, 1, (int)left_ms);
	}
}

static enum outcome read_chain_id(const struct chain_settings *settings, struct check *check,
				  struct error *error)
{
	const struct websocket_options options = {
		.url = settings->websocket_url.text,
		.ca_file = settings->ca_file.text,
		.timeout_ms = settings->rpc_timeout_ms,
		.on_message = on_message,
		.context = check,
	};
	struct websocket *websocket;
	enum outcome outcome = websocket_open(&options, &websocket, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = ask(websocket, error);
	if (outcome == OUTCOME_OK)
		outcome = serve_until_answered(websocket, check, settings->rpc_timeout_ms, error);
	if (outcome == OUTCOME_OK && check->outcome != OUTCOME_OK) {
		outcome = check->outcome;
		*error = check->error;
	}
	websocket_close(websocket);
	return outcome;
}

void listener_check(const struct chain_settings *settings, const char *database_path)
{
	struct config_text url = config_redact_url(settings->websocket_url.text);
	struct check check = {.answered = false};
	struct error error;

	if (read_chain_id(settings, &check, &error) != OUTCOME_OK)
		fatal(EXIT_CODE_UNAVAILABLE, "cannot reach the node url=%s kind=%s reason=%s",
		      url.text, error_kind_name(error.kind), error.text);
	chain_identity_require_id(settings, check.chain_id);
	store_check(database_path);
}
