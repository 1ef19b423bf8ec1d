#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/fifo.h"

static struct shares shares_of(const char *text)
{
	struct shares value;

	assert_true(shares_parse(text, &value));
	return value;
}

static struct usd usd_of(const char *text)
{
	struct usd value;

	assert_true(usd_parse(text, &value));
	return value;
}

/* cash "": unknown. */
static struct fifo_fill fill_of(enum direction direction, const char *shares, const char *cash)
{
	return (struct fifo_fill){
		.direction = direction,
		.shares = shares_of(shares),
		.priced = cash[0] != '\0',
		.cash = cash[0] != '\0' ? usd_of(cash) : (struct usd){0},
	};
}

static void apply(struct fifo_book *book, enum direction direction, const char *shares,
		  const char *cash, const char *realised, const char *net)
{
	const struct fifo_fill fill = fill_of(direction, shares, cash);
	struct fifo_result result;

	assert_true(fifo_apply(book, &fill, &result));
	assert_string_equal(usd_text(result.realised).text, realised);
	assert_string_equal(shares_text(book->net).text, net);
}

static void a_position_goes_through_zero_and_back(void **state)
{
	struct fifo_book book = {.count = 0};

	(void)state;
	apply(&book, DIRECTION_SELL, "0.3", "45", "0", "-0.3");
	apply(&book, DIRECTION_SELL, "0.4", "60.4", "0", "-0.7");
	apply(&book, DIRECTION_BUY, "0.2", "29.6", "0.4", "-0.5");
	apply(&book, DIRECTION_SELL, "0.6", "89.4", "0", "-1.1");
	apply(&book, DIRECTION_BUY, "1", "148.5", "1.4", "-0.1");
	apply(&book, DIRECTION_BUY, "1.5", "221.25", "0.15", "1.4");
	apply(&book, DIRECTION_SELL, "1", "149", "1.5", "0.4");
	assert_string_equal(usd_text(book.realised).text, "3.45");
	fifo_free(&book);
}

/* Thirds of a cent: each lot's last part is what is left of it. */
static void no_fraction_of_a_dollar_is_lost(void **state)
{
	struct fifo_book book = {.count = 0};

	(void)state;
	apply(&book, DIRECTION_BUY, "3", "100", "0", "3");
	apply(&book, DIRECTION_SELL, "1", "0", "-33.333333333333333333", "2");
	apply(&book, DIRECTION_SELL, "1", "0", "-33.333333333333333333", "1");
	apply(&book, DIRECTION_SELL, "1", "0", "-33.333333333333333334", "0");
	assert_string_equal(usd_text(book.realised).text, "-100");
	fifo_free(&book);
}

static void what_has_no_price_is_counted_apart(void **state)
{
	struct fifo_book book = {.count = 0};
	struct fifo_fill fill = fill_of(DIRECTION_SELL, "3", "30");
	struct fifo_result result;

	(void)state;
	apply(&book, DIRECTION_BUY, "1", "", "0", "1");
	apply(&book, DIRECTION_BUY, "1", "8", "0", "2");
	assert_true(fifo_apply(&book, &fill, &result));
	assert_string_equal(usd_text(result.realised).text, "2");
	assert_string_equal(shares_text(result.unpriced).text, "1");
	assert_string_equal(shares_text(book.net).text, "-1");
	fifo_free(&book);
}

static void a_fill_of_nothing_changes_nothing(void **state)
{
	struct fifo_book book = {.count = 0};

	(void)state;
	apply(&book, DIRECTION_BUY, "0", "0", "0", "0");
	apply(&book, DIRECTION_SELL, "1", "5", "0", "-1");
	apply(&book, DIRECTION_BUY, "0", "0", "0", "-1");
	assert_int_equal(book.count - book.first, 1);
	fifo_free(&book);
}

static void what_does_not_fit_is_refused(void **state)
{
	const struct fifo_fill most =
		fill_of(DIRECTION_BUY, "170141183460469231731", "170141183460469231731");
	struct fifo_book book = {.count = 0};
	struct fifo_result result;

	(void)state;
	assert_true(fifo_apply(&book, &most, &result));
	assert_false(fifo_apply(&book, &most, &result));
	fifo_free(&book);
}

/*
 * Whatever comes in whatever order: what was realised is the dollars that came in less those that
 * went out, less what the open lots are worth; and closed lots do not pile up.
 */
static void random_fills_conserve_every_unit(void **state)
{
	struct fifo_book book = {.count = 0};
	struct usd received = {0};
	struct shares net = {0};

	(void)state;
	srandom(7);
	for (int i = 0; i < 20000; i++) {
		const struct fifo_fill fill = {
			.direction = random() % 2 == 0 ? DIRECTION_BUY : DIRECTION_SELL,
			.shares = {(int128)random() * 1000003 + 1},
			.priced = true,
			.cash = {(int128)random() * 999983},
		};
		struct fifo_result result;
		struct usd expected = received;

		assert_true(fifo_apply(&book, &fill, &result));
		expected.units = received.units +=
			fill.direction == DIRECTION_SELL ? fill.cash.units : -fill.cash.units;
		net.units +=
			fill.direction == DIRECTION_BUY ? fill.shares.units : -fill.shares.units;
		for (size_t lot = book.first; i % 50 == 0 && lot < book.count; lot++)
			expected.units += book.side == DIRECTION_BUY ? book.lots[lot].cash.units
								     : -book.lots[lot].cash.units;
		if (i % 50 == 0)
			assert_true(usd_compare(expected, book.realised) == 0);
		assert_true(shares_compare(net, book.net) == 0);
	}
	assert_true(book.capacity < 5000);
	fifo_free(&book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_position_goes_through_zero_and_back),
		cmocka_unit_test(no_fraction_of_a_dollar_is_lost),
		cmocka_unit_test(what_has_no_price_is_counted_apart),
		cmocka_unit_test(a_fill_of_nothing_changes_nothing),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(random_fills_conserve_every_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
