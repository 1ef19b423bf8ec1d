/*
 * Another program, started without a shell: the door to posix_spawn. It reads from /dev/null, what
 * it writes comes back through a pipe, and it is the first of a process group of its own, so that
 * it can be ended together with what it has started. Nothing here blocks.
 */
#ifndef BALLAST_BASE_COMMAND_H
#define BALLAST_BASE_COMMAND_H

#include "base/compiler.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <sys/types.h>

struct command {
	pid_t pid;     /* 0: none runs */
	int ended_fd;  /* readable once it has ended; -1: none */
	int output_fd; /* stdout and stderr, never blocks; -1: none. Others may keep it open */
};

/*
 * path, the arguments (the first is the program's name) and the environment, which is all that it
 * gets; both end with NULL. Outcome: OK, or RETRY when it cannot be started.
 */
MUST_USE enum outcome command_start(struct command *command, const char *path,
				    char *const *arguments, char *const *environment,
				    struct error *error);

/* Once it has ended: true, and its exit code, or 128 and the signal that ended it. */
MUST_USE bool command_has_ended(struct command *command, int *exit_code);

/* Ends it and its group at once; command_has_ended will be true soon. */
void command_kill(const struct command *command);

/* After its end was seen, or to end it: kills what runs, waits for that, closes the output. */
void command_close(struct command *command);

#endif
