/*
 * listener: sees fills within milliseconds.
 *
 * Reads: nothing but its own session rows. Writes: event_queue (new rows), listener_sessions,
 * ledger. Talks to: the node's WebSocket.
 *
 * It is fast, not complete: the backfiller proves by eth_getLogs what it delivered.
 */
#include "base/backoff.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings.h"
#include "listener/check.h"
#include "listener/session.h"
#include "listener/subscription.h"
#include "store/event_queue.h"
#include "store/instance_lock.h"
#include "store/listener_sessions.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

#define RECONNECT_BASE_MS 500

struct listener_config {
	struct config_text database_path;
	struct log_settings log;
	struct chain_settings chain;
	int64_t cutoff_timeout_seconds;
	int64_t head_timeout_seconds;
	int64_t ping_seconds;
	int64_t reconnect_max_seconds;
};

struct listener {
	struct store store;
	struct instance_lock lock;
	struct event_queue events;
	struct listener_sessions sessions;
	struct event_ingest ingest;
	struct session session;
	struct subscription subscription;
	struct backoff backoff;
};

static const char details[] = "Subscribes to the orderbook's logs and to new heads, settles the "
			      "session's cutoff block (the first event's,\n"
			      "or the node's head when none comes), and puts every fill of the "
			      "owners' orders into event_queue before\n"
			      "anything acts on it. A lost or silent connection ends the session; "
			      "the next one is a new session, and the\n"
			      "backfiller reads what lies between.\n"
			      "\n"
			      "With --once it settles one session and leaves: exit 0, or 75 when "
			      "the connection failed before.\n";

static void listener_open(struct listener *listener, const struct listener_config *config)
{
	const struct subscription_timing timing = {
		.rpc_timeout_ms = config->chain.rpc_timeout_ms,
		.cutoff_timeout_ms = 1000 * config->cutoff_timeout_seconds,
		.head_timeout_ms = 1000 * config->head_timeout_seconds,
		.ping_ms = 1000 * config->ping_seconds,
	};

	store_open(&listener->store, config->database_path.text);
	store_tell_only(&listener->store, AUDIENCE_PROCESSOR);
	instance_lock_open(&listener->lock, config->database_path.text);
	instance_lock_claim(&listener->lock, INSTANCE_LOCK_LISTENER);
	event_queue_open(&listener->events, &listener->store);
	listener_sessions_open(&listener->sessions, &listener->store, &listener->lock);
	event_ingest_init(&listener->ingest, &listener->events, &config->chain.owners,
			  EVENT_SOURCE_LISTENER, config->chain.deployment_block);
	session_init(&listener->session, &listener->store, &listener->lock, &listener->sessions,
		     &listener->ingest);
	subscription_init(&listener->subscription, &config->chain, &timing, &listener->session);
	backoff_init(&listener->backoff, RECONNECT_BASE_MS, 1000 * config->reconnect_max_seconds);
}

static void listener_close(struct listener *listener)
{
	subscription_free(&listener->subscription);
	session_free(&listener->session);
	event_ingest_free(&listener->ingest);
	listener_sessions_close(&listener->sessions);
	event_queue_close(&listener->events);
	instance_lock_close(&listener->lock);
	store_close(&listener->store);
}

/* A listener that died left its row open; its lock is gone, so nobody took it for open. */
static void end_stale_sessions(struct listener *listener)
{
	if (!store_begin(&listener->store))
		return;
	listener_sessions_end_stale(&listener->sessions);
	store_commit(&listener->store);
}

/* Serves until the connection is lost (RETRY), the process is to stop, or, with once, the session
 * is settled (OK). */
static enum outcome serve(struct listener *listener, bool once, struct error *error)
{
	while (!process_stopping()) {
		if (once && subscription_is_settled(&listener->subscription))
			return OUTCOME_OK;
		if (subscription_serve(&listener->subscription, error) != OUTCOME_OK)
			return OUTCOME_RETRY;
		if (subscription_is_settled(&listener->subscription))
			backoff_reset(&listener->backoff);
	}
	return OUTCOME_OK;
}

/* One connection from its first byte to its last. */
static enum outcome connect_and_serve(struct listener *listener, bool once, struct error *error)
{
	enum outcome outcome = subscription_open(&listener->subscription, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = serve(listener, once, error);
	if (outcome == OUTCOME_OK)
		session_end(&listener->session, process_stopping() ? "stopped" : "once");
	else
		session_end(&listener->session, error->text);
	subscription_close(&listener->subscription);
	return outcome;
}

static int run(struct listener *listener, const struct listener_config *config, bool once)
{
	struct config_text url = config_redact_url(config->chain.websocket_url.text);
	struct error error;

	while (!process_stopping()) {
		enum outcome outcome;
		int64_t wait_ms;

		log_info("connecting url=%s", url.text);
		outcome = connect_and_serve(listener, once, &error);
		if (outcome == OUTCOME_OK)
			return 0;
		if (once) {
			log_error("no session kind=%s reason=%s", error_kind_name(error.kind),
				  error.text);
			return EXIT_CODE_TRY_AGAIN;
		}
		wait_ms = backoff_next_ms(&listener->backoff, error.retry_after_ms);
		log_warn("connection over: connecting again wait_ms=%" PRId64 " kind=%s reason=%s",
			 wait_ms, error_kind_name(error.kind), error.text);
		(void)process_sleep_ms(wait_ms);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct listener_config config;
	static struct listener listener;
	const struct config_key keys[] = {
		SETTINGS_DATABASE_PATH(&config.database_path),
		SETTINGS_LOG(&config.log),
		SETTINGS_CHAIN(&config.chain),
		{.name = "CUTOFF_TIMEOUT_SECONDS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "30",
		 .minimum = 0,
		 .maximum = 3600,
		 .help = "without an event for so long, the node's head becomes the cutoff block",
		 .target = &config.cutoff_timeout_seconds},
		{.name = "HEAD_TIMEOUT_SECONDS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "30",
		 .minimum = 1,
		 .maximum = 3600,
		 .help = "without a new head for so long, the node is asked whether it has one",
		 .target = &config.head_timeout_seconds},
		{.name = "PING_SECONDS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "10",
		 .minimum = 1,
		 .maximum = 3600,
		 .help = "silence after which a ping is sent; after twice as long the connection "
			 "is dead",
		 .target = &config.ping_seconds},
		{.name = "RECONNECT_MAX_SECONDS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "30",
		 .minimum = 1,
		 .maximum = 3600,
		 .help = "longest wait before connecting again",
		 .target = &config.reconnect_max_seconds},
	};
	const struct process_usage usage = {
		.program = "listener",
		.summary = "puts the orderbook's fills into the queue as they happen",
		.details = details,
		.keys = keys,
		.key_count = ARRAY_LENGTH(keys),
		.complete = settings_complete_chain,
		.context = &config.chain,
	};
	struct process_arguments arguments;
	int exit_code;

	process_start(&usage, 0, argc, argv, &arguments);
	if (arguments.check) {
		listener_check(&config.chain, config.database_path.text);
		config_print(keys, ARRAY_LENGTH(keys));
		printf("listener: configuration, database and node are good\n");
		return 0;
	}
	listener_open(&listener, &config);
	end_stale_sessions(&listener);
	log_info("ready database=%s", config.database_path.text);

	exit_code = run(&listener, &config, arguments.once);

	listener_close(&listener);
	log_info("stopped");
	return exit_code;
}
