/*
 * The life of a process: common command line, signals, the stop flag.
 * SIGTERM and SIGINT ask it to stop: the transaction in hand is finished, then it leaves.
 */
#ifndef BALLAST_BASE_PROCESS_H
#define BALLAST_BASE_PROCESS_H

#include "base/compiler.h"
#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BALLAST_VERSION "0.1.0"

/* An option of one program beyond the common ones; takes_value: the next argument goes to *value.
 */
struct process_option {
	const char *name;     /* "--from" */
	const char *argument; /* "BLOCK", NULL when it takes none */
	const char *help;
	const char *
		*value; /* set to the argument, or to "" when it takes none; NULL if not given */
};

struct process_usage {
	const char *program;
	const char *summary; /* one line: what it is for */
	const char *details; /* paragraphs for --help: what it reads, writes, talks to; exit codes
				of its own */
	const struct process_option *options;
	size_t option_count;
	const struct config_key *keys;
	size_t key_count;
	bool has_secrets; /* the option --secrets FILE */
	/*
	 * Checks between keys, after all were read; logs what is wrong and returns false. Called
	 * even when a key alone is wrong, so that all problems are listed at once. May be NULL.
	 */
	bool (*complete)(void *context);
	void *context;
};

struct process_arguments {
	bool once;
	bool check;
	const char *const *operands; /* words that are not options, for subcommands */
	int operand_count;
};

/*
 * Reads the command line, handles --help and --version (prints, exits 0), loads --config FILE and
 * the environment into usage->keys' targets (all problems at once, exit 78), starts the log,
 * installs signal handlers, ignores SIGPIPE and SIGXFSZ, forbids core dumps. Usage errors exit 64.
 * Operands are only accepted when maximum_operands > 0.
 */
void process_start(const struct process_usage *usage, int maximum_operands, int argc, char **argv,
		   struct process_arguments *arguments);

/* True once SIGTERM or SIGINT came. */
bool process_stopping(void);

/* Becomes readable when the process is to stop: for poll(). Never read it. */
int process_stop_fd(void);

/* Waits; true when the whole time passed, false when the process is to stop. */
bool process_sleep_ms(int64_t milliseconds);

struct process_child {
	int64_t pid;
	int fd;	       /* our end of a socket pair; the end of its file is the end of the child */
	int stderr_fd; /* what the child writes to stderr; both do not block */
};

/*
 * A second process for work that may fail by fatal() without ending this one. work gets its end of
 * the pair, which blocks, and nothing else that was open; what it returns is the exit code. False:
 * the system has no room for another process just now, errno says why.
 */
MUST_USE bool process_start_child(struct process_child *child, int (*work)(void *context, int fd),
				  void *context);

/* Ends it if it still runs. Its exit code, or 128 and the number of the signal that ended it. */
int process_end_child(struct process_child *child, bool now);

/* Of what waitpid says of a process that has ended: the same. */
int process_exit_code_of(int wait_status);

#endif
