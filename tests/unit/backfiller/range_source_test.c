/* Where the next range comes from, on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/range_source.h"
#include "unit/store/test_store.h"

struct fixture {
	struct test_store database;
	struct block_coverage coverage;
	struct event_queue queue;
	struct range_plan plan;
	struct range_source source;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	test_store_open(&fixture.database);
	block_coverage_open(&fixture.coverage, &fixture.database.store);
	event_queue_open(&fixture.queue, &fixture.database.store);
	range_plan_init(&fixture.plan, 10, 10);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	event_queue_close(&fixture->queue);
	block_coverage_close(&fixture->coverage);
	test_store_close(&fixture->database);
	return 0;
}

static void cover(struct fixture *fixture, int64_t first, int64_t last)
{
	assert_true(store_begin(&fixture->database.store));
	block_coverage_add(&fixture->coverage, (struct block_range){first, last});
	store_commit(&fixture->database.store);
}

static void aim(struct fixture *fixture, int64_t first, int64_t last, bool recheck)
{
	range_source_init(&fixture->source, &fixture->coverage, &fixture->queue,
			  (struct block_range){first, last}, recheck);
}

static void assert_next(struct fixture *fixture, const struct block_range *taken, size_t count,
			struct block_range expected)
{
	struct block_range range = {-1, -1};

	assert_true(range_source_next(&fixture->source, &fixture->plan, taken, count, &range));
	assert_int_equal(range.first, expected.first);
	assert_int_equal(range.last, expected.last);
}

static void gaps_come_from_below_in_batches(void **state)
{
	struct fixture *fixture = *state;

	aim(fixture, 100, 200, false);
	assert_next(fixture, NULL, 0, (struct block_range){100, 109});
	cover(fixture, 100, 109);
	cover(fixture, 115, 150);
	assert_next(fixture, NULL, 0, (struct block_range){110, 114});
	assert_int_equal(range_source_left(&fixture->source), 55);
}

static void what_is_under_way_is_passed_over_across_gaps(void **state)
{
	struct fixture *fixture = *state;
	const struct block_range taken[] = {{110, 114}, {100, 109}, {151, 160}};
	struct block_range range;

	cover(fixture, 115, 150);
	aim(fixture, 100, 165, false);
	assert_next(fixture, taken, 3, (struct block_range){161, 165});
	aim(fixture, 100, 160, false);
	assert_false(range_source_next(&fixture->source, &fixture->plan, taken, 3, &range));
	assert_int_equal(range_source_left(&fixture->source), 25);
}

static void an_empty_target_has_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct block_range range;

	aim(fixture, 100, 99, false);
	assert_false(range_source_next(&fixture->source, &fixture->plan, NULL, 0, &range));
	assert_int_equal(range_source_left(&fixture->source), 0);
	aim(fixture, 100, -1, false);
	assert_int_equal(range_source_left(&fixture->source), 0);
}

static void a_recheck_does_not_look_at_coverage(void **state)
{
	struct fixture *fixture = *state;
	struct block_range range;

	cover(fixture, 0, 1000);
	aim(fixture, 100, 114, true);
	assert_int_equal(range_source_left(&fixture->source), 15);
	assert_next(fixture, NULL, 0, (struct block_range){100, 109});
	/* Looking is not taking. */
	assert_next(fixture, NULL, 0, (struct block_range){100, 109});
	range_source_hand_out(&fixture->source, (struct block_range){100, 109});
	assert_next(fixture, NULL, 0, (struct block_range){110, 114});
	range_source_hand_out(&fixture->source, (struct block_range){110, 114});
	assert_false(range_source_next(&fixture->source, &fixture->plan, NULL, 0, &range));
	assert_int_equal(range_source_left(&fixture->source), 15);
	range_source_was_read(&fixture->source, (struct block_range){100, 104});
	assert_int_equal(range_source_left(&fixture->source), 10);
	range_source_was_read(&fixture->source, (struct block_range){105, 114});
	assert_int_equal(range_source_left(&fixture->source), 0);
}

static void the_end_of_all_integers_ends_the_search(void **state)
{
	struct fixture *fixture = *state;
	const struct block_range taken[] = {{INT64_MAX - 5, INT64_MAX}};
	struct block_range range;

	aim(fixture, INT64_MAX - 5, INT64_MAX, false);
	assert_next(fixture, NULL, 0, taken[0]);
	assert_false(range_source_next(&fixture->source, &fixture->plan, taken, 1, &range));
}

#define SOURCE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void queue_event(struct fixture *fixture, int64_t block_number, enum event_source source)
{
	const struct event_record record = {
		.tx_hash = {.bytes = {[0] = (uint8_t)block_number}},
		.block_number = block_number,
		.block_timestamp = clock_text_of_ms(0),
		.event_type = "TakeOrderV2",
		.event_data = "{}",
		.source = source,
	};

	assert_true(store_begin(&fixture->database.store));
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
	store_commit(&fixture->database.store);
}

static void covered_blocks_with_an_unproven_event_come_after_the_gaps(void **state)
{
	struct fixture *fixture = *state;
	const struct block_range taken = {105, 105};
	struct block_range range;

	aim(fixture, 100, 120, false);
	cover(fixture, 100, 110);
	queue_event(fixture, 103, EVENT_SOURCE_BACKFILLER);
	queue_event(fixture, 105, EVENT_SOURCE_LISTENER);
	queue_event(fixture, 107, EVENT_SOURCE_LISTENER);
	queue_event(fixture, 115, EVENT_SOURCE_LISTENER);
	queue_event(fixture, 121, EVENT_SOURCE_LISTENER);
	assert_next(fixture, NULL, 0, (struct block_range){111, 120});
	cover(fixture, 111, 112);
	cover(fixture, 113, 120);
	assert_next(fixture, NULL, 0, (struct block_range){105, 105});
	assert_next(fixture, &taken, 1, (struct block_range){107, 107});
	assert_int_equal(test_store_run(&fixture->database.store,
					"UPDATE event_queue SET confirmed = 1 WHERE block_number"
					" IN (105, 107, 115)"),
			 3);
	assert_false(range_source_next(&fixture->source, &fixture->plan, NULL, 0, &range));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SOURCE_TEST(gaps_come_from_below_in_batches),
		SOURCE_TEST(what_is_under_way_is_passed_over_across_gaps),
		SOURCE_TEST(an_empty_target_has_nothing),
		SOURCE_TEST(a_recheck_does_not_look_at_coverage),
		SOURCE_TEST(the_end_of_all_integers_ends_the_search),
		SOURCE_TEST(covered_blocks_with_an_unproven_event_come_after_the_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
