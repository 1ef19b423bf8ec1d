/*
 * executor: turns executions into orders at a broker.
 *
 * Reads: executions, trade_execution_links, onchain_trades (what the hedged trades were worth),
 * controls. Writes: executions (broker, status, client_order_id, order_id, filled_shares,
 * average_price, error, the times); controls, by the commands halt and resume. Talks to: the
 * broker. Never to the chain.
 */
#include "base/config.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings.h"
#include "executor/broker_dry_run.h"
#include "executor/executor.h"
#include "store/instance_lock.h"
#include "store/wakeup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct executor_config {
	struct config_text database_path;
	struct log_settings log;
	struct config_text broker;
	int64_t dry_run_fill_delay_ms;
	struct config_text dry_run_script;
};

static const char details[] =
	"Takes each PENDING execution to the broker: the intent is on disk before the first byte "
	"of an order\n"
	"leaves; an unclear outcome is found out, never retried blindly; what a machine cannot "
	"decide is HELD.\n"
	"\n"
	"Commands:\n"
	"  halt REASON   stop new orders at once (open ones are followed to their end)\n"
	"  resume        let new orders go out again\n"
	"\n"
	"With --once it leaves when nothing is open, or when only time or the broker can move what "
	"is.\n";

static int run_command(const struct executor_config *config, const char *name, const char *reason)
{
	bool halt = strcmp(name, "halt") == 0;
	struct controls controls;
	struct store store;

	if (!halt && strcmp(name, "resume") != 0)
		fatal(EXIT_CODE_USAGE, "unknown command: try --help command=%s", name);
	if (halt != (reason != NULL))
		fatal(EXIT_CODE_USAGE, "halt takes a REASON, resume takes none: try --help");
	store_open(&store, config->database_path.text);
	controls_open(&controls, &store);
	if (!store_begin(&store))
		fatal(EXIT_CODE_TRY_AGAIN, "stopped before the switch was written");
	controls_set_trading_halted(&controls, halt, halt ? reason : "resumed by an operator");
	store_commit(&store);
	controls_close(&controls);
	store_close(&store);
	log_info("trading %s", halt ? "halted" : "resumed");
	return 0;
}

static bool open_broker(const struct executor_config *config, struct broker *broker)
{
	const struct dry_run_options options = {
		.fill_delay_ms = config->dry_run_fill_delay_ms,
		.script = config->dry_run_script.text,
	};

	/* BROKER knows no other word yet: config_load has refused them. */
	return broker_dry_run_open(broker, &options);
}

static int check(const struct executor_config *config, const struct config_key *keys,
		 size_t key_count)
{
	struct broker broker;

	if (!open_broker(config, &broker))
		return EXIT_CODE_NEEDS_PERSON;
	broker.operations->close(broker.context);
	store_check(config->database_path.text);
	config_print(keys, key_count);
	printf("executor: configuration and broker are good\n");
	return 0;
}

static void run(struct executor *executor, bool once)
{
	struct wakeup wakeup;

	wakeup_open(&wakeup, &executor->store);
	while (!process_stopping()) {
		if (executor_step(executor))
			continue;
		if (once)
			break;
		(void)wakeup_wait(&wakeup, executor_wait_ms(executor));
	}
	wakeup_close(&wakeup);
}

int main(int argc, char **argv)
{
	static struct executor_config config;
	const struct config_key keys[] = {
		SETTINGS_DATABASE_PATH(&config.database_path),
		SETTINGS_LOG(&config.log),
		{.name = "BROKER",
		 .kind = CONFIG_KIND_CHOICE,
		 .fallback = "dry-run",
		 .choices = "dry-run",
		 .help = "where orders go",
		 .target = &config.broker},
		{.name = "DRY_RUN_FILL_DELAY_MS",
		 .kind = CONFIG_KIND_INTEGER,
		 .fallback = "0",
		 .minimum = 0,
		 .maximum = 86400000,
		 .help = "dry run: from order to fill",
		 .target = &config.dry_run_fill_delay_ms},
		{.name = "DRY_RUN_SCRIPT",
		 .kind = CONFIG_KIND_TEXT,
		 .help = "dry run: what the first orders meet (fill, refuse, unreachable, lost, "
			 "expire, "
			 "partial:N), comma separated",
		 .target = &config.dry_run_script},
	};
	const struct process_usage usage = {
		.program = "executor",
		.summary = "places the offsetting orders at the broker, each exactly once",
		.details = details,
		.keys = keys,
		.key_count = ARRAY_LENGTH(keys),
	};
	struct process_arguments arguments;
	struct instance_lock lock;
	struct executor executor;
	struct broker broker;
	struct store store;

	process_start(&usage, 2, argc, argv, &arguments);
	if (arguments.operand_count > 0)
		return run_command(&config, arguments.operands[0],
				   arguments.operand_count > 1 ? arguments.operands[1] : NULL);
	if (arguments.check)
		return check(&config, keys, ARRAY_LENGTH(keys));
	if (!open_broker(&config, &broker))
		return EXIT_CODE_NEEDS_PERSON;
	store_open(&store, config.database_path.text);
	instance_lock_open(&lock, config.database_path.text);
	instance_lock_claim(&lock, INSTANCE_LOCK_EXECUTOR);
	executor_open(&executor, &store, &broker);
	log_info("ready database=%s broker=%s", config.database_path.text, config.broker.text);

	run(&executor, arguments.once);

	log_info("stopped open_executions=%" PRId64, executions_count_open(&executor.executions));
	executor_close(&executor);
	instance_lock_close(&lock);
	return 0;
}
