/* See state_coverage.h. */
#include "monitor/state_coverage.h"

#include "base/log.h"

#define RANGES_SHOWN "100"

static const char lowest_sql[] = "SELECT min(first_block) AS first_block FROM block_coverage";

/* What is covered was heard of, too. */
static const char head_sql[] =
	"SELECT max(block) AS head FROM ("
	" SELECT max(block_number) AS block FROM blocks"
	" UNION ALL SELECT last_block FROM listener_sessions"
	"  WHERE id = (SELECT max(id) FROM listener_sessions)"
	" UNION ALL SELECT last_block FROM block_coverage"
	"  WHERE first_block = (SELECT max(first_block) FROM block_coverage))";

static const char newest_sql[] = "SELECT first_block, last_block FROM block_coverage"
				 " ORDER BY first_block DESC LIMIT " RANGES_SHOWN;

/* Between neighbours, and below the first when it is not where coverage must begin. */
static const char gaps_sql[] =
	"SELECT last_block + 1 AS first_block, above - 1 AS last_block FROM ("
	" SELECT first_block AS above, ifnull("
	"  (SELECT b.last_block FROM block_coverage AS b"
	"   WHERE b.first_block < a.first_block ORDER BY b.first_block DESC LIMIT 1),"
	"  :first - 1) AS last_block"
	" FROM block_coverage AS a ORDER BY first_block DESC LIMIT " RANGES_SHOWN ")"
	" WHERE last_block + 1 < above AND above > :first";

void state_coverage_open(struct state_coverage *coverage, struct store *store)
{
	block_coverage_open(&coverage->ranges, store);
	statement_prepare(&coverage->lowest, store, lowest_sql);
	statement_prepare(&coverage->head, store, head_sql);
	statement_prepare(&coverage->newest, store, newest_sql);
	statement_prepare(&coverage->gaps, store, gaps_sql);
}

void state_coverage_close(struct state_coverage *coverage)
{
	block_coverage_close(&coverage->ranges);
	statement_finalize(&coverage->lowest);
	statement_finalize(&coverage->head);
	statement_finalize(&coverage->newest);
	statement_finalize(&coverage->gaps);
}

static int64_t first_block(struct state_coverage *coverage, int64_t deployment_block)
{
	int64_t first = 0;

	if (deployment_block >= 0)
		return deployment_block;
	if (statement_row(&coverage->lowest) &&
	    !statement_is_null(&coverage->lowest, "first_block"))
		first = statement_int64(&coverage->lowest, "first_block");
	statement_reset(&coverage->lowest);
	return first;
}

static void write_head(struct state_coverage *coverage, struct json *json)
{
	bool found = statement_row(&coverage->head);

	invariant(found);
	json_integer_column(json, &coverage->head, "head");
	statement_reset(&coverage->head);
}

static void write_ranges(struct statement *ranges, const char *name, struct json *json)
{
	json_open_array(json, name);
	while (statement_row(ranges)) {
		json_open_object(json, NULL);
		json_integer_column(json, ranges, "first_block");
		json_integer_column(json, ranges, "last_block");
		json_close_object(json);
	}
	json_close_array(json);
}

static void write_extent(struct state_coverage *coverage, int64_t first, struct json *json)
{
	const int64_t contiguous = block_coverage_contiguous_to(&coverage->ranges, first);
	int64_t highest;

	if (contiguous >= first)
		json_integer(json, "contiguous_to", contiguous);
	else
		json_null(json, "contiguous_to");
	if (block_coverage_highest(&coverage->ranges, &highest)) {
		json_integer(json, "highest", highest);
		json_integer(json, "missing",
			     block_coverage_missing(&coverage->ranges,
						    (struct block_range){first, highest}));
	} else {
		json_null(json, "highest");
		json_integer(json, "missing", 0);
	}
}

void state_coverage_write(struct state_coverage *coverage, int64_t deployment_block,
			  struct json *json)
{
	const int64_t first = first_block(coverage, deployment_block);

	json_open_object(json, "coverage");
	json_integer(json, "first_block", first);
	write_extent(coverage, first, json);
	write_head(coverage, json);
	write_ranges(&coverage->newest, "ranges", json);
	statement_bind_int64(&coverage->gaps, ":first", first);
	write_ranges(&coverage->gaps, "gaps", json);
	json_close_object(json);
}
