/* See report_pnl.h. */
#include "monitor/report_pnl.h"

#include "base/buffer.h"
#include "base/log.h"
#include "monitor/fifo.h"
#include "monitor/spread.h"
#include "store/amounts.h"

#include <string.h>

/*
 * A reversal counts when it was booked, since its own block is gone. What an order filled counts
 * when the order ended, in full, whatever became of its rest.
 */
static const char fills_sql[] =
	"SELECT * FROM ("
	" SELECT CASE WHEN reverses_trade_id IS NULL THEN block_timestamp ELSE created_at END AS "
	"time,"
	"  0 AS place, block_number, log_index, id, 'chain' AS source,"
	"  tx_hash || ':' || log_index AS reference, base_symbol AS symbol, direction,"
	"  amount, price_usdc AS price, usdc_amount, oracle_price, gas_used, gas_price_wei,"
	"  l1_fee_wei, 'reverses trade ' || reverses_trade_id AS note"
	" FROM onchain_trades"
	" UNION ALL"
	" SELECT executed_at, 1, 0, 0, id, broker, order_id, symbol, direction, filled_shares,"
	"  average_price, NULL, NULL, NULL, NULL, NULL, NULL"
	" FROM executions WHERE status IN ('FILLED', 'FAILED') AND filled_shares <> '0')"
	" WHERE :symbol IS NULL OR symbol = :symbol"
	" ORDER BY time, place, block_number, log_index, id";

enum pnl_cell {
	CELL_TIME,
	CELL_SOURCE,
	CELL_ID,
	CELL_SYMBOL,
	CELL_SIDE,
	CELL_SHARES,
	CELL_PRICE,
	CELL_USD,
	CELL_REALISED,
	CELL_REALISED_TOTAL,
	CELL_NET_POSITION,
	CELL_UNPRICED,
	CELL_ORACLE_PRICE,
	CELL_SPREAD,
	CELL_GAS_USED,
	CELL_GAS_PRICE,
	CELL_L1_FEE,
	CELL_REFERENCE,
	CELL_NOTE,
	CELL_COUNT,
};

static const struct table_column pnl_columns[CELL_COUNT] = {
	[CELL_TIME] = {"time", 24, false},
	[CELL_SOURCE] = {"source", 7, false},
	[CELL_ID] = {"id", 6, true},
	[CELL_SYMBOL] = {"symbol", 6, false},
	[CELL_SIDE] = {"side", 4, false},
	[CELL_SHARES] = {"shares", 12, true},
	[CELL_PRICE] = {"price", 12, true},
	[CELL_USD] = {"usd", 14, true},
	[CELL_REALISED] = {"realised", 12, true},
	[CELL_REALISED_TOTAL] = {"realised_total", 14, true},
	[CELL_NET_POSITION] = {"net_position", 12, true},
	[CELL_UNPRICED] = {"closed_unpriced", 15, true},
	[CELL_ORACLE_PRICE] = {"oracle_price", 12, true},
	[CELL_SPREAD] = {"spread_usdc", 12, true},
	[CELL_GAS_USED] = {"gas_used", 8, true},
	[CELL_GAS_PRICE] = {"gas_price_wei", 13, true},
	[CELL_L1_FEE] = {"l1_fee_wei", 10, true},
	[CELL_REFERENCE] = {"reference", 36, false},
	[CELL_NOTE] = {"note", 0, false},
};

struct symbol_book {
	struct symbol symbol;
	struct fifo_book fifo;
};

struct symbol_books {
	struct symbol_book *items;
	size_t count;
};

static struct fifo_book *book_of(struct symbol_books *books, const char *text)
{
	struct symbol symbol;
	bool valid = symbol_set(&symbol, text);

	invariant(valid);
	for (size_t i = 0; i < books->count; i++) {
		if (symbol_equal(&books->items[i].symbol, &symbol))
			return &books->items[i].fifo;
	}
	books->items =
		memory_grow(books->items, books->count, books->count + 1, sizeof(*books->items));
	books->items[books->count].symbol = symbol;
	return &books->items[books->count++].fifo;
}

static void free_books(struct symbol_books *books)
{
	for (size_t i = 0; i < books->count; i++)
		fifo_free(&books->items[i].fifo);
	memory_free(books->items);
}

/* On chain the dollars themselves are known; of an order its average price. */
static bool read_fill(struct statement *fills, struct fifo_fill *fill)
{
	fill->direction = direction_from_name(statement_text(fills, "direction"));
	fill->shares = statement_shares(fills, "amount");
	fill->cash = (struct usd){0};
	fill->priced = true;
	if (!statement_is_null(fills, "usdc_amount"))
		fill->cash = statement_usd(fills, "usdc_amount");
	else if (statement_int64(fills, "place") == 1 && !statement_is_null(fills, "price"))
		return usd_value(statement_usd(fills, "price"), fill->shares, &fill->cash);
	else
		fill->priced = false;
	return true;
}

static bool is_shown(const char *time, const struct report_options *options)
{
	return (options->from == NULL || strcmp(time, options->from) >= 0) &&
	       (options->to == NULL || strcmp(time, options->to) < 0);
}

static void print_fill(struct table *table, struct statement *fills, const struct fifo_fill *fill,
		       const struct fifo_book *book, const struct fifo_result *result)
{
	const struct decimal_text usd = usd_text(fill->cash);
	const struct decimal_text realised = usd_text(result->realised);
	const struct decimal_text total = usd_text(book->realised);
	const struct decimal_text net = shares_text(book->net);
	const struct decimal_text unpriced = shares_text(result->unpriced);
	struct usd earned = {0};
	const bool has_spread = spread_of_row(fills, &earned);
	const struct decimal_text spread = usd_text(earned);
	const char *cells[CELL_COUNT] = {
		[CELL_TIME] = statement_text(fills, "time"),
		[CELL_SOURCE] = statement_text(fills, "source"),
		[CELL_ID] = statement_text(fills, "id"),
		[CELL_SYMBOL] = statement_text(fills, "symbol"),
		[CELL_SIDE] = statement_text(fills, "direction"),
		[CELL_SHARES] = statement_text(fills, "amount"),
		[CELL_PRICE] = statement_text(fills, "price"),
		[CELL_USD] = fill->priced ? usd.text : NULL,
		[CELL_REALISED] = realised.text,
		[CELL_REALISED_TOTAL] = total.text,
		[CELL_NET_POSITION] = net.text,
		[CELL_UNPRICED] = shares_is_zero(result->unpriced) ? NULL : unpriced.text,
		[CELL_ORACLE_PRICE] = statement_text(fills, "oracle_price"),
		[CELL_SPREAD] = has_spread ? spread.text : NULL,
		[CELL_GAS_USED] = statement_text(fills, "gas_used"),
		[CELL_GAS_PRICE] = statement_text(fills, "gas_price_wei"),
		[CELL_L1_FEE] = statement_text(fills, "l1_fee_wei"),
		[CELL_REFERENCE] = statement_text(fills, "reference"),
		[CELL_NOTE] = statement_text(fills, "note"),
	};

	table_row(table, cells);
}

static bool print_fills(struct statement *fills, const struct report_options *options,
			struct symbol_books *books, struct table *table)
{
	while (statement_row(fills)) {
		struct fifo_book *book = book_of(books, statement_text(fills, "symbol"));
		struct fifo_fill fill;
		struct fifo_result result;

		if (!read_fill(fills, &fill) || !fifo_apply(book, &fill, &result)) {
			log_error("profit and loss do not fit into 21 digits at %s %s id=%s",
				  statement_text(fills, "source"), statement_text(fills, "symbol"),
				  statement_text(fills, "id"));
			statement_reset(fills);
			return false;
		}
		if (is_shown(statement_text(fills, "time"), options))
			print_fill(table, fills, &fill, book, &result);
	}
	return true;
}

bool report_pnl_print(struct store *store, const struct report_options *options, FILE *file)
{
	struct symbol_books books = {.count = 0};
	struct statement fills;
	struct table table;
	bool complete;

	statement_prepare(&fills, store, fills_sql);
	statement_bind_text(&fills, ":symbol", options->symbol);
	table_begin(&table, file, options->format, pnl_columns, CELL_COUNT);
	complete = print_fills(&fills, options, &books, &table);
	complete = table_end(&table) && complete;
	statement_finalize(&fills);
	free_books(&books);
	return complete;
}
