/* The command line, the stop flag, and waiting that a signal ends. */
#include "unit/store/test_store.h"

#include "base/clock.h"
#include "base/process.h"

#include <poll.h>
#include <signal.h>

static struct config_text text;
static const char *option_from;
static const char *option_flag;
static bool complete_called;

static bool complete(void *context)
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
static void start(void *context)
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

static void expect(struct run run, int exit_code, const char *words)
{
	struct test_child child = test_child_run(start, &run);

	test_child_assert(&child, exit_code, words);
}

static void options_are_understood_in_any_order_and_form(void **state)
{
	(void)state;
	expect((struct run){.words = {"--once"}, .database = "d"}, 0, "once=1 check=0 from=-");
	expect((struct run){.words = {"--from", "5", "--check"}, .database = "d"}, 0,
	       "check=1 from=5");
	expect((struct run){.words = {"--from=5", "--flag"}, .database = "d"}, 0,
	       "from=5 flag=set");
	expect((struct run){.words = {"halt", "--once", "why"},
			    .database = "d",
			    .maximum_operands = 2},
	       0, "once=1 check=0 from=- flag=- operands=2 first=halt");
}

static void usage_errors_exit_64_and_name_the_word(void **state)
{
	(void)state;
	expect((struct run){.words = {"--onec"}, .database = "d"}, 64, "--onec");
	expect((struct run){.words = {"--oncemore"}, .database = "d"}, 64, "--oncemore");
	expect((struct run){.words = {"--from"}, .database = "d"}, 64, "--from");
	expect((struct run){.words = {"--flag=1"}, .database = "d"}, 64, "--flag");
	expect((struct run){.words = {"word"}, .database = "d"}, 64, "word");
}

static void help_and_version_exit_0_without_a_configuration(void **state)
{
	(void)state;
	expect((struct run){.words = {"--help"}}, 0, "DATABASE_PATH");
	expect((struct run){.words = {"--help"}}, 0, "--from BLOCK");
	expect((struct run){.words = {"--version"}}, 0, "tester " BALLAST_VERSION);
}

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

static void times_are_written_and_read_in_one_form(void **state)
{
	int64_t wall_ms;

	(void)state;
	assert_string_equal(clock_text_of_ms(0).text, "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_text_of_ms(1795458756123).text, "2026-11-23T18:32:36.123Z");
	assert_true(clock_parse_text("2026-11-23T18:32:36.123Z", &wall_ms));
	assert_true(wall_ms == 1795458756123);
	assert_true(clock_parse_text("2024-02-29T23:59:59.999Z", &wall_ms));
	assert_false(clock_parse_text("2023-02-29T00:00:00.000Z", &wall_ms));
	assert_false(clock_parse_text("2026-11-23 18:32:36.123Z", &wall_ms));
	assert_false(clock_parse_text("2026-11-23T18:32:36Z", &wall_ms));
	assert_false(clock_parse_text("2026-13-23T18:32:36.123Z", &wall_ms));
	assert_false(clock_parse_text("", &wall_ms));
	assert_true(clock_wall_ms() > 1700000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_understood_in_any_order_and_form),
		cmocka_unit_test(usage_errors_exit_64_and_name_the_word),
		cmocka_unit_test(help_and_version_exit_0_without_a_configuration),
		cmocka_unit_test(a_missing_key_exits_78_by_name),
		cmocka_unit_test(a_signal_sets_the_flag_and_ends_every_wait),
		cmocka_unit_test(times_are_written_and_read_in_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
