/* Headers that stand for what was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/blocks.h"
#include "unit/store/test_store.h"

struct fixture {
	struct test_store database;
	struct blocks blocks;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	test_store_open(&fixture.database);
	blocks_open(&fixture.blocks, &fixture.database.store);
	*state = &fixture;
	return store_begin(&fixture.database.store) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_rollback(&fixture->database.store);
	blocks_close(&fixture->blocks);
	test_store_close(&fixture->database);
	return 0;
}

static struct block_row row_of(int64_t number)
{
	return (struct block_row){
		.block_number = number,
		.block_hash = {.bytes = {[31] = (uint8_t)number}},
		.parent_hash = {.bytes = {[31] = (uint8_t)(number - 1)}},
	};
}

static void put(struct fixture *fixture, int64_t number)
{
	const struct block_row row = row_of(number);

	blocks_put(&fixture->blocks, &row);
}

static void put_10_to_14(struct fixture *fixture)
{
	for (int64_t number = 10; number < 15; number++)
		put(fixture, number);
}

static void a_row_comes_back_as_it_was_put(void **state)
{
	struct fixture *fixture = *state;
	const struct block_row expected = row_of(12);
	struct block_row row;

	put(fixture, 12);
	put(fixture, 12);
	assert_true(blocks_find(&fixture->blocks, 12, &row));
	assert_int_equal(row.block_number, 12);
	assert_true(evm_word_equal(&row.block_hash, &expected.block_hash));
	assert_true(evm_word_equal(&row.parent_hash, &expected.parent_hash));
	assert_false(row.finalized);
	assert_false(blocks_find(&fixture->blocks, 11, &row));
}

static void neighbours_are_found_from_either_side(void **state)
{
	struct fixture *fixture = *state;
	struct block_row row;

	assert_false(blocks_highest(&fixture->blocks, INT64_MAX, &row));
	assert_false(blocks_lowest(&fixture->blocks, &row));
	put_10_to_14(fixture);
	assert_true(blocks_highest(&fixture->blocks, INT64_MAX, &row));
	assert_int_equal(row.block_number, 14);
	assert_true(blocks_highest(&fixture->blocks, 12, &row));
	assert_int_equal(row.block_number, 12);
	assert_false(blocks_highest(&fixture->blocks, 9, &row));
	assert_true(blocks_lowest(&fixture->blocks, &row));
	assert_int_equal(row.block_number, 10);
	assert_true(blocks_middle(&fixture->blocks, 9, 15, &row));
	assert_int_equal(row.block_number, 12);
	assert_true(blocks_middle(&fixture->blocks, 10, 12, &row));
	assert_int_equal(row.block_number, 11);
	assert_false(blocks_middle(&fixture->blocks, 11, 12, &row));
}

static void what_left_the_chain_goes_and_what_is_final_is_kept_once(void **state)
{
	struct fixture *fixture = *state;
	struct block_row row;

	put_10_to_14(fixture);
	blocks_remove_above(&fixture->blocks, 13);
	assert_false(blocks_find(&fixture->blocks, 14, &row));
	blocks_finalize(&fixture->blocks, 12);
	assert_true(blocks_lowest(&fixture->blocks, &row));
	assert_int_equal(row.block_number, 12);
	assert_true(row.finalized);
	assert_true(blocks_find(&fixture->blocks, 13, &row));
	assert_false(row.finalized);
	/* Nothing as low as that is known any more. */
	blocks_finalize(&fixture->blocks, 5);
	assert_true(blocks_lowest(&fixture->blocks, &row));
	assert_int_equal(row.block_number, 12);
}

static void put_two_hashes(void *context)
{
	struct fixture *fixture = context;
	struct blocks blocks;
	struct block_row row = row_of(12);
	struct store store;

	store_open(&store, fixture->database.file.path);
	blocks_open(&blocks, &store);
	if (!store_begin(&store))
		return;
	blocks_put(&blocks, &row);
	row.block_hash.bytes[0] = 1;
	blocks_put(&blocks, &row);
}

static void another_hash_for_a_number_is_a_bug(void **state)
{
	struct fixture *fixture = *state;
	struct test_child child;

	store_rollback(&fixture->database.store);
	child = test_child_run(put_two_hashes, fixture);
	test_child_assert(&child, 70, "evm_word_equal");
	assert_true(store_begin(&fixture->database.store));
}

#define BLOCKS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BLOCKS_TEST(a_row_comes_back_as_it_was_put),
		BLOCKS_TEST(neighbours_are_found_from_either_side),
		BLOCKS_TEST(what_left_the_chain_goes_and_what_is_final_is_kept_once),
		BLOCKS_TEST(another_hash_for_a_number_is_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
