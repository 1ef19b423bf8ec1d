/* The processor's commands: what an operator asks and says about a transaction or a ticker. */
#ifndef BALLAST_PROCESSOR_COMMANDS_H
#define BALLAST_PROCESSOR_COMMANDS_H

#include "base/compiler.h"
#include "processor/processor_config.h"

#define COMMAND_MAXIMUM_WORDS 3

/*
 * words[0] is the command. Returns the exit code. Usage errors end the process with 64. *applies is
 * set when events may be ready that nobody applies: the caller does as with --once, then calls
 * command_tell_applied.
 */
MUST_USE int command_run(const struct processor_config *config, const char *const *words,
			 int word_count, bool *applies);

/* What became of the events of the transaction, which command_run has queued. */
MUST_USE int command_tell_applied(const struct processor_config *config, const char *tx_hash);

#endif
