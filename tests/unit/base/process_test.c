/* How a process starts, what it forbids itself, and the stop flag that a signal sets. */
#include "unit/base/test_process.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* As in process.c: the leak checker must be able to look into the process. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

static void a_missing_key_exits_78_by_name(void **state)
{
	(void)state;
	expect((struct run){.words = {"--once"}}, 78, "DATABASE_PATH");
	expect((struct run){.words = {"--config", "/nonexistent"}, .database = "d"}, 78,
	       "/nonexistent");
}

static void wait_for_a_signal(void *context)
{
	struct run run = {.words = {NULL}, .database = "d"};
	struct pollfd fd;
	int64_t before_ms;

	(void)context;
	start(&run);
	fd = (struct pollfd){.fd = process_stop_fd(), .events = POLLIN};
	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_false(process_stopping());
	assert_true(process_sleep_ms(1));
	before_ms = clock_monotonic_ms();
	assert_int_equal(raise(SIGTERM), 0);
	assert_true(process_stopping());
	assert_int_equal(poll(&fd, 1, 0), 1);
	assert_false(process_sleep_ms(3600000));
	assert_true(clock_monotonic_ms() - before_ms < 3600000);
}

static void a_signal_sets_the_flag_and_ends_every_wait(void **state)
{
	struct test_child child = test_child_run(wait_for_a_signal, NULL);

	(void)state;
	test_child_assert(&child, 0, NULL);
}

struct wrong_keys {
	struct config_text first, second, level, format;
};

static bool refuse(void *context)
{
	(void)context;
	log_error("the keys do not fit each other");
	return false;
}

/* Every key alone is wrong, and together they are, too. */
static void start_with_all_wrong(void *context)
{
	struct wrong_keys values = {.first = {.text = ""}};
	const struct config_key wrong[] = {
		{.name = "FIRST_KEY", .required = true, .help = "one", .target = &values.first},
		{.name = "SECOND_KEY", .required = true, .help = "two", .target = &values.second},
		{.name = "LOG_LEVEL",
		 .kind = CONFIG_KIND_CHOICE,
		 .choices = "debug|info|warn|error",
		 .help = "level",
		 .target = &values.level},
	};
	const struct process_usage usage = {.program = "tester",
					    .summary = "tests",
					    .details = "",
					    .keys = wrong,
					    .key_count = ARRAY_LENGTH(wrong),
					    .complete = refuse};
	struct process_arguments arguments;
	char *argv[] = {(char *)(uintptr_t) "tester", NULL};

	(void)context;
	unsetenv("FIRST_KEY");
	setenv("SECOND_KEY", "", 1);
	setenv("LOG_LEVEL", "loud", 1);
	process_start(&usage, 0, 1, argv, &arguments);
}

static void all_that_is_wrong_is_named_before_78(void **state)
{
	struct test_child child = test_child_run(start_with_all_wrong, NULL);

	(void)state;
	test_child_assert(&child, 78, "error tester: FIRST_KEY: is missing (one)\n");
	test_child_assert(&child, 78, "error tester: SECOND_KEY: is missing (two)\n");
	test_child_assert(&child, 78, "LOG_LEVEL: must be one of debug|info|warn|error\n");
	test_child_assert(&child, 78, "the keys do not fit each other\n");
	test_child_assert(&child, 78, "configuration is not usable");
}

/* Starts with the words for the log, then says a line of each level. */
static void start_and_log(void *context)
{
	const char *const *words = context;
	struct wrong_keys values = {.first = {.text = ""}};
	const struct config_key log_keys[] = {
		{.name = "LOG_LEVEL", .fallback = words[0], .target = &values.level},
		{.name = "LOG_FORMAT", .fallback = words[1], .target = &values.format},
	};
	const struct process_usage usage = {
		.program = "tester", .keys = log_keys, .key_count = ARRAY_LENGTH(log_keys)};
	struct process_arguments arguments;
	char *argv[] = {(char *)(uintptr_t) "tester", NULL};

	unsetenv("LOG_LEVEL");
	unsetenv("LOG_FORMAT");
	process_start(&usage, 0, 1, argv, &arguments);
	log_debug("debug line");
	log_warn("warn line");
	log_error("error line");
}

static void the_log_starts_with_the_level_and_form_that_were_asked_for(void **state)
{
	const char *debug[] = {"debug", "text"};
	const char *error[] = {"error", "json"};
	struct test_child child = test_child_run(start_and_log, debug);

	(void)state;
	test_child_assert(&child, 0, "Z debug tester: debug line\n");
	test_child_assert(&child, 0, "Z warn tester: warn line\n");
	child = test_child_run(start_and_log, error);
	test_child_assert(&child, 0, "\"program\":\"tester\",\"message\":\"error line\"}\n");
	assert_null(strstr(child.text, "warn line"));
}

static void survive_a_closed_pipe(void *context)
{
	struct run run = {.words = {NULL}, .database = "d"};
	struct sigaction action;
	struct rlimit core;
	int ends[2];

	(void)context;
	start(&run);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(write(ends[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(sigaction(SIGXFSZ, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_IGN);
#ifndef SANITIZED
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_true(core.rlim_cur == 0 && core.rlim_max == 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
#endif
	(void)core;
}

static void a_closed_pipe_is_no_end_and_memory_goes_into_no_file(void **state)
{
	struct test_child child = test_child_run(survive_a_closed_pipe, NULL);

	(void)state;
	test_child_assert(&child, 0, NULL);
}

/* Says that it has started, then sleeps an hour unless it is told to stop. */
static void sleep_an_hour(int ready)
{
	struct run run = {.words = {NULL}, .database = "d"};
	bool whole;

	if (dup2(ready, STDERR_FILENO) < 0)
		_exit(98);
	/* A sleep that no signal ends is a test that fails, not one that hangs. */
	(void)alarm(20);
	start(&run);
	whole = process_sleep_ms(3600000);
	_exit(!whole && process_stopping() ? 42 : 1);
}

static int exit_code_after(int signal_number)
{
	int ready[2];
	int status = 0;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		sleep_an_hour(ready[1]);
	assert_int_equal(close(ready[1]), 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(pid, signal_number), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(close(ready[0]), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void sigterm_and_sigint_from_outside_end_a_sleep_and_others_are_as_ever(void **state)
{
	(void)state;
	assert_int_equal(exit_code_after(SIGTERM), 42);
	assert_int_equal(exit_code_after(SIGINT), 42);
	assert_int_equal(exit_code_after(SIGKILL), -1);
}

static void sleep_as_long_as_asked(void *context)
{
	(void)context;
	assert_true(process_sleep_ms(0));
	assert_true(process_sleep_ms(-5));
	for (int64_t wait_ms = 2; wait_ms <= 32; wait_ms *= 4) {
		int64_t before_ms = clock_monotonic_ms();

		assert_true(process_sleep_ms(wait_ms));
		assert_true(clock_monotonic_ms() - before_ms >= wait_ms);
	}
	assert_false(process_stopping());
}

static void a_sleep_that_nothing_ends_is_whole(void **state)
{
	struct test_child child = test_child_run(sleep_as_long_as_asked, NULL);

	(void)state;
	test_child_assert(&child, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_key_exits_78_by_name),
		cmocka_unit_test(a_signal_sets_the_flag_and_ends_every_wait),
		cmocka_unit_test(all_that_is_wrong_is_named_before_78),
		cmocka_unit_test(the_log_starts_with_the_level_and_form_that_were_asked_for),
		cmocka_unit_test(a_closed_pipe_is_no_end_and_memory_goes_into_no_file),
		cmocka_unit_test(
			sigterm_and_sigint_from_outside_end_a_sleep_and_others_are_as_ever),
		cmocka_unit_test(a_sleep_that_nothing_ends_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
