/*
 * processor: what the queue holds becomes trades, positions and hedges.
 *
 * Reads: event_queue, block_coverage, listener_sessions, executions (what became of them).
 * Writes: event_queue (processed, outcome, error, processed_at; event_data and archived_at of what
 * moves into the archive), onchain_trades, trade_offsets, trade_execution_links,
 * trade_accumulators, executions (new rows), tokens, ledger; controls when it must stop trading.
 * Talks to: the node, to ask what tokens are, what vaults' shares were worth, and what fills cost.
 */
#include "base/clock.h"
#include "base/integer.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings.h"
#include "ingest/chain_identity.h"
#include "processor/archiver.h"
#include "processor/commands.h"
#include "processor/fill_details.h"
#include "processor/processor.h"
#include "processor/processor_config.h"
#include "processor/replay.h"
#include "store/wakeup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS		INT64_C(86400000)
#define ONCE_DETAILS_MS 5000
/*
 * What was booked may be the beginning of an order, which is written next, by the executor: the
 * details, for which nobody waits, stay out of its way.
 */
#define DETAILS_REST_MS 20

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
	"nothing and needs no node.\n"
	"\n"
	"--archive moves what RETENTION_DAYS moves while the processor runs, and leaves: exit 0, "
	"or "
	"75 when the archive\n"
	"cannot be written or another processor runs.\n"
	"\n"
	"Commands:\n"
	"  price TX_HASH     what the transaction cost, and the prices that orders read in it\n"
	"  apply TX_HASH     queue and apply the owners' fills of a transaction that you miss; "
	"twice does no harm\n"
	"  feed TICKER FEED  the Pyth feed whose price is kept with the ticker's fills\n";

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

/* A ledger without its archive is half a ledger, which shows when it is moved or restored. */
static void check_archive(const char *database_path)
{
	struct archive archive = {.connection = NULL};
	struct store ledger;
	struct error error;

	if (access(database_path, F_OK) != 0)
		return;
	store_open_read_only(&ledger, database_path);
	if (settled_events_need_archive(&ledger) &&
	    archive_open_read_only(&archive, &ledger, &error) != OUTCOME_OK)
		fatal(EXIT_CODE_UNAVAILABLE, "the archive cannot be read: %s archive=%s",
		      error.text, archive.path.text);
	archive_close(&archive);
	store_close(&ledger);
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
	check_archive(config->database_path.text);
	config_print(keys, key_count);
	printf("processor: configuration, database and node are good\n");
	return 0;
}

static int prove_by_replay(const struct processor_config *config)
{
	struct store ledger;
	int exit_code;

	store_open_read_only(&ledger, config->database_path.text);
	exit_code = replay_run(&ledger, &config->chain, &config->symbols);
	store_close(&ledger);
	return exit_code;
}

/* All that one process does; NULL: not that. */
struct work {
	struct processor *processor;
	struct archiver *archiver;
	struct fill_details *details;
	struct wakeup wakeup;
	bool once;
	int64_t details_until_ms; /* with once; 0: not begun, or for ever */
	int64_t details_from_ms;  /* monotonic */
};

/* With once, for as long as the others may wait for this process to leave. */
static bool asks_details(const struct work *work)
{
	return work->details != NULL &&
	       (work->details_until_ms == 0 || clock_monotonic_ms() < work->details_until_ms);
}

/* -1: for ever. */
static int64_t wait_ms(struct work *work)
{
	int64_t until_ms = processor_wait_ms(work->processor);
	int64_t rest_ms = work->details_from_ms - clock_monotonic_ms();

	if (work->archiver != NULL)
		until_ms = clock_shorter_wait_ms(until_ms, archiver_wait_ms(work->archiver));
	if (!asks_details(work))
		return until_ms;
	until_ms = clock_shorter_wait_ms(
		until_ms, rest_ms > 0 ? rest_ms : fill_details_wait_ms(work->details));
	if (work->once)
		until_ms = clock_shorter_wait_ms(until_ms, ONCE_DETAILS_MS);
	return until_ms;
}

/* With --once the executor's turn comes when this process has left: it must not wait for long. */
static bool details_step(struct work *work)
{
	if (work->once && work->details_until_ms == 0)
		work->details_until_ms = clock_monotonic_ms() + ONCE_DETAILS_MS;
	return asks_details(work) && clock_monotonic_ms() >= work->details_from_ms &&
	       fill_details_step(work->details);
}

/*
 * Whether to go on at once. Behind a batch with which all is done, waiting comes first: the
 * executor, whom the commit has woken, may get this core only when we leave it. What others have
 * committed meanwhile ends the wait before it begins.
 */
static bool book(struct work *work)
{
	enum processor_progress progress = processor_step(work->processor);

	if (work->once)
		return progress != PROCESSOR_IDLE;
	if (progress != PROCESSOR_IDLE)
		work->details_from_ms = clock_monotonic_ms() + DETAILS_REST_MS;
	return progress == PROCESSOR_MORE;
}

/* In the order of what counts most. */
static bool step(struct work *work)
{
	return book(work) || (work->archiver != NULL && archiver_step(work->archiver)) ||
	       details_step(work);
}

static int left_undone(const struct processor *processor, const struct archiver *archiver)
{
	int64_t waiting = processor->waiting_for_tokens;

	if (waiting > 0)
		log_error(
			"events wait for tokens that could not be asked: run again events=%" PRId64,
			waiting);
	return waiting > 0 || (archiver != NULL && archiver->failed) ? EXIT_CODE_TRY_AGAIN : 0;
}

static bool database_has_changed(void *context)
{
	struct work *work = context;

	return wakeup_check(&work->wakeup);
}

/* Until the database has changed, the node has answered, or something is due. */
static void wait(struct work *work)
{
	const struct http_interruption change = {
		.fd = wakeup_fd(&work->wakeup),
		.has_come = database_has_changed,
		.context = work,
	};
	int64_t until_ms = wait_ms(work);

	if (asked_node_awaits_answer(&work->processor->node))
		asked_node_wait(&work->processor->node, &change,
				until_ms < 0 ? INT64_MAX : until_ms);
	else
		(void)wakeup_wait(&work->wakeup, until_ms);
}

/* With once: nothing is under way any more that is worth waiting for. */
static bool is_done(const struct work *work)
{
	return !asked_node_awaits_answer(&work->processor->node) ||
	       (work->processor->waiting_for_tokens == 0 && !asks_details(work));
}

static int run(struct work *work)
{
	wakeup_open(&work->wakeup, &work->processor->store, AUDIENCE_PROCESSOR);
	while (!process_stopping()) {
		if (step(work))
			continue;
		if (work->once && is_done(work))
			break;
		wait(work);
	}
	wakeup_close(&work->wakeup);
	return work->once ? left_undone(work->processor, work->archiver) : 0;
}

/* The processor at work, with what does its part beside it where it is wanted. */
static int work(struct processor *processor, const struct processor_config *config, bool once)
{
	static struct archiver archiver;
	static struct fill_details fills;
	const struct fill_details_settings settings = processor_config_fill_details(config);
	bool archives = config->retention_days > 0;
	bool asks_details = processor_config_wants_details(config);
	struct work all = {
		.processor = processor,
		.archiver = archives ? &archiver : NULL,
		.details = asks_details ? &fills : NULL,
		.once = once,
	};
	int exit_code;

	processor_open(processor, &config->chain, &config->symbols, config->threshold,
		       1000 * config->retry_seconds);
	store_tell_only(&processor->store, AUDIENCE_EXECUTOR);
	if (archives)
		archiver_open(&archiver, &processor->store, config->retention_days * DAY_MS);
	if (asks_details)
		fill_details_open(&fills, &processor->store, &processor->node, &settings);
	log_info("ready database=%s", config->database_path.text);
	exit_code = run(&all);
	if (asks_details)
		fill_details_close(&fills);
	if (archives)
		archiver_close(&archiver);
	processor_close(processor);
	return exit_code;
}

static int64_t parse_days(const char *text)
{
	int64_t days;

	if (!integer_parse(text, strlen(text), &days) || days > MOST_RETENTION_DAYS)
		fatal(EXIT_CODE_USAGE, "--archive takes a number of days, %d at most",
		      MOST_RETENTION_DAYS);
	return days;
}

static int archive_now(struct store *store, int64_t days)
{
	static struct archiver archiver;
	int exit_code;

	archiver_open(&archiver, store, days * DAY_MS);
	while (!process_stopping() && archiver_step(&archiver)) {
	}
	exit_code = archiver.failed ? EXIT_CODE_TRY_AGAIN : 0;
	log_info("archiving done events=%" PRId64, archiver.archived);
	archiver_close(&archiver);
	return exit_code;
}

int main(int argc, char **argv)
{
	static struct processor_config config;
	static struct processor processor;
	const char *retry_quarantined = NULL;
	const char *replay = NULL;
	const char *archive = NULL;
	int64_t days = 0;
	bool applies = false;
	const struct process_option options[] = {
		{.name = "--retry-quarantined",
		 .help = "take up again what was quarantined, then as --once",
		 .value = &retry_quarantined},
		{.name = "--replay",
		 .help = "prove that trades and positions follow from the queue; write nothing",
		 .value = &replay},
		{.name = "--archive",
		 .argument = "DAYS",
		 .help = "move what is settled and older into the archive, then leave",
		 .value = &archive},
	};
	const struct config_key keys[] = {
		PROCESSOR_CONFIG_KEYS(&config),
	};
	const struct process_usage usage = {
		.program = "processor",
		.summary = "turns queued events into trades, positions and hedges",
		.details = details,
		.options = options,
		.option_count = ARRAY_LENGTH(options),
		.keys = keys,
		.key_count = ARRAY_LENGTH(keys),
		.complete = processor_config_complete,
		.context = &config,
	};
	struct process_arguments arguments;
	int exit_code;

	process_start(&usage, COMMAND_MAXIMUM_WORDS, argc, argv, &arguments);
	if (arguments.check)
		return check(&config, keys, ARRAY_LENGTH(keys));
	if (replay != NULL)
		return prove_by_replay(&config);
	if (arguments.operand_count > 0) {
		exit_code =
			command_run(&config, arguments.operands, arguments.operand_count, &applies);
		if (!applies)
			return exit_code;
	}
	if (archive != NULL)
		days = parse_days(archive);
	open_database(&processor, &config);
	if (retry_quarantined != NULL)
		requeue_quarantined(&processor);
	instance_lock_claim(&processor.lock, INSTANCE_LOCK_PROCESSOR);
	if (archive != NULL)
		exit_code = archive_now(&processor.store, days);
	else
		exit_code = work(&processor, &config,
				 arguments.once || applies || retry_quarantined != NULL);
	instance_lock_close(&processor.lock);
	store_close(&processor.store);
	log_info("stopped");
	if (applies && command_tell_applied(&config, arguments.operands[1]) != 0)
		return EXIT_CODE_TRY_AGAIN;
	return exit_code;
}
