/*
 * executor: turns executions into orders at a broker.
 *
 * Reads: executions, trade_execution_links, onchain_trades (what the hedged trades were worth),
 * controls, broker_tokens. Writes: executions (broker, status, client_order_id, order_id,
 * order_shares, accepted_shares, filled_shares, average_price, error, the times); broker_tokens; by
 * commands controls and operator_decisions, and copies of the database. Talks to: the broker. Never
 * to the chain.
 */
#include "base/buffer.h"
#include "base/log.h"
#include "base/process.h"
#include "executor/commands.h"
#include "executor/executor.h"
#include "executor/executor_config.h"
#include "executor/locked_memory.h"
#include "store/instance_lock.h"
#include "store/wakeup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char details[] =
	"Takes each PENDING execution to the broker: the intent is on disk before the first byte "
	"of an order\n"
	"leaves; an unclear outcome is found out, never retried blindly; what a machine cannot "
	"decide is HELD.\n"
	"\n"
	"Commands:\n"
	"  status        broker, account, tokens, market, open executions, limits used today\n"
	"  held          the executions that a person must decide about, and how\n"
	"  resolve ID (--adopt ORDER_ID | --not-placed | --filled SHARES PRICE) [--reason TEXT]\n"
	"                the decision: it is that order; there is none; so much was filled (PRICE "
	"may be: unknown)\n"
	"  halt REASON   stop new orders at once (open ones are followed to their end)\n"
	"  resume        let new orders go out again\n"
	"  backup FILE   a copy of the database as of now, proven, with trading halted in it; "
	"others go on working\n"
	"  restore FILE  a backup becomes the database, with trading halted: see docs/restore.md\n"
	"  auth          log in at Schwab (once a week): prints an address, takes the one it ends "
	"at\n"
	"\n"
	"A ledger that has never sent an order to a live broker begins with trading halted: if one "
	"was lost, its hedges\n"
	"are at the broker, and the history must not be hedged again (docs/operating.md); else "
	"executor resume.\n"
	"\n"
	"With --once it leaves when nothing is open, or when only time or the broker can move what "
	"is.\n"
	"--check asks the broker who we are and places nothing.\n";

/* Exit 69: the broker could not be asked; 78: it refuses us, or something is set wrong. */
static int check_broker(const struct broker *broker)
{
	struct broker_account account = {.number = ""};
	struct broker_market market;
	struct error error = {.kind = ERROR_KIND_NONE};
	enum outcome outcome = OUTCOME_OK;

	if (broker->operations->account != NULL)
		outcome = broker->operations->account(broker->context, &account, &error);
	if (outcome == OUTCOME_OK && broker->operations->market != NULL)
		outcome = broker->operations->market(broker->context, &market, &error);
	if (outcome == OUTCOME_OK) {
		if (account.number[0] != '\0')
			printf("account %s (%s)\n", account.number, account.description);
		return 0;
	}
	log_error("the broker is not usable: %s", error.text);
	return outcome == OUTCOME_REJECTED || error.kind == ERROR_KIND_INVALID
		       ? EXIT_CODE_NEEDS_PERSON
		       : EXIT_CODE_UNAVAILABLE;
}

static int check(struct executor_config *config, const struct config_key *keys, size_t key_count)
{
	struct broker broker;
	int code;

	store_check(config->database_path.text);
	/* Opening it would make the database. */
	if (strcmp(config->broker.text, "schwab") == 0 &&
	    access(config->database_path.text, F_OK) != 0)
		fatal(EXIT_CODE_NEEDS_PERSON, "there is no Schwab login yet: run executor auth");
	if (!executor_config_open_broker(config, &broker))
		return EXIT_CODE_NEEDS_PERSON;
	code = check_broker(&broker);
	broker.operations->close(broker.context);
	if (code != 0)
		return code;
	config_print(keys, key_count);
	printf("executor: configuration and broker are good\n");
	return 0;
}

static void run(struct executor *executor, bool once)
{
	struct wakeup wakeup;

	wakeup_open(&wakeup, &executor->store, AUDIENCE_EXECUTOR);
	while (!process_stopping()) {
		if (executor_step(executor))
			continue;
		if (once)
			break;
		(void)wakeup_wait(&wakeup, executor_wait_ms(executor));
	}
	wakeup_close(&wakeup);
}

/*
 * A ledger that is made anew from the chain knows no hedge, and all of them may be at the broker. A
 * person says so, once, by halt or resume.
 */
static void halt_unless_known(struct executor *executor, const struct executor_config *config)
{
	static const char reason[] = "this ledger has never sent an order to this live broker: see "
				     "docs/operating.md, then executor resume";
	const char *broker = config->broker.text;

	if (strcmp(config->trading_mode.text, "live") != 0 || strcmp(broker, "dry-run") == 0 ||
	    controls_trading_was_decided(&executor->controls) ||
	    executions_count_submitted(&executor->executions, broker, 0) > 0 ||
	    !store_begin(&executor->store))
		return;
	controls_set_trading_halted(&executor->controls, true, reason);
	store_commit(&executor->store);
	log_error("trading is halted: %s", reason);
}

static int trade(struct executor_config *config, bool once)
{
	struct executor_options options;
	struct executor executor;
	struct instance_lock lock;
	struct broker broker;
	struct store store;

	store_open(&store, config->database_path.text);
	store_tell_only(&store, AUDIENCE_PROCESSOR);
	instance_lock_open(&lock, config->database_path.text);
	instance_lock_claim(&lock, INSTANCE_LOCK_EXECUTOR);
	if (!executor_config_open_broker(config, &broker))
		return EXIT_CODE_NEEDS_PERSON;
	executor_config_forget(config);
	executor_config_options(config, once, &options);
	executor_open(&executor, &store, &broker, &options);
	log_info("ready database=%s broker=%s mode=%s", config->database_path.text,
		 config->broker.text, config->trading_mode.text);

	halt_unless_known(&executor, config);
	run(&executor, once);

	log_info("stopped open_executions=%" PRId64, executions_count_open(&executor.executions));
	executor_close(&executor);
	instance_lock_close(&lock);
	return 0;
}

int main(int argc, char **argv)
{
	static struct executor_config config;
	struct config_key keys[EXECUTOR_KEYS_MAXIMUM];
	struct command_options command = {.adopt = NULL};
	const struct process_option options[] = {
		{"--adopt", "ORDER_ID", "resolve: the broker's order is this one", &command.adopt},
		{"--not-placed", NULL, "resolve: no order exists", &command.not_placed},
		{"--filled", "SHARES", "resolve: so much was filled; PRICE is the next word",
		 &command.filled},
		{"--reason", "TEXT", "resolve: why, for the record", &command.reason},
	};
	struct process_usage usage = {
		.program = "executor",
		.summary = "places the offsetting orders at the broker, each exactly once",
		.details = details,
		.options = options,
		.option_count = ARRAY_LENGTH(options),
		.keys = keys,
		.has_secrets = true,
	};
	struct process_arguments arguments;
	int code;

	memory_wipe_from_now_on();
	config.secrets = locked_memory_allocate(sizeof(*config.secrets));
	usage.key_count = executor_config_keys(&config, keys);
	process_start(&usage, 3, argc, argv, &arguments);
	if (arguments.operand_count > 0)
		code = command_run(&config, &command, arguments.operands, arguments.operand_count);
	else if (arguments.check)
		code = check(&config, keys, usage.key_count);
	else
		code = trade(&config, arguments.once);
	executor_config_forget(&config);
	return code;
}
