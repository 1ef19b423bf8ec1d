/* A range's life: parts, attempts, and who is next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/range_tasks.h"

struct fixture {
	struct range_plan plan;
	struct range_tasks tasks;
};

static struct fixture fixture;
static const struct evm_address orderbook = {.bytes = {1}};
static const int64_t nothing_linked = INT64_MAX;

static void set_up_tasks(bool for_ever)
{
	const struct range_tasks_options options = {
		.plan = &fixture.plan,
		.orderbook = &orderbook,
		.linked_from = &nothing_linked,
		.attempts_maximum = 3,
		.for_ever = for_ever,
	};

	range_plan_init(&fixture.plan, 100, 100);
	range_tasks_init(&fixture.tasks, &options);
}

static int tear_down(void **state)
{
	(void)state;
	range_tasks_free(&fixture.tasks);
	return 0;
}

static struct range_task *add(int64_t first, int64_t last)
{
	struct range_task *task =
		range_tasks_add(&fixture.tasks, (struct block_range){first, last});

	assert_non_null(task);
	return task;
}

static void assert_part(const struct range_task *task, int64_t first, int64_t last)
{
	assert_int_equal(task->reader.range.first, first);
	assert_int_equal(task->reader.range.last, last);
}

static void a_range_too_large_is_read_in_parts_by_the_same_task(void **state)
{
	struct range_task *task;

	(void)state;
	set_up_tasks(false);
	task = add(0, 99);
	range_plan_too_large(&fixture.plan, 100);
	range_tasks_split(&fixture.tasks, task);
	assert_part(task, 0, 49);
	range_tasks_next_part(&fixture.tasks, task);
	assert_part(task, 50, 99);
	assert_int_equal(task->whole.first, 50);
	assert_int_equal(range_tasks_count(&fixture.tasks), 1);
	range_tasks_next_part(&fixture.tasks, task);
	assert_int_equal(range_tasks_count(&fixture.tasks), 0);
}

static void the_last_attempt_accepts_what_looks_truncated_and_is_the_last(void **state)
{
	struct range_task *task;

	(void)state;
	set_up_tasks(false);
	task = add(0, 99);
	assert_false(task->reader.reading.accept_incomplete);
	assert_true(range_tasks_retry(&fixture.tasks, task, 0, 0));
	assert_false(task->reader.reading.accept_incomplete);
	assert_true(range_tasks_retry(&fixture.tasks, task, 0, 0));
	assert_true(task->reader.reading.accept_incomplete);
	assert_int_equal(task->attempt, 3);
	assert_false(range_tasks_retry(&fixture.tasks, task, 0, 0));
	range_tasks_next_part(&fixture.tasks, task);
	assert_int_equal(range_tasks_count(&fixture.tasks), 0);
}

static void a_program_that_goes_on_never_gives_up(void **state)
{
	struct range_task *task;

	(void)state;
	set_up_tasks(true);
	task = add(0, 99);
	for (int i = 0; i < 1000; i++) {
		assert_true(range_tasks_retry(&fixture.tasks, task, 0, 1000));
		assert_true(task->due_ms > 1000 && task->due_ms <= 61000);
	}
	assert_true(task->reader.reading.accept_incomplete);
}

static void another_attempt_waits_at_least_as_long_as_the_node_asks(void **state)
{
	struct range_task *task;

	(void)state;
	set_up_tasks(true);
	task = add(0, 99);
	assert_true(range_tasks_retry(&fixture.tasks, task, 9000, 1000));
	assert_true(task->due_ms >= 10000);
	assert_int_equal(range_tasks_next_due_ms(&fixture.tasks), task->due_ms);
	assert_null(range_tasks_due(&fixture.tasks, task->due_ms - 1, false));
	assert_ptr_equal(range_tasks_due(&fixture.tasks, task->due_ms, false), task);
	assert_null(range_tasks_due(&fixture.tasks, task->due_ms, true));
}

static void another_attempt_is_smaller_when_the_plan_has_shrunk_and_never_larger(void **state)
{
	struct range_task *task;

	(void)state;
	set_up_tasks(true);
	task = add(0, 99);
	range_plan_too_large(&fixture.plan, 20);
	assert_true(range_tasks_retry(&fixture.tasks, task, 0, 0));
	assert_part(task, 0, 9);
	range_plan_init(&fixture.plan, 100, 100);
	assert_true(range_tasks_retry(&fixture.tasks, task, 0, 0));
	assert_part(task, 0, 9);
}

static void the_lowest_range_that_is_due_comes_first(void **state)
{
	struct range_task *high, *low;

	(void)state;
	set_up_tasks(true);
	high = add(300, 399);
	low = add(100, 199);
	assert_ptr_equal(range_tasks_due(&fixture.tasks, 0, false), low);
	low->state = RANGE_TASK_ASKING;
	low->http_slot = 7;
	assert_ptr_equal(range_tasks_due(&fixture.tasks, 0, false), high);
	assert_ptr_equal(range_tasks_of_slot(&fixture.tasks, 7), low);
	assert_null(range_tasks_of_slot(&fixture.tasks, 0));
}

static void there_are_never_more_tasks_than_memory_for_them(void **state)
{
	struct block_range taken[RANGE_TASKS_MAXIMUM];

	(void)state;
	set_up_tasks(true);
	for (int64_t i = 0; i < RANGE_TASKS_MAXIMUM; i++)
		(void)add(i, i);
	assert_null(range_tasks_add(&fixture.tasks, (struct block_range){1000, 1001}));
	assert_int_equal(range_tasks_ranges(&fixture.tasks, taken), RANGE_TASKS_MAXIMUM);
	assert_int_equal(taken[RANGE_TASKS_MAXIMUM - 1].first, RANGE_TASKS_MAXIMUM - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_range_too_large_is_read_in_parts_by_the_same_task,
					  tear_down),
		cmocka_unit_test_teardown(
			the_last_attempt_accepts_what_looks_truncated_and_is_the_last, tear_down),
		cmocka_unit_test_teardown(a_program_that_goes_on_never_gives_up, tear_down),
		cmocka_unit_test_teardown(another_attempt_waits_at_least_as_long_as_the_node_asks,
					  tear_down),
		cmocka_unit_test_teardown(
			another_attempt_is_smaller_when_the_plan_has_shrunk_and_never_larger,
			tear_down),
		cmocka_unit_test_teardown(the_lowest_range_that_is_due_comes_first, tear_down),
		cmocka_unit_test_teardown(there_are_never_more_tasks_than_memory_for_them,
					  tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
