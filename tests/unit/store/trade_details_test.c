/* What is still to be asked about fills is found without reading all that was asked before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/trade_details.h"
#include "unit/store/test_sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define FILLS	   500
#define TEXT(x)	   #x
#define TEXT_OF(x) TEXT(x)

/* Two events a transaction, each with a trade of a ticker of its own. All were asked about. */
static const char insert_events_sql[] =
	"INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp,"
	" event_type, event_data, source)"
	" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " TEXT_OF(
		FILLS) ")"
		       " SELECT printf('0x%064x', i / 2), i % 2, 19, printf('0x%064d', 7),"
		       " '2026-01-01T00:00:00.000Z', 'TakeOrderV2', '{}', 'listener' FROM n";

static const char insert_trades_sql[] =
	"INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp,"
	" order_owner, symbol, base_symbol, direction, amount, unallocated, details_at)"
	" SELECT id, tx_hash, log_index, block_number, block_timestamp, printf('0x%040d', 1),"
	" 'T' || log_index || 't', 'T' || log_index, 'BUY', '1', '1', '2026-01-01T00:00:00.000Z'"
	" FROM event_queue ORDER BY id";

struct fixture {
	struct test_file file;
	struct store store;
	struct trade_details details;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.file);
	store_open(&fixture.store, fixture.file.path);
	trade_details_open(&fixture.details, &fixture.store);
	*state = &fixture;
	if (!store_begin(&fixture.store))
		return -1;
	(void)test_store_run(&fixture.store, insert_events_sql);
	(void)test_store_run(&fixture.store, insert_trades_sql);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_rollback(&fixture->store);
	trade_details_close(&fixture->details);
	store_close(&fixture->store);
	test_file_remove(&fixture->file);
	return 0;
}

/* What SQLite did for the statement since it was asked last. */
static int steps_of(struct statement *statement)
{
	return sqlite3_stmt_status(statement->compiled, SQLITE_STMTSTATUS_VM_STEP, 1);
}

static struct evm_word transaction(uint8_t number)
{
	struct evm_word tx_hash = {.bytes = {0}};

	tx_hash.bytes[EVM_WORD_SIZE - 1] = number;
	return tx_hash;
}

static void what_was_asked_before_is_passed_by(void **state)
{
	struct fixture *fixture = *state;
	struct undetailed_trade trade;

	(void)steps_of(&fixture->details.next);
	assert_false(trade_details_next(&fixture->details, 0, &trade));
	assert_true(steps_of(&fixture->details.next) < FILLS);
	(void)test_store_run(&fixture->store,
			     "UPDATE onchain_trades SET details_at = NULL WHERE id IN (300, 400)");
	assert_true(trade_details_next(&fixture->details, 0, &trade));
	assert_int_equal(trade.id, 300);
	assert_true(trade_details_next(&fixture->details, 300, &trade));
	assert_int_equal(trade.id, 400);
	assert_false(trade_details_next(&fixture->details, 400, &trade));
	assert_true(steps_of(&fixture->details.next) < FILLS);
}

static void the_tickers_of_a_transaction_are_found_through_its_events(void **state)
{
	struct fixture *fixture = *state;
	const struct evm_word known = transaction(33), unknown = transaction(255);

	(void)steps_of(&fixture->details.tickers);
	assert_int_equal(trade_details_tickers(&fixture->details, &known), 2);
	assert_int_equal(trade_details_tickers(&fixture->details, &unknown), 0);
	assert_true(steps_of(&fixture->details.tickers) < FILLS);
	(void)test_store_run(
		&fixture->store,
		"UPDATE onchain_trades SET base_symbol = 'T0' WHERE base_symbol = 'T1'");
	assert_int_equal(trade_details_tickers(&fixture->details, &known), 1);
}

static void an_event_that_left_the_chain_does_not_count(void **state)
{
	struct fixture *fixture = *state;
	const struct evm_word known = transaction(33);

	(void)test_store_run(&fixture->store,
			     "UPDATE event_queue SET removed = 1 WHERE log_index = 1");
	assert_int_equal(trade_details_tickers(&fixture->details, &known), 1);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_STORE(what_was_asked_before_is_passed_by),
		WITH_STORE(the_tickers_of_a_transaction_are_found_through_its_events),
		WITH_STORE(an_event_that_left_the_chain_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
