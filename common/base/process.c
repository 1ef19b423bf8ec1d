/* See process.h. The stop flag and its pipe are the only state that signals touch. */
#include "base/process.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

#define MAXIMUM_OPERANDS 4

/* As the command line gave them; they live as long as argv. */
static const char *operands[MAXIMUM_OPERANDS];

static volatile sig_atomic_t stop_requested;
static int stop_pipe[2] = {-1, -1};

static void handle_stop(int signal_number)
{
	int saved_errno = errno;
	ssize_t written;

	(void)signal_number;
	stop_requested = 1;
	/* Full is fine: one byte is enough to be readable for ever. */
	written = write(stop_pipe[1], "", 1);
	(void)written;
	errno = saved_errno;
}

static void ensure_stop_pipe(void)
{
	if (stop_pipe[0] < 0 && pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "cannot make a pipe reason=%s", strerror(errno));
}

static void install_signal(int signal_number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	if (sigemptyset(&action.sa_mask) != 0 || sigaction(signal_number, &action, NULL) != 0)
		fatal(EXIT_CODE_BUG, "cannot handle signal %d", signal_number);
}

/* No memory of ours in a core file, and none for another process of the same user. */
static void forbid_core_dumps(void)
{
#ifndef SANITIZED /* LeakSanitizer reads the process through ptrace */
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		fatal(EXIT_CODE_BUG, "cannot forbid core dumps reason=%s", strerror(errno));
#endif
}

static void take_signals(void)
{
	ensure_stop_pipe();
	install_signal(SIGTERM, handle_stop);
	install_signal(SIGINT, handle_stop);
	install_signal(SIGPIPE, SIG_IGN);
	install_signal(SIGXFSZ,
		       SIG_IGN); /* a file that may not grow is an error of write, not the end */
}

bool process_stopping(void)
{
	return stop_requested != 0;
}

int process_stop_fd(void)
{
	ensure_stop_pipe();
	return stop_pipe[0];
}

bool process_sleep_ms(int64_t milliseconds)
{
	int64_t deadline_ms = clock_monotonic_ms() + milliseconds;

	while (!process_stopping()) {
		struct pollfd fd = {.fd = process_stop_fd(), .events = POLLIN};
		int64_t left_ms = deadline_ms - clock_monotonic_ms();

		if (left_ms <= 0)
			return true;
		/* Woken early by a signal: the loop looks again. */
		(void)poll(&fd, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
	}
	return false;
}

static void print_key(const struct config_key *key)
{
	printf("  %-24s %s", key->name, key->help);
	if (key->choices != NULL && key->kind == CONFIG_KIND_CHOICE)
		printf(" [%s]", key->choices);
	if (key->required)
		printf(" (required)");
	else if (key->fallback != NULL)
		printf(" (%s)", key->fallback);
	printf("\n");
}

static void print_help(const struct process_usage *usage)
{
	printf("%s - %s\n\nUsage: %s [OPTIONS]\n\n%s\nOptions:\n", usage->program, usage->summary,
	       usage->program, usage->details);
	printf("  --config FILE            KEY=VALUE lines; the environment wins over the file\n"
	       "  --once                   do all that is ready, then leave\n"
	       "  --check                  prove the configuration and reach what is needed, then "
	       "leave\n"
	       "  --help, --version\n");
	for (size_t i = 0; i < usage->option_count; i++) {
		const struct process_option *option = &usage->options[i];
		char name[64];

		(void)snprintf(name, sizeof(name), "%s%s%s", option->name,
			       option->argument == NULL ? "" : " ",
			       option->argument == NULL ? "" : option->argument);
		printf("  %-24s %s\n", name, option->help);
	}
	printf("\nConfiguration (file or environment; the default in parentheses):\n");
	for (size_t i = 0; i < usage->key_count; i++)
		print_key(&usage->keys[i]);
	printf("\nExit codes: 0 done or told to stop; 64 command line; 69 --check cannot reach "
	       "something;\n"
	       "70 a bug; 75 try again (database busy, disk full, not all could be done);\n"
	       "78 a person is needed (configuration, wrong chain, newer schema). Logs go to "
	       "stderr.\n");
}

/* The reading of one command line. */
struct command_line {
	const struct process_usage *usage;
	struct process_arguments *arguments;
	const char *config_path;
	int maximum_operands;
	int argc;
	char **argv;
	int position;
};

static NORETURN void usage_error(const struct command_line *line, const char *what,
				 const char *word)
{
	(void)fprintf(stderr, "%s: %s: %s (try %s --help)\n", line->usage->program, what, word,
		      line->usage->program);
	exit(EXIT_CODE_USAGE);
}

/* Whether the current word is the option: "--name", or "--name=value" when it takes one. */
static bool is_option(const struct command_line *line, const char *name, const char **inline_value)
{
	const char *word = line->argv[line->position];
	size_t length = strlen(name);

	*inline_value = NULL;
	if (strncmp(word, name, length) != 0)
		return false;
	if (word[length] == '=')
		*inline_value = word + length + 1;
	return word[length] == '\0' || word[length] == '=';
}

static const char *option_value(struct command_line *line, const char *inline_value)
{
	const char *word = line->argv[line->position];

	if (inline_value != NULL)
		return inline_value;
	if (line->position + 1 >= line->argc)
		usage_error(line, "needs a value", word);
	return line->argv[++line->position];
}

static bool read_flag(struct command_line *line, const char *name, bool *flag)
{
	const char *inline_value;

	if (!is_option(line, name, &inline_value))
		return false;
	if (inline_value != NULL)
		usage_error(line, "takes no value", name);
	*flag = true;
	return true;
}

static bool read_common_option(struct command_line *line)
{
	const char *inline_value;
	bool asked = false;

	if (is_option(line, "--config", &inline_value)) {
		line->config_path = option_value(line, inline_value);
		return true;
	}
	if (read_flag(line, "--help", &asked)) {
		print_help(line->usage);
		exit(0);
	}
	if (read_flag(line, "--version", &asked)) {
		printf("%s %s\n", line->usage->program, BALLAST_VERSION);
		exit(0);
	}
	return read_flag(line, "--once", &line->arguments->once) ||
	       read_flag(line, "--check", &line->arguments->check);
}

static bool read_own_option(struct command_line *line)
{
	for (size_t i = 0; i < line->usage->option_count; i++) {
		const struct process_option *option = &line->usage->options[i];
		const char *inline_value;

		if (!is_option(line, option->name, &inline_value))
			continue;
		if (option->argument != NULL)
			*option->value = option_value(line, inline_value);
		else if (inline_value != NULL)
			usage_error(line, "takes no value", option->name);
		else
			*option->value = "";
		return true;
	}
	return false;
}

static void read_command_line(struct command_line *line)
{
	struct process_arguments *arguments = line->arguments;

	invariant(line->maximum_operands <= MAXIMUM_OPERANDS);
	arguments->operands = operands;
	for (line->position = 1; line->position < line->argc; line->position++) {
		const char *word = line->argv[line->position];

		if (read_common_option(line) || read_own_option(line))
			continue;
		if (word[0] == '-')
			usage_error(line, "unknown option", word);
		if (arguments->operand_count == line->maximum_operands)
			usage_error(line, "unexpected word", word);
		operands[arguments->operand_count++] = word;
	}
}

static const char *key_text(const struct process_usage *usage, const char *name)
{
	for (size_t i = 0; i < usage->key_count; i++) {
		if (strcmp(usage->keys[i].name, name) == 0)
			return ((const struct config_text *)usage->keys[i].target)->text;
	}
	return "";
}

static void start_log(const struct process_usage *usage)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	const char *word = key_text(usage, "LOG_LEVEL");
	enum log_level level = LOG_LEVEL_INFO;

	for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
		if (strcmp(word, levels[i]) == 0)
			level = (enum log_level)i;
	}
	log_start(usage->program, level,
		  strcmp(key_text(usage, "LOG_FORMAT"), "json") == 0 ? LOG_FORMAT_JSON
								     : LOG_FORMAT_TEXT);
}

void process_start(const struct process_usage *usage, int maximum_operands, int argc, char **argv,
		   struct process_arguments *arguments)
{
	struct command_line line = {
		.usage = usage,
		.arguments = arguments,
		.maximum_operands = maximum_operands,
		.argc = argc,
		.argv = argv,
	};
	bool good;

	*arguments = (struct process_arguments){.once = false};
	log_start(usage->program, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	read_command_line(&line);
	good = config_load(usage->keys, usage->key_count, line.config_path);
	if (usage->complete != NULL)
		good = usage->complete(usage->context) && good;
	if (!good) {
		log_error("configuration is not usable: mend what is named above (--help lists the "
			  "keys)");
		exit(EXIT_CODE_NEEDS_PERSON);
	}
	start_log(usage);
	forbid_core_dumps();
	take_signals();
}
