/*
 * A checker is tested by what it must refuse: each law of tests/invariants.sql is broken once by
 * hand, and the query that should tell does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/processor/test_positions.h"

/* A settled execution, an open one, an offset, a rest, in both tickers. */
static void make_books(struct fixture *fixture)
{
	const struct side sides[] = {
		{"AAPL", DIRECTION_SELL, "1.300000000000000001"},
		{"NVDA", DIRECTION_BUY, "2.5"},
		{"AAPL", DIRECTION_BUY, "0.2"},
		{"NVDA", DIRECTION_SELL, "0.75"},
	};

	begin(fixture);
	for (size_t i = 0; i < ARRAY_LENGTH(sides); i++)
		book(fixture, &sides[i], 1);
	end_execution(fixture, 1, shares_of("1"));
	(void)positions_follow(&fixture->positions);
	assert_int_equal(test_store_run(&fixture->files.store,
					"INSERT INTO block_coverage VALUES (0, 10), (12, 20)"),
			 2);
	commit(fixture);
}

/* The query that has the words in its comment answers a row when sql was run. */
static void assert_told(struct fixture *fixture, const char *sql, const char *words)
{
	struct test_laws *laws = &fixture->laws;
	bool asked = false;
	bool told = false;

	begin(fixture);
	if (test_store_run(&fixture->files.store, sql) == 0)
		fail_msg("changes nothing: %s", sql);
	for (size_t i = 0; i < laws->count; i++) {
		if (strstr(laws->queries[i], words) == NULL)
			continue;
		asked = true;
		told = statement_row(&laws->statements[i]);
		statement_reset(&laws->statements[i]);
	}
	roll_back(fixture);
	assert_true(asked);
	if (!told)
		fail_msg("not noticed: %s", sql);
	test_laws_hold(laws);
}

static void every_sum_that_is_off_by_the_smallest_unit_is_noticed(void **state)
{
	static const char *const changes[] = {
		"UPDATE onchain_trades SET amount = '1.3' WHERE id = 1",
		"UPDATE onchain_trades SET unallocated = '0.100000000000000002' WHERE id = 1",
		"UPDATE trade_offsets SET shares = '0.200000000000000001' WHERE sell_trade_id = 1",
		"UPDATE trade_execution_links SET contributed_shares = '0.999999999999999999'"
		" WHERE execution_id = 1",
		"UPDATE trade_accumulators SET net_position = '-0.1' WHERE symbol = 'AAPL'",
		"UPDATE trade_accumulators SET accumulated_short = '0.100000000999999999'"
		" WHERE symbol = 'AAPL'",
		"UPDATE executions SET filled_shares = '0' WHERE id = 1",
		"UPDATE executions SET shares = '3' WHERE id = 2",
		/* Counted as open, or no longer. */
		"UPDATE executions SET direction = 'SELL' WHERE id = 1",
		"UPDATE trade_accumulators SET pending_execution_id = NULL WHERE symbol = 'NVDA'",
		/* Right in each trade, wrong by what a REAL cannot see. */
		"UPDATE onchain_trades SET amount = '100000000000000001',"
		" unallocated = '100000000000000000' WHERE id = 2",
	};
	struct fixture *fixture = *state;

	make_books(fixture);
	for (size_t i = 0; i < ARRAY_LENGTH(changes); i++)
		assert_told(fixture, changes[i], "-- Sums.");
}

static void carries_and_signs_between_the_parts_add_up(void **state)
{
	const struct side sides[] = {
		{"AAPL", DIRECTION_SELL, "0.999999999999999999"},
		{"AAPL", DIRECTION_BUY, "0.000000001"},
		{"AAPL", DIRECTION_SELL, "123456789012.000000000999999999"},
		{"AAPL", DIRECTION_BUY, "123456789012.000000001000000001"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(sides); i++) {
		begin(fixture);
		book(fixture, &sides[i], 1);
		commit(fixture);
	}
}

static void amounts_that_are_not_canonical_are_noticed(void **state)
{
	static const char *const texts[] = {
		"1.50",
		"01",
		"1.",
		".5",
		"1e3",
		"-0",
		"-1",
		"+1",
		"",
		" 1",
		"--1",
		"1.2.3",
		"1.0000000000000000001",
		"1234567890123456789012",
	};
	struct fixture *fixture = *state;
	char sql[128];

	make_books(fixture);
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		(void)snprintf(sql, sizeof(sql),
			       "UPDATE onchain_trades SET usdc_amount = '%s' WHERE id = 1",
			       texts[i]);
		assert_told(fixture, sql, "-- Amounts are canonical");
	}
	assert_told(fixture, "UPDATE executions SET filled_shares = '-1' WHERE id = 1",
		    "-- Amounts are canonical");
	assert_told(fixture, "UPDATE onchain_trades SET token_amount = '2.0' WHERE id = 1",
		    "-- Amounts are canonical");
	assert_told(fixture, "UPDATE trade_offsets SET shares = '1234567890123456789'",
		    "-- Amounts are canonical");
}

struct breach {
	const char *sql;
	const char *words;
};

static void whatever_else_is_wrong_is_noticed_by_its_query(void **state)
{
	static const struct breach breaches[] = {
		{"UPDATE onchain_trades SET price_usdc = '5', usdc_amount = NULL WHERE id = 1",
		 "-- A price comes"},
		{"INSERT INTO executions (symbol, shares, direction, status, client_order_id,"
		 " executed_at) VALUES ('MSFT', '1', 'BUY', 'FAILED', 'x', 'x')",
		 "-- Every ticker"},
		{"INSERT INTO executions (symbol, shares, direction) VALUES ('AAPL', '0', 'BUY')",
		 "-- An open execution"},
		{"UPDATE executions SET symbol = 'AAPL' WHERE id = 2", "-- A pending execution"},
		{"UPDATE executions SET shares = '1.5' WHERE id = 2", "-- Executions are for"},
		{"INSERT INTO trade_execution_links VALUES (4, 2, '0')", "-- A hedge is"},
		{"INSERT INTO trade_offsets VALUES (2, 1, '0')", "-- Offsets pair"},
		{"UPDATE event_queue SET outcome = 'filtered', error = 'x' WHERE id = 1",
		 "-- An event that became"},
		{"UPDATE onchain_trades SET log_index = 77 WHERE id = 1", "-- A trade tells"},
		{"UPDATE onchain_trades SET token_amount = '1' WHERE id = 1", "-- Wrapped shares"},
		{"INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash,"
		 " block_timestamp, event_type, event_data, source, processed, outcome,"
		 " processed_at) SELECT tx_hash, 99, 1, block_hash, '', 'x', '{}', source, 1,"
		 " 'quarantined', '' FROM event_queue WHERE id = 1",
		 "-- What was quarantined"},
		{"UPDATE event_queue SET archived_at = processed_at WHERE id = 1",
		 "-- An archived event"},
		{"UPDATE event_queue SET event_data = '{\"archived\":true,\"sha256\":\"'"
		 " || printf('%064d', 7) || '\"}' WHERE id = 1",
		 "-- An archived event"},
		{"UPDATE event_queue SET archived_at = processed_at,"
		 " event_data = '{\"archived\":true,\"sha256\":\"' || printf('%063dg', 7) || '\"}'"
		 " WHERE id = 1",
		 "-- An archived event"},
		{"UPDATE block_coverage SET last_block = 11 WHERE first_block = 0",
		 "-- Ranges of coverage"},
		{"UPDATE block_coverage SET last_block = 15 WHERE first_block = 0",
		 "-- Ranges of coverage"},
	};
	struct fixture *fixture = *state;

	make_books(fixture);
	for (size_t i = 0; i < ARRAY_LENGTH(breaches); i++)
		assert_told(fixture, breaches[i].sql, breaches[i].words);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(every_sum_that_is_off_by_the_smallest_unit_is_noticed),
		STORY(carries_and_signs_between_the_parts_add_up),
		STORY(amounts_that_are_not_canonical_are_noticed),
		STORY(whatever_else_is_wrong_is_noticed_by_its_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
