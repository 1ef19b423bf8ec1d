/* The wait that grows with the failures, and what the peer asked for. */
#include "unit/store/test_store.h"

#include "base/backoff.h"

static void a_wait_grows_with_the_failures_within_its_bounds(void **state)
{
	struct backoff backoff;
	int64_t longest_ms = 0;

	(void)state;
	backoff_init(&backoff, 100, 5000);
	for (int64_t limit_ms = 100; limit_ms <= 1600; limit_ms *= 2)
		assert_in_range(backoff_next_ms(&backoff, 0), 1, limit_ms);
	for (int i = 0; i < 2000; i++) {
		int64_t wait_ms = backoff_next_ms(&backoff, 0);

		assert_in_range(wait_ms, 1, 5000);
		if (wait_ms > longest_ms)
			longest_ms = wait_ms;
	}
	assert_true(longest_ms > 2500);
	backoff_reset(&backoff);
	assert_in_range(backoff_next_ms(&backoff, 0), 1, 100);
}

static void what_the_peer_asks_for_is_kept_within_reason(void **state)
{
	struct backoff backoff;

	(void)state;
	backoff_init(&backoff, 100, 5000);
	assert_int_equal(backoff_next_ms(&backoff, 60000), 60000);
	assert_int_equal(backoff_next_ms(&backoff, INT64_MAX), 300000);
}

static void a_wait_is_drawn_from_its_whole_range(void **state)
{
	struct backoff backoff;
	bool seen[4] = {false};

	(void)state;
	backoff_init(&backoff, 4, 4);
	/* That one of four is missed in 400 draws happens once in 10^49. */
	for (int i = 0; i < 400; i++) {
		int64_t wait_ms = backoff_next_ms(&backoff, 0);

		assert_in_range(wait_ms, 1, 4);
		seen[wait_ms - 1] = true;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(seen); i++)
		assert_true(seen[i]);
}

static void a_wait_is_never_nothing(void **state)
{
	struct backoff backoff;

	(void)state;
	backoff_init(&backoff, 1, 1);
	for (int i = 0; i < 50; i++)
		assert_int_equal(backoff_next_ms(&backoff, 0), 1);
}

static void the_maximum_holds_from_the_first_failure(void **state)
{
	struct backoff backoff;

	(void)state;
	backoff_init(&backoff, 1000000, 10);
	for (int i = 0; i < 200; i++)
		assert_in_range(backoff_next_ms(&backoff, 0), 1, 10);
}

static void doubling_never_overflows(void **state)
{
	struct backoff backoff;
	bool large = false;

	(void)state;
	backoff_init(&backoff, INT64_MAX / 2 + 1, INT64_MAX);
	for (int i = 0; i < 2000; i++) {
		int64_t wait_ms = backoff_next_ms(&backoff, 0);

		assert_true(wait_ms >= 1);
		large = large || wait_ms > INT64_MAX / 2;
	}
	assert_true(large);
	backoff.attempts = UINT_MAX;
	assert_true(backoff_next_ms(&backoff, 0) >= 1);
	assert_true(backoff.attempts == UINT_MAX);
}

static void each_failure_is_counted_until_the_reset(void **state)
{
	struct backoff backoff;

	(void)state;
	backoff_init(&backoff, 1, 8);
	assert_int_equal(backoff.attempts, 0);
	for (unsigned int i = 1; i <= 3; i++) {
		(void)backoff_next_ms(&backoff, 0);
		assert_int_equal(backoff.attempts, i);
	}
	backoff_reset(&backoff);
	assert_int_equal(backoff.attempts, 0);
	assert_int_equal(backoff.base_ms, 1);
	assert_int_equal(backoff.maximum_ms, 8);
}

static void the_peer_cannot_shorten_the_wait(void **state)
{
	struct backoff backoff;
	bool longer = false;

	(void)state;
	backoff_init(&backoff, 1000000, 1000000);
	for (int i = 0; i < 200; i++)
		longer = backoff_next_ms(&backoff, 1) > 1000 || longer;
	assert_true(longer);
	assert_in_range(backoff_next_ms(&backoff, -1), 1, 1000000);
	assert_in_range(backoff_next_ms(&backoff, INT64_MIN), 1, 1000000);
	assert_true(backoff_next_ms(&backoff, 300000) >= 300000);
	backoff_init(&backoff, 1, 1);
	assert_int_equal(backoff_next_ms(&backoff, 299999), 299999);
	assert_int_equal(backoff_next_ms(&backoff, 300001), 300000);
}

static void init_with(void *context)
{
	const int64_t *bounds = context;
	struct backoff backoff;

	backoff_init(&backoff, bounds[0], bounds[1]);
}

static void bounds_that_are_none_are_a_bug(void **state)
{
	int64_t bounds[][2] = {{0, 1}, {1, 0}, {-1, 1}, {1, INT64_MIN}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bounds); i++) {
		struct test_child child = test_child_run(init_with, bounds[i]);

		test_child_assert(&child, 70, "invariant");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_grows_with_the_failures_within_its_bounds),
		cmocka_unit_test(what_the_peer_asks_for_is_kept_within_reason),
		cmocka_unit_test(a_wait_is_drawn_from_its_whole_range),
		cmocka_unit_test(a_wait_is_never_nothing),
		cmocka_unit_test(the_maximum_holds_from_the_first_failure),
		cmocka_unit_test(doubling_never_overflows),
		cmocka_unit_test(each_failure_is_counted_until_the_reset),
		cmocka_unit_test(the_peer_cannot_shorten_the_wait),
		cmocka_unit_test(bounds_that_are_none_are_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
