/* See latency.h. */
#include "monitor/latency.h"

#include "base/log.h"
#include "store/amounts.h"

#define NEWEST_OF_STATE 1000
/* Two thousand rows are ranked: more than all the rest of a state. */
#define READ_AGAIN_MS 2000

/*
 * Of an order its newest fill counts: the one that made the position large enough. A percentile is
 * the smallest time that so many are not above.
 */
const char latency_sql[] =
	"WITH trades AS ("
	" SELECT event_id, base_symbol AS symbol FROM onchain_trades"
	"  ORDER BY id DESC LIMIT :newest),"
	" events AS ("
	" SELECT t.symbol, e.source, e.block_timestamp, e.created_at, e.processed_at"
	"  FROM trades AS t JOIN event_queue AS e ON e.id = t.event_id),"
	" orders AS ("
	" SELECT x.symbol, x.created_at, x.submitted_at, x.executed_at,"
	"  (SELECT e.created_at FROM trade_execution_links AS l"
	"   JOIN onchain_trades AS t ON t.id = l.trade_id"
	"   JOIN event_queue AS e ON e.id = t.event_id"
	"   WHERE l.execution_id = x.id ORDER BY l.trade_id DESC LIMIT 1) AS heard_at"
	"  FROM executions AS x WHERE x.submitted_at IS NOT NULL"
	"  ORDER BY x.id DESC LIMIT :newest),"
	" spans (place, stage, symbol, at, began_at, ended_at) AS ("
	" SELECT 1, 'block to queue, by subscription', symbol, created_at,"
	"  block_timestamp, created_at FROM events WHERE source = 'listener'"
	" UNION ALL"
	" SELECT 2, 'queue to trade', symbol, created_at,"
	"  created_at, processed_at FROM events"
	" UNION ALL"
	" SELECT 3, 'execution to order', symbol, created_at,"
	"  created_at, submitted_at FROM orders"
	" UNION ALL"
	" SELECT 4, 'queue to order', symbol, created_at,"
	"  heard_at, submitted_at FROM orders"
	" UNION ALL"
	" SELECT 5, 'order to its end', symbol, created_at,"
	"  submitted_at, executed_at FROM orders),"
	" times AS ("
	" SELECT place, stage, CAST(round((unixepoch(ended_at, 'subsec')"
	"  - unixepoch(began_at, 'subsec')) * 1000) AS INTEGER) AS ms"
	"  FROM spans WHERE began_at IS NOT NULL AND ended_at IS NOT NULL"
	"   AND (:symbol IS NULL OR symbol = :symbol)"
	"   AND (:from IS NULL OR at >= :from) AND (:to IS NULL OR at < :to)),"
	" ranked AS ("
	" SELECT place, stage, ms, row_number() OVER (PARTITION BY place ORDER BY ms) AS n,"
	"  count(*) OVER (PARTITION BY place) AS count FROM times WHERE ms IS NOT NULL)"
	" SELECT stage, count, min(ms) FILTER (WHERE n * 2 >= count) AS p50_ms,"
	"  min(ms) FILTER (WHERE n * 10 >= count * 9) AS p90_ms,"
	"  min(ms) FILTER (WHERE n * 100 >= count * 99) AS p99_ms, max(ms) AS max_ms"
	"  FROM ranked GROUP BY place ORDER BY place";

void latency_open(struct latency *latency, struct store *store)
{
	latency->store = store;
	latency->read_ms = 0;
	statement_prepare(&latency->rows, store, latency_sql);
}

void latency_close(struct latency *latency)
{
	statement_finalize(&latency->rows);
}

static void read_stages(struct latency *latency)
{
	struct statement *row = &latency->rows;
	size_t count = 0;

	statement_bind_int64(row, ":newest", NEWEST_OF_STATE);
	while (statement_row(row)) {
		struct latency_stage *stage = &latency->stages[count++];

		invariant(count <= LATENCY_STAGES);
		statement_copy_text(row, "stage", stage->name, sizeof(stage->name));
		stage->count = statement_int64(row, "count");
		stage->p50_ms = statement_int64(row, "p50_ms");
		stage->p90_ms = statement_int64(row, "p90_ms");
		stage->p99_ms = statement_int64(row, "p99_ms");
		stage->max_ms = statement_int64(row, "max_ms");
	}
	latency->stage_count = count;
}

void latency_write(struct latency *latency, int64_t now_ms, struct json *json)
{
	if (latency->read_ms == 0 || now_ms - latency->read_ms >= READ_AGAIN_MS) {
		read_stages(latency);
		latency->read_ms = now_ms;
	}
	json_open_array(json, "latency");
	for (size_t i = 0; i < latency->stage_count; i++) {
		const struct latency_stage *stage = &latency->stages[i];

		json_open_object(json, NULL);
		json_text(json, "stage", stage->name);
		json_integer(json, "count", stage->count);
		json_integer(json, "p50_ms", stage->p50_ms);
		json_integer(json, "p90_ms", stage->p90_ms);
		json_integer(json, "p99_ms", stage->p99_ms);
		json_integer(json, "max_ms", stage->max_ms);
		json_close_object(json);
	}
	json_close_array(json);
}
