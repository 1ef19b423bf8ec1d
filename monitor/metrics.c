/* See metrics.h. A family is a head and its samples; a family without samples has no head. */
#include "monitor/metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "monitor/files.h"
#include "monitor/metrics_text.h"
#include "store/amounts.h"
#include "store/broker_tokens.h"
#include "store/event_queue.h"

#include <stdio.h>
#include <string.h>

/* Half a second of the very first scrapes at most. */
#define ROWS_A_SCRAPE 50000

#define MUCH "100000"

static const char head_sql[] = "SELECT max(ifnull((SELECT last_block FROM listener_sessions ORDER "
			       "BY id DESC LIMIT 1), -1),"
			       " ifnull((SELECT max(block_number) FROM blocks), -1),"
			       " ifnull((SELECT last_block FROM block_coverage ORDER BY "
			       "first_block DESC LIMIT 1), -1)) AS n";

static const char gaps_sql[] =
	"SELECT count(*) AS n FROM (SELECT 1 FROM block_coverage LIMIT " MUCH ")";

static const char oldest_waiting_sql[] =
	"SELECT created_at FROM ("
	" SELECT created_at FROM event_queue WHERE processed = 0 AND removed = 0"
	" ORDER BY block_number, log_index LIMIT 100) ORDER BY created_at LIMIT 1";

static const char waiting_sql[] =
	"SELECT count(*) AS n FROM (SELECT 1 FROM event_queue WHERE processed = 0 AND removed = 0"
	" LIMIT " MUCH ")";

static const char quarantined_sql[] =
	"SELECT count(*) AS n FROM (SELECT 1 FROM event_queue WHERE outcome = 'quarantined'"
	" AND removed = 0 LIMIT " MUCH ")";

static const char open_executions_sql[] =
	"SELECT status, count(*) AS n FROM executions"
	" WHERE status IN ('PENDING', 'SUBMITTING', 'SUBMITTED', 'HELD') GROUP BY status";

static const char positions_sql[] =
	"SELECT symbol, net_position, accumulated_long, accumulated_short FROM trade_accumulators"
	" ORDER BY symbol LIMIT :limit";

static const char session_sql[] = "SELECT started_at FROM listener_sessions WHERE id = :id";

static const char logins_sql[] =
	"SELECT broker, login_at FROM broker_tokens ORDER BY broker LIMIT 8";

void metrics_open(struct metrics *metrics, struct conditions *conditions)
{
	struct store *store = conditions->store;

	metrics->conditions = conditions;
	statement_prepare(&metrics->head, store, head_sql);
	statement_prepare(&metrics->gaps, store, gaps_sql);
	statement_prepare(&metrics->oldest_waiting, store, oldest_waiting_sql);
	statement_prepare(&metrics->waiting, store, waiting_sql);
	statement_prepare(&metrics->quarantined, store, quarantined_sql);
	statement_prepare(&metrics->open_executions, store, open_executions_sql);
	statement_prepare(&metrics->positions, store, positions_sql);
	statement_prepare(&metrics->session, store, session_sql);
	statement_prepare(&metrics->logins, store, logins_sql);
	metrics_counts_open(&metrics->counts, store);
}

void metrics_close(struct metrics *metrics)
{
	metrics_counts_close(&metrics->counts);
	statement_finalize(&metrics->head);
	statement_finalize(&metrics->gaps);
	statement_finalize(&metrics->oldest_waiting);
	statement_finalize(&metrics->waiting);
	statement_finalize(&metrics->quarantined);
	statement_finalize(&metrics->open_executions);
	statement_finalize(&metrics->positions);
	statement_finalize(&metrics->session);
	statement_finalize(&metrics->logins);
}

static const struct metrics_labels *label(struct metrics_labels *labels, const char *name,
					  const char *value)
{
	*labels = (struct metrics_labels){{{name, value}}};
	return labels;
}

static int64_t number(struct statement *query)
{
	const bool any = statement_row(query);
	int64_t found;

	invariant(any);
	found = statement_int64(query, "n");
	statement_reset(query);
	return found;
}

static void write_head(struct metrics_text *text, bool readable)
{
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_build_info", "gauge",
			    "Which version of the monitor this is, always 1.");
	metrics_text_integer(text, label(&labels, "version", BALLAST_VERSION), 1);
	metrics_text_single(text, "ballast_up", "gauge",
			    "Whether the monitor can read the database.", readable ? 1 : 0);
}

/* list: NULL when nothing is known but that the database cannot be read. */
static void write_conditions(struct metrics_text *text, const struct condition_list *list)
{
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_condition", "gauge",
			    "Whether something of that name needs a person.");
	for (size_t i = 0; i < CONDITION_KINDS; i++) {
		const enum condition_kind kind = (enum condition_kind)i;

		if (list != NULL || kind == CONDITION_DATABASE_UNREADABLE)
			metrics_text_integer(text, label(&labels, "name", condition_name(kind)),
					     list == NULL || condition_list_has(list, kind) ? 1
											    : 0);
	}
}

static void write_programs(struct metrics_text *text, const struct conditions *conditions)
{
	static const struct {
		enum instance_lock_program program;
		const char *name;
	} programs[] = {
		{INSTANCE_LOCK_LISTENER, "listener"},
		{INSTANCE_LOCK_BACKFILLER, "backfiller"},
		{INSTANCE_LOCK_PROCESSOR, "processor"},
		{INSTANCE_LOCK_EXECUTOR, "executor"},
	};
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_program_up", "gauge",
			    "Whether a program of that name works on the database.");
	for (size_t i = 0; i < ARRAY_LENGTH(programs); i++) {
		const bool lives = conditions->has_lock &&
				   instance_lock_is_held(&conditions->lock, programs[i].program);

		metrics_text_integer(text, label(&labels, "program", programs[i].name),
				     lives ? 1 : 0);
	}
}

static void write_session(struct metrics_text *text, struct metrics *metrics)
{
	struct listener_session session;
	const bool open = metrics->conditions->has_lock &&
			  listener_sessions_current(&metrics->conditions->sessions, &session);
	int64_t started_ms;

	metrics_text_single(text, "ballast_listener_session_open", "gauge",
			    "Whether a listener has an open session.", open ? 1 : 0);
	if (!open)
		return;
	metrics_text_single(text, "ballast_listener_last_block", "gauge",
			    "The highest block that the open session has heard of.",
			    session.last_block);
	statement_bind_int64(&metrics->session, ":id", session.id);
	if (statement_row(&metrics->session) &&
	    clock_parse_text(statement_text(&metrics->session, "started_at"), &started_ms)) {
		metrics_text_family(text, "ballast_listener_session_start_time_seconds", "gauge",
				    "When the open session began, in seconds since 1970.");
		metrics_text_seconds(text, "", NULL, started_ms);
	}
	statement_reset(&metrics->session);
}

static void write_coverage(struct metrics_text *text, struct metrics *metrics)
{
	struct block_coverage *coverage = &metrics->conditions->coverage;
	const int64_t first = conditions_first_block(metrics->conditions);
	const int64_t head = number(&metrics->head);
	const int64_t ranges = number(&metrics->gaps);
	int64_t highest;

	if (head >= 0)
		metrics_text_single(text, "ballast_head_block", "gauge",
				    "The highest block that listener or backfiller has heard of.",
				    head);
	if (!block_coverage_highest(coverage, &highest))
		return;
	metrics_text_single(text, "ballast_coverage_contiguous_block", "gauge",
			    "The block up to which all fills are proven to be in the queue.",
			    block_coverage_contiguous_to(coverage, first));
	metrics_text_single(
		text, "ballast_coverage_missing_blocks", "gauge",
		"Blocks below the highest that is covered which are not.",
		highest < first
			? 0
			: block_coverage_missing(coverage, (struct block_range){first, highest}));
	metrics_text_single(text, "ballast_coverage_gaps", "gauge",
			    "Holes between ranges of blocks that are covered.", ranges - 1);
}

static void write_waiting(struct metrics_text *text, struct metrics *metrics)
{
	struct statement *oldest = &metrics->oldest_waiting;
	int64_t created_ms = 0;
	int64_t age_ms = 0;

	metrics_text_single(text, "ballast_events_waiting", "gauge",
			    "Events that are not applied yet, counted up to " MUCH ".",
			    number(&metrics->waiting));
	if (statement_row(oldest) &&
	    clock_parse_text(statement_text(oldest, "created_at"), &created_ms))
		age_ms = clock_wall_ms() - created_ms;
	statement_reset(oldest);
	metrics_text_family(text, "ballast_events_oldest_waiting_age_seconds", "gauge",
			    "For how long the oldest event has waited, 0 when none does.");
	metrics_text_seconds(text, "", NULL, age_ms);
	metrics_text_single(text, "ballast_events_quarantined", "gauge",
			    "Events that could not be applied and are in no position, counted up "
			    "to " MUCH ".",
			    number(&metrics->quarantined));
}

static void write_open_executions(struct metrics_text *text, struct metrics *metrics)
{
	static const char *const statuses[] = {"PENDING", "SUBMITTING", "SUBMITTED", "HELD"};
	struct statement *rows = &metrics->open_executions;
	int64_t counts[ARRAY_LENGTH(statuses)] = {0};
	struct metrics_labels labels;

	while (statement_row(rows)) {
		for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
			if (strcmp(statement_text(rows, "status"), statuses[i]) == 0)
				counts[i] = statement_int64(rows, "n");
		}
	}
	metrics_text_family(text, "ballast_executions_open", "gauge",
			    "Executions that have not ended, by their status.");
	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++)
		metrics_text_integer(text, label(&labels, "status", statuses[i]), counts[i]);
}

static void write_position_family(struct metrics_text *text, struct metrics *metrics,
				  const char *name, const char *column, const char *help)
{
	struct statement *rows = &metrics->positions;
	struct metrics_labels labels;
	bool any = false;

	statement_bind_int64(rows, ":limit", METRICS_SYMBOLS_MAXIMUM);
	while (statement_row(rows)) {
		if (!any)
			metrics_text_family(text, name, "gauge", help);
		any = true;
		metrics_text_sample(text, "",
				    label(&labels, "symbol", statement_text(rows, "symbol")),
				    statement_text(rows, column));
	}
}

static void write_positions(struct metrics_text *text, struct metrics *metrics)
{
	write_position_family(text, metrics, "ballast_position_shares", "net_position",
			      "Shares that are not hedged, long positive.");
	write_position_family(text, metrics, "ballast_accumulated_long_shares", "accumulated_long",
			      "Shares bought on chain that wait for a hedge.");
	write_position_family(text, metrics, "ballast_accumulated_short_shares",
			      "accumulated_short", "Shares sold on chain that wait for a hedge.");
}

static void write_logins(struct metrics_text *text, struct metrics *metrics)
{
	struct statement *rows = &metrics->logins;
	struct metrics_labels labels;
	int64_t login_ms;
	bool any = false;

	while (statement_row(rows)) {
		if (!clock_parse_text(statement_text(rows, "login_at"), &login_ms))
			continue;
		if (!any)
			metrics_text_family(text, "ballast_login_end_time_seconds", "gauge",
					    "When the login at the broker ends, in seconds since "
					    "1970.");
		any = true;
		metrics_text_seconds(text, "",
				     label(&labels, "broker", statement_text(rows, "broker")),
				     login_ms + BROKER_LOGIN_LIFE_MS);
	}
}

static void write_bytes(struct metrics_text *text, const char *name, const char *help,
			int64_t bytes)
{
	if (bytes >= 0)
		metrics_text_single(text, name, "gauge", help, bytes);
}

static void write_files(struct metrics_text *text, const struct metrics *metrics)
{
	const struct file_sizes sizes = files_measure(metrics->conditions->store->path.text);

	write_bytes(text, "ballast_database_size_bytes", "Size of the database file.",
		    sizes.database);
	write_bytes(text, "ballast_wal_size_bytes", "Size of the write-ahead log beside it.",
		    sizes.wal);
	write_bytes(text, "ballast_disk_free_bytes", "What is free on the database's disk.",
		    sizes.disk_free);
	write_bytes(text, "ballast_disk_size_bytes", "Size of the database's disk.", sizes.disk);
}

static void write_profit(struct metrics_text *text, const struct pnl_totals *totals)
{
	struct metrics_labels labels;

	if (totals == NULL || totals->symbol_count == 0)
		return;
	metrics_text_family(text, "ballast_realised_profit_dollars", "gauge",
			    "What fills and hedges have earned, first in, first out.");
	for (size_t i = 0; i < totals->symbol_count && i < METRICS_SYMBOLS_MAXIMUM; i++)
		metrics_text_sample(text, "", label(&labels, "symbol", totals->symbols[i].text),
				    usd_text(totals->realised[i]).text);
}

bool metrics_write(struct metrics *metrics, const struct condition_list *list,
		   const struct pnl_totals *totals, struct buffer *buffer)
{
	struct store *store = metrics->conditions->store;
	const bool outermost = !store->reading;
	struct metrics_text text;

	metrics_text_begin(&text, buffer);
	write_head(&text, true);
	write_conditions(&text, list);
	if (outermost)
		store_begin_read(store);
	write_programs(&text, metrics->conditions);
	write_session(&text, metrics);
	write_coverage(&text, metrics);
	write_waiting(&text, metrics);
	write_open_executions(&text, metrics);
	write_positions(&text, metrics);
	write_logins(&text, metrics);
	metrics_counts_step(&metrics->counts, ROWS_A_SCRAPE);
	if (outermost)
		store_end_read(store);
	metrics_counts_write(&metrics->counts, &text);
	write_profit(&text, totals);
	write_files(&text, metrics);
	return text.complete;
}

bool metrics_write_unreadable(struct buffer *buffer)
{
	struct metrics_text text;

	metrics_text_begin(&text, buffer);
	write_head(&text, false);
	write_conditions(&text, NULL);
	return text.complete;
}

bool metrics_write_alarms(const struct alarms *alarms, struct buffer *buffer)
{
	struct metrics_text text;

	metrics_text_begin(&text, buffer);
	metrics_text_single(&text, "ballast_alert_calls_total", "counter",
			    "Calls of ALERT_COMMAND that did not fail.", alarms->sent);
	metrics_text_single(&text, "ballast_alert_failures_total", "counter",
			    "Calls of ALERT_COMMAND that failed.", alarms->failed);
	return text.complete;
}
