/* See alarm_hook.h. */
#include "monitor/alarm_hook.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_MAXIMUM 20

/* A PATH of the usual length, a folder, and a few texts of the operator's. */
#define ENVIRONMENT_SIZE      16384
#define ENVIRONMENT_VARIABLES 64
#define DEFAULT_PATH	      "/usr/local/bin:/usr/bin:/bin"

#define ALERT_PREFIX "BALLAST_ALERT_"

struct environment {
	char *variables[ENVIRONMENT_VARIABLES + 1];
	size_t count;
	char text[ENVIRONMENT_SIZE];
	size_t length;
};

bool alarm_settings_check(const struct alarm_settings *settings)
{
	const char *path = settings->command.text;
	struct stat status;

	if (path[0] == '\0')
		return true;
	if (path[0] == '/' && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	    access(path, X_OK) == 0)
		return true;
	log_error("ALERT_COMMAND: must be the absolute path of a program that may be run, without "
		  "arguments (a script can give them)");
	return false;
}

void alarm_hook_init(struct alarm_hook *hook)
{
	*hook = (struct alarm_hook){.command = {.ended_fd = -1, .output_fd = -1}};
}

void alarm_hook_close(struct alarm_hook *hook)
{
	command_close(&hook->command);
}

bool alarm_hook_runs(const struct alarm_hook *hook)
{
	return hook->command.pid > 0;
}

/* What does not fit is left out: a command runs better without a variable than not at all. */
static void add_variable(struct environment *environment, const char *name, const char *value)
{
	char *place = environment->text + environment->length;
	const size_t room = sizeof(environment->text) - environment->length;
	const int length = snprintf(place, room, "%s=%s", name, value);

	if (length < 0 || (size_t)length >= room || environment->count == ENVIRONMENT_VARIABLES) {
		log_warn("ALERT_COMMAND does without a variable: there is no room for it name=%s",
			 name);
		return;
	}
	environment->variables[environment->count++] = place;
	environment->length += (size_t)length + 1;
}

static void add_inherited(struct environment *environment)
{
	static const char prefix[] = "BALLAST_";

	for (char **variable = environ; *variable != NULL; variable++) {
		const char *value = strchr(*variable, '=');
		char name[128];

		if (strncmp(*variable, prefix, strlen(prefix)) != 0 ||
		    strncmp(*variable, ALERT_PREFIX, strlen(ALERT_PREFIX)) == 0 || value == NULL ||
		    (size_t)(value - *variable) >= sizeof(name))
			continue;
		memcpy(name, *variable, (size_t)(value - *variable));
		name[value - *variable] = '\0';
		add_variable(environment, name, value + 1);
	}
}

static void make_environment(struct environment *environment, const struct alarm_call *call)
{
	const char *path = getenv("PATH");
	const char *home = getenv("HOME");

	*environment = (struct environment){.count = 0};
	add_variable(environment, "PATH", path != NULL ? path : DEFAULT_PATH);
	add_variable(environment, "HOME", home != NULL ? home : "/");
	add_variable(environment, ALERT_PREFIX "STATE", call->state);
	add_variable(environment, ALERT_PREFIX "NAME", call->name);
	add_variable(environment, ALERT_PREFIX "SUBJECT", call->subject);
	add_inherited(environment);
}

enum alarm_hook_result alarm_hook_start(struct alarm_hook *hook,
					const struct alarm_settings *settings,
					const struct alarm_call *call, int64_t now_ms)
{
	struct config_text path = settings->command;
	struct config_text name, text;
	char *const arguments[] = {path.text, name.text, text.text, NULL};
	struct environment environment;
	struct error error;

	invariant(!alarm_hook_runs(hook));
	alarm_hook_init(hook);
	(void)snprintf(name.text, sizeof(name.text), "%s", call->name);
	(void)snprintf(text.text, sizeof(text.text), "%s%s",
		       strcmp(call->state, "resolved") == 0 ? "resolved: " : "", call->text);
	make_environment(&environment, call);
	if (command_start(&hook->command, path.text, arguments, environment.variables, &error) !=
	    OUTCOME_OK) {
		log_error("ALERT_COMMAND: %s", error.text);
		return ALARM_HOOK_FAILED;
	}
	hook->deadline_ms = now_ms + settings->timeout_seconds * 1000;
	return ALARM_HOOK_RUNS;
}

static void log_line(struct alarm_hook *hook)
{
	hook->line[hook->line_length] = '\0';
	if (hook->line_length > 0 && hook->lines < LINES_MAXIMUM)
		log_info("ALERT_COMMAND says: %s", hook->line);
	else if (hook->line_length > 0 && hook->lines == LINES_MAXIMUM)
		log_info("ALERT_COMMAND says more, which is left out");
	if (hook->line_length > 0)
		hook->lines++;
	hook->line_length = 0;
}

static void take_bytes(struct alarm_hook *hook, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] == '\n' || hook->line_length + 1 == sizeof(hook->line))
			log_line(hook);
		if (bytes[i] != '\n')
			hook->line[hook->line_length++] = bytes[i];
	}
}

/* Not more than a few pages at a time: who writes without end does not hold up the others. */
static void take_output(struct alarm_hook *hook)
{
	char bytes[4096];

	for (int i = 0; i < 16 && hook->command.output_fd >= 0; i++) {
		const ssize_t count = read(hook->command.output_fd, bytes, sizeof(bytes));

		if (count < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (count <= 0) {
			(void)close(hook->command.output_fd);
			hook->command.output_fd = -1;
			return;
		}
		take_bytes(hook, bytes, (size_t)count);
	}
}

static enum alarm_hook_result judge(const struct alarm_hook *hook, int exit_code)
{
	if (hook->killed)
		log_error("ALERT_COMMAND did not end within ALERT_TIMEOUT_SECONDS and was killed");
	else if (exit_code > 128)
		log_error("ALERT_COMMAND was ended by a signal signal=%d", exit_code - 128);
	else if (exit_code != 0)
		log_error("ALERT_COMMAND failed exit_code=%d", exit_code);
	return hook->killed || exit_code != 0 ? ALARM_HOOK_FAILED : ALARM_HOOK_DONE;
}

enum alarm_hook_result alarm_hook_step(struct alarm_hook *hook, int64_t now_ms)
{
	int exit_code;

	invariant(alarm_hook_runs(hook));
	take_output(hook);
	if (!command_has_ended(&hook->command, &exit_code)) {
		if (now_ms >= hook->deadline_ms && !hook->killed) {
			hook->killed = true;
			command_kill(&hook->command);
		}
		return ALARM_HOOK_RUNS;
	}
	take_output(hook);
	log_line(hook);
	command_close(&hook->command);
	return judge(hook, exit_code);
}
