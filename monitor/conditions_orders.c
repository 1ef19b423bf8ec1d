/* The part of conditions.h that is about executions. */
#include "monitor/conditions_private.h"

#include "base/clock.h"
#include "store/amounts.h"
#include "store/executions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Word for word the condition of the partial indices, or the planner does not see that they apply.
 */
#define IS_OPEN "executed_at IS NULL"

/* How often in a row a hedge must fail before a machine has nothing better to say. */
#define FAILURES_IN_A_ROW "3"
#define FAILURES_NEEDED	  3

static const char open_executions_sql[] =
	"SELECT id, symbol, direction, shares, broker, status, error,"
	" ifnull(submitted_at, created_at) AS since FROM executions"
	" WHERE " IS_OPEN " ORDER BY id LIMIT 1000";

static const char wanted_positions_sql[] =
	"SELECT symbol, net_position, pending_execution_id FROM trade_accumulators"
	" ORDER BY symbol LIMIT 1000";

/* One that is still to be sent says nothing of whether it will succeed. */
static const char newest_executions_sql[] =
	"SELECT status, filled_shares, error FROM executions"
	" WHERE symbol = :symbol AND status IN ('FILLED', 'FAILED', 'SUBMITTED')"
	" ORDER BY id DESC LIMIT " FAILURES_IN_A_ROW;

void conditions_open_orders(struct conditions *conditions)
{
	statement_prepare(&conditions->open_executions, conditions->store, open_executions_sql);
	statement_prepare(&conditions->wanted_positions, conditions->store, wanted_positions_sql);
	statement_prepare(&conditions->newest_executions, conditions->store, newest_executions_sql);
}

void conditions_close_orders(struct conditions *conditions)
{
	statement_finalize(&conditions->open_executions);
	statement_finalize(&conditions->wanted_positions);
	statement_finalize(&conditions->newest_executions);
}

/* The executor names the key of the limit first. */
static bool names_limit(const char *error)
{
	static const char *const keys[] = {"ALLOWED_SYMBOLS:", "MAX_ORDER_SHARES:",
					   "MAX_ORDER_NOTIONAL:", "MAX_DAILY_ORDERS:"};

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		if (strncmp(error, keys[i], strlen(keys[i])) == 0)
			return true;
	}
	return false;
}

static void add_limit(struct condition_list *list, const char *symbol, const char *error)
{
	condition_list_add(list, CONDITION_LIMIT_REACHED, symbol,
			   "%s is not hedged, a limit of yours forbids it: %s", symbol, error);
}

/* Text of the current row; "" for none. */
static const char *text_of(struct statement *row, const char *column)
{
	const char *text = statement_text(row, column);

	return text != NULL ? text : "";
}

static void add_held(struct condition_list *list, struct statement *row)
{
	char subject[CONDITION_SUBJECT_SIZE];

	(void)snprintf(subject, sizeof(subject), "%" PRId64, statement_int64(row, "id"));
	condition_list_add(list, CONDITION_EXECUTION_HELD, subject,
			   "execution %s is HELD, and %s not hedged until a person decides "
			   "(executor held): %s %s at %s since %s: %s",
			   subject, text_of(row, "symbol"), text_of(row, "direction"),
			   text_of(row, "shares"), text_of(row, "broker"), text_of(row, "since"),
			   text_of(row, "error"));
}

static void add_waiting(struct condition_list *list, struct statement *row)
{
	const char *error = text_of(row, "error");
	char subject[CONDITION_SUBJECT_SIZE];

	(void)snprintf(subject, sizeof(subject), "%" PRId64, statement_int64(row, "id"));
	condition_list_add(list, CONDITION_ORDER_WAITING, subject,
			   "execution %s is %s since %s, %s %s %s: %s", subject,
			   text_of(row, "status"), text_of(row, "since"), text_of(row, "direction"),
			   text_of(row, "shares"), text_of(row, "symbol"),
			   error[0] != '\0' ? error : "see the executor's log");
}

/* Whether something that was told already keeps every order from leaving. */
static bool is_explained(const struct condition_list *list)
{
	return condition_list_has(list, CONDITION_TRADING_HALTED) ||
	       condition_list_has(list, CONDITION_LOGIN_ENDED) ||
	       condition_list_has(list, CONDITION_EXECUTOR_ABSENT);
}

static void read_open(struct conditions *conditions, struct condition_list *list)
{
	struct statement *row = &conditions->open_executions;
	const struct clock_text limit =
		clock_text_of_ms(clock_wall_ms() - conditions->options.stale_ms);
	const bool explained = is_explained(list);

	while (statement_row(row)) {
		const char *status = text_of(row, "status");
		const char *error = text_of(row, "error");

		if (strcmp(status, "HELD") == 0)
			add_held(list, row);
		else if (strcmp(status, "SUBMITTED") == 0 ||
			 strcmp(error, EXECUTION_WAITS_FOR_MARKET) == 0)
			continue;
		else if (names_limit(error))
			add_limit(list, text_of(row, "symbol"), error);
		else if (!explained && strcmp(text_of(row, "since"), limit.text) < 0)
			add_waiting(list, row);
	}
}

/* The symbol's newest orders: whether a limit forbade the last, or all of them failed. */
static void read_failures(struct conditions *conditions, const char *symbol,
			  struct condition_list *list)
{
	struct statement *newest = &conditions->newest_executions;
	char error[CONDITION_TEXT_SIZE] = "";
	int failures = 0;
	bool fails = true;

	statement_bind_text(newest, ":symbol", symbol);
	while (fails && statement_row(newest)) {
		fails = strcmp(text_of(newest, "status"), "FAILED") == 0 &&
			strcmp(text_of(newest, "filled_shares"), "0") == 0;
		if (fails && failures++ == 0)
			condition_copy_printable(text_of(newest, "error"), error, sizeof(error));
	}
	statement_reset(newest);
	if (failures > 0 && names_limit(error))
		add_limit(list, symbol, error);
	else if (failures >= FAILURES_NEEDED)
		condition_list_add(list, CONDITION_HEDGE_FAILING, symbol,
				   "%s is not hedged, its last %d orders all failed: %s", symbol,
				   failures, error);
}

/* Whether shares wait to be hedged: otherwise how the last hedge ended is history. */
static bool is_wanted(const struct conditions *conditions, struct statement *row)
{
	const struct shares zero = {0};
	struct shares size = statement_shares(row, "net_position");

	if (!statement_is_null(row, "pending_execution_id"))
		return true;
	if (shares_is_negative(size) && !shares_subtract(zero, size, &size))
		return true;
	return shares_compare(size, conditions->options.threshold) >= 0;
}

void conditions_read_orders(struct conditions *conditions, struct condition_list *list)
{
	struct statement *positions = &conditions->wanted_positions;

	read_open(conditions, list);
	while (statement_row(positions)) {
		if (is_wanted(conditions, positions))
			read_failures(conditions, text_of(positions, "symbol"), list);
	}
}
