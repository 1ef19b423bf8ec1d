/* Rows of onchain_trades and executions as the API shows them. */
#ifndef BALLAST_MONITOR_ROWS_H
#define BALLAST_MONITOR_ROWS_H

#include "monitor/json.h"
#include "monitor/reader_messages.h"
#include "store/store.h"

/* Columns and tables of a query whose rows rows_fill writes; t is the row of onchain_trades. */
#define ROWS_FILL_SQL                                                                              \
	"SELECT t.id AS trade_id, t.event_id, t.tx_hash, t.log_index, t.block_number,"             \
	" t.block_timestamp, t.symbol, t.base_symbol, t.direction, t.amount, t.usdc_amount,"       \
	" t.price_usdc, t.unallocated, t.token_amount, t.oracle_price, t.oracle_confidence,"       \
	" t.oracle_published_at, t.gas_used, t.gas_price_wei, t.l1_fee_wei, t.reverses_trade_id,"  \
	" (SELECT r.id FROM onchain_trades AS r WHERE r.reverses_trade_id = t.id) AS reversed_by," \
	" (SELECT e.source FROM event_queue AS e WHERE e.id = t.event_id) AS source,"              \
	" t.created_at FROM onchain_trades AS t"

/* The same of rows_execution; x is the row of executions. */
#define ROWS_EXECUTION_SQL                                                                         \
	"SELECT x.id, x.symbol, x.direction, x.shares, x.order_shares, x.accepted_shares,"         \
	" x.filled_shares, x.average_price, x.status, x.broker, x.client_order_id, x.order_id,"    \
	" x.error, x.created_at, x.submitted_at, x.executed_at FROM executions AS x"

struct rows {
	struct store *store;
	struct statement fills, fills_of_symbol, fills_floor, executions, executions_of_symbol;
};

void rows_open(struct rows *rows, struct store *store);
void rows_close(struct rows *rows);

/* The members of an object that the caller opens and closes. */
void rows_fill(struct json *json, struct statement *row);
void rows_execution(struct json *json, struct statement *row);

/* A page of them: {"rows": [...], "next_before": ID|null}. */
void rows_write_fills(struct rows *rows, const struct reader_request *request, struct json *json);
void rows_write_executions(struct rows *rows, const struct reader_request *request,
			   struct json *json);

#endif
