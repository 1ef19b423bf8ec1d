/* The executor's commands: what an operator asks and decides. Each returns the exit code. */
#ifndef BALLAST_EXECUTOR_COMMANDS_H
#define BALLAST_EXECUTOR_COMMANDS_H

#include "executor/executor_config.h"

/* What the command line said besides the command's own words. NULL: not given. */
struct command_options {
	const char *adopt;	/* --adopt ORDER_ID */
	const char *not_placed; /* --not-placed */
	const char *filled;	/* --filled SHARES, and PRICE as the next word */
	const char *reason;	/* --reason TEXT */
};

/* words[0] is the command. Usage errors end the process with 64. */
int command_run(struct executor_config *config, const struct command_options *options,
		const char *const *words, int word_count);

#endif
