/*
 * See trace.h. Every step goes through an index, from event to trades to executions or back, and
 * each list ends after a known number of rows.
 */
#include "monitor/trace.h"

#include "base/log.h"
#include "monitor/rows.h"

/* An execution can hedge thousands of small trades. */
#define SHOWN "500"
/* All offsets and contributions of one answer together. */
#define LINKS_SHOWN 5000

static const char event_sql[] =
	"SELECT id, tx_hash, log_index, block_number, block_hash, block_timestamp, event_type,"
	" source, removed, confirmed, processed, outcome, error, created_at, processed_at,"
	" archived_at FROM event_queue WHERE id = :id";

static const char event_trades_sql[] =
	ROWS_FILL_SQL " WHERE t.event_id = :id ORDER BY t.id LIMIT " SHOWN;

static const char trade_sql[] = ROWS_FILL_SQL " WHERE t.id = :id";

static const char execution_trades_sql[] =
	ROWS_FILL_SQL " JOIN trade_execution_links AS l ON l.trade_id = t.id"
		      " WHERE l.execution_id = :id ORDER BY t.id LIMIT " SHOWN;

static const char event_executions_sql[] =
	ROWS_EXECUTION_SQL " WHERE x.id IN (SELECT l.execution_id FROM trade_execution_links AS l"
			   "  JOIN onchain_trades AS t ON t.id = l.trade_id WHERE t.event_id = :id)"
			   " ORDER BY x.id LIMIT " SHOWN;

static const char trade_executions_sql[] = ROWS_EXECUTION_SQL
	" WHERE x.id IN (SELECT execution_id FROM trade_execution_links WHERE trade_id = :id)"
	" ORDER BY x.id LIMIT " SHOWN;

static const char execution_sql[] = ROWS_EXECUTION_SQL " WHERE x.id = :id";

static const char offsets_sql[] =
	"SELECT sell_trade_id AS trade_id, shares FROM trade_offsets WHERE buy_trade_id = :id"
	" UNION ALL"
	" SELECT buy_trade_id, shares FROM trade_offsets WHERE sell_trade_id = :id"
	" LIMIT :limit";

static const char contributions_sql[] =
	"SELECT execution_id, contributed_shares FROM trade_execution_links"
	" WHERE trade_id = :id ORDER BY execution_id LIMIT :limit";

static const char contributors_sql[] =
	"SELECT trade_id, contributed_shares FROM trade_execution_links"
	" WHERE execution_id = :id ORDER BY trade_id LIMIT :limit";

static const char decisions_sql[] =
	"SELECT execution_id, decision, reason, decided_at FROM operator_decisions"
	" WHERE execution_id = :id ORDER BY id LIMIT " SHOWN;

void trace_open(struct trace *trace, struct store *store)
{
	trace->store = store;
	statement_prepare(&trace->event, store, event_sql);
	statement_prepare(&trace->event_trades, store, event_trades_sql);
	statement_prepare(&trace->trade, store, trade_sql);
	statement_prepare(&trace->execution_trades, store, execution_trades_sql);
	statement_prepare(&trace->event_executions, store, event_executions_sql);
	statement_prepare(&trace->trade_executions, store, trade_executions_sql);
	statement_prepare(&trace->execution, store, execution_sql);
	statement_prepare(&trace->offsets, store, offsets_sql);
	statement_prepare(&trace->contributions, store, contributions_sql);
	statement_prepare(&trace->contributors, store, contributors_sql);
	statement_prepare(&trace->decisions, store, decisions_sql);
}

void trace_close(struct trace *trace)
{
	statement_finalize(&trace->event);
	statement_finalize(&trace->event_trades);
	statement_finalize(&trace->trade);
	statement_finalize(&trace->execution_trades);
	statement_finalize(&trace->event_executions);
	statement_finalize(&trace->trade_executions);
	statement_finalize(&trace->execution);
	statement_finalize(&trace->offsets);
	statement_finalize(&trace->contributions);
	statement_finalize(&trace->contributors);
	statement_finalize(&trace->decisions);
}

/* id 0: of no event. */
static void write_event(struct trace *trace, int64_t id, struct json *json)
{
	struct statement *row = &trace->event;

	statement_bind_int64(row, ":id", id);
	if (!statement_row(row)) {
		json_null(json, "event");
		return;
	}
	json_open_object(json, "event");
	json_integer_column(json, row, "id");
	json_text_column(json, row, "tx_hash");
	json_integer_column(json, row, "log_index");
	json_integer_column(json, row, "block_number");
	json_text_column(json, row, "block_hash");
	json_text_column(json, row, "block_timestamp");
	json_text_column(json, row, "event_type");
	json_text_column(json, row, "source");
	json_boolean(json, "removed", statement_int64(row, "removed") != 0);
	json_boolean(json, "confirmed", statement_int64(row, "confirmed") != 0);
	json_boolean(json, "processed", statement_int64(row, "processed") != 0);
	json_text_column(json, row, "outcome");
	json_text_column(json, row, "error");
	json_text_column(json, row, "created_at");
	json_text_column(json, row, "processed_at");
	json_text_column(json, row, "archived_at");
	json_close_object(json);
	statement_reset(row);
}

static void write_links(struct trace *trace, struct statement *links, int64_t id, const char *name,
			const char *other, const char *shares, struct json *json)
{
	statement_bind_int64(links, ":id", id);
	statement_bind_int64(links, ":limit", trace->links_left);
	json_open_array(json, name);
	while (statement_row(links)) {
		trace->links_left--;
		json_open_object(json, NULL);
		json_integer_column(json, links, other);
		json_text_column(json, links, shares);
		json_close_object(json);
	}
	json_close_array(json);
}

static void write_trades(struct trace *trace, struct statement *trades, int64_t id,
			 struct json *json)
{
	statement_bind_int64(trades, ":id", id);
	json_open_array(json, "trades");
	while (statement_row(trades)) {
		const int64_t trade_id = statement_int64(trades, "trade_id");

		json_open_object(json, NULL);
		rows_fill(json, trades);
		write_links(trace, &trace->offsets, trade_id, "offsets", "trade_id", "shares",
			    json);
		write_links(trace, &trace->contributions, trade_id, "contributions", "execution_id",
			    "contributed_shares", json);
		json_close_object(json);
	}
	json_close_array(json);
}

static void write_executions(struct trace *trace, struct statement *executions, int64_t id,
			     struct json *json)
{
	statement_bind_int64(executions, ":id", id);
	json_open_array(json, "executions");
	while (statement_row(executions)) {
		json_open_object(json, NULL);
		rows_execution(json, executions);
		write_links(trace, &trace->contributors, statement_int64(executions, "id"),
			    "contributions", "trade_id", "contributed_shares", json);
		json_close_object(json);
	}
	json_close_array(json);
}

/* Of the same executions. */
static void write_decisions(struct trace *trace, struct statement *executions, int64_t id,
			    struct json *json)
{
	struct statement *row = &trace->decisions;

	statement_bind_int64(executions, ":id", id);
	json_open_array(json, "decisions");
	while (statement_row(executions)) {
		statement_bind_int64(row, ":id", statement_int64(executions, "id"));
		while (statement_row(row)) {
			json_open_object(json, NULL);
			json_integer_column(json, row, "execution_id");
			json_text_column(json, row, "decision");
			json_text_column(json, row, "reason");
			json_text_column(json, row, "decided_at");
			json_close_object(json);
		}
	}
	json_close_array(json);
}

struct trace_way {
	struct statement *self; /* by whose id it is asked for */
	struct statement *trades;
	struct statement *executions;
};

static struct trace_way find_way(struct trace *trace, enum reader_question question)
{
	switch (question) {
	case READER_TRACE_EVENT:
		return (struct trace_way){&trace->event, &trace->event_trades,
					  &trace->event_executions};
	case READER_TRACE_TRADE:
		return (struct trace_way){&trace->trade, &trace->trade, &trace->trade_executions};
	case READER_TRACE_EXECUTION:
		return (struct trace_way){&trace->execution, &trace->execution_trades,
					  &trace->execution};
	case READER_FOLLOW:
	case READER_STATE:
	case READER_READINESS:
	case READER_METRICS:
	case READER_FILLS:
	case READER_EXECUTIONS:
	case READER_PNL:
		break;
	}
	invariant_unreachable("a question for a trace");
}

/* Whether there is one; of a trade and an event, with the id of the event. */
static bool find_self(const struct trace_way *way, const struct reader_request *request,
		      int64_t *event_id)
{
	bool found;

	statement_bind_int64(way->self, ":id", request->id);
	found = statement_row(way->self);
	*event_id = 0;
	if (found && request->question == READER_TRACE_EVENT)
		*event_id = request->id;
	else if (found && request->question == READER_TRACE_TRADE)
		*event_id = statement_int64(way->self, "event_id");
	statement_reset(way->self);
	return found;
}

bool trace_write(struct trace *trace, const struct reader_request *request, struct json *json)
{
	const struct trace_way way = find_way(trace, request->question);
	int64_t event_id;

	if (!find_self(&way, request, &event_id))
		return false;
	trace->links_left = LINKS_SHOWN;
	json_open_object(json, NULL);
	write_event(trace, event_id, json);
	write_trades(trace, way.trades, request->id, json);
	write_executions(trace, way.executions, request->id, json);
	write_decisions(trace, way.executions, request->id, json);
	json_close_object(json);
	return true;
}
