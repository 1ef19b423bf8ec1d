/*
 * Positions on a real database: chosen stories, then hundreds of random steps after each of which
 * the laws are added up again from the rows, with nothing of the code under test but the decimals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "processor/position.h"
#include "store/amounts.h"
#include "store/event_queue.h"
#include "unit/store/test_store.h"

#include <stdio.h>
#include <string.h>

struct fixture {
	struct test_store files;
	struct event_queue events;
	struct positions positions;
	int64_t next_log;
	uint32_t random;
};

static struct shares shares_of(const char *text)
{
	struct shares value;

	assert_true(shares_parse(text, &value));
	return value;
}

static void open_positions(struct fixture *fixture, const char *threshold)
{
	event_queue_open(&fixture->events, &fixture->files.store);
	positions_open(&fixture->positions, &fixture->files.store, shares_of(threshold), 0);
}

static void close_positions(struct fixture *fixture)
{
	positions_close(&fixture->positions);
	event_queue_close(&fixture->events);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.random = 20261123;
	test_store_open(&fixture.files);
	open_positions(&fixture, "1");
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close_positions(fixture);
	test_store_close(&fixture->files);
	return 0;
}

static void append_event(struct fixture *fixture, struct event_row *row)
{
	struct event_record record = {
		.log_index = fixture->next_log++,
		.block_number = 1,
		.block_timestamp = clock_text_of_ms(0),
		.event_type = "TakeOrderV2",
		.event_data = "{}",
		.source = EVENT_SOURCE_BACKFILLER,
	};

	assert_int_equal(event_queue_append(&fixture->events, &record), EVENT_ADDED);
	assert_true(event_queue_next(&fixture->events,
				     (struct event_position){1, record.log_index - 1}, INT64_MAX,
				     row));
}

/* Inside a transaction. */
static void trade(struct fixture *fixture, const char *ticker, enum direction direction,
		  struct shares amount)
{
	struct event_row row;
	struct onchain_trade trade = {.event = &row, .direction = direction, .amount = amount};

	append_event(fixture, &row);
	assert_true(symbol_set(&trade.base_symbol, ticker));
	assert_true(symbol_set(&trade.symbol, ticker));
	positions_take_trade(&fixture->positions, &trade);
	event_queue_mark_processed(&fixture->events, row.id, EVENT_OUTCOME_TRADE, NULL);
}

static void begin(struct fixture *fixture)
{
	assert_true(store_begin(&fixture->files.store));
}

/* Adds up one amount column of a query. */
static struct shares sum_of(struct fixture *fixture, const char *sql)
{
	struct statement statement;
	struct shares sum = {0};

	statement_prepare(&statement, &fixture->files.store, sql);
	while (statement_row(&statement))
		assert_true(shares_add(sum, statement_shares(&statement, "amount"), &sum));
	statement_finalize(&statement);
	return sum;
}

static void assert_equal(struct shares a, struct shares b, const char *law)
{
	if (shares_compare(a, b) != 0)
		fail_msg("%s: %s is not %s", law, shares_text(a).text, shares_text(b).text);
}

static void check_trades(struct fixture *fixture)
{
	int64_t count = test_store_int64(&fixture->files.store,
					 "SELECT count(*) AS n FROM onchain_trades", "n");
	char sql[512];

	for (int64_t id = 1; id <= count; id++) {
		struct shares amount;

		(void)snprintf(sql, sizeof(sql),
			       "SELECT amount FROM onchain_trades WHERE id = %lld", (long long)id);
		amount = sum_of(fixture, sql);
		(void)snprintf(sql, sizeof(sql),
			       "SELECT unallocated AS amount FROM onchain_trades WHERE id = %lld"
			       " UNION ALL SELECT shares FROM trade_offsets"
			       " WHERE buy_trade_id = %lld OR sell_trade_id = %lld"
			       " UNION ALL SELECT contributed_shares FROM trade_execution_links"
			       " WHERE trade_id = %lld",
			       (long long)id, (long long)id, (long long)id, (long long)id);
		assert_equal(amount, sum_of(fixture, sql), "per trade");
	}
}

static struct shares signed_sum(struct fixture *fixture, const char *plus, const char *minus)
{
	struct shares difference;

	assert_true(shares_subtract(sum_of(fixture, plus), sum_of(fixture, minus), &difference));
	return difference;
}

static void check_ticker(struct fixture *fixture, const char *ticker)
{
	static const char hedged[] =
		"SELECT CASE WHEN id IN (SELECT pending_execution_id FROM trade_accumulators)"
		" THEN shares ELSE filled_shares END AS amount FROM executions"
		" WHERE symbol = '%s' AND direction = '%s'";
	static const char traded[] =
		"SELECT amount FROM live_trades WHERE base_symbol = '%s' AND direction = '%s'";
	char plus[512];
	char minus[512];
	struct shares trades;
	struct shares expected;
	struct shares net;

	(void)snprintf(plus, sizeof(plus), traded, ticker, "BUY");
	(void)snprintf(minus, sizeof(minus), traded, ticker, "SELL");
	trades = signed_sum(fixture, plus, minus);
	(void)snprintf(plus, sizeof(plus), hedged, ticker, "SELL");
	(void)snprintf(minus, sizeof(minus), hedged, ticker, "BUY");
	(void)snprintf(plus + strlen(plus), sizeof(plus) - strlen(plus),
		       " UNION ALL SELECT net_position FROM trade_accumulators WHERE symbol = '%s'",
		       ticker);
	expected = signed_sum(fixture, plus, minus);
	assert_equal(trades, expected, "per ticker");
	(void)snprintf(plus, sizeof(plus),
		       "SELECT unallocated AS amount FROM onchain_trades"
		       " WHERE base_symbol = '%s' AND direction = 'BUY'",
		       ticker);
	(void)snprintf(minus, sizeof(minus),
		       "SELECT unallocated AS amount FROM onchain_trades"
		       " WHERE base_symbol = '%s' AND direction = 'SELL'",
		       ticker);
	net = signed_sum(fixture, plus, minus);
	(void)snprintf(plus, sizeof(plus),
		       "SELECT net_position AS amount FROM trade_accumulators WHERE symbol = '%s'",
		       ticker);
	assert_equal(net, sum_of(fixture, plus), "net_position");
}

static void check_executions(struct fixture *fixture)
{
	int64_t count = test_store_int64(&fixture->files.store,
					 "SELECT count(*) AS n FROM executions", "n");
	char sql[512];

	for (int64_t id = 1; id <= count; id++) {
		struct shares contributed;

		(void)snprintf(sql, sizeof(sql),
			       "SELECT contributed_shares AS amount FROM trade_execution_links"
			       " WHERE execution_id = %lld",
			       (long long)id);
		contributed = sum_of(fixture, sql);
		(void)snprintf(sql, sizeof(sql),
			       "SELECT CASE WHEN id IN (SELECT pending_execution_id FROM"
			       " trade_accumulators) THEN shares ELSE filled_shares END AS amount"
			       " FROM executions WHERE id = %lld",
			       (long long)id);
		assert_equal(contributed, sum_of(fixture, sql), "per execution");
	}
}

static void commit(struct fixture *fixture)
{
	store_commit(&fixture->files.store);
	check_trades(fixture);
	check_executions(fixture);
	check_ticker(fixture, "AAPL");
	check_ticker(fixture, "NVDA");
}

static void trade_once(struct fixture *fixture, enum direction direction, const char *amount)
{
	begin(fixture);
	trade(fixture, "AAPL", direction, shares_of(amount));
	commit(fixture);
}

static int64_t count_executions(struct fixture *fixture)
{
	return test_store_int64(&fixture->files.store, "SELECT count(*) AS n FROM executions", "n");
}

static void assert_position(struct fixture *fixture, const char *net)
{
	assert_string_equal(
		shares_text(sum_of(fixture, "SELECT net_position AS amount FROM trade_accumulators"
					    " WHERE symbol = 'AAPL'"))
			.text,
		net);
}

static struct execution execution_of(struct fixture *fixture, int64_t id)
{
	struct execution execution;

	assert_true(executions_find(&fixture->positions.executions, id, &execution));
	return execution;
}

/* What the executor would write: the order ended with that much filled. */
static void end_execution(struct fixture *fixture, int64_t id, struct shares filled)
{
	struct executions *executions = &fixture->positions.executions;
	struct execution execution = execution_of(fixture, id);
	char name[CLIENT_ORDER_ID_SIZE];

	(void)snprintf(name, sizeof(name), "order-%lld", (long long)id);
	executions_mark_submitting(executions, id, "test", name);
	executions_mark_submitted(executions, id, name);
	if (shares_compare(filled, execution.shares) >= 0)
		executions_mark_filled(executions, id, filled, NULL);
	else
		executions_mark_failed(executions, id, filled, NULL, "test");
}

static void end_and_follow(struct fixture *fixture, int64_t id, const char *filled)
{
	begin(fixture);
	end_execution(fixture, id, shares_of(filled));
	store_commit(&fixture->files.store);
	assert_true(positions_need_work(&fixture->positions));
	begin(fixture);
	positions_follow(&fixture->positions);
	commit(fixture);
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
	assert_false(positions_need_work(&fixture->positions));
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
	assert_false(positions_need_work(&fixture->positions));
	assert_in_range(positions_wait_ms(&fixture->positions), 200000, 300000);
	trade_once(fixture, DIRECTION_SELL, "1");
	assert_int_equal(count_executions(fixture), 1);
	fixture->positions.retry_after_ms = 0;
	assert_true(positions_need_work(&fixture->positions));
	begin(fixture);
	positions_follow(&fixture->positions);
	commit(fixture);
	assert_string_equal(shares_text(execution_of(fixture, 2).shares).text, "2");
}

static void more_filled_than_asked_halts_trading(void **state)
{
	struct fixture *fixture = *state;

	trade_once(fixture, DIRECTION_SELL, "1");
	begin(fixture);
	end_execution(fixture, 1, shares_of("2"));
	positions_follow(&fixture->positions);
	store_commit(&fixture->files.store);
	assert_true(controls_trading_halted(&fixture->positions.controls, NULL));
	assert_false(positions_need_work(&fixture->positions));
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
	struct fixture *fixture = *state;

	begin(fixture);
	trade(fixture, "AAPL", DIRECTION_SELL, shares_of("5"));
	store_rollback(&fixture->files.store);
	trade_once(fixture, DIRECTION_SELL, "0.5");
	assert_int_equal(count_executions(fixture), 0);
	assert_position(fixture, "-0.5");
}

static uint32_t next_random(struct fixture *fixture, uint32_t limit)
{
	fixture->random = fixture->random * 1664525u + 1013904223u;
	return (fixture->random >> 8) % limit;
}

static struct shares random_amount(struct fixture *fixture)
{
	static const char *const amounts[] = {"0.1",  "0.25", "0.000000000000000001", "1",
					      "2.75", "0",    "0.999999999999999999", "13.3"};

	return shares_of(amounts[next_random(fixture, ARRAY_LENGTH(amounts))]);
}

/* Ends a random open execution with a random part of it filled. */
static void end_random(struct fixture *fixture)
{
	struct execution execution;
	int64_t whole;
	struct shares filled;

	if (!executions_next(&fixture->positions.executions, EXECUTION_PENDING, 0, &execution))
		return;
	assert_true(shares_whole(execution.shares, &whole));
	assert_true(
		shares_from_integer((int64_t)next_random(fixture, (uint32_t)whole + 1), &filled));
	end_execution(fixture, execution.id, filled);
}

static void the_laws_hold_after_every_one_of_many_random_steps(void **state)
{
	struct fixture *fixture = *state;

	for (int step = 0; step < 400; step++) {
		begin(fixture);
		for (uint32_t i = next_random(fixture, 3); i > 0; i--)
			trade(fixture, next_random(fixture, 2) == 0 ? "AAPL" : "NVDA",
			      next_random(fixture, 2) == 0 ? DIRECTION_BUY : DIRECTION_SELL,
			      random_amount(fixture));
		if (next_random(fixture, 2) == 0)
			end_random(fixture);
		if (next_random(fixture, 2) == 0)
			positions_follow(&fixture->positions);
		commit(fixture);
	}
	assert_true(count_executions(fixture) > 50);
	assert_true(test_store_int64(&fixture->files.store,
				     "SELECT count(*) AS n FROM trade_offsets", "n") > 50);
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
		STORY(more_filled_than_asked_halts_trading),
		STORY(a_threshold_below_one_still_hedges_whole_shares_only),
		STORY(a_higher_threshold_hedges_all_of_it_at_once),
		STORY(a_trade_of_nothing_is_booked_and_changes_nothing),
		STORY(what_was_not_committed_never_happened),
		STORY(the_laws_hold_after_every_one_of_many_random_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
