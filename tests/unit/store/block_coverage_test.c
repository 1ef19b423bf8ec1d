/* block_coverage against the simplest thing that can be right: one bit a block. */
#include "test_store.h"

#include "base/log.h"
#include "store/block_coverage.h"

#define BLOCKS	   300
#define OPERATIONS 12000

struct fixture {
	struct test_store test;
	struct block_coverage coverage;
};

static void fixture_open(struct fixture *fixture)
{
	test_store_open(&fixture->test);
	block_coverage_open(&fixture->coverage, &fixture->test.store);
	assert_true(store_begin(&fixture->test.store));
}

static void fixture_close(struct fixture *fixture)
{
	store_rollback(&fixture->test.store);
	block_coverage_close(&fixture->coverage);
	test_store_close(&fixture->test);
}

static void add(struct fixture *fixture, int64_t first, int64_t last)
{
	block_coverage_add(&fixture->coverage, (struct block_range){first, last});
}

/* rows: first, last, first, last, ... */
static void assert_rows(struct fixture *fixture, const int64_t *rows, size_t count)
{
	struct statement all;

	statement_prepare(&all, &fixture->test.store,
			  "SELECT first_block, last_block FROM block_coverage ORDER BY 1");
	for (size_t i = 0; i < count; i++) {
		assert_true(statement_row(&all));
		assert_true(statement_int64(&all, "first_block") == rows[2 * i]);
		assert_true(statement_int64(&all, "last_block") == rows[2 * i + 1]);
	}
	assert_false(statement_row(&all));
	statement_finalize(&all);
}

#define ASSERT_ROWS(fixture, ...)                                                                  \
	assert_rows(fixture, (const int64_t[]){__VA_ARGS__},                                       \
		    sizeof((const int64_t[]){__VA_ARGS__}) / (2 * sizeof(int64_t)))

static void ranges_that_touch_or_overlap_become_one(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	add(&fixture, 10, 19);
	ASSERT_ROWS(&fixture, 10, 19);
	add(&fixture, 21, 29);
	ASSERT_ROWS(&fixture, 10, 19, 21, 29);
	add(&fixture, 20, 20);
	ASSERT_ROWS(&fixture, 10, 29);
	add(&fixture, 5, 12);
	ASSERT_ROWS(&fixture, 5, 29);
	add(&fixture, 25, 40);
	ASSERT_ROWS(&fixture, 5, 40);
	add(&fixture, 5, 40);
	add(&fixture, 6, 39);
	ASSERT_ROWS(&fixture, 5, 40);
	add(&fixture, 100, 110);
	add(&fixture, 200, 210);
	add(&fixture, 300, 310);
	ASSERT_ROWS(&fixture, 5, 40, 100, 110, 200, 210, 300, 310);
	add(&fixture, 50, 250);
	ASSERT_ROWS(&fixture, 5, 40, 50, 250, 300, 310);
	add(&fixture, 0, 1000);
	ASSERT_ROWS(&fixture, 0, 1000);
	fixture_close(&fixture);
}

static void the_ends_of_the_number_range_are_blocks_like_any_other(void **state)
{
	struct fixture fixture;
	struct block_range all = {0, INT64_MAX};
	struct block_range gap;

	(void)state;
	fixture_open(&fixture);
	assert_true(block_coverage_missing(&fixture.coverage, all) == INT64_MAX);
	add(&fixture, INT64_MAX, INT64_MAX);
	add(&fixture, 0, 0);
	ASSERT_ROWS(&fixture, 0, 0, INT64_MAX, INT64_MAX);
	assert_true(block_coverage_first_gap(&fixture.coverage, all, &gap));
	assert_true(gap.first == 1 && gap.last == INT64_MAX - 1);
	assert_true(block_coverage_missing(&fixture.coverage, all) == INT64_MAX - 1);
	add(&fixture, 1, INT64_MAX - 1);
	ASSERT_ROWS(&fixture, 0, INT64_MAX);
	assert_false(block_coverage_first_gap(&fixture.coverage, all, &gap));
	assert_true(block_coverage_missing(&fixture.coverage, all) == 0);
	assert_true(block_coverage_contiguous_to(&fixture.coverage, 0) == INT64_MAX);
	fixture_close(&fixture);
}

static void nothing_is_covered_at_first_and_an_empty_range_has_no_gap(void **state)
{
	struct fixture fixture;
	struct block_range gap = {-7, -7};

	(void)state;
	fixture_open(&fixture);
	assert_true(block_coverage_first_gap(&fixture.coverage, (struct block_range){3, 9}, &gap));
	assert_true(gap.first == 3 && gap.last == 9);
	assert_true(block_coverage_contiguous_to(&fixture.coverage, 0) == -1);
	assert_true(block_coverage_contiguous_to(&fixture.coverage, 5) == 4);
	gap = (struct block_range){-7, -7};
	assert_false(block_coverage_first_gap(&fixture.coverage, (struct block_range){9, 8}, &gap));
	/* From block 0 to "the block before 0". */
	assert_false(
		block_coverage_first_gap(&fixture.coverage, (struct block_range){0, -1}, &gap));
	assert_true(gap.first == -7 && gap.last == -7);
	assert_true(block_coverage_missing(&fixture.coverage, (struct block_range){9, 8}) == 0);
	fixture_close(&fixture);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static struct block_range random_range(uint32_t *seed, uint32_t longest)
{
	int64_t first = next_random(seed) % BLOCKS;
	int64_t last = first + next_random(seed) % longest;

	return (struct block_range){first, last < BLOCKS ? last : BLOCKS - 1};
}

/* The rows are the runs of the bitmap: disjoint, merged, complete. */
static void compare_rows(struct fixture *fixture, const bool covered[BLOCKS + 1])
{
	int64_t rows[BLOCKS + 2];
	size_t count = 0;

	for (int64_t block = 0; block < BLOCKS; block++) {
		if (!covered[block])
			continue;
		rows[2 * count] = block;
		while (covered[block + 1])
			block++;
		rows[2 * count + 1] = block;
		count++;
	}
	assert_rows(fixture, rows, count);
}

static void compare_answers(struct fixture *fixture, const bool covered[BLOCKS + 1],
			    struct block_range range)
{
	struct block_range gap = {-1, -1};
	struct block_range expected = {-1, -1};
	int64_t missing = 0;
	int64_t contiguous = range.first - 1;
	bool found;

	while (contiguous + 1 < BLOCKS && covered[contiguous + 1])
		contiguous++;
	for (int64_t block = range.first; block <= range.last; block++) {
		if (covered[block])
			continue;
		missing++;
		if (expected.first < 0)
			expected = (struct block_range){block, block};
		else if (expected.last == block - 1)
			expected.last = block;
	}
	found = block_coverage_first_gap(&fixture->coverage, range, &gap);
	assert_int_equal(found, missing > 0);
	assert_int_equal(gap.first, expected.first);
	assert_int_equal(gap.last, expected.last);
	assert_int_equal(block_coverage_missing(&fixture->coverage, range), missing);
	assert_int_equal(block_coverage_contiguous_to(&fixture->coverage, range.first), contiguous);
}

static void twelve_thousand_random_adds_agree_with_a_bitmap(void **state)
{
	struct fixture fixture;
	bool covered[BLOCKS + 1] = {false};
	uint32_t seed = 20261123;

	(void)state;
	fixture_open(&fixture);
	for (int i = 0; i < OPERATIONS; i++) {
		struct block_range range = random_range(&seed, i % 3 == 0 ? 30 : 3);

		/* Often enough empty that it is neither always full nor always bare. */
		if (i % 97 == 0) {
			(void)test_store_run(&fixture.test.store, "DELETE FROM block_coverage");
			memset(covered, 0, sizeof(covered));
		}
		add(&fixture, range.first, range.last);
		for (int64_t block = range.first; block <= range.last; block++)
			covered[block] = true;
		compare_rows(&fixture, covered);
		compare_answers(&fixture, covered, random_range(&seed, BLOCKS));
		compare_answers(&fixture, covered, random_range(&seed, 4));
	}
	fixture_close(&fixture);
}

struct bad_range {
	const char *path;
	struct block_range range;
};

static void add_bad_range(void *context)
{
	const struct bad_range *bad = context;
	static struct store store;
	static struct block_coverage coverage;

	store_open(&store, bad->path);
	block_coverage_open(&coverage, &store);
	if (store_begin(&store))
		block_coverage_add(&coverage, bad->range);
}

static void a_range_that_is_none_is_never_added(void **state)
{
	static const struct block_range ranges[] = {{5, 4}, {-1, 4}, {0, -1}};
	struct test_store test;

	(void)state;
	test_store_open(&test);
	for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++) {
		struct bad_range bad = {test.file.path, ranges[i]};
		struct test_child child = test_child_run(add_bad_range, &bad);

		test_child_assert(&child, EXIT_CODE_BUG, "range.first");
	}
	test_store_close(&test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_that_touch_or_overlap_become_one),
		cmocka_unit_test(the_ends_of_the_number_range_are_blocks_like_any_other),
		cmocka_unit_test(nothing_is_covered_at_first_and_an_empty_range_has_no_gap),
		cmocka_unit_test(twelve_thousand_random_adds_agree_with_a_bitmap),
		cmocka_unit_test(a_range_that_is_none_is_never_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
