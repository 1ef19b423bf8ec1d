/*
 * Positions on a real database: chosen stories, and after each transaction the laws of
 * tests/invariants.sql, which know nothing of the code under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/processor/test_positions.h"

static void trade_once(struct fixture *fixture, enum direction direction, const char *amount)
{
	const struct side side = {"AAPL", direction, amount};

	begin(fixture);
	book(fixture, &side, 1);
	commit(fixture);
}

static void assert_position(struct fixture *fixture, const char *net)
{
	struct trade_accumulator accumulator;
	struct symbol symbol;

	assert_true(symbol_set(&symbol, "AAPL"));
	trade_accumulators_get(&fixture->positions.accumulators, &symbol, &accumulator);
	assert_string_equal(shares_text(trade_accumulator_net(&accumulator)).text, net);
}

/* It says when it has something to do again, as positions_wait_ms does. */
static void follow(struct fixture *fixture)
{
	int64_t told_ms;
	int64_t wait_ms;

	begin(fixture);
	told_ms = positions_follow(&fixture->positions);
	commit(fixture);
	wait_ms = positions_wait_ms(&fixture->positions);
	assert_true(told_ms == wait_ms || (wait_ms > 0 && told_ms >= wait_ms));
}

static void end_and_follow(struct fixture *fixture, int64_t id, const char *filled)
{
	begin(fixture);
	end_execution(fixture, id, shares_of(filled));
	store_commit(&fixture->files.store);
	assert_int_equal(positions_wait_ms(&fixture->positions), 0);
	follow(fixture);
}

static void a_sale_is_hedged_by_buying_and_a_purchase_by_selling(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "1.5");
	assert_int_equal(execution_of(fixture, 1).direction, DIRECTION_BUY);
	assert_position(fixture, "-0.5");
	end_and_follow(fixture, 1, "1");
	trade_once(fixture, DIRECTION_BUY, "3.5");
	assert_int_equal(execution_of(fixture, 2).direction, DIRECTION_SELL);
	assert_string_equal(shares_text(execution_of(fixture, 2).shares).text, "3");
	assert_position(fixture, "0");
}

static void ten_tenths_reach_the_threshold_exactly(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 9; i++)
		trade_once(fixture, DIRECTION_BUY, "0.1");
	assert_int_equal(count_executions(fixture), 0);
	trade_once(fixture, DIRECTION_BUY, "0.1");
	assert_int_equal(count_executions(fixture), 1);
	assert_position(fixture, "0");
}

static void a_wei_below_the_threshold_is_not_hedged(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "0.999999999999999999");
	assert_int_equal(count_executions(fixture), 0);
	trade_once(fixture, DIRECTION_SELL, "0.000000000000000001");
	assert_int_equal(count_executions(fixture), 1);
}

static void opposite_trades_cancel_without_an_order(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "0.6");
	trade_once(fixture, DIRECTION_BUY, "0.6");
	trade_once(fixture, DIRECTION_BUY, "0.9");
	trade_once(fixture, DIRECTION_SELL, "1.8");
	assert_int_equal(count_executions(fixture), 0);
	assert_position(fixture, "-0.9");
}

static void one_execution_at_a_time_and_the_next_when_it_has_ended(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "1");
	trade_once(fixture, DIRECTION_SELL, "2.25");
	assert_int_equal(count_executions(fixture), 1);
	assert_position(fixture, "-2.25");
	assert_int_equal(positions_wait_ms(&fixture->positions), -1);
	end_and_follow(fixture, 1, "1");
	assert_int_equal(count_executions(fixture), 2);
	assert_string_equal(shares_text(execution_of(fixture, 2).shares).text, "2");
	assert_position(fixture, "-0.25");
}

static void what_was_not_filled_returns_and_is_hedged_again(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "2.5");
	trade_once(fixture, DIRECTION_SELL, "2.5");
	assert_string_equal(shares_text(execution_of(fixture, 1).shares).text, "2");
	end_and_follow(fixture, 1, "1");
	/* 0.5 + 2.5 were unhedged, 1 came back: 4 go out at once. */
	assert_string_equal(shares_text(execution_of(fixture, 2).shares).text, "4");
	assert_position(fixture, "0");
}

static void what_returns_first_cancels_what_came_in_meanwhile(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "3");
	trade_once(fixture, DIRECTION_BUY, "0.75");
	assert_position(fixture, "0.75");
	end_and_follow(fixture, 1, "0");
	assert_int_equal(count_executions(fixture), 2);
	assert_string_equal(shares_text(execution_of(fixture, 2).shares).text, "2");
	assert_position(fixture, "-0.25");
}

static void a_refused_hedge_waits_before_it_is_tried_again(void **state)
{
	struct fixture *fixture = *state;

	fixture->positions.retry_after_ms = 3600000;
	trade_once(fixture, DIRECTION_SELL, "1");
	end_and_follow(fixture, 1, "0");
	assert_int_equal(count_executions(fixture), 1);
	assert_position(fixture, "-1");
	assert_in_range(positions_wait_ms(&fixture->positions), 600000, 900000);
	trade_once(fixture, DIRECTION_SELL, "1");
	assert_int_equal(count_executions(fixture), 1);
	fixture->positions.retry_after_ms = 0;
	assert_int_equal(positions_wait_ms(&fixture->positions), 0);
	follow(fixture);
	assert_string_equal(shares_text(execution_of(fixture, 2).shares).text, "2");
}

static void a_threshold_below_one_still_hedges_whole_shares_only(void **state)
{
	struct fixture *fixture = *state;

	close_positions(fixture);
	open_positions(fixture, "0.5");
	trade_once(fixture, DIRECTION_SELL, "0.75");
	assert_int_equal(count_executions(fixture), 0);
	trade_once(fixture, DIRECTION_SELL, "0.25");
	assert_int_equal(count_executions(fixture), 1);
}

static void a_higher_threshold_hedges_all_of_it_at_once(void **state)
{
	struct fixture *fixture = *state;

	close_positions(fixture);
	open_positions(fixture, "2.5");
	trade_once(fixture, DIRECTION_SELL, "2.4");
	assert_int_equal(count_executions(fixture), 0);
	trade_once(fixture, DIRECTION_SELL, "0.9");
	assert_string_equal(shares_text(execution_of(fixture, 1).shares).text, "3");
}

static void a_trade_of_nothing_is_booked_and_changes_nothing(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "0");
	assert_position(fixture, "0");
}

static void what_was_not_committed_never_happened(void **state)
{
	const struct side five = {"AAPL", DIRECTION_SELL, "5"};
	struct fixture *fixture = *state;

	begin(fixture);
	book(fixture, &five, 1);
	roll_back(fixture);
	trade_once(fixture, DIRECTION_SELL, "0.5");
	assert_int_equal(count_executions(fixture), 0);
	assert_position(fixture, "-0.5");
}

static void a_transaction_may_have_more_tickers_than_are_kept_in_memory(void **state)
{
	struct fixture *fixture = *state;
	char ticker[16];
	const struct side half = {ticker, DIRECTION_SELL, "0.5"};

	/* Twice each: the second is a whole share with the first. */
	begin(fixture);
	for (int i = 0; i < 2 * (TOUCHED_POSITIONS_MAXIMUM + 10); i++) {
		(void)snprintf(ticker, sizeof(ticker), "T%d", i % (TOUCHED_POSITIONS_MAXIMUM + 10));
		book(fixture, &half, 1);
	}
	commit(fixture);
	assert_int_equal(count_executions(fixture), TOUCHED_POSITIONS_MAXIMUM + 10);
	assert_int_equal(test_store_int64(&fixture->files.store,
					  "SELECT count(*) AS n FROM trade_accumulators"
					  " WHERE net_position = '0' AND pending_execution_id > 0",
					  "n"),
			 TOUCHED_POSITIONS_MAXIMUM + 10);
}

static void a_thousand_specks_of_dust_are_one_order_of_one_share(void **state)
{
	const struct side speck = {"AAPL", DIRECTION_SELL, "0.001"};
	struct fixture *fixture = *state;

	for (int i = 0; i < 10; i++) {
		assert_int_equal(count_executions(fixture), 0);
		begin(fixture);
		for (int j = 0; j < 100; j++)
			book(fixture, &speck, 1);
		commit(fixture);
	}
	assert_int_equal(count_executions(fixture), 1);
	assert_string_equal(shares_text(execution_of(fixture, 1).shares).text, "1");
	assert_position(fixture, "0");
	assert_int_equal(test_store_int64(&fixture->files.store,
					  "SELECT count(*) AS n FROM trade_execution_links", "n"),
			 1000);
}

static void an_event_that_cancels_itself_sends_no_order(void **state)
{
	const struct side sides[] = {{"AAPL", DIRECTION_SELL, "2"}, {"AAPL", DIRECTION_BUY, "1.9"}};
	struct fixture *fixture = *state;

	begin(fixture);
	book(fixture, sides, 2);
	commit(fixture);
	assert_int_equal(count_executions(fixture), 0);
	assert_position(fixture, "-0.1");
}

static void an_event_of_two_tickers_is_hedged_in_both(void **state)
{
	const struct side sides[] = {{"AAPL", DIRECTION_SELL, "2"}, {"NVDA", DIRECTION_BUY, "3.5"}};
	struct fixture *fixture = *state;

	begin(fixture);
	book(fixture, sides, 2);
	commit(fixture);
	assert_int_equal(count_executions(fixture), 2);
	assert_string_equal(execution_of(fixture, 1).symbol.text, "AAPL");
	assert_int_equal(execution_of(fixture, 1).direction, DIRECTION_BUY);
	assert_string_equal(execution_of(fixture, 2).symbol.text, "NVDA");
	assert_int_equal(execution_of(fixture, 2).direction, DIRECTION_SELL);
	assert_string_equal(shares_text(execution_of(fixture, 2).shares).text, "3");
}

static void more_filled_than_asked_hedges_further_trades(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "1.5");
	trade_once(fixture, DIRECTION_SELL, "0.3");
	trade_once(fixture, DIRECTION_SELL, "0.4");
	/* 1 is out; 0.5 of the same trade, then 0.3, then 0.2 of 0.4 make the second. */
	end_and_follow(fixture, 1, "2");
	assert_false(controls_trading_halted(&fixture->positions.controls, NULL));
	assert_position(fixture, "-0.2");
	assert_int_equal(count_executions(fixture), 1);
}

static void an_over_fill_of_exactly_what_is_unhedged_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "1.5");
	trade_once(fixture, DIRECTION_SELL, "0.5");
	end_and_follow(fixture, 1, "2");
	assert_false(controls_trading_halted(&fixture->positions.controls, NULL));
	assert_position(fixture, "0");
	assert_int_equal(count_executions(fixture), 1);
}

static void more_filled_than_is_unhedged_halts_trading(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "1");
	trade_once(fixture, DIRECTION_SELL, "0.5");
	begin(fixture);
	end_execution(fixture, 1, shares_of("2"));
	(void)positions_follow(&fixture->positions);
	store_commit(&fixture->files.store);
	assert_true(controls_trading_halted(&fixture->positions.controls, NULL));
	assert_int_equal(positions_wait_ms(&fixture->positions), -1);
	assert_position(fixture, "-0.5");
	/* The books do not add up now, and say so. */
	assert_non_null(test_laws_broken(&fixture->laws));
}

static void an_over_fill_against_the_other_side_halts_trading(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "1");
	trade_once(fixture, DIRECTION_BUY, "5");
	begin(fixture);
	end_execution(fixture, 1, shares_of("2"));
	(void)positions_follow(&fixture->positions);
	store_commit(&fixture->files.store);
	assert_true(controls_trading_halted(&fixture->positions.controls, NULL));
}

static void what_left_the_chain_is_taken_back_and_counts_no_more(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "0.7");
	trade_once(fixture, DIRECTION_SELL, "0.2");
	begin(fixture);
	take_back(fixture, 1);
	commit(fixture);
	assert_position(fixture, "-0.2");
	assert_int_equal(count_executions(fixture), 0);
	assert_int_equal(test_store_int64(&fixture->files.store,
					  "SELECT count(*) AS n FROM live_trades", "n"),
			 1);
}

static void a_hedge_of_what_left_the_chain_is_brought_back_by_the_next(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "2.5");
	begin(fixture);
	take_back(fixture, 1);
	(void)positions_follow(&fixture->positions);
	commit(fixture);
	/* It may be at the broker already: it is counted, and nothing is planned beside it. */
	assert_position(fixture, "2");
	assert_int_equal(count_executions(fixture), 1);
	end_and_follow(fixture, 1, "2");
	assert_int_equal(execution_of(fixture, 2).direction, DIRECTION_SELL);
	assert_position(fixture, "0");
}

static void what_was_mined_again_in_the_same_step_needs_no_order(void **state)
{
	struct fixture *fixture = *state;
	const struct side again = {"AAPL", DIRECTION_SELL, "2"};

	trade_once(fixture, DIRECTION_SELL, "2");
	end_and_follow(fixture, 1, "2");
	begin(fixture);
	take_back(fixture, 1);
	book(fixture, &again, 1);
	(void)positions_follow(&fixture->positions);
	commit(fixture);
	assert_position(fixture, "0");
	assert_int_equal(count_executions(fixture), 1);
}

static void both_trades_of_an_event_are_taken_back_once(void **state)
{
	struct fixture *fixture = *state;
	const struct side sides[] = {{"AAPL", DIRECTION_SELL, "0.5"},
				     {"NVDA", DIRECTION_BUY, "0.25"}};
	struct event_row row = {.id = 1};

	begin(fixture);
	book(fixture, sides, 2);
	commit(fixture);
	begin(fixture);
	take_back(fixture, 1);
	/* A second time finds nothing to take back. */
	positions_take_back(&fixture->positions, &row);
	commit(fixture);
	assert_int_equal(test_store_int64(&fixture->files.store,
					  "SELECT count(*) AS n FROM onchain_trades", "n"),
			 4);
	assert_position(fixture, "0");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_sale_is_hedged_by_buying_and_a_purchase_by_selling),
		STORY(ten_tenths_reach_the_threshold_exactly),
		STORY(a_wei_below_the_threshold_is_not_hedged),
		STORY(opposite_trades_cancel_without_an_order),
		STORY(one_execution_at_a_time_and_the_next_when_it_has_ended),
		STORY(what_was_not_filled_returns_and_is_hedged_again),
		STORY(what_returns_first_cancels_what_came_in_meanwhile),
		STORY(a_refused_hedge_waits_before_it_is_tried_again),
		STORY(a_thousand_specks_of_dust_are_one_order_of_one_share),
		STORY(an_event_that_cancels_itself_sends_no_order),
		STORY(an_event_of_two_tickers_is_hedged_in_both),
		STORY(more_filled_than_asked_hedges_further_trades),
		STORY(an_over_fill_of_exactly_what_is_unhedged_leaves_nothing),
		STORY(more_filled_than_is_unhedged_halts_trading),
		STORY(an_over_fill_against_the_other_side_halts_trading),
		STORY(a_threshold_below_one_still_hedges_whole_shares_only),
		STORY(a_higher_threshold_hedges_all_of_it_at_once),
		STORY(a_trade_of_nothing_is_booked_and_changes_nothing),
		STORY(a_transaction_may_have_more_tickers_than_are_kept_in_memory),
		STORY(what_was_not_committed_never_happened),
		STORY(what_left_the_chain_is_taken_back_and_counts_no_more),
		STORY(a_hedge_of_what_left_the_chain_is_brought_back_by_the_next),
		STORY(what_was_mined_again_in_the_same_step_needs_no_order),
		STORY(both_trades_of_an_event_are_taken_back_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
