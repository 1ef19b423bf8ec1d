/* The whole table of states: every outcome of every question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "executor/execution_lifecycle.h"

static struct shares shares_of(int64_t whole)
{
	struct shares value;

	assert_true(shares_from_integer(whole, &value));
	return value;
}

static void a_submission_is_never_repeated_when_its_outcome_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(lifecycle_after_submit(OUTCOME_OK), EXECUTION_SUBMITTED);
	assert_int_equal(lifecycle_after_submit(OUTCOME_RETRY), EXECUTION_PENDING);
	assert_int_equal(lifecycle_after_submit(OUTCOME_REJECTED), EXECUTION_FAILED);
	assert_int_equal(lifecycle_after_submit(OUTCOME_UNKNOWN), EXECUTION_SUBMITTING);
}

static void what_the_broker_cannot_tell_is_held_for_a_person(void **state)
{
	(void)state;
	assert_int_equal(lifecycle_after_find(BROKER_SEARCH_FOUND, false, false),
			 EXECUTION_SUBMITTED);
	assert_int_equal(lifecycle_after_find(BROKER_SEARCH_AMBIGUOUS, true, true), EXECUTION_HELD);
	assert_int_equal(lifecycle_after_find(BROKER_SEARCH_ABSENT, false, true),
			 EXECUTION_SUBMITTING);
	assert_int_equal(lifecycle_after_find(BROKER_SEARCH_ABSENT, true, true), EXECUTION_PENDING);
	assert_int_equal(lifecycle_after_find(BROKER_SEARCH_ABSENT, true, false), EXECUTION_HELD);
}

static void the_quantity_decides_how_an_order_ended(void **state)
{
	struct broker_report report = {.state = BROKER_ORDER_OPEN, .filled_shares = shares_of(3)};

	(void)state;
	assert_int_equal(lifecycle_after_report(&report, shares_of(3)), EXECUTION_SUBMITTED);
	report.state = BROKER_ORDER_FILLED;
	assert_int_equal(lifecycle_after_report(&report, shares_of(3)), EXECUTION_FILLED);
	assert_int_equal(lifecycle_after_report(&report, shares_of(2)), EXECUTION_FILLED);
	assert_int_equal(lifecycle_after_report(&report, shares_of(4)), EXECUTION_FAILED);
	report.state = BROKER_ORDER_ENDED;
	assert_int_equal(lifecycle_after_report(&report, shares_of(4)), EXECUTION_FAILED);
	assert_int_equal(lifecycle_after_report(&report, shares_of(3)), EXECUTION_FILLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_submission_is_never_repeated_when_its_outcome_is_unknown),
		cmocka_unit_test(what_the_broker_cannot_tell_is_held_for_a_person),
		cmocka_unit_test(the_quantity_decides_how_an_order_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
