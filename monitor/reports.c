/* See reports.h. Four reports are a query each; profit and loss has a file of its own. */
#include "monitor/reports.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "monitor/report_pnl.h"

#include <inttypes.h>
#include <string.h>

#define REPORT_COLUMNS_MAXIMUM 16

/* How :symbol, :from and :to choose rows, for a query that has all of them. */
#define CHOSEN(symbol_, time_)                                                                     \
	"(:symbol IS NULL OR " symbol_ " = :symbol) AND (:from IS NULL OR " time_ " >= :from)"     \
	" AND (:to IS NULL OR " time_ " < :to)"

static const char positions_sql[] =
	"SELECT symbol, net_position, accumulated_long, accumulated_short, pending_execution_id,"
	" last_updated FROM trade_accumulators WHERE " CHOSEN("symbol",
							      "last_updated") " ORDER BY symbol";

static const struct table_column positions_columns[] = {
	{"symbol", 6, false},
	{"net_position", 22, true},
	{"accumulated_long", 22, true},
	{"accumulated_short", 22, true},
	{"pending_execution_id", 20, true},
	{"last_updated", 24, false},
};

static const char executions_sql[] =
	"SELECT id, created_at, symbol, direction, status, shares, order_shares, accepted_shares,"
	" filled_shares, average_price, broker, order_id, submitted_at, executed_at, error"
	" FROM executions WHERE " CHOSEN("symbol", "created_at") " ORDER BY id";

static const struct table_column executions_columns[] = {
	{"id", 5, true},
	{"created_at", 24, false},
	{"symbol", 6, false},
	{"direction", 9, false},
	{"status", 10, false},
	{"shares", 6, true},
	{"order_shares", 12, true},
	{"accepted_shares", 15, true},
	{"filled_shares", 13, true},
	{"average_price", 13, true},
	{"broker", 7, false},
	{"order_id", 20, false},
	{"submitted_at", 24, false},
	{"executed_at", 24, false},
	{"error", 0, false},
};

static const char coverage_sql[] =
	"SELECT kind, first_block, last_block, last_block - first_block + 1 AS blocks FROM ("
	" SELECT 'covered' AS kind, first_block, last_block FROM block_coverage"
	" UNION ALL"
	" SELECT 'GAP', last_block + 1, lead(first_block) OVER (ORDER BY first_block) - 1"
	" FROM block_coverage)"
	" WHERE last_block IS NOT NULL ORDER BY first_block";

static const struct table_column coverage_columns[] = {
	{"kind", 7, false},
	{"first_block", 12, true},
	{"last_block", 12, true},
	{"blocks", 12, true},
};

#define MS_BETWEEN(from_, to_)                                                                     \
	"CAST(round((unixepoch(" to_ ", 'subsec') - unixepoch(" from_ ", 'subsec')) * 1000)"       \
	" AS INTEGER)"

/* Of an order its newest fill counts: the one that made the position large enough. */
static const char latency_sql[] =
	"WITH orders AS ("
	" SELECT x.symbol, x.created_at, x.submitted_at, x.executed_at, max(e.created_at) AS "
	"heard_at"
	" FROM executions AS x"
	" JOIN trade_execution_links AS l ON l.execution_id = x.id"
	" JOIN onchain_trades AS t ON t.id = l.trade_id"
	" JOIN event_queue AS e ON e.id = t.event_id"
	" WHERE x.submitted_at IS NOT NULL GROUP BY x.id),"
	" times(place, stage, symbol, at, ms) AS ("
	" SELECT 1, 'block to queue, by subscription', t.base_symbol, e.created_at, " MS_BETWEEN(
		"e.block_timestamp",
		"e.created_at") " FROM event_queue AS e JOIN onchain_trades AS t ON t.event_id = "
				"e.id"
				" WHERE e.source = 'listener'"
				" UNION ALL SELECT 2, 'queue to trade', t.base_symbol, "
				"e.created_at, " MS_BETWEEN(
					"e.created_at",
					"e.processed_at") " FROM event_queue AS e JOIN "
							  "onchain_trades AS t ON t.event_id = e.id"
							  " WHERE e.processed_at IS NOT NULL"
							  " UNION ALL SELECT 3, 'execution to "
							  "order', symbol, created_at, " MS_BETWEEN(
								  "created_at",
								  "submitted_at") " FROM orders"
										  " UNION ALL "
										  "SELECT 4, "
										  "'queue to "
										  "order', symbol, "
										  "created_at,"
										  " " MS_BETWEEN(
											  "heard_"
											  "at",
											  "submitte"
											  "d_at") " FROM orders"
												  " UNION ALL SELECT 5, 'order to its end', symbol, created_at, " MS_BETWEEN(
													  "submitted_at",
													  "executed_at") " FROM orders WHERE executed_at IS NOT NULL),"
															 " ranked AS (SELECT place, stage, ms, row_number() OVER (PARTITION BY place ORDER BY ms) AS n,"
															 " count(*) OVER (PARTITION BY place) AS count FROM times WHERE " CHOSEN(
																 "symbol",
																 "at") ")"
																       " SELECT stage, count, min(ms) FILTER (WHERE n * 2 >= count) AS p50_ms,"
																       " min(ms) FILTER (WHERE n * 10 >= count * 9) AS p90_ms,"
																       " min(ms) FILTER (WHERE n * 100 >= count * 99) AS p99_ms, max(ms) AS max_ms"
																       " FROM ranked GROUP BY place ORDER BY place";

static const struct table_column latency_columns[] = {
	{"stage", 31, false}, {"count", 8, true},  {"p50_ms", 9, true},
	{"p90_ms", 9, true},  {"p99_ms", 9, true}, {"max_ms", 9, true},
};

struct report {
	const char *name;
	const char *sql; /* NULL: profit and loss */
	const struct table_column *columns;
	size_t column_count;
	bool chooses; /* takes symbol, from and to */
};

static const struct report reports[] = {
	{"pnl", NULL, NULL, 0, true},
	{"positions", positions_sql, positions_columns, ARRAY_LENGTH(positions_columns), true},
	{"executions", executions_sql, executions_columns, ARRAY_LENGTH(executions_columns), true},
	{"coverage", coverage_sql, coverage_columns, ARRAY_LENGTH(coverage_columns), false},
	{"latency", latency_sql, latency_columns, ARRAY_LENGTH(latency_columns), true},
};

static const struct report *find_report(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(reports); i++) {
		if (strcmp(reports[i].name, name) == 0)
			return &reports[i];
	}
	return NULL;
}

/* A day, or a day and its time, as they stand in the tables: text of one form can be compared. */
static bool is_time(const char *text)
{
	static const char form[] = "2000-01-01T00:00:00.000Z";
	const char *rest = &form[strlen(text) < 24 ? strlen(text) : 24];
	char whole[CLOCK_TEXT_SIZE];
	int64_t wall_ms;
	const int length = snprintf(whole, sizeof(whole), "%s%s", text, rest);

	return (strlen(text) == 10 || strlen(text) == 24) && length == 24 &&
	       clock_parse_text(whole, &wall_ms);
}

static bool check_time(const char *option, const char *text)
{
	if (text == NULL || is_time(text))
		return true;
	log_error("%s must be a day or a time of UTC, as 2026-01-31 or 2026-01-31T09:30:00.000Z",
		  option);
	return false;
}

bool report_check(const char *name, const struct report_options *options)
{
	const struct report *report = find_report(name);

	if (report == NULL) {
		log_error("there is no such report: choose pnl, positions, executions, coverage or "
			  "latency");
		return false;
	}
	if (!report->chooses &&
	    (options->symbol != NULL || options->from != NULL || options->to != NULL)) {
		log_error("report %s has no --symbol, --from or --to", report->name);
		return false;
	}
	return check_time("--from", options->from) && check_time("--to", options->to);
}

bool report_print(struct store *store, const char *name, const struct report_options *options,
		  FILE *file)
{
	const struct report *report = find_report(name);
	const char *cells[REPORT_COLUMNS_MAXIMUM];
	struct statement rows;
	struct table table;

	invariant(report != NULL && report->column_count <= REPORT_COLUMNS_MAXIMUM);
	if (report->sql == NULL)
		return report_pnl_print(store, options, file);
	statement_prepare(&rows, store, report->sql);
	if (report->chooses) {
		statement_bind_text(&rows, ":symbol", options->symbol);
		statement_bind_text(&rows, ":from", options->from);
		statement_bind_text(&rows, ":to", options->to);
	}
	table_begin(&table, file, options->format, report->columns, report->column_count);
	while (statement_row(&rows)) {
		for (size_t i = 0; i < report->column_count; i++)
			cells[i] = statement_text(&rows, report->columns[i].name);
		table_row(&table, cells);
	}
	statement_finalize(&rows);
	return table_end(&table);
}
