/*
 * processor: what the queue holds becomes trades, positions and hedges.
 *
 * Reads: event_queue, block_coverage, listener_sessions, executions (what became of them).
 * Writes: event_queue (processed, outcome, error, processed_at), onchain_trades, trade_offsets,
 * trade_execution_links, trade_accumulators, executions (new rows), tokens, ledger; controls when
 * it must stop trading. Talks to: the node, only to ask a token for its symbol and decimals.
 */
#include "base/log.h"
#include "base/process.h"
#include "base/settings.h"
#include "ingest/chain_identity.h"
#include "processor/processor.h"
#include "processor/replay.h"
#include "store/wakeup.h"

#include <inttypes.h>
#include <stdio.h>

struct processor_config {
	struct config_text database_path;
	struct log_settings log;
	struct chain_settings chain;
	struct shares threshold;
	int64_t retry_seconds;
};

static const char details[] =
	"Applies ready events in (block_number, log_index) order: trade, "
	"offsets, position, execution and the event's\n"
	"mark are one transaction. An event that cannot be applied is "
	"quarantined with its reason and holds up\n"
	"nothing. Executions that have ended are taken in, and what they did "
	"not fill is hedged again.\n"
	"\n"
	"With --once: exit 0 when all that is ready was applied, 75 when "
	"events wait for a token that cannot be asked.\n"
	"\n"
	"--replay applies the queue once more in a scratch database under /tmp, and "
	"compares trades and positions:\n"
	"exit 0 and \"identical\", or exit 1 and the differences. It changes "
	"nothing and needs no node.\n";

static void open_database(struct processor *processor, const struct processor_config *config)
{
	const uint64_t chain_id = (uint64_t)config->chain.chain_id;
	const struct store_identity identity = {
		.chain_id = chain_id == 0 ? NULL : &chain_id,
		.orderbook = &config->chain.orderbook,
		.owners = &config->chain.owners,
	};

	store_open(&processor->store, config->database_path.text);
	store_identify(&processor->store, &identity);
	instance_lock_open(&processor->lock, config->database_path.text);
}

/* Also while another processor runs, which then takes them up. */
static void requeue_quarantined(struct processor *processor)
{
	struct event_queue events;
	int count;

	event_queue_open(&events, &processor->store);
	if (!store_begin(&processor->store))
		fatal(EXIT_CODE_TRY_AGAIN, "stopped before the events were taken up again");
	count = event_queue_requeue_quarantined(&events);
	store_commit(&processor->store);
	event_queue_close(&events);
	log_info("quarantined events are taken up again events=%d", count);
}

static int check(const struct processor_config *config, const struct config_key *keys,
		 size_t key_count)
{
	struct config_text url = config_redact_url(config->chain.http_url.text);
	struct chain_identity identity;
	struct evm_node node;
	struct error error;

	evm_node_open(&node, &config->chain);
	if (chain_identity_read(&node, &config->chain, &identity, &error) != OUTCOME_OK)
		fatal(EXIT_CODE_UNAVAILABLE, "cannot reach the node url=%s kind=%s reason=%s",
		      url.text, error_kind_name(error.kind), error.text);
	evm_node_close(&node);
	store_check(config->database_path.text);
	config_print(keys, key_count);
	printf("processor: configuration, database and node are good\n");
	return 0;
}

static int prove_by_replay(const struct processor_config *config)
{
	struct store ledger;
	int exit_code;

	store_open_read_only(&ledger, config->database_path.text);
	exit_code = replay_run(&ledger, &config->chain);
	store_close(&ledger);
	return exit_code;
}

static int run(struct processor *processor, bool once)
{
	struct wakeup wakeup;
	int64_t waiting;

	wakeup_open(&wakeup, &processor->store);
	while (!process_stopping()) {
		if (processor_step(processor))
			continue;
		if (once)
			break;
		(void)wakeup_wait(&wakeup, processor_wait_ms(processor));
	}
	wakeup_close(&wakeup);
	waiting = processor->waiting_for_tokens;
	if (!once || waiting == 0)
		return 0;
	log_error("events wait for tokens that could not be asked: run again events=%" PRId64,
		  waiting);
	return EXIT_CODE_TRY_AGAIN;
}

int main(int argc, char **argv)
{
	static struct processor_config config;
	static struct processor processor;
	const char *retry_quarantined = NULL;
	const char *replay = NULL;
	const struct process_option options[] = {
		{.name = "--retry-quarantined",
		 .help = "take up again what was quarantined, then as --once",
		 .value = &retry_quarantined},
		{.name = "--replay",
		 .help = "prove that trades and positions follow from the queue; write nothing",
		 .value = &replay},
	};
	const struct config_key keys[] = {
		SETTINGS_DATABASE_PATH(&config.database_path),
		SETTINGS_LOG(&config.log),
		SETTINGS_CHAIN(&config.chain),
		{.name = "HEDGE_THRESHOLD_SHARES",
		 .kind = CONFIG_KIND_SHARES,
		 .fallback = "1",
		 .help = "hedge a ticker's whole shares when its unhedged position reaches this",
		 .target = &config.threshold},
		{.name = "HEDGE_RETRY_SECONDS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "1",
		 .minimum = 0,
		 .maximum = 3600,
		 .help = "wait after a hedge of which nothing filled; doubled each time, 300 at "
			 "most",
		 .target = &config.retry_seconds},
	};
	const struct process_usage usage = {
		.program = "processor",
		.summary = "turns queued events into trades, positions and hedges",
		.details = details,
		.options = options,
		.option_count = ARRAY_LENGTH(options),
		.keys = keys,
		.key_count = ARRAY_LENGTH(keys),
		.complete = settings_complete_chain,
		.context = &config.chain,
	};
	struct process_arguments arguments;
	int exit_code;

	process_start(&usage, 0, argc, argv, &arguments);
	if (arguments.check)
		return check(&config, keys, ARRAY_LENGTH(keys));
	if (replay != NULL)
		return prove_by_replay(&config);
	open_database(&processor, &config);
	if (retry_quarantined != NULL)
		requeue_quarantined(&processor);
	instance_lock_claim(&processor.lock, INSTANCE_LOCK_PROCESSOR);
	processor_open(&processor, &config.chain, config.threshold, 1000 * config.retry_seconds);
	log_info("ready database=%s", config.database_path.text);

	exit_code = run(&processor, arguments.once || retry_quarantined != NULL);

	processor_close(&processor);
	instance_lock_close(&processor.lock);
	store_close(&processor.store);
	log_info("stopped");
	return exit_code;
}
