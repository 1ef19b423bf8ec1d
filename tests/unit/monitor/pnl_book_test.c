#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/pnl_book.h"

/* Too large for the stack. */
static struct pnl_book book;
static struct pnl_book other;

static int start(void **state)
{
	(void)state;
	pnl_book_init(&book);
	pnl_book_init(&other);
	return 0;
}

static int end(void **state)
{
	(void)state;
	pnl_book_free(&book);
	pnl_book_free(&other);
	return 0;
}

static struct pnl_fill fill_at(struct pnl_book *into, int64_t time_ms, int64_t id,
			       const char *symbol, bool buys, int64_t shares, int64_t cash)
{
	struct pnl_fill fill = {
		.time_ms = time_ms,
		.id = id,
		.buys = buys,
		.priced = true,
		.shares = {(int128)shares * 1000000},
		.cash = {(int128)cash * 1000000},
	};

	assert_true(pnl_book_symbol(into, symbol, &fill.symbol));
	return fill;
}

static void add(struct pnl_book *into, struct pnl_fill fill)
{
	pnl_book_add(into, &fill, 1);
}

static void apply_all(struct pnl_book *into)
{
	if (into->disordered)
		pnl_book_begin_again(into);
	while (pnl_book_apply(into, 7))
		;
	assert_true(into->too_much || into->applied == into->count);
}

static void assert_realised(const struct pnl_book *of, int64_t expected)
{
	assert_true(of->realised.units == (int128)expected * 1000000);
}

static void what_comes_in_order_is_applied_on_top(void **state)
{
	(void)state;
	add(&book, fill_at(&book, 10, 1, "AAPL", true, 2, 20));
	apply_all(&book);
	add(&book, fill_at(&book, 11, 2, "AAPL", false, 1, 15));
	assert_false(book.disordered);
	assert_int_equal(book.applied, 1);
	apply_all(&book);
	assert_realised(&book, 5);
	assert_true(book.fills[1].realised.units == 5 * 1000000);
}

static void what_belongs_before_makes_all_be_computed_again(void **state)
{
	(void)state;
	add(&book, fill_at(&book, 10, 1, "AAPL", true, 2, 20));
	add(&book, fill_at(&book, 12, 2, "AAPL", false, 1, 15));
	apply_all(&book);
	add(&book, fill_at(&book, 9, 3, "AAPL", true, 1, 1));
	assert_true(book.disordered);
	assert_false(pnl_book_apply(&book, 10));
	assert_realised(&book, 5);
	apply_all(&book);
	assert_realised(&book, 14);
	assert_int_equal(book.fills[0].id, 3);
	assert_int_equal(book.symbols[0].fills, 3);
}

/* Chain before broker; then block, log index, id. */
static void fills_of_one_time_have_an_order(void **state)
{
	struct pnl_fill fills[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		fills[i] = fill_at(&book, 10, (int64_t)(4 - i), "AAPL", true, 1, 1);
	fills[0].of_broker = true;
	fills[1].block_number = 5;
	fills[2].block_number = 5;
	fills[1].log_index = 1;
	pnl_book_add(&book, fills, 4);
	assert_int_equal(book.fills[0].id, 1);
	assert_int_equal(book.fills[1].id, 2);
	assert_int_equal(book.fills[2].id, 3);
	assert_int_equal(book.fills[3].id, 4);
}

static void in_any_order_the_result_is_the_same(void **state)
{
	enum { FILLS = 2000 };
	static struct pnl_fill fills[FILLS];
	static const char *const symbols[] = {"AAPL", "BRK.B", "NVDA"};

	(void)state;
	srandom(11);
	for (size_t i = 0; i < FILLS; i++)
		fills[i] = fill_at(&book, random() % 500, (int64_t)i + 1, symbols[random() % 3],
				   random() % 2 == 0, random() % 9 + 1, random() % 1000);
	for (size_t i = 0; i < FILLS; i++) {
		struct pnl_fill fill = fills[i];

		assert_true(
			pnl_book_symbol(&other, book.symbols[fill.symbol].name.text, &fill.symbol));
		add(&other, fill);
		if (random() % 5 == 0)
			apply_all(&other);
	}
	pnl_book_add(&book, fills, FILLS);
	apply_all(&book);
	apply_all(&other);
	assert_true(book.realised.units == other.realised.units);
	for (size_t i = 0; i < FILLS; i++) {
		assert_int_equal(book.fills[i].id, other.fills[i].id);
		assert_true(book.fills[i].realised.units == other.fills[i].realised.units);
	}
}

static void what_does_not_fit_ends_the_book(void **state)
{
	struct pnl_fill fill = fill_at(&book, 10, 1, "AAPL", true, 1, 1);

	(void)state;
	assert_true(shares_parse("170141183460469231731", &fill.shares));
	add(&book, fill);
	fill.id = 2;
	add(&book, fill);
	apply_all(&book);
	assert_true(book.too_much);
	assert_false(pnl_book_apply(&book, 1));
}

static void there_is_room_for_so_many_symbols(void **state)
{
	uint16_t index = 0;
	char name[SYMBOL_SIZE];

	(void)state;
	for (int i = 0; i < PNL_SYMBOLS_MAXIMUM; i++) {
		(void)snprintf(name, sizeof(name), "S%d", i);
		assert_true(pnl_book_symbol(&book, name, &index));
		assert_int_equal(index, i);
	}
	assert_true(pnl_book_symbol(&book, "S7", &index));
	assert_int_equal(index, 7);
	assert_false(pnl_book_symbol(&book, "ONE_MORE", &index));
	assert_true(book.too_much);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_comes_in_order_is_applied_on_top),
		TEST(what_belongs_before_makes_all_be_computed_again),
		TEST(fills_of_one_time_have_an_order),
		TEST(in_any_order_the_result_is_the_same),
		TEST(what_does_not_fit_ends_the_book),
		TEST(there_is_room_for_so_many_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
