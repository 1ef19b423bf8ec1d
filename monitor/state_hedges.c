/* See state_hedges.h. */
#include "monitor/state_hedges.h"

#include "base/log.h"
#include "monitor/rows.h"
#include "store/amounts.h"

static const char positions_sql[] =
	"SELECT symbol, net_position, accumulated_long, accumulated_short, pending_execution_id,"
	" last_updated FROM trade_accumulators ORDER BY symbol LIMIT 500";

static const char counts_sql[] = "SELECT count(*) FILTER (WHERE status <> 'HELD') AS open,"
				 " count(*) FILTER (WHERE status = 'HELD') AS held FROM executions"
				 " WHERE executed_at IS NULL";

static const char open_sql[] = ROWS_EXECUTION_SQL " WHERE x.executed_at IS NULL"
						  " ORDER BY x.id DESC LIMIT 500";

static const char ended_sql[] = ROWS_EXECUTION_SQL " WHERE x.status IN ('FILLED', 'FAILED')"
						   " ORDER BY x.id DESC LIMIT 50";

static const char fills_sql[] = ROWS_FILL_SQL " ORDER BY t.id DESC LIMIT 50";

void state_hedges_open(struct state_hedges *hedges, struct store *store)
{
	hedges->store = store;
	statement_prepare(&hedges->positions, store, positions_sql);
	statement_prepare(&hedges->counts, store, counts_sql);
	statement_prepare(&hedges->open, store, open_sql);
	statement_prepare(&hedges->ended, store, ended_sql);
	statement_prepare(&hedges->fills, store, fills_sql);
}

void state_hedges_close(struct state_hedges *hedges)
{
	statement_finalize(&hedges->positions);
	statement_finalize(&hedges->counts);
	statement_finalize(&hedges->open);
	statement_finalize(&hedges->ended);
	statement_finalize(&hedges->fills);
}

/* Long and short alike: what is missing to the threshold; never below zero. */
static bool to_next_hedge(struct shares net, struct shares threshold, struct shares *distance)
{
	const struct shares zero = {0};
	struct shares size = net;

	if (shares_is_negative(net) && !shares_subtract(zero, net, &size))
		return false;
	if (!shares_subtract(threshold, size, distance))
		return false;
	if (shares_is_negative(*distance))
		*distance = zero;
	return true;
}

static void write_positions(struct statement *row, struct shares threshold, struct json *json)
{
	json_open_array(json, "positions");
	while (statement_row(row)) {
		struct shares distance;

		json_open_object(json, NULL);
		json_text_column(json, row, "symbol");
		json_text_column(json, row, "net_position");
		json_text_column(json, row, "accumulated_long");
		json_text_column(json, row, "accumulated_short");
		json_shares(json, "threshold", threshold);
		if (statement_is_null(row, "pending_execution_id") &&
		    to_next_hedge(statement_shares(row, "net_position"), threshold, &distance))
			json_shares(json, "to_next_hedge", distance);
		else
			json_null(json, "to_next_hedge");
		json_integer_column(json, row, "pending_execution_id");
		json_text_column(json, row, "last_updated");
		json_close_object(json);
	}
	json_close_array(json);
}

static void write_rows(struct statement *row, void (*write_row)(struct json *, struct statement *),
		       struct json *json)
{
	while (statement_row(row)) {
		json_open_object(json, NULL);
		write_row(json, row);
		json_close_object(json);
	}
}

static void write_executions(struct state_hedges *hedges, struct json *json)
{
	bool found = statement_row(&hedges->counts);

	invariant(found);
	json_open_object(json, "executions");
	json_integer_column(json, &hedges->counts, "open");
	json_integer_column(json, &hedges->counts, "held");
	statement_reset(&hedges->counts);
	json_open_array(json, "rows");
	write_rows(&hedges->open, rows_execution, json);
	write_rows(&hedges->ended, rows_execution, json);
	json_close_array(json);
	json_close_object(json);
}

void state_hedges_write(struct state_hedges *hedges, struct shares threshold, struct json *json)
{
	write_positions(&hedges->positions, threshold, json);
	write_executions(hedges, json);
	json_open_array(json, "fills");
	write_rows(&hedges->fills, rows_fill, json);
	json_close_array(json);
}
