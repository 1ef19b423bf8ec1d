/* A position is written whole, its open execution is forgotten only on purpose, and its time is
 * always true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/trade_accumulators.h"
#include "unit/store/test_sql.h"

#include <stdio.h>
#include <string.h>

struct fixture {
	struct test_file file;
	struct store store;
	struct trade_accumulators accumulators;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.file);
	store_open(&fixture.store, fixture.file.path);
	trade_accumulators_open(&fixture.accumulators, &fixture.store);
	*state = &fixture;
	if (!store_begin(&fixture.store))
		return -1;
	(void)test_store_run(&fixture.store,
			     "INSERT INTO executions (symbol, shares, direction)"
			     " VALUES ('AAPL', '5', 'SELL'), ('NVDA', '5', 'SELL')");
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_rollback(&fixture->store);
	trade_accumulators_close(&fixture->accumulators);
	store_close(&fixture->store);
	test_file_remove(&fixture->file);
	return 0;
}

/* Usable where nothing may be asserted: a text that is no amount gives zero. */
static struct trade_accumulator a_position(const char *symbol, const char *long_text,
					   const char *short_text)
{
	struct trade_accumulator position = {.pending_execution_id = 0};

	(void)snprintf(position.symbol.text, sizeof(position.symbol.text), "%s", symbol);
	if (!shares_parse(long_text, &position.accumulated_long))
		position.accumulated_long = (struct shares){0};
	if (!shares_parse(short_text, &position.accumulated_short))
		position.accumulated_short = (struct shares){0};
	return position;
}

static struct trade_accumulator get(struct fixture *fixture, const char *symbol)
{
	struct trade_accumulator found;
	struct symbol name;

	assert_true(symbol_set(&name, symbol));
	trade_accumulators_get(&fixture->accumulators, &name, &found);
	assert_string_equal(found.symbol.text, symbol);
	return found;
}

static void put(struct fixture *fixture, const char *symbol, const char *long_text,
		const char *short_text, int64_t pending_execution_id)
{
	struct trade_accumulator position = a_position(symbol, long_text, short_text);

	position.pending_execution_id = pending_execution_id;
	trade_accumulators_put(&fixture->accumulators, &position);
}

static void a_symbol_without_a_row_has_an_empty_position(void **state)
{
	struct fixture *fixture = *state;
	struct trade_accumulator position = get(fixture, "AAPL");

	assert_true(shares_is_zero(position.accumulated_long));
	assert_true(shares_is_zero(position.accumulated_short));
	assert_true(shares_is_zero(trade_accumulator_net(&position)));
	assert_int_equal(position.pending_execution_id, 0);
	test_sql_expect(&fixture->store,
			"SELECT CAST(count(*) AS TEXT) AS value FROM trade_accumulators", "0");
}

static void a_position_comes_back_with_its_net(void **state)
{
	struct fixture *fixture = *state;
	struct trade_accumulator position;

	put(fixture, "AAPL", "0", "2.5", 0);
	put(fixture, "NVDA", "0.3", "0", 0);
	position = get(fixture, "AAPL");
	assert_string_equal(shares_text(position.accumulated_short).text, "2.5");
	assert_true(shares_is_zero(position.accumulated_long));
	assert_string_equal(shares_text(trade_accumulator_net(&position)).text, "-2.5");
	position = get(fixture, "NVDA");
	assert_string_equal(shares_text(trade_accumulator_net(&position)).text, "0.3");
	test_sql_expect(
		&fixture->store,
		"SELECT group_concat(symbol || ' ' || net_position || ' ' || accumulated_long || ' "
		"'"
		" || accumulated_short, ', ' ORDER BY symbol) AS value FROM trade_accumulators",
		"AAPL -2.5 0 2.5, NVDA 0.3 0.3 0");
}

static void a_position_may_change_sides(void **state)
{
	struct fixture *fixture = *state;
	struct trade_accumulator position;

	put(fixture, "AAPL", "0", "2.5", 0);
	put(fixture, "AAPL", "7", "0", 0);
	position = get(fixture, "AAPL");
	assert_string_equal(shares_text(trade_accumulator_net(&position)).text, "7");
	put(fixture, "AAPL", "0", "0", 0);
	position = get(fixture, "AAPL");
	assert_true(shares_is_zero(trade_accumulator_net(&position)));
}

static void writing_other_columns_never_clears_the_pending_execution(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "AAPL", "5", "0", 1);
	assert_int_equal(get(fixture, "AAPL").pending_execution_id, 1);
	put(fixture, "AAPL", "6", "0", 0);
	assert_int_equal(get(fixture, "AAPL").pending_execution_id, 1);
	assert_string_equal(shares_text(get(fixture, "AAPL").accumulated_long).text, "6");
	put(fixture, "AAPL", "0", "0", 0);
	assert_int_equal(get(fixture, "AAPL").pending_execution_id, 1);
}

static void a_pending_execution_may_come_later_than_its_row(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "AAPL", "5", "0", 0);
	assert_int_equal(get(fixture, "AAPL").pending_execution_id, 0);
	put(fixture, "AAPL", "0", "0", 1);
	assert_int_equal(get(fixture, "AAPL").pending_execution_id, 1);
}

static void the_pending_execution_is_cleared_by_its_name(void **state)
{
	struct fixture *fixture = *state;
	struct symbol symbol;

	assert_true(symbol_set(&symbol, "AAPL"));
	put(fixture, "AAPL", "5", "0", 1);
	put(fixture, "NVDA", "5", "0", 2);
	trade_accumulators_clear_pending(&fixture->accumulators, &symbol, 1);
	assert_int_equal(get(fixture, "AAPL").pending_execution_id, 0);
	assert_string_equal(shares_text(get(fixture, "AAPL").accumulated_long).text, "5");
	assert_int_equal(get(fixture, "NVDA").pending_execution_id, 2);
	put(fixture, "AAPL", "5", "0", 1);
	assert_int_equal(get(fixture, "AAPL").pending_execution_id, 1);
}

static void put_position(struct store *store, struct trade_accumulator position)
{
	struct trade_accumulators accumulators;

	trade_accumulators_open(&accumulators, store);
	trade_accumulators_put(&accumulators, &position);
}

static void put_both_sides(struct store *store)
{
	put_position(store, a_position("AAPL", "1", "1"));
}

static void put_negative_long(struct store *store)
{
	put_position(store, a_position("AAPL", "-1", "0"));
}

static void put_negative_short(struct store *store)
{
	put_position(store, a_position("AAPL", "0", "-1"));
}

static void clear_another_execution(struct store *store)
{
	struct trade_accumulator position = a_position("AAPL", "5", "0");
	struct trade_accumulators accumulators;

	(void)test_store_run(store, "INSERT INTO executions (symbol, shares, direction)"
				    " VALUES ('AAPL', '5', 'SELL')");
	trade_accumulators_open(&accumulators, store);
	position.pending_execution_id = 1;
	trade_accumulators_put(&accumulators, &position);
	trade_accumulators_clear_pending(&accumulators, &position.symbol, 2);
}

static void clear_what_is_clear(struct store *store)
{
	struct trade_accumulator position = a_position("AAPL", "5", "0");
	struct trade_accumulators accumulators;

	trade_accumulators_open(&accumulators, store);
	trade_accumulators_put(&accumulators, &position);
	trade_accumulators_clear_pending(&accumulators, &position.symbol, 1);
}

static void read_a_net_that_lies(struct store *store)
{
	struct trade_accumulator position = a_position("AAPL", "5", "0");
	struct trade_accumulators accumulators;

	(void)test_store_run(
		store, "INSERT INTO trade_accumulators (symbol, net_position, accumulated_long)"
		       " VALUES ('AAPL', '4', '5')");
	trade_accumulators_open(&accumulators, store);
	trade_accumulators_get(&accumulators, &position.symbol, &position);
}

static void an_unsound_position_is_a_bug(void **state)
{
	(void)state;
	test_sql_ends_as_bug(put_both_sides, "is_sound");
	test_sql_ends_as_bug(put_negative_long, "is_sound");
	test_sql_ends_as_bug(put_negative_short, "is_sound");
	test_sql_ends_as_bug(clear_another_execution, "changed == 1");
	test_sql_ends_as_bug(clear_what_is_clear, "changed == 1");
	test_sql_ends_as_bug(read_a_net_that_lies, "net_position");
}

static void positions_that_may_need_something_are_walked_in_the_order_of_their_symbols(void **state)
{
	struct fixture *fixture = *state;
	struct trade_accumulator position;

	assert_false(trade_accumulators_next(&fixture->accumulators, NULL, &position));
	put(fixture, "NVDA", "1", "0", 0);
	put(fixture, "BRK.B", "2", "0", 0);
	put(fixture, "AAPL", "3", "0", 0);
	/* Less than a share, and nothing: nobody needs to look at them. */
	put(fixture, "AMD", "0.999999999999999999", "0", 0);
	put(fixture, "MSFT", "0", "0.999999999999999999", 0);
	put(fixture, "META", "0", "0", 0);
	assert_true(trade_accumulators_next(&fixture->accumulators, NULL, &position));
	assert_string_equal(position.symbol.text, "AAPL");
	assert_true(trade_accumulators_next(&fixture->accumulators, &position.symbol, &position));
	assert_string_equal(position.symbol.text, "BRK.B");
	assert_string_equal(shares_text(position.accumulated_long).text, "2");
	assert_true(trade_accumulators_next(&fixture->accumulators, &position.symbol, &position));
	assert_string_equal(position.symbol.text, "NVDA");
	put(fixture, "TSLA", "0", "1", 0);
	put(fixture, "WMT", "0", "120.5", 0);
	put(fixture, "XOM", "0.5", "0", 1);
	assert_true(trade_accumulators_next(&fixture->accumulators, &position.symbol, &position));
	assert_string_equal(position.symbol.text, "TSLA");
	assert_true(trade_accumulators_next(&fixture->accumulators, &position.symbol, &position));
	assert_string_equal(position.symbol.text, "WMT");
	assert_true(trade_accumulators_next(&fixture->accumulators, &position.symbol, &position));
	assert_string_equal(position.symbol.text, "XOM");
	assert_false(trade_accumulators_next(&fixture->accumulators, &position.symbol, &position));
}

/* A row as an earlier year left it. */
static void insert_old_row(struct fixture *fixture)
{
	(void)test_store_run(
		&fixture->store,
		"INSERT INTO trade_accumulators (symbol, pending_execution_id, last_updated)"
		" VALUES ('AAPL', 1, '2000-01-01T00:00:00.000Z')");
}

static const char age_sql[] = "SELECT CASE WHEN last_updated BETWEEN"
			      " strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 minute') AND"
			      " strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN 'now' ELSE 'old' END"
			      " AS value FROM trade_accumulators";

static void every_change_moves_last_updated(void **state)
{
	struct fixture *fixture = *state;
	struct symbol symbol;

	assert_true(symbol_set(&symbol, "AAPL"));
	insert_old_row(fixture);
	test_sql_expect(&fixture->store, age_sql, "old");
	put(fixture, "AAPL", "5", "0", 0);
	test_sql_expect(&fixture->store, age_sql, "now");
	assert_int_equal(get(fixture, "AAPL").pending_execution_id, 1);

	(void)test_store_run(&fixture->store, "DELETE FROM trade_accumulators");
	insert_old_row(fixture);
	trade_accumulators_clear_pending(&fixture->accumulators, &symbol, 1);
	test_sql_expect(&fixture->store, age_sql, "now");
}

static void last_updated_cannot_be_set_back(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, "AAPL", "5", "0", 0);
	(void)test_store_run(
		&fixture->store,
		"UPDATE trade_accumulators SET last_updated = '2000-01-01T00:00:00.000Z'");
	test_sql_expect(&fixture->store, age_sql, "now");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_symbol_without_a_row_has_an_empty_position),
		WITH_STORE(a_position_comes_back_with_its_net),
		WITH_STORE(a_position_may_change_sides),
		WITH_STORE(writing_other_columns_never_clears_the_pending_execution),
		WITH_STORE(a_pending_execution_may_come_later_than_its_row),
		WITH_STORE(the_pending_execution_is_cleared_by_its_name),
		cmocka_unit_test(an_unsound_position_is_a_bug),
		WITH_STORE(
			positions_that_may_need_something_are_walked_in_the_order_of_their_symbols),
		WITH_STORE(every_change_moves_last_updated),
		WITH_STORE(last_updated_cannot_be_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
