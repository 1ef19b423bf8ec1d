/* The command line: what is understood, in any order and form, and what is refused by name. */
#include "unit/base/test_process.h"

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

static void words_beyond_those_it_takes_exit_64(void **state)
{
	(void)state;
	expect((struct run){.words = {"a", "b", "c"}, .database = "d", .maximum_operands = 2}, 64,
	       "unexpected word: c");
	expect((struct run){.words = {"a", "b"}, .database = "d", .maximum_operands = 2}, 0,
	       "operands=2 first=a");
	expect((struct run){.words = {"-x"}, .database = "d", .maximum_operands = 2}, 64,
	       "unknown option: -x");
	expect((struct run){.words = {"--"}, .database = "d", .maximum_operands = 2}, 64, "--");
	expect((struct run){.words = {""}, .database = "d"}, 64, "unexpected word");
	expect((struct run){.words = {"--once=yes"}, .database = "d"}, 64,
	       "takes no value: --once");
	expect((struct run){.words = {"--version=1"}, .database = "d"}, 64, "--version");
	expect((struct run){.words = {"--config"}, .database = "d"}, 64, "needs a value: --config");
	/* A typing error tells where to look, and comes before any complaint about keys. */
	expect((struct run){.words = {"--halp"}}, 64, "(try tester --help)");
}

static void an_option_may_take_a_word_that_looks_like_one(void **state)
{
	(void)state;
	expect((struct run){.words = {"--from", "--once"}, .database = "d"}, 0,
	       "once=0 check=0 from=--once");
	expect((struct run){.words = {"--from="}, .database = "d"}, 0, "from= flag=-");
	expect((struct run){.words = {"--from=1", "--from=2"}, .database = "d"}, 0, "from=2 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_understood_in_any_order_and_form),
		cmocka_unit_test(usage_errors_exit_64_and_name_the_word),
		cmocka_unit_test(help_and_version_exit_0_without_a_configuration),
		cmocka_unit_test(words_beyond_those_it_takes_exit_64),
		cmocka_unit_test(an_option_may_take_a_word_that_looks_like_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
