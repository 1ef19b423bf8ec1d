/* A fill is stored once and exactly, and how much of it is left is always at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/onchain_trades.h"
#include "unit/store/test_sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

/* Rows that trades may point at; the module reads nothing of them. */
static const char insert_events_sql[] =
	"INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp,"
	" event_type, event_data, source)"
	" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
	" SELECT printf('0x%064d', i), 3, 19, printf('0x%064d', 7), '2026-01-01T00:00:00.000Z',"
	" 'TakeOrderV2', '{}', 'listener' FROM n";

struct fixture {
	struct test_file file;
	struct store store;
	struct onchain_trades trades;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.file);
	store_open(&fixture.store, fixture.file.path);
	onchain_trades_open(&fixture.trades, &fixture.store);
	*state = &fixture;
	if (!store_begin(&fixture.store))
		return -1;
	(void)test_store_run(&fixture.store, insert_events_sql);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_rollback(&fixture->store);
	onchain_trades_close(&fixture->trades);
	store_close(&fixture->store);
	test_file_remove(&fixture->file);
	return 0;
}

static struct event_row an_event(int64_t id)
{
	struct event_row event = {.id = id, .log_index = 3, .block_number = 19};

	(void)snprintf(event.tx_hash.text, sizeof(event.tx_hash.text), "0x%064lld", (long long)id);
	(void)snprintf(event.block_timestamp.text, sizeof(event.block_timestamp.text),
		       "2026-01-01T00:00:00.000Z");
	return event;
}

/* Without a price. A text that is no amount gives zero. */
static struct onchain_trade a_trade(const struct event_row *event, enum direction direction,
				    const char *amount)
{
	struct onchain_trade trade = {.event = event, .direction = direction};

	(void)snprintf(trade.symbol.text, sizeof(trade.symbol.text), "tBRK.B");
	(void)snprintf(trade.base_symbol.text, sizeof(trade.base_symbol.text), "BRK.B");
	trade.order_owner.bytes[0] = 0xAA;
	if (!shares_parse(amount, &trade.amount))
		trade.amount = (struct shares){0};
	return trade;
}

static int64_t insert(struct fixture *fixture, int64_t event_id, enum direction direction,
		      const char *amount)
{
	struct event_row event = an_event(event_id);
	struct onchain_trade trade = a_trade(&event, direction, amount);

	return onchain_trades_insert(&fixture->trades, &trade, trade.amount);
}

static void a_priced_trade_stands_with_every_column(void **state)
{
	struct fixture *fixture = *state;
	struct event_row event = an_event(1);
	struct onchain_trade trade = a_trade(&event, DIRECTION_SELL, "0.3");

	trade.has_usdc = trade.has_price = true;
	assert_true(usd_parse("45.075", &trade.usdc_amount));
	assert_true(usd_parse("150.25", &trade.price_usdc));
	assert_int_equal(onchain_trades_insert(&fixture->trades, &trade, trade.amount), 1);
	test_sql_expect(
		&fixture->store,
		"SELECT concat_ws(' ', event_id, log_index, block_number, block_timestamp,"
		" order_owner, symbol, base_symbol, direction, amount, usdc_amount, price_usdc,"
		" unallocated, coalesce(reverses_trade_id, 'stands')) AS value FROM onchain_trades",
		"1 3 19 2026-01-01T00:00:00.000Z 0xaa00000000000000000000000000000000000000"
		" tBRK.B BRK.B SELL 0.3 45.075 150.25 0.3 stands");
	test_sql_expect(&fixture->store,
			"SELECT CAST(count(*) AS TEXT) AS value FROM live_trades JOIN event_queue"
			" USING (tx_hash, log_index)",
			"1");
}

static void what_has_no_price_is_null_and_never_zero(void **state)
{
	struct fixture *fixture = *state;
	struct event_row event = an_event(2);
	struct onchain_trade trade = a_trade(&event, DIRECTION_BUY, "0.000000000000000001");

	(void)insert(fixture, 1, DIRECTION_BUY, "1");
	trade.has_usdc = true;
	(void)onchain_trades_insert(&fixture->trades, &trade, trade.amount);
	test_sql_expect(&fixture->store,
			"SELECT group_concat(amount || ':' || coalesce(usdc_amount, 'NULL') || ':'"
			" || coalesce(price_usdc, 'NULL'), ' ' ORDER BY id) AS value"
			" FROM onchain_trades",
			"1:NULL:NULL 0.000000000000000001:0:NULL");
}

static void insert_twice(struct store *store)
{
	struct event_row event = an_event(1);
	struct onchain_trade trade = a_trade(&event, DIRECTION_BUY, "1");
	struct onchain_trades trades;

	(void)test_store_run(store, insert_events_sql);
	onchain_trades_open(&trades, store);
	(void)onchain_trades_insert(&trades, &trade, trade.amount);
	(void)onchain_trades_insert(&trades, &trade, trade.amount);
}

static void insert_negative(struct store *store)
{
	struct event_row event = an_event(1);
	struct onchain_trade trade = a_trade(&event, DIRECTION_BUY, "-1");
	struct onchain_trades trades;

	(void)test_store_run(store, insert_events_sql);
	onchain_trades_open(&trades, store);
	(void)onchain_trades_insert(&trades, &trade, trade.amount);
}

static void insert_price_without_dollars(struct store *store)
{
	struct event_row event = an_event(1);
	struct onchain_trade trade = a_trade(&event, DIRECTION_BUY, "1");
	struct onchain_trades trades;

	(void)test_store_run(store, insert_events_sql);
	onchain_trades_open(&trades, store);
	trade.has_price = usd_parse("1", &trade.price_usdc);
	(void)onchain_trades_insert(&trades, &trade, trade.amount);
}

static void the_same_fill_twice_or_an_impossible_one_is_a_bug(void **state)
{
	(void)state;
	test_sql_ends_as_bug(insert_twice, "changed == 1");
	test_sql_ends_as_bug(insert_negative, "is_negative");
	test_sql_ends_as_bug(insert_price_without_dollars, "has_price");
}

static void both_sides_of_a_clear_may_be_ours(void **state)
{
	struct fixture *fixture = *state;
	struct event_row event = an_event(1);
	struct onchain_trade other = a_trade(&event, DIRECTION_BUY, "1");
	int64_t sell = insert(fixture, 1, DIRECTION_SELL, "1");
	int64_t buy = insert(fixture, 1, DIRECTION_BUY, "1");

	other.order_owner.bytes[0] = 0xBB;
	assert_true(buy > sell);
	assert_true(onchain_trades_insert(&fixture->trades, &other, other.amount) > buy);
}

static bool oldest(struct fixture *fixture, const char *symbol, enum direction direction,
		   struct unallocated_trade *trade)
{
	struct symbol name;

	assert_true(symbol_set(&name, symbol));
	return onchain_trades_oldest_unallocated(&fixture->trades, &name, direction, trade);
}

static void the_oldest_trade_of_its_side_is_allocated_first(void **state)
{
	struct fixture *fixture = *state;
	int64_t sell = insert(fixture, 1, DIRECTION_SELL, "1");
	int64_t first = insert(fixture, 9, DIRECTION_BUY, "0.25");
	int64_t second = insert(fixture, 2, DIRECTION_BUY, "2");
	struct unallocated_trade trade;
	struct shares rest = {0};

	assert_true(oldest(fixture, "BRK.B", DIRECTION_SELL, &trade));
	assert_int_equal(trade.id, sell);
	assert_true(oldest(fixture, "BRK.B", DIRECTION_BUY, &trade));
	assert_int_equal(trade.id, first);
	assert_string_equal(shares_text(trade.unallocated).text, "0.25");

	onchain_trades_set_unallocated(&fixture->trades, first, rest);
	assert_true(oldest(fixture, "BRK.B", DIRECTION_BUY, &trade));
	assert_int_equal(trade.id, second);
	assert_true(shares_parse("0.000000000000000001", &rest));
	onchain_trades_set_unallocated(&fixture->trades, second, rest);
	assert_true(oldest(fixture, "BRK.B", DIRECTION_BUY, &trade));
	assert_int_equal(trade.id, second);
	assert_string_equal(shares_text(trade.unallocated).text, "0.000000000000000001");
	onchain_trades_set_unallocated(&fixture->trades, second, (struct shares){0});
	assert_false(oldest(fixture, "BRK.B", DIRECTION_BUY, &trade));
	assert_false(oldest(fixture, "tBRK.B", DIRECTION_SELL, &trade));
}

static void a_fill_of_nothing_is_stored_and_never_allocated(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert(fixture, 1, DIRECTION_BUY, "0");
	struct unallocated_trade trade;

	assert_false(oldest(fixture, "BRK.B", DIRECTION_BUY, &trade));
	assert_true(shares_is_zero(onchain_trades_unallocated(&fixture->trades, id)));
}

static void what_is_left_of_a_trade_is_read_as_it_was_set(void **state)
{
	struct fixture *fixture = *state;
	int64_t id = insert(fixture, 1, DIRECTION_BUY, "7.5");
	struct shares rest;

	assert_string_equal(shares_text(onchain_trades_unallocated(&fixture->trades, id)).text,
			    "7.5");
	assert_true(shares_parse("2.125", &rest));
	onchain_trades_set_unallocated(&fixture->trades, id, rest);
	assert_string_equal(shares_text(onchain_trades_unallocated(&fixture->trades, id)).text,
			    "2.125");
	test_sql_expect(&fixture->store, "SELECT amount AS value FROM onchain_trades", "7.5");
}

static void allocate_less_than_nothing(struct store *store)
{
	struct event_row event = an_event(1);
	struct onchain_trade trade = a_trade(&event, DIRECTION_BUY, "1");
	struct onchain_trades trades;
	struct shares negative;

	(void)test_store_run(store, insert_events_sql);
	onchain_trades_open(&trades, store);
	if (shares_subtract((struct shares){0}, trade.amount, &negative))
		onchain_trades_set_unallocated(
			&trades, onchain_trades_insert(&trades, &trade, trade.amount), negative);
}

static void allocate_what_is_not_there(struct store *store)
{
	struct onchain_trades trades;

	onchain_trades_open(&trades, store);
	onchain_trades_set_unallocated(&trades, 7, (struct shares){0});
}

static void a_wrong_allocation_is_a_bug(void **state)
{
	(void)state;
	test_sql_ends_as_bug(allocate_less_than_nothing, "is_negative");
	test_sql_ends_as_bug(allocate_what_is_not_there, "changed == 1");
}

static void the_oldest_is_found_without_reading_the_allocated_ones(void **state)
{
	struct fixture *fixture = *state;
	struct statement *query = &fixture->trades.oldest_unallocated;
	struct unallocated_trade trade;

	for (int64_t i = 1; i <= 200; i++)
		(void)insert(fixture, i, DIRECTION_BUY, i < 200 ? "0" : "1");
	assert_true(oldest(fixture, "BRK.B", DIRECTION_BUY, &trade));
	assert_int_equal(trade.id, 200);
	assert_int_equal(sqlite3_stmt_status(query->compiled, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0),
			 0);
	assert_int_equal(sqlite3_stmt_status(query->compiled, SQLITE_STMTSTATUS_SORT, 0), 0);
	assert_true(sqlite3_stmt_status(query->compiled, SQLITE_STMTSTATUS_VM_STEP, 0) < 100);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_priced_trade_stands_with_every_column),
		WITH_STORE(what_has_no_price_is_null_and_never_zero),
		cmocka_unit_test(the_same_fill_twice_or_an_impossible_one_is_a_bug),
		WITH_STORE(both_sides_of_a_clear_may_be_ours),
		WITH_STORE(the_oldest_trade_of_its_side_is_allocated_first),
		WITH_STORE(a_fill_of_nothing_is_stored_and_never_allocated),
		WITH_STORE(what_is_left_of_a_trade_is_read_as_it_was_set),
		cmocka_unit_test(a_wrong_allocation_is_a_bug),
		WITH_STORE(the_oldest_is_found_without_reading_the_allocated_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
