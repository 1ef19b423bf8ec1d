/* A program of the tests' own that starts with the words it is given. */
#ifndef BALLAST_TESTS_BASE_TEST_PROCESS_H
#define BALLAST_TESTS_BASE_TEST_PROCESS_H

#include "unit/store/test_store.h"

#include "base/process.h"

static struct config_text text;
static const char *option_from;
static const char *option_flag;
static bool complete_called;

static inline bool complete(void *context)
{
	(void)context;
	complete_called = true;
	return true;
}

static const struct config_key keys[] = {
	{.name = "DATABASE_PATH",
	 .kind = CONFIG_KIND_TEXT,
	 .required = true,
	 .help = "the file",
	 .target = &text},
};
static const struct process_option options[] = {
	{"--from", "BLOCK", "first", &option_from},
	{"--flag", NULL, "a flag", &option_flag},
};

struct run {
	const char *words[8];
	const char *database;
	int maximum_operands;
};

/* Starts as a program would, then says what it understood. */
static inline void start(void *context)
{
	const struct run *run = context;
	const struct process_usage usage = {
		.program = "tester",
		.summary = "tests",
		.details = "Details.",
		.options = options,
		.option_count = ARRAY_LENGTH(options),
		.keys = keys,
		.key_count = ARRAY_LENGTH(keys),
		.complete = complete,
	};
	struct process_arguments arguments;
	char *argv[10] = {(char *)(uintptr_t) "tester"};
	int argc = 1;

	unsetenv("DATABASE_PATH");
	if (run->database != NULL)
		setenv("DATABASE_PATH", run->database, 1);
	for (; run->words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)run->words[argc - 1];
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	process_start(&usage, run->maximum_operands, argc, argv, &arguments);
	printf("once=%d check=%d from=%s flag=%s operands=%d first=%s complete=%d\n",
	       arguments.once, arguments.check, option_from == NULL ? "-" : option_from,
	       option_flag == NULL ? "-" : "set", arguments.operand_count,
	       arguments.operand_count == 0 ? "-" : arguments.operands[0], complete_called);
	(void)fflush(stdout);
}

static inline void expect(struct run run, int exit_code, const char *words)
{
	struct test_child child = test_child_run(start, &run);

	test_child_assert(&child, exit_code, words);
}

#endif
