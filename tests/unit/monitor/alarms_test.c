/* Causes that come, last and go, told to a real command; the time is the test's own. */
#include "unit/store/test_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "monitor/alarms.h"

#define REPEAT_MS ((int64_t)3600 * 1000)
#define AFTER_MS  ((int64_t)60 * 1000)

struct scene {
	char folder[64];
	char journal[96];
	struct alarm_settings settings;
	struct alarms alarms;
	struct condition_list list;
	int64_t now_ms;
};

static struct scene scene;

/* What the command does after it has written its line into the journal. */
static void write_command(const char *then)
{
	FILE *file;

	(void)snprintf(scene.settings.command.text, sizeof(scene.settings.command.text), "%s/hook",
		       scene.folder);
	file = fopen(scene.settings.command.text, "w");
	assert_non_null(file);
	(void)fprintf(file,
		      "#!/bin/sh\nprintf '%%s %%s %%s [%%s]\\n' \"$BALLAST_ALERT_STATE\" \"$1\" "
		      "\"$BALLAST_ALERT_SUBJECT\" \"$2\" >> %s\n%s\n",
		      scene.journal, then);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(scene.settings.command.text, 0700), 0);
}

static int open_scene(void **state)
{
	(void)state;
	memset(&scene, 0, sizeof(scene));
	(void)snprintf(scene.folder, sizeof(scene.folder), "/tmp/ballast-test-XXXXXX");
	assert_non_null(mkdtemp(scene.folder));
	(void)snprintf(scene.journal, sizeof(scene.journal), "%s/journal", scene.folder);
	scene.settings.timeout_seconds = 30;
	scene.settings.repeat_seconds = REPEAT_MS / 1000;
	scene.settings.after_seconds = AFTER_MS / 1000;
	scene.now_ms = 5000;
	write_command("");
	alarms_open(&scene.alarms, &scene.settings);
	return 0;
}

static int close_scene(void **state)
{
	(void)state;
	alarms_close(&scene.alarms);
	(void)unlink(scene.journal);
	(void)unlink(scene.settings.command.text);
	assert_int_equal(rmdir(scene.folder), 0);
	return 0;
}

/* With the settings changed, from the beginning. */
static void open_again(void)
{
	alarms_close(&scene.alarms);
	alarms_open(&scene.alarms, &scene.settings);
}

/* What is so from now on, and every call that follows from it, to its end. */
static void step(void)
{
	const struct condition_list *news = &scene.list;

	do {
		struct pollfd fds[ALARMS_POLL_FDS];

		alarms_step(&scene.alarms, news, scene.now_ms);
		news = NULL;
		alarms_poll(&scene.alarms, fds);
		if (alarm_hook_runs(&scene.alarms.hook))
			assert_true(poll(fds, ALARMS_POLL_FDS, 10000) > 0);
	} while (alarm_hook_runs(&scene.alarms.hook));
}

static void step_after(int64_t ms)
{
	scene.now_ms += ms;
	step();
}

static void say(enum condition_kind kind, const char *subject, const char *text)
{
	condition_list_add(&scene.list, kind, subject, "%s", text);
}

static void say_nothing(void)
{
	condition_list_clear(&scene.list);
}

/* All that was called since the last time that this was asked. */
static void expect_calls(const char *expected)
{
	char text[8192] = "";
	const int file = open(scene.journal, O_RDONLY | O_CLOEXEC);
	const ssize_t length = file < 0 ? 0 : read(file, text, sizeof(text) - 1);

	assert_true(length >= 0);
	if (file >= 0)
		assert_int_equal(close(file), 0);
	(void)unlink(scene.journal);
	assert_string_equal(text, expected);
}

static void a_cause_is_told_once_again_after_the_time_and_when_it_is_gone(void **state)
{
	(void)state;
	step();
	expect_calls("");
	say(CONDITION_EXECUTION_HELD, "12", "look");
	step();
	expect_calls("firing execution_held 12 [look]\n");
	step_after(REPEAT_MS - 1);
	expect_calls("");
	step_after(1);
	expect_calls("firing execution_held 12 [look]\n");
	say_nothing();
	step();
	expect_calls("resolved execution_held 12 [resolved: look]\n");
	step_after(2 * REPEAT_MS);
	expect_calls("");
	assert_int_equal(scene.alarms.count, 0);
	assert_int_equal(scene.alarms.sent, 3);
}

static void each_subject_is_a_cause_of_its_own_and_its_text_is_not(void **state)
{
	(void)state;
	say(CONDITION_EXECUTION_HELD, "12", "a");
	say(CONDITION_EXECUTION_HELD, "13", "b");
	step();
	expect_calls("firing execution_held 12 [a]\nfiring execution_held 13 [b]\n");
	say_nothing();
	say(CONDITION_EXECUTION_HELD, "13", "since yesterday");
	step();
	expect_calls("resolved execution_held 12 [resolved: a]\n");
	step_after(REPEAT_MS);
	expect_calls("firing execution_held 13 [since yesterday]\n");
}

static void what_comes_with_a_restart_is_told_when_it_lasts(void **state)
{
	(void)state;
	say(CONDITION_PROCESSOR_ABSENT, "", "gone");
	step();
	assert_int_equal(alarms_due_ms(&scene.alarms), scene.now_ms + AFTER_MS);
	step_after(AFTER_MS - 1);
	say_nothing();
	step();
	say(CONDITION_PROCESSOR_ABSENT, "", "gone");
	step_after(AFTER_MS - 1);
	expect_calls("");
	step_after(AFTER_MS);
	expect_calls("firing processor_absent  [gone]\n");
	/* One that starts and falls again is not well in between. */
	say_nothing();
	step();
	step_after(AFTER_MS - 1);
	say(CONDITION_PROCESSOR_ABSENT, "", "gone");
	step();
	expect_calls("");
	say_nothing();
	step();
	step_after(AFTER_MS);
	expect_calls("resolved processor_absent  [resolved: gone]\n");
}

static void a_call_that_fails_is_made_again_at_growing_intervals(void **state)
{
	(void)state;
	write_command("exit 3");
	say(CONDITION_TRADING_HALTED, "", "x");
	step();
	expect_calls("firing trading_halted  [x]\n");
	assert_int_equal(alarms_due_ms(&scene.alarms), scene.now_ms + 5000);
	step_after(5000);
	expect_calls("firing trading_halted  [x]\n");
	step_after(9999);
	expect_calls("");
	write_command("");
	step_after(1);
	expect_calls("firing trading_halted  [x]\n");
	assert_int_equal(scene.alarms.failed, 2);
	assert_int_equal(scene.alarms.sent, 1);
	step_after(REPEAT_MS - 1);
	expect_calls("");
}

static void a_cause_that_goes_while_its_calls_fail_is_told_as_gone(void **state)
{
	(void)state;
	write_command("exit 1");
	say(CONDITION_TRADING_HALTED, "", "x");
	step();
	say_nothing();
	step();
	expect_calls("firing trading_halted  [x]\nresolved trading_halted  [resolved: x]\n");
	write_command("");
	step_after(5000);
	expect_calls("resolved trading_halted  [resolved: x]\n");
	assert_int_equal(scene.alarms.count, 0);
}

static void a_cause_that_returns_before_its_end_was_told_goes_on(void **state)
{
	(void)state;
	write_command("test $BALLAST_ALERT_STATE = firing");
	say(CONDITION_TRADING_HALTED, "", "x");
	step();
	say_nothing();
	step();
	expect_calls("firing trading_halted  [x]\nresolved trading_halted  [resolved: x]\n");
	say(CONDITION_TRADING_HALTED, "", "x");
	step_after(5000);
	expect_calls("");
	step_after(REPEAT_MS - 5000);
	expect_calls("firing trading_halted  [x]\n");
}

static void a_command_that_hangs_is_killed_and_the_others_are_told(void **state)
{
	struct pollfd fds[ALARMS_POLL_FDS];

	(void)state;
	write_command("test \"$1\" = execution_held || { echo hanging; sleep 1000; }");
	scene.settings.timeout_seconds = 1;
	open_again();
	say(CONDITION_TRADING_HALTED, "", "x");
	say(CONDITION_EXECUTION_HELD, "12", "y");
	alarms_step(&scene.alarms, &scene.list, scene.now_ms);
	assert_true(alarm_hook_runs(&scene.alarms.hook));
	assert_int_equal(alarms_due_ms(&scene.alarms), scene.now_ms + 1000);
	alarms_poll(&scene.alarms, fds);
	assert_int_equal(poll(&fds[1], 1, 10000), 1);
	step_after(1000);
	expect_calls("firing trading_halted  [x]\nfiring execution_held 12 [y]\n");
	assert_int_equal(scene.alarms.failed, 1);
}

static void a_command_that_is_not_there_holds_up_nothing(void **state)
{
	(void)state;
	assert_int_equal(unlink(scene.settings.command.text), 0);
	say(CONDITION_TRADING_HALTED, "", "x");
	step();
	assert_int_equal(scene.alarms.failed, 1);
	assert_int_equal(alarms_due_ms(&scene.alarms), scene.now_ms + 5000);
	write_command("");
	step_after(5000);
	expect_calls("firing trading_halted  [x]\n");
}

static void an_unreadable_database_says_nothing_of_other_causes(void **state)
{
	(void)state;
	say(CONDITION_EXECUTION_HELD, "12", "y");
	step();
	say_nothing();
	say(CONDITION_DATABASE_UNREADABLE, "", "it was moved");
	step();
	step_after(AFTER_MS);
	expect_calls("firing execution_held 12 [y]\nfiring database_unreadable  [it was moved]\n");
	say_nothing();
	say(CONDITION_EXECUTION_HELD, "12", "y");
	step();
	step_after(AFTER_MS);
	expect_calls("resolved database_unreadable  [resolved: it was moved]\n");
}

static void without_a_command_alarms_are_logged_alone(void **state)
{
	(void)state;
	assert_int_equal(unlink(scene.settings.command.text), 0);
	scene.settings.command.text[0] = '\0';
	open_again();
	say(CONDITION_TRADING_HALTED, "", "x");
	step();
	say_nothing();
	step();
	assert_int_equal(scene.alarms.count, 0);
	assert_int_equal(scene.alarms.sent, 0);
	assert_int_equal(scene.alarms.failed, 0);
	write_command("");
}

/* As many as there can be, again and again, with a command that never succeeds. */
static void causes_without_end_stay_within_bounds(void **state)
{
	(void)state;
	assert_int_equal(unlink(scene.settings.command.text), 0);
	for (int64_t round = 0; round < 40; round++) {
		say_nothing();
		for (int64_t i = 0; i < CONDITIONS_OF_A_KIND; i++) {
			char subject[24];

			(void)snprintf(subject, sizeof(subject), "%lld",
				       (long long)(round * CONDITIONS_OF_A_KIND + i));
			say(CONDITION_EXECUTION_HELD, subject, "x");
			say(CONDITION_EVENT_QUARANTINED, subject, "x");
		}
		step();
		assert_true(scene.alarms.count <= ALARM_CAUSES_MAXIMUM);
	}
	write_command("");
	step_after(REPEAT_MS);
	say_nothing();
	step_after(REPEAT_MS);
	assert_int_equal(scene.alarms.count, 0);
}

static void text_of_any_kind_stays_one_argument(void **state)
{
	(void)state;
	write_command("printf '%s' \"$#\" >> ${0%hook}journal");
	say(CONDITION_EXECUTION_HELD, "12", "'; $(touch x) \"`id`\"\n--help * \x1b[31m");
	step();
	expect_calls("firing execution_held 12 ['; $(touch x) \"`id`\"\\x0a--help * \\x1b[31m]\n2");
}

static void no_variable_of_the_monitor_but_its_own_is_handed_on(void **state)
{
	(void)state;
	write_command("printf '%s|%s|%s|%s' \"$ALPACA_API_SECRET\" \"$BALLAST_CHANNEL\" "
		      "\"$BALLAST_ALERT_NAME\" \"$HOME\" >> ${0%hook}journal");
	setenv("ALPACA_API_SECRET", "secret", 1);
	setenv("BALLAST_CHANNEL", "night", 1);
	setenv("BALLAST_ALERT_NAME", "forged", 1);
	setenv("HOME", "/home/x", 1);
	say(CONDITION_TRADING_HALTED, "", "x");
	step();
	expect_calls("firing trading_halted  [x]\n|night|trading_halted|/home/x");
}

static void a_command_must_be_a_program_by_its_whole_path(void **state)
{
	struct alarm_settings settings = {.timeout_seconds = 1};

	(void)state;
	assert_true(alarm_settings_check(&settings));
	assert_true(alarm_settings_check(&scene.settings));
	(void)snprintf(settings.command.text, sizeof(settings.command.text), "mail root");
	assert_false(alarm_settings_check(&settings));
	(void)snprintf(settings.command.text, sizeof(settings.command.text), "/tmp");
	assert_false(alarm_settings_check(&settings));
	(void)snprintf(settings.command.text, sizeof(settings.command.text), "/nowhere/hook");
	assert_false(alarm_settings_check(&settings));
	(void)snprintf(settings.command.text, sizeof(settings.command.text), "/etc/passwd");
	assert_false(alarm_settings_check(&settings));
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_cause_is_told_once_again_after_the_time_and_when_it_is_gone),
		TEST(each_subject_is_a_cause_of_its_own_and_its_text_is_not),
		TEST(what_comes_with_a_restart_is_told_when_it_lasts),
		TEST(a_call_that_fails_is_made_again_at_growing_intervals),
		TEST(a_cause_that_goes_while_its_calls_fail_is_told_as_gone),
		TEST(a_cause_that_returns_before_its_end_was_told_goes_on),
		TEST(a_command_that_hangs_is_killed_and_the_others_are_told),
		TEST(a_command_that_is_not_there_holds_up_nothing),
		TEST(an_unreadable_database_says_nothing_of_other_causes),
		TEST(without_a_command_alarms_are_logged_alone),
		TEST(causes_without_end_stay_within_bounds),
		TEST(text_of_any_kind_stays_one_argument),
		TEST(no_variable_of_the_monitor_but_its_own_is_handed_on),
		TEST(a_command_must_be_a_program_by_its_whole_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
