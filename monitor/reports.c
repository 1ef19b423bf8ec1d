/* See reports.h. Four reports are a query each; profit and loss has a file of its own. */
#include "monitor/reports.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "monitor/latency.h"
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
	bool limited; /* takes newest */
};

static const struct report reports[] = {
	{"pnl", NULL, NULL, 0, true, false},
	{"positions", positions_sql, positions_columns, ARRAY_LENGTH(positions_columns), true,
	 false},
	{"executions", executions_sql, executions_columns, ARRAY_LENGTH(executions_columns), true,
	 false},
	{"coverage", coverage_sql, coverage_columns, ARRAY_LENGTH(coverage_columns), false, false},
	{"latency", latency_sql, latency_columns, ARRAY_LENGTH(latency_columns), true, true},
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
	if (report->limited)
		statement_bind_int64(&rows, ":newest", -1);
	table_begin(&table, file, options->format, report->columns, report->column_count);
	while (statement_row(&rows)) {
		for (size_t i = 0; i < report->column_count; i++)
			cells[i] = statement_text(&rows, report->columns[i].name);
		table_row(&table, cells);
	}
	statement_finalize(&rows);
	return table_end(&table);
}
