/* Timers against the monotonic clock: no test waits, it only asks what is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "executor/order_timers.h"

static void an_unknown_execution_is_due(void **state)
{
	struct order_timers timers;

	(void)state;
	order_timers_init(&timers);
	assert_true(order_timers_due(&timers, 7));
	assert_int_equal(order_timers_next_ms(&timers), -1);
	order_timers_free(&timers);
}

static void a_waiting_execution_is_not_due_and_tells_when_it_will_be(void **state)
{
	struct order_timers timers;

	(void)state;
	order_timers_init(&timers);
	order_timers_wait(&timers, 7, 3600000);
	order_timers_wait(&timers, 8, 1800000);
	assert_false(order_timers_due(&timers, 7));
	assert_true(order_timers_due(&timers, 9));
	assert_in_range(order_timers_next_ms(&timers), 1790000, 1800000);
	order_timers_wait(&timers, 8, 0);
	assert_true(order_timers_due(&timers, 8));
	assert_int_equal(order_timers_next_ms(&timers), 0);
	order_timers_free(&timers);
}

static void forgetting_one_leaves_the_others(void **state)
{
	struct order_timers timers;

	(void)state;
	order_timers_init(&timers);
	for (int64_t id = 1; id <= 20; id++)
		order_timers_wait(&timers, id, 3600000);
	order_timers_forget(&timers, 1);
	order_timers_forget(&timers, 20);
	order_timers_forget(&timers, 999);
	assert_int_equal(timers.count, 18);
	assert_true(order_timers_due(&timers, 1));
	assert_true(order_timers_due(&timers, 20));
	for (int64_t id = 2; id <= 19; id++)
		assert_false(order_timers_due(&timers, id));
	order_timers_free(&timers);
}

static void a_failure_waits_at_least_as_long_as_the_broker_asked(void **state)
{
	struct order_timers timers;

	(void)state;
	order_timers_init(&timers);
	assert_true(order_timers_back_off(&timers, 7, 120000) >= 120000);
	assert_false(order_timers_due(&timers, 7));
	for (int i = 0; i < 100; i++)
		assert_in_range(order_timers_back_off(&timers, 8, 0), 1, 60000);
	order_timers_free(&timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_execution_is_due),
		cmocka_unit_test(a_waiting_execution_is_not_due_and_tells_when_it_will_be),
		cmocka_unit_test(forgetting_one_leaves_the_others),
		cmocka_unit_test(a_failure_waits_at_least_as_long_as_the_broker_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
