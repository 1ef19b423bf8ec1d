/* See metrics_counts.h. */
#include "monitor/metrics_counts.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/amounts.h"
#include "store/event_queue.h"

#include <stdio.h>
#include <string.h>

#define OTHER "other"

static const char events_sql[] = "SELECT id, source, outcome, removed FROM event_queue"
				 " WHERE id > :after ORDER BY id LIMIT :limit";

static const char event_sql[] = "SELECT source, outcome, removed FROM event_queue WHERE id = :id";

static const char trades_sql[] =
	"SELECT id, base_symbol, direction, reverses_trade_id IS NOT NULL AS reverses"
	" FROM onchain_trades WHERE id > :after ORDER BY id LIMIT :limit";

#define EXECUTION_COLUMNS                                                                          \
	"id, symbol, direction, broker, status, filled_shares, created_at, submitted_at"

static const char executions_sql[] =
	"SELECT " EXECUTION_COLUMNS " FROM executions WHERE id > :after ORDER BY id LIMIT :limit";

static const char execution_sql[] = "SELECT " EXECUTION_COLUMNS " FROM executions WHERE id = :id";

static const char heard_sql[] =
	"SELECT max(e.created_at) AS heard_at FROM trade_execution_links AS l"
	" JOIN onchain_trades AS t ON t.id = l.trade_id"
	" JOIN event_queue AS e ON e.id = t.event_id"
	" WHERE l.execution_id = :id";

static const int64_t bounds_ms[LATENCY_BUCKETS - 1] = {
	5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000};

int64_t metrics_latency_bound_ms(size_t bucket)
{
	invariant(bucket < ARRAY_LENGTH(bounds_ms));
	return bounds_ms[bucket];
}

void metrics_counts_open(struct metrics_counts *counts, struct store *store)
{
	memset(counts, 0, sizeof(*counts));
	counts->store = store;
	statement_prepare(&counts->events, store, events_sql);
	statement_prepare(&counts->event, store, event_sql);
	statement_prepare(&counts->trades, store, trades_sql);
	statement_prepare(&counts->executions, store, executions_sql);
	statement_prepare(&counts->execution, store, execution_sql);
	statement_prepare(&counts->heard, store, heard_sql);
}

void metrics_counts_close(struct metrics_counts *counts)
{
	statement_finalize(&counts->events);
	statement_finalize(&counts->event);
	statement_finalize(&counts->trades);
	statement_finalize(&counts->executions);
	statement_finalize(&counts->execution);
	statement_finalize(&counts->heard);
}

static struct symbol_counts *symbol_of(struct metrics_counts *counts, const char *text)
{
	const size_t other = METRICS_SYMBOLS_MAXIMUM;
	struct symbol_counts *symbol;

	for (size_t i = 0; i < counts->symbol_count; i++) {
		if (strcmp(counts->symbols[i].symbol.text, text) == 0)
			return &counts->symbols[i];
	}
	if (counts->symbol_count > other)
		return &counts->symbols[other];
	symbol = &counts->symbols[counts->symbol_count];
	if (!symbol_set(&symbol->symbol, counts->symbol_count == other ? OTHER : text))
		invariant_unreachable("a ticker in the database");
	counts->symbol_count++;
	return symbol;
}

static struct broker_counts *broker_of(struct metrics_counts *counts, const char *name)
{
	const size_t other = METRICS_BROKERS_MAXIMUM;
	struct broker_counts *broker;

	for (size_t i = 0; i < counts->broker_count; i++) {
		if (strcmp(counts->brokers[i].name, name) == 0)
			return &counts->brokers[i];
	}
	if (counts->broker_count > other)
		return &counts->brokers[other];
	broker = &counts->brokers[counts->broker_count];
	(void)snprintf(broker->name, sizeof(broker->name), "%s",
		       counts->broker_count == other ? OTHER : name);
	counts->broker_count++;
	return broker;
}

/* False: it is not decided. */
static bool count_outcome(struct metrics_counts *counts, struct statement *row)
{
	const char *outcome = statement_text(row, "outcome");

	if (outcome == NULL)
		return statement_int64(row, "removed") != 0;
	if (strcmp(outcome, "trade") == 0)
		counts->outcomes[EVENT_OUTCOME_TRADE]++;
	else if (strcmp(outcome, "filtered") == 0)
		counts->outcomes[EVENT_OUTCOME_FILTERED]++;
	else
		counts->outcomes[EVENT_OUTCOME_QUARANTINED]++;
	return true;
}

static void count_event(struct metrics_counts *counts, struct statement *row)
{
	const bool heard = strcmp(statement_text(row, "source"),
				  event_source_name(EVENT_SOURCE_LISTENER)) == 0;

	counts->found[heard ? EVENT_SOURCE_LISTENER : EVENT_SOURCE_BACKFILLER]++;
	counts->last_event = statement_int64(row, "id");
	if (!count_outcome(counts, row))
		counts->waiting.ids[counts->waiting.count++] = counts->last_event;
}

static void count_trade(struct metrics_counts *counts, struct statement *row)
{
	struct symbol_counts *symbol = symbol_of(counts, statement_text(row, "base_symbol"));

	if (statement_int64(row, "reverses") != 0)
		symbol->reversed++;
	else
		symbol->fills[direction_from_name(statement_text(row, "direction"))]++;
	counts->last_trade = statement_int64(row, "id");
}

static size_t bucket_of(int64_t ms)
{
	size_t bucket = 0;

	while (bucket < ARRAY_LENGTH(bounds_ms) && ms > bounds_ms[bucket])
		bucket++;
	return bucket;
}

/* Clocks that were set back make no negative times. */
static void count_latency(struct metrics_counts *counts, int64_t id, const char *submitted_at)
{
	struct statement *heard = &counts->heard;
	int64_t heard_ms, submitted_ms;

	statement_bind_int64(heard, ":id", id);
	if (statement_row(heard) && !statement_is_null(heard, "heard_at") &&
	    clock_parse_text(statement_text(heard, "heard_at"), &heard_ms) &&
	    clock_parse_text(submitted_at, &submitted_ms)) {
		const int64_t ms = submitted_ms > heard_ms ? submitted_ms - heard_ms : 0;

		counts->latency.buckets[bucket_of(ms)]++;
		counts->latency.count++;
		counts->latency.sum_ms += ms;
	}
	statement_reset(heard);
}

/* False: it is open. */
static bool count_end(struct metrics_counts *counts, struct statement *row)
{
	const char *status = statement_text(row, "status");
	const bool filled = strcmp(status, "FILLED") == 0;
	const enum direction direction = direction_from_name(statement_text(row, "direction"));
	struct shares *hedged;

	if (!filled && strcmp(status, "FAILED") != 0)
		return false;
	counts->ended[filled ? 0 : 1]++;
	hedged = &symbol_of(counts, statement_text(row, "symbol"))->hedged[direction];
	/* A sum that does not fit any more stays: 10^20 shares of one ticker are no market. */
	if (!shares_add(*hedged, statement_shares(row, "filled_shares"), hedged))
		log_warn("hedged shares are not counted any further symbol=%s",
			 statement_text(row, "symbol"));
	if (statement_is_null(row, "submitted_at") || statement_is_null(row, "broker"))
		return true;
	broker_of(counts, statement_text(row, "broker"))->orders++;
	count_latency(counts, statement_int64(row, "id"), statement_text(row, "submitted_at"));
	return true;
}

static void count_execution(struct metrics_counts *counts, struct statement *row)
{
	counts->last_execution = statement_int64(row, "id");
	if (!count_end(counts, row))
		counts->open.ids[counts->open.count++] = counts->last_execution;
}

typedef bool decide_fn(struct metrics_counts *counts, struct statement *row);

/* Forgets those that are decided by now. */
static void decide(struct metrics_counts *counts, struct undecided *undecided,
		   struct statement *row, decide_fn *count)
{
	size_t left = 0;

	for (size_t i = 0; i < undecided->count; i++) {
		bool decided = true;

		statement_bind_int64(row, ":id", undecided->ids[i]);
		if (statement_row(row))
			decided = count(counts, row);
		statement_reset(row);
		if (!decided)
			undecided->ids[left++] = undecided->ids[i];
	}
	undecided->count = left;
}

typedef void count_fn(struct metrics_counts *counts, struct statement *row);

/* True when there is no more. */
static bool count_new(struct metrics_counts *counts, struct statement *rows, int64_t after,
		      int64_t limit, count_fn *count)
{
	int64_t counted = 0;

	statement_bind_int64(rows, ":after", after);
	statement_bind_int64(rows, ":limit", limit);
	while (statement_row(rows)) {
		count(counts, rows);
		counted++;
	}
	return counted < limit;
}

static int64_t room(const struct undecided *undecided, int64_t rows_maximum)
{
	const int64_t left = (int64_t)(METRICS_UNDECIDED_MAXIMUM - undecided->count);

	return left < rows_maximum ? left : rows_maximum;
}

void metrics_counts_step(struct metrics_counts *counts, int64_t rows_maximum)
{
	bool all;

	decide(counts, &counts->waiting, &counts->event, count_outcome);
	decide(counts, &counts->open, &counts->execution, count_end);
	all = count_new(counts, &counts->events, counts->last_event,
			room(&counts->waiting, rows_maximum), count_event);
	all = count_new(counts, &counts->trades, counts->last_trade, rows_maximum, count_trade) &&
	      all;
	all = count_new(counts, &counts->executions, counts->last_execution,
			room(&counts->open, rows_maximum), count_execution) &&
	      all;
	counts->complete = counts->complete || all;
}
