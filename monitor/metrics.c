/* See metrics.h. A family is a head and its samples; a family without samples has no head. */
#include "monitor/metrics.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "monitor/files.h"
#include "monitor/metrics_private.h"
#include "store/amounts.h"
#include "store/broker_tokens.h"

#include <stdio.h>
#include <string.h>

/* Half a second of the very first scrapes at most. */
#define ROWS_A_SCRAPE 50000

static const char head_sql[] = "SELECT max(ifnull((SELECT last_block FROM listener_sessions ORDER "
			       "BY id DESC LIMIT 1), -1),"
			       " ifnull((SELECT max(block_number) FROM blocks), -1),"
			       " ifnull((SELECT last_block FROM block_coverage ORDER BY "
			       "first_block DESC LIMIT 1), -1)) AS n";

static const char gaps_sql[] =
	"SELECT count(*) AS n FROM (SELECT 1 FROM block_coverage LIMIT " METRICS_MUCH ")";

static const char oldest_waiting_sql[] =
	"SELECT created_at FROM ("
	" SELECT created_at FROM event_queue WHERE processed = 0 AND removed = 0"
	" ORDER BY block_number, log_index LIMIT 100) ORDER BY created_at LIMIT 1";

static const char waiting_sql[] =
	"SELECT count(*) AS n FROM (SELECT 1 FROM event_queue WHERE processed = 0 AND removed = 0"
	" LIMIT " METRICS_MUCH ")";

static const char quarantined_sql[] =
	"SELECT count(*) AS n FROM (SELECT 1 FROM event_queue WHERE outcome = 'quarantined'"
	" AND removed = 0 LIMIT " METRICS_MUCH ")";

static const char open_executions_sql[] = "SELECT status, count(*) AS n FROM executions"
					  " WHERE executed_at IS NULL GROUP BY status";

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

static void write_head(struct metrics_text *text, bool readable)
{
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_build_info", "gauge",
			    "Which version of the monitor this is, always 1.");
	metrics_text_integer(text, metrics_label(&labels, "version", BALLAST_VERSION), 1);
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
			metrics_text_integer(
				text, metrics_label(&labels, "name", condition_name(kind)),
				list == NULL || condition_list_has(list, kind) ? 1 : 0);
	}
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
		metrics_text_integer(text, metrics_label(&labels, "status", statuses[i]),
				     counts[i]);
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
		metrics_text_sample(
			text, "", metrics_label(&labels, "symbol", statement_text(rows, "symbol")),
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
		metrics_text_seconds(
			text, "", metrics_label(&labels, "broker", statement_text(rows, "broker")),
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
		metrics_text_sample(text, "",
				    metrics_label(&labels, "symbol", totals->symbols[i].text),
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
	metrics_write_chain(metrics, &text);
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
