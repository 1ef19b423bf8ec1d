/* See commands.h. */
#include "executor/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "executor/backup.h"
#include "executor/order_gate.h"
#include "executor/resolve.h"
#include "executor/schwab_login.h"
#include "executor/status.h"
#include "store/controls.h"

#include <string.h>

struct command {
	const char *name;
	int minimum_words; /* besides the name */
	int maximum_words;
	const char *usage;
	int (*run)(struct executor_config *config, const struct command_options *options,
		   const char *const *words);
};

static int set_halted(const struct executor_config *config, bool halt, const char *reason)
{
	struct controls controls;
	struct store store;

	store_open(&store, config->database_path.text);
	controls_open(&controls, &store);
	if (!store_begin(&store))
		fatal(EXIT_CODE_TRY_AGAIN, "stopped before the switch was written");
	controls_set_trading_halted(&controls, halt, reason);
	store_commit(&store);
	controls_close(&controls);
	store_close(&store);
	log_info("trading %s", halt ? "halted" : "resumed");
	return 0;
}

static int run_halt(struct executor_config *config, const struct command_options *options,
		    const char *const *words)
{
	(void)options;
	return set_halted(config, true, words[1]);
}

static int run_resume(struct executor_config *config, const struct command_options *options,
		      const char *const *words)
{
	(void)options;
	(void)words;
	return set_halted(config, false, "resumed by an operator");
}

static int run_held(struct executor_config *config, const struct command_options *options,
		    const char *const *words)
{
	(void)options;
	(void)words;
	return status_held(config->database_path.text);
}

static int run_status(struct executor_config *config, const struct command_options *options,
		      const char *const *words)
{
	(void)options;
	(void)words;
	return status_print(config);
}

static int run_resolve(struct executor_config *config, const struct command_options *options,
		       const char *const *words)
{
	const struct resolution resolution = {
		.execution_id = words[1],
		.adopt = options->adopt,
		.not_placed = options->not_placed != NULL,
		.filled_shares = options->filled,
		.filled_price = words[2],
		.reason = options->reason,
	};

	return resolve_execution(config->database_path.text, config->broker.text, &resolution);
}

static int run_auth(struct executor_config *config, const struct command_options *options,
		    const char *const *words)
{
	struct broker broker;
	int code;

	(void)options;
	(void)words;
	if (strcmp(config->broker.text, "schwab") != 0)
		fatal(EXIT_CODE_USAGE, "only Schwab has a login: set BROKER=schwab");
	if (!executor_config_open_broker(config, &broker))
		return EXIT_CODE_NEEDS_PERSON;
	executor_config_forget(config);
	code = schwab_login(&broker, config->schwab_url.text, config->schwab_redirect_uri.text);
	broker.operations->close(broker.context);
	return code;
}

static int run_backup(struct executor_config *config, const struct command_options *options,
		      const char *const *words)
{
	(void)options;
	return backup_make(config->database_path.text, words[1]);
}

static int run_restore(struct executor_config *config, const struct command_options *options,
		       const char *const *words)
{
	(void)options;
	return backup_restore(config->database_path.text, words[1]);
}

static const struct command commands[] = {
	{"halt", 1, 1, "halt REASON", run_halt},
	{"resume", 0, 0, "resume", run_resume},
	{"held", 0, 0, "held", run_held},
	{"status", 0, 0, "status", run_status},
	{"resolve", 1, 2,
	 "resolve ID (--adopt ORDER_ID | --not-placed | --filled SHARES PRICE) [--reason TEXT]",
	 run_resolve},
	{"auth", 0, 0, "auth", run_auth},
	{"backup", 1, 1, "backup FILE", run_backup},
	{"restore", 1, 1, "restore FILE", run_restore},
};

int command_run(struct executor_config *config, const struct command_options *options,
		const char *const *words, int word_count)
{
	const char *padded[3] = {NULL, NULL, NULL};

	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		const struct command *command = &commands[i];

		if (strcmp(words[0], command->name) != 0)
			continue;
		if (word_count - 1 < command->minimum_words ||
		    word_count - 1 > command->maximum_words)
			fatal(EXIT_CODE_USAGE, "the command is: executor %s", command->usage);
		for (int word = 0; word < word_count; word++)
			padded[word] = words[word];
		return command->run(config, options, padded);
	}
	fatal(EXIT_CODE_USAGE, "unknown command: try --help command=%s", words[0]);
}
