#include "test_store.h"

#include "store/controls.h"

struct fixture {
	struct test_store test;
	struct controls controls;
};

static void fixture_open(struct fixture *fixture)
{
	test_store_open(&fixture->test);
	controls_open(&fixture->controls, &fixture->test.store);
}

static void fixture_close(struct fixture *fixture)
{
	controls_close(&fixture->controls);
	test_store_close(&fixture->test);
}

static void set(struct fixture *fixture, bool halted, const char *reason)
{
	assert_true(store_begin(&fixture->test.store));
	controls_set_trading_halted(&fixture->controls, halted, reason);
	store_commit(&fixture->test.store);
}

static void trading_runs_until_it_is_halted_and_after_it_is_resumed(void **state)
{
	struct fixture fixture;
	struct control_reason reason = {"untouched"};

	(void)state;
	fixture_open(&fixture);
	assert_false(controls_trading_halted(&fixture.controls, &reason));
	assert_string_equal(reason.text, "untouched");
	set(&fixture, true, "the broker reports odd fills");
	assert_true(controls_trading_halted(&fixture.controls, &reason));
	assert_true(controls_trading_halted(&fixture.controls, NULL));
	assert_string_equal(reason.text, "the broker reports odd fills");
	set(&fixture, true, "another reason");
	assert_true(controls_trading_halted(&fixture.controls, &reason));
	assert_string_equal(reason.text, "another reason");
	set(&fixture, false, "checked");
	assert_false(controls_trading_halted(&fixture.controls, &reason));
	assert_int_equal(
		test_store_int64(&fixture.test.store, "SELECT count(*) AS n FROM controls", "n"),
		1);
	fixture_close(&fixture);
}

static void setting_it_again_tells_when(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	set(&fixture, true, "first");
	assert_int_equal(test_store_run(&fixture.test.store, "UPDATE controls SET set_at = '2000'"),
			 1);
	set(&fixture, true, "second");
	assert_int_equal(test_store_int64(&fixture.test.store,
					  "SELECT set_at > '2026' AND length(set_at) = 24 AS n "
					  "FROM controls",
					  "n"),
			 1);
	fixture_close(&fixture);
}

static void any_value_but_zero_halts(void **state)
{
	static const char *const updates[] = {
		"UPDATE controls SET value = 'true'", "UPDATE controls SET value = ''",
		"UPDATE controls SET value = ' 0'",   "UPDATE controls SET value = '00'",
		"UPDATE controls SET value = 'no'",
	};
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	set(&fixture, false, "");
	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		assert_int_equal(test_store_run(&fixture.test.store, updates[i]), 1);
		assert_true(controls_trading_halted(&fixture.controls, NULL));
	}
	assert_int_equal(test_store_run(&fixture.test.store, "UPDATE controls SET value = '0'"), 1);
	assert_false(controls_trading_halted(&fixture.controls, NULL));
	/* A switch of another name is another switch. */
	assert_int_equal(test_store_run(&fixture.test.store, "INSERT INTO controls (name, value, "
							     "reason) VALUES ('other', '1', '')"),
			 1);
	assert_false(controls_trading_halted(&fixture.controls, NULL));
	fixture_close(&fixture);
}

static void a_long_reason_is_shortened_at_a_whole_character(void **state)
{
	struct fixture fixture;
	struct control_reason reason;
	char text[400];

	(void)state;
	fixture_open(&fixture);
	memset(text, 'r', sizeof(text));
	text[256] = '\0';
	set(&fixture, true, text);
	assert_true(controls_trading_halted(&fixture.controls, &reason));
	assert_string_equal(reason.text, text);
	text[256] = 'r';
	text[257] = '\0';
	set(&fixture, true, text);
	assert_true(controls_trading_halted(&fixture.controls, &reason));
	assert_int_equal(strlen(reason.text), 256);
	/* Two bytes that would be cut in the middle: neither stays. */
	text[255] = '\xc3';
	text[256] = '\xa9';
	set(&fixture, true, text);
	assert_true(controls_trading_halted(&fixture.controls, &reason));
	assert_int_equal(strlen(reason.text), 255);
	/* By hand somebody may write more than we would. */
	assert_int_equal(test_store_run(&fixture.test.store,
					"UPDATE controls SET reason = hex(zeroblob(1000))"),
			 1);
	assert_true(controls_trading_halted(&fixture.controls, &reason));
	assert_int_equal(strlen(reason.text), 256);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trading_runs_until_it_is_halted_and_after_it_is_resumed),
		cmocka_unit_test(setting_it_again_tells_when),
		cmocka_unit_test(any_value_but_zero_halts),
		cmocka_unit_test(a_long_reason_is_shortened_at_a_whole_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
