/* Real programs: what they get, what comes back, and how they end. */
#include "unit/store/test_store.h"

#include <poll.h>
#include <signal.h>

#include "base/command.h"
#include "base/compiler.h"

static struct command start(const char *script, char *argument)
{
	char shell[] = "sh";
	char option[] = "-c";
	char text[512];
	char variable[] = "GIVEN=1";
	char *const arguments[] = {shell, option, text, shell, argument, NULL};
	char *const environment[] = {variable, NULL};
	struct command command;
	struct error error;

	(void)snprintf(text, sizeof(text), "%s", script);
	assert_int_equal(command_start(&command, "/bin/sh", arguments, environment, &error),
			 OUTCOME_OK);
	return command;
}

static int wait_for_end(struct command *command)
{
	struct pollfd fd = {.fd = command->ended_fd, .events = POLLIN};
	int exit_code = -1;

	assert_int_equal(poll(&fd, 1, 10000), 1);
	assert_true(command_has_ended(command, &exit_code));
	return exit_code;
}

static void expect_output(const struct command *command, const char *expected)
{
	char text[512];
	const ssize_t length = read(command->output_fd, text, sizeof(text) - 1);

	assert_true(length >= 0);
	text[length] = '\0';
	assert_string_equal(text, expected);
}

static void a_command_gets_its_arguments_as_they_are_and_nothing_else(void **state)
{
	char argument[] = "a \"b\" $(echo c)\n'd' `e` *";
	struct command command;

	(void)state;
	setenv("NOT_GIVEN", "1", 1);
	command = start("printf '%s|' \"$#\" \"$1\" \"$GIVEN\" \"$NOT_GIVEN\"; cat", argument);
	assert_int_equal(wait_for_end(&command), 0);
	expect_output(&command, "1|a \"b\" $(echo c)\n'd' `e` *|1||");
	command_close(&command);
	assert_int_equal(command.output_fd, -1);
}

static void its_exit_code_comes_back_or_the_signal_that_ended_it(void **state)
{
	char argument[] = "";
	struct command command = start("echo out; echo err >&2; exit 7", argument);

	(void)state;
	assert_int_equal(wait_for_end(&command), 7);
	expect_output(&command, "out\nerr\n");
	command_close(&command);
	command = start("kill -TERM $$", argument);
	assert_int_equal(wait_for_end(&command), 128 + SIGTERM);
	command_close(&command);
}

/* A pipe whose other end the started ones hold shows when the last of them is gone. */
static void it_is_ended_together_with_what_it_has_started(void **state)
{
	char argument[] = "";
	struct command command = start("sleep 1000 & echo ready; wait", argument);
	struct pollfd fd = {.fd = command.output_fd, .events = POLLIN};
	char text[16];
	int exit_code;

	(void)state;
	assert_int_equal(poll(&fd, 1, 10000), 1);
	assert_int_equal(read(command.output_fd, text, sizeof(text)), 6);
	assert_false(command_has_ended(&command, &exit_code));
	command_kill(&command);
	assert_int_equal(wait_for_end(&command), 128 + SIGKILL);
	assert_int_equal(poll(&fd, 1, 10000), 1);
	assert_int_equal(read(command.output_fd, text, sizeof(text)), 0);
	command_close(&command);
}

static void closing_ends_what_runs(void **state)
{
	char argument[] = "";
	struct command command = start("trap '' TERM; sleep 1000", argument);
	const pid_t pid = command.pid;

	(void)state;
	command_close(&command);
	assert_int_equal(command.pid, 0);
	assert_int_equal(kill(pid, 0), -1);
}

/* Programs of ours ignore SIGPIPE; a command must not inherit that. */
static void signals_are_as_usual_in_it(void **state)
{
	char argument[] = "";
	struct command command;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	command = start("kill -PIPE $$", argument);
	assert_int_equal(wait_for_end(&command), 128 + SIGPIPE);
	command_close(&command);
}

static void what_cannot_be_started_is_named(void **state)
{
	char name[] = "x";
	char *const arguments[] = {name, NULL};
	struct command command;
	struct error error;

	(void)state;
	assert_int_equal(command_start(&command, "/nowhere/x", arguments, arguments, &error),
			 OUTCOME_RETRY);
	assert_non_null(strstr(error.text, "/nowhere/x cannot be started: No such file"));
	assert_int_equal(command_start(&command, "/etc/passwd", arguments, arguments, &error),
			 OUTCOME_RETRY);
	assert_non_null(strstr(error.text, "Permission denied"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_gets_its_arguments_as_they_are_and_nothing_else),
		cmocka_unit_test(its_exit_code_comes_back_or_the_signal_that_ended_it),
		cmocka_unit_test(it_is_ended_together_with_what_it_has_started),
		cmocka_unit_test(closing_ends_what_runs),
		cmocka_unit_test(signals_are_as_usual_in_it),
		cmocka_unit_test(what_cannot_be_started_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
