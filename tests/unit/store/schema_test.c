/* The schema's own guards: what it refuses whoever errs, and what it does by itself. */
#include "test_store.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/migrations.h"

#include <sqlite3.h>

#define HASH_A	"'0x' || printf('%064d', 1)"
#define HASH_B	"'0x' || printf('%064d', 2)"
#define ADDRESS "'0x' || printf('%040d', 1)"
#define TIME	"'2026-11-23T22:59:20.123Z'"

/* A queue row; what follows VALUES is given piecewise, so that a test changes one thing. */
#define EVENT(hash, index, block, data, processed, outcome, time, source)                          \
	"INSERT INTO event_queue (tx_hash, log_index, block_number, block_hash, block_timestamp,"  \
	" event_type, event_data, processed, outcome, processed_at, source) VALUES (" hash         \
	", " index ", " block ", " HASH_A ", " TIME ", 'TakeOrderV2', " data ", " processed        \
	", " outcome ", " time ", " source ")"

#define GOOD_EVENT EVENT(HASH_A, "0", "5", "'{}'", "0", "NULL", "NULL", "'listener'")

#define TRADE(direction, amount, reverses)                                                         \
	"INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp," \
	" order_owner, symbol, base_symbol, direction, amount, unallocated, reverses_trade_id)"    \
	" VALUES (1, " HASH_A ", 0, 5, " TIME ", " ADDRESS ", 'AAPL0x', 'AAPL', " direction        \
	", " amount ", " amount ", " reverses ")"

#define GOOD_TRADE TRADE("'BUY'", "'1.5'", "NULL")

#define EXECUTION(symbol, status, client, order, executed)                                         \
	"INSERT INTO executions (symbol, shares, direction, status, client_order_id, broker,"      \
	" order_id, executed_at) VALUES (" symbol ", '1', 'SELL', " status ", " client             \
	", 'dry-run', " order ", " executed ")"

#define ACCUMULATOR(long_shares, short_shares, pending)                                            \
	"INSERT INTO trade_accumulators (symbol, net_position, accumulated_long,"                  \
	" accumulated_short, pending_execution_id) VALUES ('AAPL', '1', " long_shares              \
	", " short_shares ", " pending ")"

#define SESSION(cutoff, source, ended, reason)                                                     \
	"INSERT INTO listener_sessions (cutoff_block, cutoff_source, last_block, started_at,"      \
	" ended_at, end_reason) VALUES (" cutoff ", " source ", 5, " TIME ", " ended ", " reason   \
	")"

/* What is accepted before, and the statement that is then refused, in which words. */
struct refusal {
	const char *before[3];
	const char *refused;
	const char *words;
};

static const struct refusal refusals[] = {
	{{NULL},
	 EVENT("'0x12'", "0", "5", "'{}'", "0", "NULL", "NULL", "'listener'"),
	 "length(tx_hash) = 66"},
	{{NULL},
	 EVENT(HASH_A, "-1", "5", "'{}'", "0", "NULL", "NULL", "'listener'"),
	 "log_index >= 0"},
	{{NULL},
	 EVENT(HASH_A, "0", "-5", "'{}'", "0", "NULL", "NULL", "'listener'"),
	 "block_number >= 0"},
	{{NULL},
	 EVENT(HASH_A, "0", "5", "'{'", "0", "NULL", "NULL", "'listener'"),
	 "json_valid(event_data)"},
	{{NULL},
	 EVENT(HASH_A, "0", "5", "'{}'", "2", "'trade'", TIME, "'listener'"),
	 "processed IN (0, 1)"},
	{{NULL},
	 EVENT(HASH_A, "0", "5", "'{}'", "1", "'sold'", TIME, "'listener'"),
	 "outcome = 'trade'"},
	{{NULL}, EVENT(HASH_A, "0", "5", "'{}'", "0", "NULL", "NULL", "'somebody'"), "source IN"},
	{{NULL},
	 EVENT(HASH_A, "0", "5", "'{}'", "1", "NULL", TIME, "'listener'"),
	 "(processed = 1) = (outcome IS NOT NULL)"},
	{{NULL},
	 EVENT(HASH_A, "0", "5", "'{}'", "0", "'trade'", "NULL", "'listener'"),
	 "(processed = 1) = (outcome IS NOT NULL)"},
	{{NULL},
	 EVENT(HASH_A, "0", "5", "'{}'", "1", "'trade'", "NULL", "'listener'"),
	 "(processed = 1) = (processed_at IS NOT NULL)"},
	{{NULL},
	 EVENT(HASH_A, "'zero'", "5", "'{}'", "0", "NULL", "NULL", "'listener'"),
	 "cannot store TEXT value in INTEGER column"},
	{{NULL},
	 EVENT(HASH_A, "0.5", "5", "'{}'", "0", "NULL", "NULL", "'listener'"),
	 "cannot store REAL value in INTEGER column"},
	{{GOOD_EVENT}, GOOD_EVENT, "UNIQUE constraint failed: event_queue.tx_hash"},
	{{GOOD_EVENT}, "UPDATE event_queue SET removed = 2", "removed IN (0, 1)"},
	{{GOOD_EVENT}, "UPDATE event_queue SET block_hash = '0x'", "length(block_hash) = 66"},

	{{NULL}, GOOD_TRADE, "FOREIGN KEY"},
	{{GOOD_EVENT}, TRADE("'HOLD'", "'1'", "NULL"), "direction IN"},
	{{GOOD_EVENT}, TRADE("'BUY'", "'1'", "77"), "FOREIGN KEY"},
	{{GOOD_EVENT}, TRADE("'BUY'", "1.5e0", "x'00'"), "cannot store BLOB value"},
	{{GOOD_EVENT, GOOD_TRADE}, GOOD_TRADE, "UNIQUE constraint failed: onchain_trades.event_id"},
	{{GOOD_EVENT, GOOD_TRADE, TRADE("'SELL'", "'1.5'", "1")},
	 TRADE("'SELL'", "'1.5'", "1"),
	 "UNIQUE constraint failed: onchain_trades.reverses_trade_id"},
	{{GOOD_EVENT, GOOD_TRADE},
	 "UPDATE onchain_trades SET order_owner = '0x1'",
	 "length(order_owner) = 42"},
	{{GOOD_EVENT, GOOD_TRADE}, "DELETE FROM event_queue", "FOREIGN KEY"},

	{{NULL},
	 EXECUTION("'AAPL'", "'DONE'", "NULL", "NULL", "NULL"),
	 "status = 'PENDING' OR status"},
	{{NULL},
	 EXECUTION("'AAPL'", "'SUBMITTING'", "NULL", "NULL", "NULL"),
	 "status = 'PENDING' OR client_order_id IS NOT NULL"},
	{{NULL},
	 EXECUTION("'AAPL'", "'SUBMITTED'", "'c1'", "NULL", "NULL"),
	 "status NOT IN ('SUBMITTED', 'FILLED') OR order_id IS NOT NULL"},
	{{NULL},
	 EXECUTION("'AAPL'", "'FILLED'", "'c1'", "NULL", TIME),
	 "status NOT IN ('SUBMITTED', 'FILLED') OR order_id IS NOT NULL"},
	{{NULL},
	 EXECUTION("'AAPL'", "'FILLED'", "'c1'", "'o1'", "NULL"),
	 "(executed_at IS NOT NULL)"},
	{{NULL},
	 EXECUTION("'AAPL'", "'SUBMITTED'", "'c1'", "'o1'", TIME),
	 "(executed_at IS NOT NULL)"},
	{{EXECUTION("'AAPL'", "'PENDING'", "NULL", "NULL", "NULL")},
	 EXECUTION("'AAPL'", "'PENDING'", "NULL", "NULL", "NULL"),
	 "UNIQUE constraint failed: executions.symbol"},
	{{EXECUTION("'AAPL'", "'HELD'", "'c1'", "NULL", "NULL")},
	 EXECUTION("'AAPL'", "'SUBMITTED'", "'c2'", "'o2'", "NULL"),
	 "UNIQUE constraint failed: executions.symbol"},
	{{EXECUTION("'AAPL'", "'SUBMITTING'", "'c1'", "NULL", "NULL")},
	 EXECUTION("'NVDA'", "'SUBMITTING'", "'c1'", "NULL", "NULL"),
	 "UNIQUE constraint failed: executions.client_order_id"},
	{{EXECUTION("'AAPL'", "'FILLED'", "'c1'", "'o1'", TIME)},
	 EXECUTION("'NVDA'", "'SUBMITTED'", "'c2'", "'o1'", "NULL"),
	 "UNIQUE constraint failed: executions.broker, executions.order_id"},

	{{NULL}, ACCUMULATOR("'1'", "'2'", "NULL"), "accumulated_long = '0'"},
	{{NULL}, ACCUMULATOR("'1'", "'0'", "77"), "FOREIGN KEY"},
	{{NULL}, "INSERT INTO trade_execution_links VALUES (1, 1, '0')", "FOREIGN KEY"},
	{{NULL}, "INSERT INTO trade_offsets VALUES (1, 1, '0')", "FOREIGN KEY"},

	{{NULL}, "INSERT INTO block_coverage VALUES (5, 4)", "last_block >= first_block"},
	{{NULL}, "INSERT INTO block_coverage VALUES (-1, 4)", "first_block >= 0"},
	{{"INSERT INTO block_coverage VALUES (5, 6)"},
	 "INSERT INTO block_coverage VALUES (5, 7)",
	 "UNIQUE constraint failed: block_coverage.first_block"},

	{{NULL}, SESSION("-1", "'first_event'", "NULL", "NULL"), "cutoff_block >= 0"},
	{{NULL}, SESSION("1", "'guess'", "NULL", "NULL"), "cutoff_source IN"},
	{{NULL}, SESSION("1", "'first_event'", TIME, "NULL"), "(ended_at IS NULL) = "},
	{{NULL}, SESSION("1", "'first_event'", "NULL", "'why'"), "(ended_at IS NULL) = "},

	{{NULL}, "INSERT INTO tokens VALUES ('0x1', 'AAPL', 18)", "length(address) = 42"},
	{{NULL}, "INSERT INTO tokens VALUES (" ADDRESS ", 'AAPL', 256)", "decimals BETWEEN"},
	{{NULL}, "INSERT INTO tokens VALUES (" ADDRESS ", 'AAPL', -1)", "decimals BETWEEN"},
	{{NULL}, "INSERT INTO controls (name, value) VALUES ('a', '1')", "NOT NULL"},
	{{"INSERT INTO ledger VALUES ('chain_id', '1')"},
	 "INSERT INTO ledger VALUES ('chain_id', '2')",
	 "UNIQUE constraint failed: ledger.name"},
};

struct attempt {
	const char *path;
	const struct refusal *refusal;
};

static void attempt(void *context)
{
	const struct attempt *attempt = context;
	static struct store store;

	store_open(&store, attempt->path);
	if (!store_begin(&store))
		_exit(98);
	for (size_t i = 0; i < ARRAY_LENGTH(attempt->refusal->before); i++) {
		const char *sql = attempt->refusal->before[i];

		if (sql != NULL && test_store_run(&store, sql) != 1)
			_exit(97);
	}
	(void)test_store_run(&store, attempt->refusal->refused);
}

/* The words must be SQLite's: the SQL, which is logged after them, does not count. */
static void assert_refused(struct test_child *child, const struct refusal *refusal)
{
	char *sql = strstr(child->text, " sql=");

	if (sql == NULL || strstr(child->text, refusal->refused) == NULL)
		fail_msg("another statement failed: %s", child->text);
	else
		*sql = '\0';
	test_child_assert(child, EXIT_CODE_BUG, refusal->words);
}

static void rows_that_cannot_be_are_refused(void **state)
{
	struct test_file file;

	(void)state;
	test_file_create_database(&file);
	for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
		struct attempt this = {file.path, &refusals[i]};
		struct test_child child = test_child_run(attempt, &this);

		assert_refused(&child, &refusals[i]);
	}
	test_file_remove(&file);
}

/* The same rows without the mistake, or the refusals above would prove nothing. */
static void rows_that_can_be_are_accepted(void **state)
{
	static const char *const accepted[] = {
		GOOD_EVENT,
		EVENT(HASH_A, "1", "5", "'{}'", "1", "'trade'", TIME, "'backfiller'"),
		EVENT(HASH_B, "0", "0", "'[1]'", "1", "'quarantined'", TIME, "'listener'"),
		GOOD_TRADE,
		TRADE("'SELL'", "'1.5'", "1"),
		EXECUTION("'AAPL'", "'FILLED'", "'c1'", "'o1'", TIME),
		EXECUTION("'AAPL'", "'FAILED'", "'c2'", "NULL", TIME),
		EXECUTION("'AAPL'", "'PENDING'", "NULL", "NULL", "NULL"),
		EXECUTION("'NVDA'", "'SUBMITTING'", "'c3'", "NULL", "NULL"),
		EXECUTION("'TSLA'", "'SUBMITTED'", "'c4'", "'o2'", "NULL"),
		EXECUTION("'BRK.B'", "'HELD'", "'c5'", "NULL", "NULL"),
		ACCUMULATOR("'1'", "'0'", "1"),
		"INSERT INTO trade_execution_links VALUES (1, 1, '0')",
		"INSERT INTO trade_offsets VALUES (1, 2, '1.5')",
		"INSERT INTO block_coverage VALUES (0, 0)",
		SESSION("0", "'first_event'", "NULL", "NULL"),
		SESSION("7", "'block_number'", TIME, "'why'"),
		"INSERT INTO tokens VALUES (" ADDRESS ", 'AAPL', 0)",
		"INSERT INTO controls (name, value, reason) VALUES ('a', '1', '')",
		"INSERT INTO ledger VALUES ('chain_id', '1')",
	};
	struct test_store test;

	(void)state;
	test_store_open(&test);
	for (size_t i = 0; i < ARRAY_LENGTH(accepted); i++)
		assert_int_equal(test_store_run(&test.store, accepted[i]), 1);
	test_store_close(&test);
}

static void an_event_that_left_the_chain_may_come_again(void **state)
{
	struct test_store test;

	(void)state;
	test_store_open(&test);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(test_store_run(&test.store, GOOD_EVENT), 1);
		assert_int_equal(test_store_run(&test.store, "UPDATE event_queue SET removed = 1 "
							     "WHERE removed = 0"),
				 1);
	}
	assert_int_equal(test_store_run(&test.store, GOOD_EVENT), 1);
	test_store_close(&test);
}

static int64_t is_updated_just_now(struct store *store)
{
	return test_store_int64(store,
				"SELECT last_updated GLOB "
				"'[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:"
				"[0-9][0-9].[0-9][0-9][0-9]Z' AND abs(julianday('now') - "
				"julianday(last_updated)) < 0.01 AS n FROM trade_accumulators",
				"n");
}

static void last_updated_is_true_whoever_updates_and_however(void **state)
{
	static const char *const updates[] = {
		"UPDATE trade_accumulators SET net_position = '3', accumulated_long = '3'",
		"UPDATE trade_accumulators SET net_position = net_position",
		"UPDATE trade_accumulators SET last_updated = '1999-01-01T00:00:00.000Z'",
		ACCUMULATOR("'5'", "'0'", "NULL") " ON CONFLICT (symbol) DO UPDATE SET "
						  "net_position = '5', accumulated_long = '5'",
	};
	struct test_store test;

	(void)state;
	test_store_open(&test);
	assert_int_equal(test_store_run(&test.store, ACCUMULATOR("'1'", "'0'", "NULL")), 1);
	assert_int_equal(is_updated_just_now(&test.store), 1);
	for (size_t i = 0; i < ARRAY_LENGTH(updates); i++) {
		/* The trigger does not let an old time stand: only without it there is one. */
		assert_true(store_begin(&test.store));
		(void)test_store_run(&test.store, "DELETE FROM trade_accumulators");
		(void)test_store_run(&test.store,
				     "INSERT INTO trade_accumulators (symbol, last_updated) "
				     "VALUES ('AAPL', '2001-01-01T00:00:00.000Z')");
		store_commit(&test.store);
		assert_int_equal(is_updated_just_now(&test.store), 0);
		/* One row changed: what the trigger does is not counted. */
		assert_int_equal(test_store_run(&test.store, updates[i]), 1);
		assert_int_equal(is_updated_just_now(&test.store), 1);
	}
	test_store_close(&test);
}

static void run_sql(sqlite3 *connection, const char *sql)
{
	assert_int_equal(sqlite3_exec(connection, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* As the programs of that schema left it. */
static void create_at_schema(const char *path, int version)
{
	sqlite3 *connection = NULL;
	char sql[96];

	assert_int_equal(sqlite3_open(path, &connection), SQLITE_OK);
	for (int i = 0; i < version; i++)
		run_sql(connection, migrations[i].sql);
	(void)snprintf(sql, sizeof(sql),
		       "PRAGMA user_version = %d; PRAGMA application_id = 0x424c5354", version);
	run_sql(connection, sql);
	run_sql(connection, GOOD_EVENT ";" GOOD_TRADE);
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
}

static void schema_6_takes_an_index_from_the_trades_and_nothing_else(void **state)
{
	static const char count_indices[] = "SELECT count(*) AS n FROM sqlite_schema WHERE type = "
					    "'index' AND tbl_name = 'onchain_trades'";
	struct test_store test;
	int64_t before;

	(void)state;
	test_file_create(&test.file);
	create_at_schema(test.file.path, 5);
	store_open_any_schema(&test.store, test.file.path);
	before = test_store_int64(&test.store, count_indices, "n");
	store_close(&test.store);
	store_open(&test.store, test.file.path);
	assert_int_equal(test_store_int64(&test.store, count_indices, "n"), before - 1);
	assert_int_equal(
		test_store_int64(&test.store,
				 "SELECT count(*) AS n FROM onchain_trades AS t JOIN "
				 "event_queue AS q ON q.id = t.event_id WHERE q.tx_hash = " HASH_A
				 " AND q.removed = 0",
				 "n"),
		1);
	test_store_close(&test);
}

static int64_t tables_that_say(struct store *store, const char *words)
{
	struct statement count;
	int64_t tables;

	statement_prepare(&count, store,
			  "SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'"
			  " AND instr(sql, :words) > 0");
	statement_bind_text(&count, ":words", words);
	assert_true(statement_row(&count));
	tables = statement_int64(&count, "n");
	statement_finalize(&count);
	return tables;
}

/* What the reworded checks refuse is among the refusals above. */
static void schema_7_rewords_two_checks_and_changes_no_row(void **state)
{
	static const char all_rows[] =
		"SELECT (SELECT count(*) FROM event_queue) + (SELECT count(*) FROM onchain_trades) "
		"+ (SELECT count(*) FROM executions) AS n";
	struct test_store test;

	(void)state;
	test_file_create(&test.file);
	create_at_schema(test.file.path, 6);
	store_open_any_schema(&test.store, test.file.path);
	assert_int_equal(tables_that_say(&test.store, "CHECK (outcome IN ('trade', "), 1);
	assert_int_equal(tables_that_say(&test.store, "CHECK (status IN ('PENDING', "), 1);
	store_close(&test.store);

	store_open(&test.store, test.file.path);
	assert_int_equal(tables_that_say(&test.store, "CHECK (outcome IN ('trade', "), 0);
	assert_int_equal(tables_that_say(&test.store, "CHECK (outcome = 'trade' OR "), 1);
	assert_int_equal(tables_that_say(&test.store, "CHECK (status IN ('PENDING', "), 0);
	assert_int_equal(tables_that_say(&test.store, "CHECK (status = 'PENDING' OR "), 1);
	assert_int_equal(test_store_int64(&test.store, all_rows, "n"), 2);
	assert_int_equal(
		test_store_run(&test.store, EXECUTION("'AAPL'", "'HELD'", "'c1'", "NULL", "NULL")),
		1);
	test_store_close(&test);
}

/* The permission that rewording needs ends with it. */
static void no_statement_rewords_the_schema(void **state)
{
	struct test_store test;

	(void)state;
	test_store_open(&test);
	(void)sqlite3_exec(test.store.connection, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
	assert_int_not_equal(sqlite3_exec(test.store.connection,
					  "UPDATE sqlite_schema SET sql = '' WHERE name = 'tokens'",
					  NULL, NULL, NULL),
			     SQLITE_OK);
	test_store_close(&test);
}

/* An old program's, which is still to be stopped. */
static void a_connection_from_before_sees_the_reworded_schema(void **state)
{
	struct test_store test;
	sqlite3 *old = NULL;

	(void)state;
	test_file_create(&test.file);
	create_at_schema(test.file.path, 6);
	assert_int_equal(sqlite3_open(test.file.path, &old), SQLITE_OK);
	run_sql(old, "PRAGMA journal_mode = WAL; SELECT * FROM executions");
	store_open(&test.store, test.file.path);
	run_sql(old, EXECUTION("'AAPL'", "'HELD'", "'c1'", "NULL", "NULL"));
	assert_int_equal(sqlite3_exec(old, EXECUTION("'NVDA'", "'DONE'", "'c2'", "NULL", "NULL"),
				      NULL, NULL, NULL),
			 SQLITE_CONSTRAINT);
	assert_non_null(strstr(sqlite3_errmsg(old), "status = 'PENDING' OR status"));
	assert_int_equal(sqlite3_close(old), SQLITE_OK);
	test_store_close(&test);
}

static void live_trades_are_neither_reversed_nor_reversals(void **state)
{
	struct test_store test;

	(void)state;
	test_store_open(&test);
	assert_int_equal(test_store_run(&test.store, GOOD_EVENT), 1);
	assert_int_equal(test_store_run(&test.store, GOOD_TRADE), 1);
	assert_int_equal(test_store_run(&test.store, TRADE("'SELL'", "'2'", "NULL")), 1);
	assert_int_equal(
		test_store_int64(&test.store, "SELECT count(*) AS n FROM live_trades", "n"), 2);
	assert_int_equal(test_store_run(&test.store, TRADE("'SELL'", "'1.5'", "1")), 1);
	assert_int_equal(
		test_store_int64(&test.store, "SELECT count(*) AS n FROM live_trades", "n"), 1);
	assert_int_equal(test_store_int64(&test.store, "SELECT max(id) AS n FROM live_trades", "n"),
			 2);
	test_store_close(&test);
}

static void times_by_default_are_in_the_one_form(void **state)
{
	static const char *const rows[] = {
		GOOD_EVENT,
		GOOD_TRADE,
		EXECUTION("'AAPL'", "'PENDING'", "NULL", "NULL", "NULL"),
		"INSERT INTO controls (name, value, reason) VALUES ('a', '1', '')",
	};
	static const char *const times[] = {
		"SELECT created_at AS t FROM event_queue",
		"SELECT created_at AS t FROM onchain_trades",
		"SELECT created_at AS t FROM executions",
		"SELECT set_at AS t FROM controls",
	};
	struct test_store test;

	(void)state;
	test_store_open(&test);
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct statement statement;
		int64_t wall_ms;

		assert_int_equal(test_store_run(&test.store, rows[i]), 1);
		statement_prepare(&statement, &test.store, times[i]);
		assert_true(statement_row(&statement));
		assert_true(clock_parse_text(statement_text(&statement, "t"), &wall_ms));
		assert_true(wall_ms > 0);
		statement_finalize(&statement);
	}
	test_store_close(&test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_that_cannot_be_are_refused),
		cmocka_unit_test(rows_that_can_be_are_accepted),
		cmocka_unit_test(an_event_that_left_the_chain_may_come_again),
		cmocka_unit_test(last_updated_is_true_whoever_updates_and_however),
		cmocka_unit_test(schema_6_takes_an_index_from_the_trades_and_nothing_else),
		cmocka_unit_test(schema_7_rewords_two_checks_and_changes_no_row),
		cmocka_unit_test(no_statement_rewords_the_schema),
		cmocka_unit_test(a_connection_from_before_sees_the_reworded_schema),
		cmocka_unit_test(live_trades_are_neither_reversed_nor_reversals),
		cmocka_unit_test(times_by_default_are_in_the_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
