/*
 * backfiller: proves that no fill is missing.
 *
 * Reads: block_coverage, listener_sessions. Writes: event_queue (new rows), block_coverage, ledger.
 * Talks to: the node over HTTP.
 *
 * Two of them at once do no harm (the lock that says one is at work is shared): coverage grows by
 * what each has verified, events are unique.
 */
#include "backfiller/backfill.h"
#include "backfiller/start.h"
#include "base/integer.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings.h"
#include "store/instance_lock.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct backfiller_config {
	struct config_text database_path;
	struct log_settings log;
	struct chain_settings chain;
	int64_t batch_size;
	int64_t batch_growth;
	int64_t concurrency;
	int64_t attempts;
	int64_t trail_seconds;
	int64_t finality_blocks;
	struct config_text logs_bloom;
};

/* What was given on the command line; NULL: not given. */
struct backfiller_options {
	const char *from;
	const char *to;
	const char *recheck;
	const char *verify;
	const char *accept_reorg;
};

static const char details[] =
	"Finds the blocks that block_coverage lacks, reads their events with eth_getLogs, and "
	"commits each range's\n"
	"events and coverage in one transaction, after it has verified that the node has the "
	"blocks. Without an\n"
	"open listener session it reads to the head; with one to the session's cutoff, and then "
	"behind the listener\n"
	"whatever that was to deliver: an event that the listener missed is queued with a "
	"warning.\n"
	"\n"
	"With --once it reads up to the head and leaves: exit 0 when no gap is left, 75 with a "
	"summary when some range\n"
	"could not be read. --from A --to B --recheck reads these blocks again, whatever coverage "
	"says.\n"
	"\n"
	"When the chain has moved, what was read above the fork is read again, and events whose "
	"block left the chain\n"
	"are marked as removed. Where the node gives up blocks that it had called final, trading "
	"is halted, nothing is\n"
	"changed, and --once leaves with 78: see Reorganisations in the README.\n"
	"\n"
	"--verify reads everything again (or --from A --to B), header by header, and compares: "
	"exit "
	"0 and a proof, or\n"
	"exit 1 and the differences. 75: the node did not answer, or it was told to stop.\n";

static bool parse_block(const char *text, int64_t *block)
{
	return integer_parse(text, strlen(text), block) && *block < INT64_MAX;
}

static struct block_range read_range(const struct backfiller_options *options,
				     int64_t deployment_block)
{
	struct block_range range;

	if (!parse_block(options->from, &range.first) || !parse_block(options->to, &range.last))
		fatal(EXIT_CODE_USAGE, "--from and --to take block numbers");
	if (range.first > range.last)
		fatal(EXIT_CODE_USAGE, "--from %" PRId64 " is behind --to %" PRId64, range.first,
		      range.last);
	if (range.first < deployment_block)
		fatal(EXIT_CODE_USAGE, "--from %" PRId64 " is before DEPLOYMENT_BLOCK %" PRId64,
		      range.first, deployment_block);
	return range;
}

/* Wrong combinations end the process with exit 64. */
static void read_options(const struct backfiller_options *options, int64_t deployment_block,
			 struct backfill_settings *settings)
{
	bool has_range = options->from != NULL && options->to != NULL;

	settings->verify = options->verify != NULL;
	settings->recheck = options->recheck != NULL || settings->verify;
	settings->accept_reorg = options->accept_reorg != NULL;
	settings->once = settings->once || settings->recheck || settings->accept_reorg;
	if ((options->from != NULL) != (options->to != NULL) || (has_range && !settings->recheck) ||
	    (options->recheck != NULL && !has_range))
		fatal(EXIT_CODE_USAGE,
		      "--from BLOCK and --to BLOCK need each other and --recheck or --verify: "
		      "blocks that were not read yet are found without them");
	if (settings->verify && (options->recheck != NULL || settings->accept_reorg))
		fatal(EXIT_CODE_USAGE, "--verify changes nothing: it goes with no --recheck and no "
				       "--accept-reorg");
	settings->recheck_range = (struct block_range){.first = 0, .last = -1};
	if (has_range)
		settings->recheck_range = read_range(options, deployment_block);
}

/* Without --from and --to: all that the ledger claims to know. */
static void choose_what_to_verify(struct store *store, struct backfill_settings *settings)
{
	struct block_range *range = &settings->recheck_range;
	struct block_coverage coverage;
	bool any;

	if (range->first <= range->last)
		return;
	block_coverage_open(&coverage, store);
	any = block_coverage_highest(&coverage, &range->last);
	block_coverage_close(&coverage);
	range->first = settings->chain->deployment_block;
	if (!any || range->last < range->first)
		fatal(EXIT_CODE_TRY_AGAIN, "nothing to verify: no block is covered yet");
}

/* Told to stop, a run has done no harm; but a proof that was not finished is none. */
static int stopped(const struct backfill_settings *settings)
{
	return settings->verify ? EXIT_CODE_TRY_AGAIN : 0;
}

static int run(struct backfill *backfill)
{
	struct http_answer answer;

	while (!process_stopping() && !backfill_is_finished(backfill)) {
		backfill_send(backfill);
		if (backfill_wait(backfill, &answer))
			backfill_take(backfill, &answer);
	}
	return process_stopping() ? stopped(&backfill->settings) : backfill_result(backfill);
}

/* From the node's first answer to the last block. */
static int work(struct store *store, struct backfill_settings *settings)
{
	static struct backfill backfill;
	struct backfill_start start;
	int exit_code;

	if (settings->verify)
		choose_what_to_verify(store, settings);
	if (!start_with_node(store, settings->chain, settings->once ? settings->attempts : 0,
			     &start.identity, &start.head))
		return stopped(settings);
	if (settings->recheck && settings->recheck_range.last > start.head) {
		log_error("the node does not have all these blocks yet: nothing was read"
			  " last_block=%" PRId64 " head=%" PRId64,
			  settings->recheck_range.last, start.head);
		return EXIT_CODE_TRY_AGAIN;
	}
	backfill_open(&backfill, store, settings, &start);
	exit_code = run(&backfill);
	backfill_close(&backfill);
	return exit_code;
}

/* Says by a lock that a backfiller is at work, as long as it is. */
static int work_visibly(struct store *store, struct backfill_settings *settings)
{
	struct instance_lock lock;
	int exit_code;

	instance_lock_open(&lock, store->path.text);
	instance_lock_share(&lock, INSTANCE_LOCK_BACKFILLER);
	exit_code = work(store, settings);
	instance_lock_close(&lock);
	return exit_code;
}

int main(int argc, char **argv)
{
	static struct backfiller_config config;
	struct backfiller_options given = {.from = NULL};
	const struct process_option options[] = {
		{"--from", "BLOCK", "first block to read again or to verify", &given.from},
		{"--to", "BLOCK", "last block to read again or to verify", &given.to},
		{"--recheck", NULL, "read --from to --to again, whatever was read before",
		 &given.recheck},
		{"--verify", NULL,
		 "compare the ledger with the chain, block by block; write nothing", &given.verify},
		{"--accept-reorg", NULL,
		 "follow the node even where it gave up final blocks, then as --once",
		 &given.accept_reorg},
	};
	const struct config_key keys[] = {
		SETTINGS_DATABASE_PATH(&config.database_path),
		SETTINGS_LOG(&config.log),
		SETTINGS_CHAIN(&config.chain),
		{.name = "BACKFILL_BATCH_SIZE",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "1000",
		 .minimum = 1,
		 .maximum = 1000000,
		 .help = "blocks of one request",
		 .target = &config.batch_size},
		{.name = "BACKFILL_BATCH_GROWTH",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "10",
		 .minimum = 1,
		 .maximum = 1000,
		 .help = "times as many blocks that a request may grow to where there are few "
			 "events; 1: none",
		 .target = &config.batch_growth},
		{.name = "BACKFILL_CONCURRENCY",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "4",
		 .minimum = 1,
		 .maximum = 64,
		 .help = "most requests at once",
		 .target = &config.concurrency},
		{.name = "BACKFILL_ATTEMPTS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "8",
		 .minimum = 1,
		 .maximum = 1000,
		 .help = "attempts to read a range before --once gives it up",
		 .target = &config.attempts},
		{.name = "TRAIL_SECONDS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "5",
		 .minimum = 1,
		 .maximum = 3600,
		 .help = "how far coverage follows behind the listener",
		 .target = &config.trail_seconds},
		{.name = "FINALITY_BLOCKS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "1800",
		 .minimum = 1,
		 .maximum = 1000000,
		 .help = "blocks until one is final, where the node knows no 'finalized' block",
		 .target = &config.finality_blocks},
		{.name = "LOGS_BLOOM",
		 .kind = CONFIG_KIND_CHOICE,
		 .fallback = "recent",
		 .choices = "recent|all|ignore",
		 .help = "compare answers with the headers' logsBloom: of blocks that are not "
			 "final, of all, or not",
		 .target = &config.logs_bloom},
	};
	const struct process_usage usage = {
		.program = "backfiller",
		.summary = "reads every block's fills that are not yet proven to be in the queue",
		.details = details,
		.options = options,
		.option_count = ARRAY_LENGTH(options),
		.keys = keys,
		.key_count = ARRAY_LENGTH(keys),
		.complete = settings_complete_chain,
		.context = &config.chain,
	};
	struct process_arguments arguments;
	struct backfill_settings settings = {.chain = &config.chain};
	struct store store;
	int exit_code;

	process_start(&usage, 0, argc, argv, &arguments);
	settings.batch_size = config.batch_size;
	settings.batch_growth = config.batch_growth;
	settings.concurrency = config.concurrency;
	settings.attempts = config.attempts;
	settings.trail_seconds = config.trail_seconds;
	settings.finality_blocks = config.finality_blocks;
	settings.use_bloom = strcmp(config.logs_bloom.text, "ignore") != 0;
	settings.link_all = strcmp(config.logs_bloom.text, "all") == 0;
	settings.once = arguments.once;
	read_options(&given, config.chain.deployment_block, &settings);
	if (arguments.check) {
		start_check(&config.chain, config.database_path.text);
		config_print(keys, ARRAY_LENGTH(keys));
		printf("backfiller: configuration, database and node are good\n");
		return 0;
	}
	if (settings.verify)
		store_open_read_only(&store, config.database_path.text);
	else
		store_open(&store, config.database_path.text);
	store_tell_only(&store, AUDIENCE_PROCESSOR);
	log_info("ready database=%s", config.database_path.text);

	exit_code = settings.verify ? work(&store, &settings) : work_visibly(&store, &settings);

	store_close(&store);
	log_info("stopped");
	return exit_code;
}
