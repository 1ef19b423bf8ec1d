/* See status.h. Every part prints what is, and counts what should not be. */
#include "monitor/status.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/amounts.h"
#include "store/block_coverage.h"
#include "store/controls.h"
#include "store/listener_sessions.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct status {
	struct store *store;
	const struct status_options *options;
	FILE *file;
	int64_t problems;
};

static void PRINTF_LIKE(2, 3) problem(struct status *status, const char *format, ...)
{
	va_list arguments;

	(void)fputs(status->options->colours ? "\033[1;31m! " : "! ", status->file);
	va_start(arguments, format);
	(void)vfprintf(status->file, format, arguments);
	va_end(arguments);
	(void)fputs(status->options->colours ? "\033[0m\n" : "\n", status->file);
	status->problems++;
}

static int64_t count(struct status *status, const char *sql)
{
	struct statement statement;
	int64_t found;
	bool any;

	statement_prepare(&statement, status->store, sql);
	any = statement_row(&statement);
	invariant(any);
	found = statement_int64(&statement, "n");
	statement_finalize(&statement);
	return found;
}

static void show_trading(struct status *status)
{
	struct control_reason reason;
	struct controls controls;

	controls_open(&controls, status->store);
	if (controls_trading_halted(&controls, &reason))
		problem(status, "trading is HALTED: %s (executor resume)", reason.text);
	else
		(void)fprintf(status->file, "trading     on\n");
	controls_close(&controls);
}

/* True with the session when a listener is at work. */
static bool show_listener(struct status *status, const struct instance_lock *lock,
			  struct listener_session *session)
{
	struct listener_sessions sessions;
	bool open;

	if (lock == NULL) {
		problem(status, "no listener has ever worked on this database");
		return false;
	}
	listener_sessions_open(&sessions, status->store, lock);
	open = listener_sessions_current(&sessions, session);
	listener_sessions_close(&sessions);
	if (open)
		(void)fprintf(status->file,
			      "listener    session %" PRId64 ", cutoff block %" PRId64
			      ", last block %" PRId64 "\n",
			      session->id, session->cutoff_block, session->last_block);
	else
		problem(status, "no listener has an open session: fills are only found by the "
				"backfiller");
	return open;
}

static int64_t first_block(struct status *status)
{
	if (status->options->deployment_block >= 0)
		return status->options->deployment_block;
	return count(status, "SELECT ifnull(min(first_block), 0) AS n FROM block_coverage");
}

/* session: NULL when none is open. */
static void show_coverage(struct status *status, const struct listener_session *session)
{
	const int64_t first = first_block(status);
	struct block_coverage coverage;
	int64_t highest;
	int64_t contiguous;

	block_coverage_open(&coverage, status->store);
	contiguous = block_coverage_contiguous_to(&coverage, first);
	if (!block_coverage_highest(&coverage, &highest)) {
		problem(status, "no block is covered yet: is the backfiller running?");
	} else {
		(void)fprintf(status->file,
			      "coverage    blocks %" PRId64 " to %" PRId64 ", %" PRId64
			      " missing up to %" PRId64 "\n",
			      first, contiguous,
			      highest < first
				      ? 0
				      : block_coverage_missing(
						&coverage, (struct block_range){first, highest}),
			      highest);
		if (contiguous < highest)
			problem(status, "coverage has a gap after block %" PRId64, contiguous);
		else if (session != NULL && contiguous < session->cutoff_block - 1)
			problem(status,
				"blocks %" PRId64 " to %" PRId64
				" before the session are not covered yet",
				contiguous + 1, session->cutoff_block - 1);
	}
	block_coverage_close(&coverage);
}

/* Whether the newest event that waits has done so for too long is not the question: the oldest. */
static void show_events(struct status *status)
{
	const struct clock_text limit =
		clock_text_of_ms(clock_wall_ms() - status->options->stale_seconds * 1000);
	const int64_t waiting = count(status, "SELECT count(*) AS n FROM event_queue"
					      " WHERE processed = 0 AND removed = 0");
	const int64_t quarantined = count(status, "SELECT count(*) AS n FROM event_queue"
						  " WHERE outcome = 'quarantined' AND removed = 0");
	struct statement oldest;
	bool any;

	statement_prepare(&oldest, status->store,
			  "SELECT min(created_at) AS since FROM event_queue"
			  " WHERE processed = 0 AND removed = 0");
	any = statement_row(&oldest);
	invariant(any);
	(void)fprintf(status->file, "events      %" PRId64 " waiting, %" PRId64 " quarantined\n",
		      waiting, quarantined);
	if (waiting > 0 && strcmp(statement_text(&oldest, "since"), limit.text) < 0)
		problem(status, "an event has waited since %s: is the processor running?",
			statement_text(&oldest, "since"));
	if (quarantined > 0)
		problem(status,
			"%" PRId64
			" events are quarantined and in no position: SELECT id, tx_hash, "
			"error FROM event_queue WHERE outcome = 'quarantined'",
			quarantined);
	statement_finalize(&oldest);
}

/* Long and short alike: what is missing to the threshold. */
static void show_distance(struct status *status, struct shares net)
{
	const struct shares zero = {0};
	struct shares size = net;
	struct shares distance;

	if (shares_is_negative(net) && !shares_subtract(zero, net, &size))
		return;
	if (shares_subtract(status->options->threshold, size, &distance) &&
	    !shares_is_negative(distance) && !shares_is_zero(distance))
		(void)fprintf(status->file, ", hedged after %s more", shares_text(distance).text);
}

static void show_positions(struct status *status)
{
	struct statement rows;

	statement_prepare(&rows, status->store,
			  "SELECT symbol, net_position, pending_execution_id"
			  " FROM trade_accumulators ORDER BY symbol");
	while (statement_row(&rows)) {
		const struct shares net = statement_shares(&rows, "net_position");

		(void)fprintf(status->file, "position    %-8s %s", statement_text(&rows, "symbol"),
			      shares_text(net).text);
		if (statement_is_null(&rows, "pending_execution_id"))
			show_distance(status, net);
		else
			(void)fprintf(status->file, ", execution %" PRId64 " is open",
				      statement_int64(&rows, "pending_execution_id"));
		(void)fputc('\n', status->file);
	}
	statement_finalize(&rows);
}

static void show_executions(struct status *status)
{
	const int64_t open =
		count(status, "SELECT count(*) AS n FROM executions"
			      " WHERE status IN ('PENDING', 'SUBMITTING', 'SUBMITTED')");
	const int64_t held =
		count(status, "SELECT count(*) AS n FROM executions WHERE status = 'HELD'");

	(void)fprintf(status->file, "executions  %" PRId64 " open, %" PRId64 " held\n", open, held);
	if (held > 0)
		problem(status, "%" PRId64 " executions are HELD for a person: executor held",
			held);
}

int64_t status_print(struct store *store, const struct instance_lock *lock,
		     const struct status_options *options, FILE *file)
{
	struct status status = {store, options, file, 0};
	struct listener_session session;
	bool open;

	show_trading(&status);
	open = show_listener(&status, lock, &session);
	show_coverage(&status, open ? &session : NULL);
	show_events(&status);
	show_positions(&status);
	show_executions(&status);
	return status.problems;
}
