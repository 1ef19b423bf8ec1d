/* See subscription.h: phases and timers. What an answer means stands in answers.c. */
#include "listener/subscription.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "listener/answers.h"

#include <inttypes.h>
#include <poll.h>

/* How long an event may stay incomplete before its block is asked for. */
#define REPAIR_AFTER_MS 500
/* How long it is asked for before it is left to the backfiller, which reads every block anyway. */
#define GIVE_UP_AFTER_MS 30000

void subscription_init(struct subscription *subscription, const struct chain_settings *settings,
		       const struct subscription_timing *timing, struct session *session)
{
	*subscription = (struct subscription){
		.settings = settings,
		.timing = *timing,
		.session = session,
	};
	buffer_init(&subscription->request_text, BUFFER_MAX_HTTP_REQUEST);
	evm_message_init(&subscription->message);
	evm_logs_init(&subscription->answer_logs);
}

void subscription_free(struct subscription *subscription)
{
	buffer_free(&subscription->request_text);
	evm_message_free(&subscription->message);
	evm_logs_free(&subscription->answer_logs);
}

void subscription_fail(struct subscription *subscription, const struct error *why)
{
	if (subscription->failed)
		return;
	subscription->failed = true;
	subscription->failure = *why;
}

struct request *subscription_ask(struct subscription *subscription, enum request_kind kind)
{
	struct request *request;

	if (!requests_add(&subscription->requests, kind, subscription->timing.rpc_timeout_ms,
			  &request))
		return NULL;
	return request;
}

void subscription_send(struct subscription *subscription)
{
	const struct buffer *text = &subscription->request_text;
	struct error error;

	if (websocket_send_text(subscription->websocket,
				(struct bytes){.data = text->bytes, .length = text->length},
				&error) != OUTCOME_OK)
		subscription_fail(subscription, &error);
}

/* A count of what cannot be read; the trailing re-read of the backfiller finds what was in it. */
static void note_malformed(struct subscription *subscription, const struct error *error)
{
	subscription->malformed_count++;
	log_warn("message ignored kind=%s count=%" PRIu64 " reason=%s",
		 error_kind_name(error->kind), subscription->malformed_count, error->text);
}

static bool is_ours(const struct subscription *subscription, const struct evm_log *log)
{
	return evm_address_equal(&log->address, &subscription->settings->orderbook) &&
	       (orderbook_is_take_order(log) || orderbook_is_clear(log) ||
		orderbook_is_after_clear(log));
}

static void handle_log(struct subscription *subscription)
{
	const struct evm_logs *logs = &subscription->message.logs;
	const struct evm_log *log = &logs->items[0];
	struct error error;

	if (!is_ours(subscription, log)) {
		(void)error_set(&error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				"a log that was not subscribed to");
		note_malformed(subscription, &error);
		return;
	}
	if (log->removed) {
		log_warn("log removed by the node: its block left the chain block_number=%" PRIu64
			 " log_index=%" PRIu64 " tx_hash=%s",
			 log->block_number, log->log_index, evm_word_text(&log->tx_hash).text);
		session_take_removed(subscription->session, log);
		return;
	}
	if (!session_take_log(subscription->session, log, evm_logs_data(logs, log))) {
		(void)error_set(&error, OUTCOME_RETRY, ERROR_KIND_NONE,
				"too far behind: %zu logs wait for the database",
				subscription->session->waiting.logs.count);
		subscription_fail(subscription, &error);
	}
}

static void handle_head(struct subscription *subscription)
{
	session_take_head(subscription->session, &subscription->message.block);
	subscription->head_due_ms = clock_monotonic_ms() + subscription->timing.head_timeout_ms;
	log_debug("head block_number=%" PRIu64, subscription->message.block.number);
}

static void on_message(void *context, const char *text, size_t length)
{
	struct subscription *subscription = context;
	struct error error;

	if (evm_rpc_read_message(text, length, &subscription->message, &error) != OUTCOME_OK) {
		note_malformed(subscription, &error);
		return;
	}
	switch (subscription->message.kind) {
	case EVM_MESSAGE_ANSWER:
		answers_handle(subscription, subscription->message.id, text, length);
		return;
	case EVM_MESSAGE_LOG:
		handle_log(subscription);
		return;
	case EVM_MESSAGE_HEAD:
		handle_head(subscription);
		return;
	case EVM_MESSAGE_OTHER:
		log_debug("message of another kind ignored");
		return;
	}
	invariant_unreachable("a known message");
}

enum outcome subscription_open(struct subscription *subscription, struct error *error)
{
	const struct websocket_options options = {
		.url = subscription->settings->websocket_url.text,
		.ca_file = subscription->settings->ca_file.text,
		.timeout_ms = subscription->timing.rpc_timeout_ms,
		.on_message = on_message,
		.context = subscription,
	};
	enum outcome outcome;

	outcome = websocket_open(&options, &subscription->websocket, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	requests_clear(&subscription->requests);
	subscription->phase = SUBSCRIPTION_IDENTIFYING;
	subscription->has_chain_id = false;
	subscription->has_genesis = false;
	subscription->logs_subscribed = false;
	subscription->heads_subscribed = false;
	subscription->cutoff_block_read = false;
	subscription->cutoff_logs_due_ms = 0;
	subscription->repair_due_ms = 0;
	subscription->ping_sent_ms = 0;
	subscription->failed = false;
	session_start(subscription->session);
	answers_ask_identity(subscription);
	return OUTCOME_OK;
}

void subscription_close(struct subscription *subscription)
{
	websocket_close(subscription->websocket);
	subscription->websocket = NULL;
}

bool subscription_is_settled(const struct subscription *subscription)
{
	return subscription->session->row_id != 0 && subscription->cutoff_block_read;
}

static void check_deadlines(struct subscription *subscription, int64_t now_ms)
{
	struct error error;

	for (size_t i = 0; i < subscription->requests.count; i++) {
		const struct request *request = &subscription->requests.items[i];

		if (request->deadline_ms > now_ms)
			continue;
		(void)error_set(&error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				"no answer to %s within %" PRId64 " ms",
				request_kind_name(request->kind),
				subscription->timing.rpc_timeout_ms);
		subscription_fail(subscription, &error);
		return;
	}
}

static void check_silence(struct subscription *subscription, int64_t now_ms)
{
	int64_t silent_ms = now_ms - websocket_last_received_ms(subscription->websocket);
	struct error error;

	if (silent_ms < subscription->timing.ping_ms) {
		subscription->ping_sent_ms = 0;
		return;
	}
	if (subscription->ping_sent_ms == 0) {
		subscription->ping_sent_ms = now_ms;
		if (websocket_send_ping(subscription->websocket, &error) != OUTCOME_OK)
			subscription_fail(subscription, &error);
		return;
	}
	if (now_ms - subscription->ping_sent_ms >= subscription->timing.ping_ms) {
		(void)error_set(&error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				"no pong: nothing received for %" PRId64 " ms", silent_ms);
		subscription_fail(subscription, &error);
	}
}

static void check_waiting(struct subscription *subscription, int64_t now_ms)
{
	struct waiting_logs *waiting = &subscription->session->waiting;

	/* While the database is held the logs wait for it, not for what they lack. */
	if (waiting->logs.count == 0 || subscription->session->behind_since_ms != 0 ||
	    now_ms < waiting->since_ms + REPAIR_AFTER_MS || now_ms < subscription->repair_due_ms)
		return;
	if (now_ms >= waiting->since_ms + GIVE_UP_AFTER_MS) {
		log_warn("events stay incomplete: left to the backfiller logs=%zu "
			 "block_number=%" PRIu64,
			 waiting->logs.count, waiting->logs.items[0].block_number);
		waiting_logs_clear(waiting);
		return;
	}
	answers_ask_missing(subscription);
	subscription->repair_due_ms = now_ms + REPAIR_AFTER_MS;
}

static void check_session(struct subscription *subscription, int64_t now_ms)
{
	struct session *session = subscription->session;

	if (!session->has_cutoff && now_ms >= subscription->cutoff_due_ms)
		answers_ask_once(subscription, REQUEST_CUTOFF);
	if (now_ms >= subscription->head_due_ms)
		answers_ask_once(subscription, REQUEST_HEAD_CHECK);
	if (session->has_cutoff && !subscription->cutoff_block_read)
		answers_ask_cutoff_logs(subscription);
	check_waiting(subscription, now_ms);
}

static void run_timers(struct subscription *subscription)
{
	int64_t now_ms = clock_monotonic_ms();

	check_deadlines(subscription, now_ms);
	check_silence(subscription, now_ms);
	if (subscription->phase == SUBSCRIPTION_LIVE)
		check_session(subscription, now_ms);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t next_timer_ms(const struct subscription *subscription)
{
	const struct session *session = subscription->session;
	int64_t due_ms = requests_next_deadline_ms(&subscription->requests);

	due_ms = earlier(due_ms, session_due_ms(session));
	if (subscription->ping_sent_ms != 0)
		due_ms = earlier(due_ms, subscription->ping_sent_ms + subscription->timing.ping_ms);
	else
		due_ms = earlier(due_ms, websocket_last_received_ms(subscription->websocket) +
						 subscription->timing.ping_ms);
	if (subscription->phase != SUBSCRIPTION_LIVE)
		return due_ms;
	if (!session->has_cutoff)
		due_ms = earlier(due_ms, subscription->cutoff_due_ms);
	if (session->has_cutoff && !subscription->cutoff_block_read)
		due_ms = earlier(due_ms, subscription->cutoff_logs_due_ms);
	if (session->waiting.logs.count > 0)
		due_ms = earlier(due_ms, later(session->waiting.since_ms + REPAIR_AFTER_MS,
					       subscription->repair_due_ms));
	return earlier(due_ms, subscription->head_due_ms);
}

/* True when the socket has something to do. */
static bool wait_for_socket(const struct subscription *subscription)
{
	struct pollfd fds[] = {
		{.fd = websocket_fd(subscription->websocket), .events = POLLIN},
		{.fd = process_stop_fd(), .events = POLLIN},
	};
	int64_t wait_ms = next_timer_ms(subscription) - clock_monotonic_ms();

	if (websocket_wants_write(subscription->websocket))
		fds[0].events |= POLLOUT;
	if (wait_ms < 0)
		wait_ms = 0;
	if (wait_ms > INT32_MAX)
		wait_ms = INT32_MAX;
	/* EINTR is a wake-up like any other: the caller looks at everything again. */
	return poll(fds, ARRAY_LENGTH(fds), (int)wait_ms) > 0 && fds[0].revents != 0;
}

enum outcome subscription_serve(struct subscription *subscription, struct error *error)
{
	enum outcome outcome = OUTCOME_OK;

	(void)wait_for_socket(subscription);
	/* Served even without news from poll: TLS may hold bytes that the socket no longer shows,
	 * and requests wait to go out. */
	outcome = websocket_service(subscription->websocket, error);
	if (outcome == OUTCOME_OK) {
		session_step(subscription->session);
		run_timers(subscription);
		if (!subscription->failed)
			return OUTCOME_OK;
		*error = subscription->failure;
	}
	return OUTCOME_RETRY;
}
