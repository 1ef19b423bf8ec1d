/* Where a trade's shares went, and what the trades behind an execution cost on average. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/trade_allocations.h"
#include "unit/store/test_sql.h"

#include <string.h>

#define LARGEST "170141183460469231731.687303715884105727"

/* Nine trades and two executions to point at. Only their prices are read. */
static const char insert_event_sql[] =
	"INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp,"
	" event_type, event_data, source)"
	" VALUES (printf('0x%064d', 1), 3, 19, printf('0x%064d', 7), '2026-01-01T00:00:00.000Z',"
	" 'TakeOrderV2', '{}', 'listener')";
static const char insert_trades_sql[] =
	"INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp,"
	" order_owner, symbol, base_symbol, direction, amount, unallocated)"
	" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
	" SELECT 1, '', 3, 19, '', printf('0x%040d', i), 'AAPL0x', 'AAPL', 'BUY', '5', '5' FROM n";
static const char insert_executions_sql[] = "INSERT INTO executions (symbol, shares, direction)"
					    " VALUES ('AAPL', '5', 'SELL'), ('NVDA', '5', 'SELL')";

struct fixture {
	struct test_file file;
	struct store store;
	struct trade_allocations allocations;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.file);
	store_open(&fixture.store, fixture.file.path);
	trade_allocations_open(&fixture.allocations, &fixture.store);
	*state = &fixture;
	if (!store_begin(&fixture.store))
		return -1;
	(void)test_store_run(&fixture.store, insert_event_sql);
	(void)test_store_run(&fixture.store, insert_trades_sql);
	(void)test_store_run(&fixture.store, insert_executions_sql);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_rollback(&fixture->store);
	trade_allocations_close(&fixture->allocations);
	store_close(&fixture->store);
	test_file_remove(&fixture->file);
	return 0;
}

/* Usable where nothing may be asserted: a text that is no amount gives zero. */
static struct shares shares(const char *text)
{
	struct shares value = {0};

	return shares_parse(text, &value) ? value : (struct shares){0};
}

static void link_trade(struct fixture *fixture, int64_t trade_id, const char *contributed)
{
	trade_allocations_set_link(&fixture->allocations, trade_id, 1, shares(contributed));
}

static void set_price(struct fixture *fixture, int64_t trade_id, const char *price)
{
	struct statement statement;

	statement_prepare(&statement, &fixture->store,
			  "UPDATE onchain_trades SET price_usdc = :price WHERE id = :id");
	statement_bind_text(&statement, ":price", price);
	statement_bind_int64(&statement, ":id", trade_id);
	assert_int_equal(statement_execute(&statement), 1);
	statement_finalize(&statement);
}

static void expect_average(struct fixture *fixture, const char *expected)
{
	struct usd price;

	assert_true(trade_allocations_average_price(&fixture->allocations, 1, &price));
	assert_string_equal(usd_text(price).text, expected);
}

static void offsets_of_one_pair_add_up(void **state)
{
	struct fixture *fixture = *state;

	trade_allocations_add_offset(&fixture->allocations, 1, 2, shares("0.1"));
	trade_allocations_add_offset(&fixture->allocations, 1, 2, shares("0.2"));
	trade_allocations_add_offset(&fixture->allocations, 2, 1, shares("4"));
	trade_allocations_add_offset(&fixture->allocations, 1, 3, shares("5"));
	test_sql_expect(
		&fixture->store,
		"SELECT group_concat(buy_trade_id || '-' || sell_trade_id || ':' || shares, ' '"
		" ORDER BY buy_trade_id, sell_trade_id) AS value FROM trade_offsets",
		"1-2:0.3 1-3:5 2-1:4");
}

static void offset_nothing(struct store *store)
{
	struct trade_allocations allocations;

	trade_allocations_open(&allocations, store);
	(void)test_store_run(store, insert_event_sql);
	(void)test_store_run(store, insert_trades_sql);
	trade_allocations_add_offset(&allocations, 1, 2, shares("0"));
}

static void offset_too_much(struct store *store)
{
	struct trade_allocations allocations;

	trade_allocations_open(&allocations, store);
	(void)test_store_run(store, insert_event_sql);
	(void)test_store_run(store, insert_trades_sql);
	trade_allocations_add_offset(&allocations, 1, 2, shares(LARGEST));
	trade_allocations_add_offset(&allocations, 1, 2, shares("0.000000000000000001"));
}

static void contribute_less_than_nothing(struct store *store)
{
	struct trade_allocations allocations;

	trade_allocations_open(&allocations, store);
	(void)test_store_run(store, insert_event_sql);
	(void)test_store_run(store, insert_trades_sql);
	(void)test_store_run(store, insert_executions_sql);
	trade_allocations_set_link(&allocations, 1, 1, shares("-1"));
}

static void an_impossible_allocation_is_a_bug(void **state)
{
	(void)state;
	test_sql_ends_as_bug(offset_nothing, "is_zero");
	test_sql_ends_as_bug(offset_too_much, "fits");
	test_sql_ends_as_bug(contribute_less_than_nothing, "is_negative");
}

static void a_link_is_set_and_not_added_to(void **state)
{
	struct fixture *fixture = *state;

	link_trade(fixture, 1, "5");
	link_trade(fixture, 1, "2");
	trade_allocations_set_link(&fixture->allocations, 1, 2, shares("3"));
	link_trade(fixture, 2, "0");
	test_sql_expect(&fixture->store,
			"SELECT group_concat(trade_id || '-' || execution_id || ':' || "
			"contributed_shares, ' '"
			" ORDER BY trade_id, execution_id) AS value FROM trade_execution_links",
			"1-1:2 1-2:3 2-1:0");
}

static void the_newest_link_is_the_youngest_trade_that_still_contributes(void **state)
{
	struct fixture *fixture = *state;
	struct trade_contribution newest;

	assert_false(trade_allocations_newest_link(&fixture->allocations, 1, &newest));
	link_trade(fixture, 3, "1.5");
	link_trade(fixture, 1, "2");
	link_trade(fixture, 4, "0");
	trade_allocations_set_link(&fixture->allocations, 9, 2, shares("1"));
	assert_true(trade_allocations_newest_link(&fixture->allocations, 1, &newest));
	assert_int_equal(newest.trade_id, 3);
	assert_string_equal(shares_text(newest.contributed).text, "1.5");
	link_trade(fixture, 3, "0");
	assert_true(trade_allocations_newest_link(&fixture->allocations, 1, &newest));
	assert_int_equal(newest.trade_id, 1);
	link_trade(fixture, 1, "0");
	assert_false(trade_allocations_newest_link(&fixture->allocations, 1, &newest));
}

static void no_priced_trade_gives_no_average(void **state)
{
	struct fixture *fixture = *state;
	struct usd price;

	set_price(fixture, 2, "100");
	set_price(fixture, 3, "100");
	assert_false(trade_allocations_average_price(&fixture->allocations, 1, &price));
	link_trade(fixture, 1, "1");
	link_trade(fixture, 2, "0");
	trade_allocations_set_link(&fixture->allocations, 3, 2, shares("1"));
	assert_false(trade_allocations_average_price(&fixture->allocations, 1, &price));
}

static void the_average_is_weighted_by_what_was_contributed(void **state)
{
	struct fixture *fixture = *state;

	set_price(fixture, 1, "100");
	set_price(fixture, 2, "200");
	set_price(fixture, 3, "150.5");
	link_trade(fixture, 1, "3");
	link_trade(fixture, 2, "1");
	expect_average(fixture, "125");
	link_trade(fixture, 3, "4");
	expect_average(fixture, "137.75");
	link_trade(fixture, 1, "0");
	expect_average(fixture, "160.4");
}

static void a_trade_without_a_price_weighs_nothing(void **state)
{
	struct fixture *fixture = *state;

	set_price(fixture, 1, "100");
	set_price(fixture, 3, "110");
	link_trade(fixture, 1, "1");
	link_trade(fixture, 2, "1000");
	link_trade(fixture, 3, "1");
	expect_average(fixture, "105");
}

static void the_average_is_rounded_towards_zero(void **state)
{
	struct fixture *fixture = *state;

	set_price(fixture, 1, "1");
	set_price(fixture, 2, "2");
	link_trade(fixture, 1, "1");
	link_trade(fixture, 2, "2");
	expect_average(fixture, "1.666666666666666666");
	set_price(fixture, 2, "1.000000000000000001");
	expect_average(fixture, "1");
}

static void one_price_is_its_own_average_to_the_last_digit(void **state)
{
	struct fixture *fixture = *state;

	set_price(fixture, 1, "0.333333333333333333");
	set_price(fixture, 2, "0.333333333333333333");
	link_trade(fixture, 1, "0.1");
	expect_average(fixture, "0.333333333333333333");
	link_trade(fixture, 2, "0.000000000000000001");
	expect_average(fixture, "0.333333333333333333");
	set_price(fixture, 1, LARGEST);
	link_trade(fixture, 2, "0");
	link_trade(fixture, 1, LARGEST);
	expect_average(fixture, LARGEST);
}

static void the_average_of_dust_stays_among_its_prices(void **state)
{
	struct fixture *fixture = *state;

	set_price(fixture, 1, "170.5");
	set_price(fixture, 2, "170.9");
	link_trade(fixture, 1, "0.000000000000000001");
	link_trade(fixture, 2, "0.000000000000000001");
	expect_average(fixture, "170.5");
}

static void an_average_that_does_not_fit_is_none(void **state)
{
	struct fixture *fixture = *state;
	struct usd price;

	set_price(fixture, 1, "1");
	set_price(fixture, 2, LARGEST);
	link_trade(fixture, 1, "1");
	link_trade(fixture, 2, "2");
	assert_false(trade_allocations_average_price(&fixture->allocations, 1, &price));
	/* The statement that was left early starts anew. */
	set_price(fixture, 2, "4");
	expect_average(fixture, "3");
	link_trade(fixture, 1, LARGEST);
	assert_false(trade_allocations_average_price(&fixture->allocations, 1, &price));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(offsets_of_one_pair_add_up),
		cmocka_unit_test(an_impossible_allocation_is_a_bug),
		WITH_STORE(a_link_is_set_and_not_added_to),
		WITH_STORE(the_newest_link_is_the_youngest_trade_that_still_contributes),
		WITH_STORE(no_priced_trade_gives_no_average),
		WITH_STORE(the_average_is_weighted_by_what_was_contributed),
		WITH_STORE(a_trade_without_a_price_weighs_nothing),
		WITH_STORE(the_average_is_rounded_towards_zero),
		WITH_STORE(one_price_is_its_own_average_to_the_last_digit),
		WITH_STORE(the_average_of_dust_stays_among_its_prices),
		WITH_STORE(an_average_that_does_not_fit_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
