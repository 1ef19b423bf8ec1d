/* When nothing may be sent, and when only one trial. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/node_health.h"

static const struct error unreachable = {.kind = ERROR_KIND_UNREACHABLE};

static void a_healthy_node_takes_any_number(void **state)
{
	struct node_health health;

	(void)state;
	node_health_init(&health);
	assert_true(node_health_allows(&health, 0, 63));
	assert_false(node_health_in_doubt(&health));
}

static void after_a_failure_comes_a_pause_and_then_one_trial(void **state)
{
	struct node_health health;

	(void)state;
	node_health_init(&health);
	node_health_failed(&health, &unreachable, 1000);
	assert_true(health.paused_until_ms > 1000);
	assert_false(node_health_allows(&health, health.paused_until_ms - 1, 0));
	assert_true(node_health_allows(&health, health.paused_until_ms, 0));
	assert_false(node_health_allows(&health, health.paused_until_ms, 1));
	node_health_answered(&health);
	assert_true(node_health_allows(&health, health.paused_until_ms, 1));
}

static void requests_that_fail_together_count_once(void **state)
{
	struct node_health health;
	int64_t until_ms;

	(void)state;
	node_health_init(&health);
	node_health_failed(&health, &unreachable, 1000);
	until_ms = health.paused_until_ms;
	for (int i = 0; i < 60; i++)
		node_health_failed(&health, &unreachable, 1000);
	assert_int_equal(health.failures, 1);
	assert_int_equal(health.paused_until_ms, until_ms);
	node_health_failed(&health, &unreachable, until_ms);
	assert_int_equal(health.failures, 2);
}

static void what_the_node_asks_to_wait_is_waited(void **state)
{
	const struct error limited = {.kind = ERROR_KIND_RATE_LIMITED, .retry_after_ms = 7000};
	struct node_health health;

	(void)state;
	node_health_init(&health);
	node_health_failed(&health, &unreachable, 1000);
	node_health_failed(&health, &limited, 1000);
	assert_true(health.paused_until_ms >= 8000);
	assert_int_equal(health.failures, 1);
}

static void an_answer_that_is_nonsense_is_an_answer(void **state)
{
	static const enum error_kind kinds[] = {
		ERROR_KIND_NONE,      ERROR_KIND_RPC,	 ERROR_KIND_RANGE_TOO_LARGE,
		ERROR_KIND_MALFORMED, ERROR_KIND_BEHIND, ERROR_KIND_INVALID,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		const struct error error = {.kind = kinds[i]};
		struct node_health health;

		node_health_init(&health);
		node_health_failed(&health, &unreachable, 0);
		node_health_failed(&health, &error, 100000);
		assert_false(node_health_in_doubt(&health));
		assert_true(node_health_allows(&health, 100000, 3));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_node_takes_any_number),
		cmocka_unit_test(after_a_failure_comes_a_pause_and_then_one_trial),
		cmocka_unit_test(requests_that_fail_together_count_once),
		cmocka_unit_test(what_the_node_asks_to_wait_is_waited),
		cmocka_unit_test(an_answer_that_is_nonsense_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
