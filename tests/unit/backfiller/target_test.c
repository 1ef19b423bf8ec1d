/* How far to read, with and without a listener. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/target.h"

static const struct listener_session session = {.id = 4, .cutoff_block = 100, .last_block = 130};

static int64_t last_of(bool once, int64_t head, int64_t settled, bool listening)
{
	const struct target_facts facts = {
		.deployment_block = 10,
		.once = once,
		.head = head,
		.settled = settled,
		.session = listening ? &session : NULL,
	};
	struct block_range range = target_range(&facts);

	assert_int_equal(range.first, 10);
	return range.last;
}

static void without_a_session_it_reads_to_the_head(void **state)
{
	(void)state;
	assert_int_equal(last_of(false, 140, 120, false), 140);
	assert_int_equal(last_of(true, 140, -1, false), 140);
	assert_true(last_of(false, -1, -1, false) < 10);
	assert_true(last_of(true, 9, -1, false) < 10);
}

static void with_a_session_it_reads_to_the_cutoff_and_then_what_has_settled(void **state)
{
	(void)state;
	assert_int_equal(last_of(false, 140, -1, true), 99);
	assert_int_equal(last_of(false, 140, 80, true), 99);
	assert_int_equal(last_of(false, 140, 120, true), 120);
}

static void a_run_that_ends_reads_to_the_head_whatever_the_listener_does(void **state)
{
	(void)state;
	assert_int_equal(last_of(true, 140, -1, true), 140);
	assert_int_equal(last_of(true, 90, -1, true), 99);
}

static void only_what_has_settled_behind_the_cutoff_was_to_be_delivered(void **state)
{
	struct target_facts facts = {.head = 140, .settled = 120, .session = &session};
	struct range_expectation expectation = target_expectation(&facts);

	(void)state;
	assert_int_equal(expectation.session_id, 4);
	assert_int_equal(expectation.blocks.first, 100);
	assert_int_equal(expectation.blocks.last, 120);
	facts.once = true;
	assert_int_equal(target_expectation(&facts).blocks.last, 129);
	facts.session = NULL;
	assert_int_equal(target_expectation(&facts).session_id, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_session_it_reads_to_the_head),
		cmocka_unit_test(with_a_session_it_reads_to_the_cutoff_and_then_what_has_settled),
		cmocka_unit_test(a_run_that_ends_reads_to_the_head_whatever_the_listener_does),
		cmocka_unit_test(only_what_has_settled_behind_the_cutoff_was_to_be_delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
