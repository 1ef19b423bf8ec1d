/* What a run could not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/unread_ranges.h"

static struct unread_ranges unread;

static int set_up(void **state)
{
	(void)state;
	unread = (struct unread_ranges){.count = 0};
	return 0;
}

static bool add(int64_t first, int64_t last, enum error_kind kind)
{
	const struct error error = {.kind = kind};

	return unread_ranges_add(&unread, (struct block_range){first, last}, &error);
}

static void neighbours_that_failed_alike_become_one(void **state)
{
	(void)state;
	assert_true(add(10, 19, ERROR_KIND_RPC));
	assert_true(add(20, 29, ERROR_KIND_RPC));
	assert_true(add(0, 9, ERROR_KIND_RPC));
	assert_true(add(30, 39, ERROR_KIND_MALFORMED));
	assert_true(add(50, 59, ERROR_KIND_RPC));
	assert_int_equal(unread.count, 3);
	assert_int_equal(unread.items[0].range.first, 0);
	assert_int_equal(unread.items[0].range.last, 29);
	assert_true(add(40, 49, ERROR_KIND_RPC));
	assert_int_equal(unread.count, 3);
	assert_int_equal(unread.items[1].error.kind, ERROR_KIND_MALFORMED);
	assert_int_equal(unread.items[2].range.first, 40);
	assert_int_equal(unread.items[2].range.last, 59);
}

static void one_between_two_joins_all_three(void **state)
{
	(void)state;
	assert_true(add(20, 29, ERROR_KIND_RPC));
	assert_true(add(0, 9, ERROR_KIND_RPC));
	assert_int_equal(unread.count, 2);
	assert_int_equal(unread.items[0].range.first, 0);
	assert_true(add(10, 19, ERROR_KIND_RPC));
	assert_int_equal(unread.count, 1);
	assert_int_equal(unread.items[0].range.last, 29);
}

static void too_many_in_a_row_end_the_run_unless_something_was_read(void **state)
{
	(void)state;
	for (int64_t i = 0; i < UNREAD_RANGES_IN_A_ROW - 1; i++)
		assert_true(add(2 * i, 2 * i, ERROR_KIND_RPC));
	unread_ranges_progress(&unread);
	for (int64_t i = 0; i < UNREAD_RANGES_IN_A_ROW - 1; i++)
		assert_true(add(1000 + 2 * i, 1000 + 2 * i, ERROR_KIND_RPC));
	assert_false(add(5000, 5000, ERROR_KIND_RPC));
}

static void too_many_to_remember_end_the_run(void **state)
{
	(void)state;
	for (int64_t i = 0; i < UNREAD_RANGES_MAXIMUM - 1; i++) {
		assert_true(add(2 * i, 2 * i, ERROR_KIND_RPC));
		unread_ranges_progress(&unread);
	}
	assert_false(add(5000, 5000, ERROR_KIND_RPC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(neighbours_that_failed_alike_become_one, set_up),
		cmocka_unit_test_setup(one_between_two_joins_all_three, set_up),
		cmocka_unit_test_setup(too_many_in_a_row_end_the_run_unless_something_was_read,
				       set_up),
		cmocka_unit_test_setup(too_many_to_remember_end_the_run, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
