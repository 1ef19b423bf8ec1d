/* See command_line.h. */
#include "base/command_line.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAXIMUM_OPERANDS 5

/* As the command line gave them; they live as long as argv. */
static const char *operands[MAXIMUM_OPERANDS];

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
	if (usage->has_secrets)
		printf("  --secrets FILE           more KEY=VALUE lines, in a file that only its "
		       "owner "
		       "can read\n");
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
	struct config_files files;
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
		line->files.path = option_value(line, inline_value);
		return true;
	}
	if (line->usage->has_secrets && is_option(line, "--secrets", &inline_value)) {
		line->files.secrets_path = option_value(line, inline_value);
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

static void read_words(struct command_line *line)
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

struct config_files command_line_read(const struct process_usage *usage, int maximum_operands,
				      int argc, char **argv, struct process_arguments *arguments)
{
	struct command_line line = {
		.usage = usage,
		.arguments = arguments,
		.maximum_operands = maximum_operands,
		.argc = argc,
		.argv = argv,
	};

	*arguments = (struct process_arguments){.once = false};
	read_words(&line);
	return line.files;
}
