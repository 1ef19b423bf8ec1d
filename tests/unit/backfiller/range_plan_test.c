/* Which blocks next: sizes shrink and grow, and what is taken is not taken again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/range_plan.h"

static void assert_range(struct block_range range, int64_t first, int64_t last)
{
	assert_int_equal(range.first, first);
	assert_int_equal(range.last, last);
}

static void a_range_is_clipped_to_one_batch_from_its_front(void **state)
{
	struct range_plan plan;

	(void)state;
	range_plan_init(&plan, 1000, 1000);
	assert_range(range_plan_clip(&plan, (struct block_range){0, 999}), 0, 999);
	assert_range(range_plan_clip(&plan, (struct block_range){0, 1000}), 0, 999);
	assert_range(range_plan_clip(&plan, (struct block_range){7, 7}), 7, 7);
	assert_range(range_plan_clip(&plan, (struct block_range){0, INT64_MAX}), 0, 999);
	assert_range(range_plan_clip(&plan, (struct block_range){INT64_MAX - 2, INT64_MAX}),
		     INT64_MAX - 2, INT64_MAX);
	range_plan_init(&plan, 1, 1);
	assert_range(range_plan_clip(&plan, (struct block_range){5, 9}), 5, 5);
}

static void blocks_are_counted_up_to_the_end_of_the_integers(void **state)
{
	(void)state;
	assert_int_equal(block_range_count((struct block_range){3, 3}), 1);
	assert_int_equal(block_range_count((struct block_range){0, INT64_MAX - 1}), INT64_MAX);
	assert_int_equal(block_range_count((struct block_range){0, INT64_MAX}), INT64_MAX);
}

static void too_large_shrinks_at_least_to_half_and_never_below_one(void **state)
{
	struct range_plan plan;

	(void)state;
	range_plan_init(&plan, 1000, 1000);
	range_plan_too_large(&plan, 1000);
	assert_int_equal(plan.batch_size, 500);
	range_plan_too_large(&plan, 499);
	assert_int_equal(plan.batch_size, 249);
	range_plan_too_large(&plan, 3);
	assert_int_equal(plan.batch_size, 1);
	range_plan_too_large(&plan, 1);
	assert_int_equal(plan.batch_size, 1);
}

static void ranges_of_the_old_size_under_way_shrink_it_only_once(void **state)
{
	struct range_plan plan;

	(void)state;
	range_plan_init(&plan, 1000, 1000);
	for (int i = 0; i < 4; i++)
		range_plan_too_large(&plan, 1000);
	assert_int_equal(plan.batch_size, 500);
}

static void succeed(struct range_plan *plan, int times)
{
	for (int i = 0; i < times; i++)
		range_plan_succeeded(plan, plan->batch_size, 0);
}

static void ten_whole_batches_in_a_row_grow_it_by_half_up_to_the_maximum(void **state)
{
	struct range_plan plan;

	(void)state;
	range_plan_init(&plan, 400, 400);
	range_plan_too_large(&plan, 400);
	succeed(&plan, 9);
	assert_int_equal(plan.batch_size, 200);
	succeed(&plan, 1);
	assert_int_equal(plan.batch_size, 300);
	succeed(&plan, 9);
	range_plan_too_large(&plan, 300);
	assert_int_equal(plan.batch_size, 150);
	succeed(&plan, 9);
	assert_int_equal(plan.batch_size, 150);
	succeed(&plan, 11);
	assert_int_equal(plan.batch_size, 337);
	succeed(&plan, 30);
	assert_int_equal(plan.batch_size, 400);
}

static void from_one_block_it_grows_too(void **state)
{
	struct range_plan plan;

	(void)state;
	range_plan_init(&plan, 1000000, 1000000);
	range_plan_too_large(&plan, 2);
	succeed(&plan, 10);
	assert_int_equal(plan.batch_size, 2);
	succeed(&plan, 10);
	assert_int_equal(plan.batch_size, 3);
}

static void less_than_a_batch_proves_nothing_about_batches(void **state)
{
	struct range_plan plan;

	(void)state;
	range_plan_init(&plan, 100, 100);
	range_plan_too_large(&plan, 100);
	for (int i = 0; i < 100; i++)
		range_plan_succeeded(&plan, 49, 0);
	assert_int_equal(plan.batch_size, 50);
}

static void few_logs_double_it_until_something_was_too_large(void **state)
{
	struct range_plan plan;

	(void)state;
	range_plan_init(&plan, 1000, 10000);
	range_plan_succeeded(&plan, 1000, RANGE_PLAN_FEW_LOGS);
	assert_int_equal(plan.batch_size, 2000);
	/* A range that was planned before proves nothing. */
	range_plan_succeeded(&plan, 1000, 0);
	assert_int_equal(plan.batch_size, 2000);
	range_plan_succeeded(&plan, 2000, RANGE_PLAN_FEW_LOGS + 1);
	assert_int_equal(plan.batch_size, 2000);
	succeed(&plan, 2);
	assert_int_equal(plan.batch_size, 8000);
	succeed(&plan, 1);
	assert_int_equal(plan.batch_size, 10000);
	range_plan_too_large(&plan, 10000);
	succeed(&plan, 9);
	assert_int_equal(plan.batch_size, 5000);
	succeed(&plan, 1);
	assert_int_equal(plan.batch_size, 7500);
}

static void many_logs_do_not_grow_it_beyond_its_first_size(void **state)
{
	struct range_plan plan;

	(void)state;
	range_plan_init(&plan, 100, 1000);
	for (int i = 0; i < 100; i++)
		range_plan_succeeded(&plan, plan.batch_size, 9000);
	assert_int_equal(plan.batch_size, 100);
	range_plan_too_large(&plan, 100);
	for (int i = 0; i < 20; i++)
		range_plan_succeeded(&plan, plan.batch_size, 9000);
	assert_int_equal(plan.batch_size, 112);
}

static void the_first_free_piece_lies_between_what_is_taken(void **state)
{
	const struct block_range gap = {10, 100};
	const struct block_range taken[] = {{51, 60}, {0, 20}, {21, 30}, {200, 300}, {31, 39}};
	struct block_range piece = {-1, -1};

	(void)state;
	assert_true(range_plan_first_free(gap, NULL, 0, &piece));
	assert_range(piece, 10, 100);
	assert_true(range_plan_first_free(gap, taken, 5, &piece));
	assert_range(piece, 40, 50);
	assert_true(range_plan_first_free(gap, taken, 1, &piece));
	assert_range(piece, 10, 50);
	assert_true(range_plan_first_free(gap, taken, 2, &piece));
	assert_range(piece, 21, 50);
}

static void nothing_is_free_when_all_is_taken(void **state)
{
	const struct block_range whole[] = {{10, INT64_MAX}};
	const struct block_range halves[] = {{56, 100}, {10, 55}};
	struct block_range piece = {-1, -1};

	(void)state;
	assert_false(range_plan_first_free((struct block_range){10, 100}, halves, 2, &piece));
	assert_false(range_plan_first_free((struct block_range){10, INT64_MAX}, whole, 1, &piece));
	assert_range(piece, -1, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_clipped_to_one_batch_from_its_front),
		cmocka_unit_test(blocks_are_counted_up_to_the_end_of_the_integers),
		cmocka_unit_test(too_large_shrinks_at_least_to_half_and_never_below_one),
		cmocka_unit_test(ranges_of_the_old_size_under_way_shrink_it_only_once),
		cmocka_unit_test(ten_whole_batches_in_a_row_grow_it_by_half_up_to_the_maximum),
		cmocka_unit_test(from_one_block_it_grows_too),
		cmocka_unit_test(less_than_a_batch_proves_nothing_about_batches),
		cmocka_unit_test(few_logs_double_it_until_something_was_too_large),
		cmocka_unit_test(many_logs_do_not_grow_it_beyond_its_first_size),
		cmocka_unit_test(the_first_free_piece_lies_between_what_is_taken),
		cmocka_unit_test(nothing_is_free_when_all_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
