/*
 * What applying events costs SQLite alone: the rows that the processor wrote into DONE are written
 * again into QUEUE, where the same events still wait, by the same number a transaction, each event
 * read from the queue before. Nothing is decoded, computed or checked.
 *
 *	floor-processor QUEUE DONE BATCH
 */
#include "base/log.h"
#include "store/store.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

/* The parameters of a write are the columns of the rows that SELECT gives, in this order. */
struct copy {
	const char *select; /* one ?: the trade's id, which is its event's, too */
	const char *write;
	sqlite3_stmt *source;
	sqlite3_stmt *target;
};

static struct copy copies[] = {
	{.select =
		 "SELECT event_id, tx_hash, log_index, block_number, block_timestamp, order_owner,"
		 " symbol, base_symbol, direction, amount, usdc_amount, price_usdc, '0',"
		 " created_at FROM onchain_trades WHERE id = ?",
	 .write = "INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number,"
		  " block_timestamp, order_owner, symbol, base_symbol, direction, amount,"
		  " usdc_amount, price_usdc, unallocated, created_at)"
		  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
	{.select = "SELECT buy_trade_id, sell_trade_id, shares FROM trade_offsets"
		   " WHERE max(buy_trade_id, sell_trade_id) = ?1"
		   " AND (buy_trade_id = ?1 OR sell_trade_id = ?1)",
	 .write = "INSERT INTO trade_offsets (buy_trade_id, sell_trade_id, shares) VALUES (?, ?, "
		  "?)"},
	{.select = "SELECT a.symbol, a.net_position, a.accumulated_long, a.accumulated_short"
		   " FROM trade_accumulators AS a JOIN onchain_trades AS t ON t.base_symbol = "
		   "a.symbol"
		   " WHERE t.id = ?",
	 .write = "INSERT INTO trade_accumulators (symbol, net_position, accumulated_long,"
		  " accumulated_short) VALUES (?, ?, ?, ?) ON CONFLICT (symbol) DO UPDATE SET"
		  " net_position = excluded.net_position,"
		  " accumulated_long = excluded.accumulated_long,"
		  " accumulated_short = excluded.accumulated_short"},
	{.select = "SELECT outcome, processed_at, id FROM event_queue WHERE id = ?",
	 .write = "UPDATE event_queue SET processed = 1, outcome = ?, processed_at = ? WHERE id = "
		  "?"},
};

#define COPIES (sizeof(copies) / sizeof(copies[0]))

static const char next_sql[] =
	"SELECT id, tx_hash, block_timestamp, event_data FROM event_queue"
	" WHERE processed = 0 AND removed = 0 ORDER BY block_number, log_index, id LIMIT 1";

static void require(bool good, const char *what)
{
	if (!good)
		fatal(EXIT_CODE_BUG, "floor: %s", what);
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	require(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK, sql);
	return statement;
}

static void write_rows(struct copy *copy, int64_t id)
{
	require(sqlite3_bind_int64(copy->source, 1, id) == SQLITE_OK, "bind");
	while (sqlite3_step(copy->source) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(copy->source); i++)
			require(sqlite3_bind_value(copy->target, i + 1,
						   sqlite3_column_value(copy->source, i)) ==
					SQLITE_OK,
				"bind");
		require(sqlite3_step(copy->target) == SQLITE_DONE &&
				sqlite3_reset(copy->target) == SQLITE_OK,
			copy->write);
	}
	require(sqlite3_reset(copy->source) == SQLITE_OK, copy->select);
}

/* False: no event waits. */
static bool apply_next(sqlite3_stmt *next)
{
	bool found = sqlite3_step(next) == SQLITE_ROW;
	int64_t id = found ? sqlite3_column_int64(next, 0) : 0;

	if (found)
		require(sqlite3_column_text(next, 3) != NULL, "event_data");
	require(sqlite3_reset(next) == SQLITE_OK, next_sql);
	for (size_t i = 0; i < COPIES && found; i++)
		write_rows(&copies[i], id);
	return found;
}

int main(int argc, char **argv)
{
	struct store queue;
	struct store done;
	sqlite3_stmt *next;
	bool found = true;

	if (argc != 4)
		return EXIT_CODE_USAGE;
	log_start("floor-processor", LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	store_open(&queue, argv[1]);
	store_open_read_only(&done, argv[2]);
	next = prepare(queue.connection, next_sql);
	for (size_t i = 0; i < COPIES; i++) {
		copies[i].source = prepare(done.connection, copies[i].select);
		copies[i].target = prepare(queue.connection, copies[i].write);
	}
	while (found) {
		require(store_begin(&queue), "begin");
		for (int64_t i = strtoll(argv[3], NULL, 10); i > 0 && found; i--)
			found = apply_next(next);
		store_commit(&queue);
	}
	(void)sqlite3_finalize(next);
	for (size_t i = 0; i < COPIES; i++) {
		(void)sqlite3_finalize(copies[i].source);
		(void)sqlite3_finalize(copies[i].target);
	}
	store_close(&done);
	store_close(&queue);
	return 0;
}
