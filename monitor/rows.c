/*
 * See rows.h. Every page is a walk down a key that ends after a known number of rows, however large
 * the table is.
 */
#include "monitor/rows.h"

#include "monitor/spread.h"

static const char fills_sql[] =
	ROWS_FILL_SQL " WHERE t.id < :before ORDER BY t.id DESC LIMIT :limit";

/* No index has the ticker: so many rows are looked at for a page, and the next one goes on. */
#define FILLS_LOOKED_AT "20000"

static const char fills_floor_sql[] = "SELECT id FROM onchain_trades WHERE id < :before"
				      " ORDER BY id DESC LIMIT 1 OFFSET " FILLS_LOOKED_AT;

static const char fills_of_symbol_sql[] =
	ROWS_FILL_SQL " WHERE t.id < :before AND t.id > :floor AND t.base_symbol = :symbol"
		      " ORDER BY t.id DESC LIMIT :limit";

static const char executions_sql[] =
	ROWS_EXECUTION_SQL " WHERE x.id < :before ORDER BY x.id DESC LIMIT :limit";

static const char executions_of_symbol_sql[] =
	ROWS_EXECUTION_SQL " WHERE x.symbol = :symbol AND x.id < :before"
			   " ORDER BY x.id DESC LIMIT :limit";

void rows_open(struct rows *rows, struct store *store)
{
	rows->store = store;
	statement_prepare(&rows->fills, store, fills_sql);
	statement_prepare(&rows->fills_of_symbol, store, fills_of_symbol_sql);
	statement_prepare(&rows->fills_floor, store, fills_floor_sql);
	statement_prepare(&rows->executions, store, executions_sql);
	statement_prepare(&rows->executions_of_symbol, store, executions_of_symbol_sql);
}

void rows_close(struct rows *rows)
{
	statement_finalize(&rows->fills);
	statement_finalize(&rows->fills_of_symbol);
	statement_finalize(&rows->fills_floor);
	statement_finalize(&rows->executions);
	statement_finalize(&rows->executions_of_symbol);
}

/* Integers of wei are text: a reader's numbers may be binary fractions. */
static void write_details(struct json *json, struct statement *row)
{
	struct usd spread;

	json_text_column(json, row, "token_amount");
	json_text_column(json, row, "oracle_price");
	json_text_column(json, row, "oracle_confidence");
	json_text_column(json, row, "oracle_published_at");
	if (spread_of_row(row, &spread))
		json_text(json, "spread_usdc", usd_text(spread).text);
	else
		json_null(json, "spread_usdc");
	json_text_column(json, row, "gas_used");
	json_text_column(json, row, "gas_price_wei");
	json_text_column(json, row, "l1_fee_wei");
}

void rows_fill(struct json *json, struct statement *row)
{
	json_integer_column(json, row, "trade_id");
	json_integer_column(json, row, "event_id");
	json_text_column(json, row, "tx_hash");
	json_integer_column(json, row, "log_index");
	json_integer_column(json, row, "block_number");
	json_text_column(json, row, "block_timestamp");
	json_text_column(json, row, "symbol");
	json_text_column(json, row, "base_symbol");
	json_text_column(json, row, "direction");
	json_text_column(json, row, "amount");
	json_text_column(json, row, "usdc_amount");
	json_text_column(json, row, "price_usdc");
	json_text_column(json, row, "unallocated");
	write_details(json, row);
	json_integer_column(json, row, "reverses_trade_id");
	json_integer_column(json, row, "reversed_by");
	json_text_column(json, row, "source");
	json_text_column(json, row, "created_at");
}

void rows_execution(struct json *json, struct statement *row)
{
	json_integer_column(json, row, "id");
	json_text_column(json, row, "symbol");
	json_text_column(json, row, "direction");
	json_text_column(json, row, "shares");
	json_text_column(json, row, "order_shares");
	json_text_column(json, row, "accepted_shares");
	json_text_column(json, row, "filled_shares");
	json_text_column(json, row, "average_price");
	json_text_column(json, row, "status");
	json_text_column(json, row, "broker");
	json_text_column(json, row, "client_order_id");
	json_text_column(json, row, "order_id");
	json_text_column(json, row, "error");
	json_text_column(json, row, "created_at");
	json_text_column(json, row, "submitted_at");
	json_text_column(json, row, "executed_at");
}

/* floor: where the next page begins when this one was not filled; 0: there is none. */
static void write_page(struct statement *rows, const char *id,
		       void (*write_row)(struct json *, struct statement *), int64_t limit,
		       int64_t floor, struct json *json)
{
	int64_t next_before = floor;
	int64_t count = 0;

	json_open_object(json, NULL);
	json_open_array(json, "rows");
	while (statement_row(rows)) {
		json_open_object(json, NULL);
		write_row(json, rows);
		json_close_object(json);
		if (++count == limit)
			next_before = statement_int64(rows, id);
	}
	json_close_array(json);
	if (next_before > 0)
		json_integer(json, "next_before", next_before);
	else
		json_null(json, "next_before");
	json_close_object(json);
}

/* The id below which nothing was looked at; 0: everything is. */
static int64_t fills_floor(struct rows *rows, int64_t before)
{
	int64_t floor = 0;

	statement_bind_int64(&rows->fills_floor, ":before", before);
	if (statement_row(&rows->fills_floor))
		floor = statement_int64(&rows->fills_floor, "id");
	statement_reset(&rows->fills_floor);
	return floor;
}

void rows_write_fills(struct rows *rows, const struct reader_request *request, struct json *json)
{
	const bool chosen = request->symbol.text[0] != '\0';
	struct statement *page = chosen ? &rows->fills_of_symbol : &rows->fills;
	int64_t floor = 0;

	if (chosen) {
		floor = fills_floor(rows, request->before);
		statement_bind_text(page, ":symbol", request->symbol.text);
		statement_bind_int64(page, ":floor", floor);
	}
	statement_bind_int64(page, ":before", request->before);
	statement_bind_int64(page, ":limit", request->limit);
	/* The row at the floor itself is the first of the next page. */
	write_page(page, "trade_id", rows_fill, request->limit, floor > 0 ? floor + 1 : 0, json);
}

void rows_write_executions(struct rows *rows, const struct reader_request *request,
			   struct json *json)
{
	const bool chosen = request->symbol.text[0] != '\0';
	struct statement *page = chosen ? &rows->executions_of_symbol : &rows->executions;

	if (chosen)
		statement_bind_text(page, ":symbol", request->symbol.text);
	statement_bind_int64(page, ":before", request->before);
	statement_bind_int64(page, ":limit", request->limit);
	write_page(page, "id", rows_execution, request->limit, 0, json);
}
