/* See status.h. Every line says what is; whether that is well, the conditions say. */
#include "monitor/status.h"

#include "base/clock.h"
#include "base/log.h"
#include "monitor/files.h"
#include "store/amounts.h"
#include "store/broker_tokens.h"

#include <inttypes.h>

struct status {
	struct conditions *conditions;
	const struct condition_list *list;
	FILE *file;
};

static int64_t count(const struct status *status, const char *sql)
{
	struct statement statement;
	int64_t found;
	bool any;

	statement_prepare(&statement, status->conditions->store, sql);
	any = statement_row(&statement);
	invariant(any);
	found = statement_int64(&statement, "n");
	statement_finalize(&statement);
	return found;
}

static void show_conditions(const struct status *status, bool colours)
{
	for (size_t i = 0; i < status->list->count; i++)
		(void)fprintf(status->file, "%s! %s%s\n", colours ? "\033[1;31m" : "",
			      status->list->items[i].text, colours ? "\033[0m" : "");
}

static void show_trading(const struct status *status)
{
	(void)fprintf(status->file, "trading     %s\n",
		      condition_list_has(status->list, CONDITION_TRADING_HALTED) ? "HALTED" : "on");
}

static void show_programs(const struct status *status)
{
	const char *separator = "";

	(void)fputs("programs    ", status->file);
	for (size_t i = 0; i < INSTANCE_LOCK_PROGRAMS; i++) {
		if (!conditions_lives(status->conditions, instance_lock_programs[i]))
			continue;
		(void)fprintf(status->file, "%s%s", separator,
			      instance_lock_program_name(instance_lock_programs[i]));
		separator = ", ";
	}
	(void)fprintf(status->file, "%s\n", separator[0] == '\0' ? "none at work" : " at work");
}

static void show_listener(const struct status *status)
{
	struct listener_session session;

	if (status->conditions->has_lock &&
	    listener_sessions_current(&status->conditions->sessions, &session))
		(void)fprintf(status->file,
			      "listener    session %" PRId64 ", cutoff block %" PRId64
			      ", last block %" PRId64 "\n",
			      session.id, session.cutoff_block, session.last_block);
	else
		(void)fprintf(status->file, "listener    no open session\n");
}

static void show_coverage(const struct status *status)
{
	struct block_coverage *coverage = &status->conditions->coverage;
	const int64_t first = conditions_first_block(status->conditions);
	int64_t highest;

	if (!block_coverage_highest(coverage, &highest)) {
		(void)fprintf(status->file, "coverage    none\n");
		return;
	}
	(void)fprintf(status->file,
		      "coverage    blocks %" PRId64 " to %" PRId64 ", %" PRId64
		      " missing up to %" PRId64 "\n",
		      first, block_coverage_contiguous_to(coverage, first),
		      highest < first ? 0
				      : block_coverage_missing(
						coverage, (struct block_range){first, highest}),
		      highest);
}

static void show_events(const struct status *status)
{
	(void)fprintf(status->file, "events      %" PRId64 " waiting, %" PRId64 " quarantined\n",
		      count(status, "SELECT count(*) AS n FROM event_queue"
				    " WHERE processed = 0 AND removed = 0"),
		      count(status, "SELECT count(*) AS n FROM event_queue"
				    " WHERE outcome = 'quarantined' AND removed = 0"));
}

/* Long and short alike: what is missing to the threshold. */
static void show_distance(const struct status *status, struct shares net)
{
	const struct shares zero = {0};
	struct shares size = net;
	struct shares distance;

	if (shares_is_negative(net) && !shares_subtract(zero, net, &size))
		return;
	if (shares_subtract(status->conditions->options.threshold, size, &distance) &&
	    !shares_is_negative(distance) && !shares_is_zero(distance))
		(void)fprintf(status->file, ", hedged after %s more", shares_text(distance).text);
}

static void show_positions(const struct status *status)
{
	struct statement rows;

	statement_prepare(&rows, status->conditions->store,
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

/* By executed_at, as the partial index goes, without which all executions would be read. */
static void show_executions(const struct status *status)
{
	const int64_t open =
		count(status, "SELECT count(*) AS n FROM executions WHERE executed_at IS NULL");
	const int64_t held = count(status, "SELECT count(*) AS n FROM executions"
					   " WHERE executed_at IS NULL AND status = 'HELD'");

	(void)fprintf(status->file, "executions  %" PRId64 " open, %" PRId64 " held\n", open - held,
		      held);
}

/* A row of one text, "line", or none. */
static void show_line(const struct status *status, const char *label, const char *sql)
{
	char text[CONDITION_TEXT_SIZE] = "none yet";
	struct statement row;

	statement_prepare(&row, status->conditions->store, sql);
	if (statement_row(&row))
		condition_copy_printable(statement_text(&row, "line"), text, sizeof(text));
	statement_finalize(&row);
	(void)fprintf(status->file, "%-11s %s\n", label, text);
}

/* Executions that never left as an order are between: few, and bounded. */
static void show_last(const struct status *status)
{
	show_line(status, "last fill",
		  "SELECT block_timestamp || ' ' || direction || ' ' || amount || ' ' || symbol ||"
		  " ifnull(' at ' || price_usdc, '') || ', block ' || block_number AS line"
		  " FROM onchain_trades WHERE reverses_trade_id IS NULL ORDER BY id DESC LIMIT 1");
	show_line(
		status, "last order",
		"SELECT submitted_at || ' ' || direction || ' ' || order_shares || ' ' || symbol ||"
		" ' at ' || ifnull(broker, 'no broker') || ', ' || status AS line"
		" FROM (SELECT * FROM executions ORDER BY id DESC LIMIT 1000)"
		" WHERE submitted_at IS NOT NULL AND order_shares IS NOT NULL"
		" ORDER BY id DESC LIMIT 1");
}

static void show_login(const struct status *status)
{
	struct statement rows;

	statement_prepare(&rows, status->conditions->store,
			  "SELECT broker, login_at FROM broker_tokens ORDER BY broker");
	while (statement_row(&rows)) {
		int64_t login_at_ms;

		if (clock_parse_text(statement_text(&rows, "login_at"), &login_at_ms))
			(void)fprintf(status->file, "login       %s until %s\n",
				      statement_text(&rows, "broker"),
				      clock_text_of_ms(login_at_ms + BROKER_LOGIN_LIFE_MS).text);
	}
	statement_finalize(&rows);
}

static void show_disk(const struct status *status)
{
	const int64_t mib = (int64_t)1024 * 1024;
	const struct file_sizes sizes = files_measure(status->conditions->store->path.text);

	(void)fprintf(status->file,
		      "disk        database %" PRId64 " MiB, write-ahead log %" PRId64
		      " MiB, free %" PRId64 " MiB\n",
		      sizes.database / mib, sizes.wal / mib, sizes.disk_free / mib);
}

void status_print(struct conditions *conditions, const struct condition_list *list, bool colours,
		  FILE *file)
{
	const struct status status = {conditions, list, file};

	show_conditions(&status, colours);
	show_trading(&status);
	show_programs(&status);
	show_listener(&status);
	show_coverage(&status);
	show_events(&status);
	show_positions(&status);
	show_executions(&status);
	show_last(&status);
	show_login(&status);
	show_disk(&status);
}
