/*
 * All SQL of table executions. May not know why a state follows another (execution_lifecycle.c):
 * each change here only names the state it leaves, so that a row which has moved on meanwhile is
 * never overwritten.
 */
#include "store/executions.h"

#include "base/log.h"
#include "store/amounts.h"

#include <stdio.h>
#include <string.h>

/* A run of failures longer than this makes no difference to anyone who asks. */
#define RECENT_FAILURES_MAX "64"

#define COLUMNS                                                                                    \
	"id, symbol, shares, direction, broker, status, client_order_id, order_id, filled_shares," \
	" average_price, error, submitted_at, executed_at"

/* Word for word the condition of the partial indices, or the planner does not see that they apply.
 */
#define IS_OPEN "status IN ('PENDING', 'SUBMITTING', 'SUBMITTED', 'HELD')"

static const char insert_sql[] =
	"INSERT INTO executions (symbol, shares, direction, status, created_at)"
	" VALUES (:symbol, :shares, :direction, 'PENDING', :created_at)";

static const char find_sql[] = "SELECT " COLUMNS " FROM executions WHERE id = :id";

static const char next_open_sql[] = "SELECT " COLUMNS " FROM executions"
				    " WHERE status = :status AND " IS_OPEN " AND id > :after_id"
				    " ORDER BY id LIMIT 1";

/*
 * submitted_at is the time of the intent, the earliest at which the broker can have seen the order:
 * reconciling looks from then on. A client_order_id once given stays the row's only one.
 */
static const char mark_submitting_sql[] =
	"UPDATE executions SET status = 'SUBMITTING', broker = :broker,"
	" client_order_id = :client_order_id, submitted_at = :submitted_at"
	" WHERE id = :id AND status = 'PENDING'"
	" AND (client_order_id IS NULL OR client_order_id = :client_order_id)";

static const char mark_pending_sql[] =
	"UPDATE executions SET status = 'PENDING', error = :error, submitted_at = NULL"
	" WHERE id = :id AND status = 'SUBMITTING'";

static const char mark_submitted_sql[] =
	"UPDATE executions SET status = 'SUBMITTED', order_id = :order_id, error = NULL"
	" WHERE id = :id AND status = 'SUBMITTING'";

static const char mark_held_sql[] = "UPDATE executions SET status = 'HELD', error = :error"
				    " WHERE id = :id AND status = 'SUBMITTING'";

static const char mark_filled_sql[] =
	"UPDATE executions SET status = 'FILLED', filled_shares = :filled_shares,"
	" average_price = :average_price, error = NULL, executed_at = :executed_at"
	" WHERE id = :id AND status = 'SUBMITTED'";

static const char mark_failed_sql[] =
	"UPDATE executions SET status = 'FAILED', filled_shares = :filled_shares,"
	" average_price = :average_price, error = :error, executed_at = :executed_at"
	" WHERE id = :id AND status IN ('SUBMITTING', 'SUBMITTED')";

static const char recent_failures_sql[] =
	"SELECT status, filled_shares, executed_at FROM executions"
	" WHERE symbol = :symbol"
	" ORDER BY id DESC LIMIT " RECENT_FAILURES_MAX;

static const char count_open_sql[] = "SELECT count(*) AS open FROM executions WHERE " IS_OPEN;

void executions_open(struct executions *executions, struct store *store)
{
	*executions = (struct executions){.store = store};
	statement_prepare(&executions->insert, store, insert_sql);
	statement_prepare(&executions->find, store, find_sql);
	statement_prepare(&executions->next_open, store, next_open_sql);
	statement_prepare(&executions->mark_submitting, store, mark_submitting_sql);
	statement_prepare(&executions->mark_pending, store, mark_pending_sql);
	statement_prepare(&executions->mark_submitted, store, mark_submitted_sql);
	statement_prepare(&executions->mark_held, store, mark_held_sql);
	statement_prepare(&executions->mark_filled, store, mark_filled_sql);
	statement_prepare(&executions->mark_failed, store, mark_failed_sql);
	statement_prepare(&executions->recent_failures, store, recent_failures_sql);
	statement_prepare(&executions->count_open, store, count_open_sql);
}

void executions_close(struct executions *executions)
{
	statement_finalize(&executions->insert);
	statement_finalize(&executions->find);
	statement_finalize(&executions->next_open);
	statement_finalize(&executions->mark_submitting);
	statement_finalize(&executions->mark_pending);
	statement_finalize(&executions->mark_submitted);
	statement_finalize(&executions->mark_held);
	statement_finalize(&executions->mark_filled);
	statement_finalize(&executions->mark_failed);
	statement_finalize(&executions->recent_failures);
	statement_finalize(&executions->count_open);
}

static const enum execution_status all_statuses[] = {
	EXECUTION_PENDING, EXECUTION_SUBMITTING, EXECUTION_SUBMITTED,
	EXECUTION_FILLED,  EXECUTION_FAILED,	 EXECUTION_HELD,
};

const char *execution_status_name(enum execution_status status)
{
	switch (status) {
	case EXECUTION_PENDING:
		return "PENDING";
	case EXECUTION_SUBMITTING:
		return "SUBMITTING";
	case EXECUTION_SUBMITTED:
		return "SUBMITTED";
	case EXECUTION_FILLED:
		return "FILLED";
	case EXECUTION_FAILED:
		return "FAILED";
	case EXECUTION_HELD:
		return "HELD";
	}
	invariant_unreachable("a known execution status");
}

static enum execution_status execution_status_from_name(const char *name)
{
	invariant(name != NULL);
	for (size_t i = 0; i < ARRAY_LENGTH(all_statuses); i++) {
		if (strcmp(name, execution_status_name(all_statuses[i])) == 0)
			return all_statuses[i];
	}
	invariant_unreachable("a known execution status");
}

bool execution_is_open(enum execution_status status)
{
	switch (status) {
	case EXECUTION_PENDING:
	case EXECUTION_SUBMITTING:
	case EXECUTION_SUBMITTED:
	case EXECUTION_HELD:
		return true;
	case EXECUTION_FILLED:
	case EXECUTION_FAILED:
		return false;
	}
	invariant_unreachable("a known execution status");
}

int64_t executions_insert(struct executions *executions, const struct symbol *symbol,
			  struct shares shares, enum direction direction)
{
	struct shares exact = {0};
	int64_t whole = 0;
	bool fits = shares_whole(shares, &whole) && shares_from_integer(whole, &exact);
	int changed;

	invariant(fits && whole > 0 && shares_compare(exact, shares) == 0);
	statement_bind_text(&executions->insert, ":symbol", symbol->text);
	statement_bind_shares(&executions->insert, ":shares", shares);
	statement_bind_text(&executions->insert, ":direction", direction_name(direction));
	statement_bind_text(&executions->insert, ":created_at", clock_now_text().text);
	changed = statement_execute(&executions->insert);
	invariant(changed == 1);
	return store_last_insert_id(executions->store);
}

/* 0 for NULL. */
static int64_t read_time(struct statement *row, const char *column)
{
	const char *text = statement_text(row, column);
	int64_t wall_ms = 0;
	bool readable;

	if (text == NULL)
		return 0;
	readable = clock_parse_text(text, &wall_ms);
	invariant(readable);
	return wall_ms;
}

static void read_execution(struct statement *row, struct execution *execution)
{
	*execution = (struct execution){
		.id = statement_int64(row, "id"),
		.shares = statement_shares(row, "shares"),
		.direction = direction_from_name(statement_text(row, "direction")),
		.status = execution_status_from_name(statement_text(row, "status")),
		.filled_shares = statement_shares(row, "filled_shares"),
		.has_average_price = !statement_is_null(row, "average_price"),
		.submitted_at_ms = read_time(row, "submitted_at"),
		.executed_at_ms = read_time(row, "executed_at"),
	};
	if (execution->has_average_price)
		execution->average_price = statement_usd(row, "average_price");
	statement_copy_text(row, "symbol", execution->symbol.text, sizeof(execution->symbol.text));
	statement_copy_text(row, "broker", execution->broker, sizeof(execution->broker));
	statement_copy_text(row, "client_order_id", execution->client_order_id,
			    sizeof(execution->client_order_id));
	statement_copy_text(row, "order_id", execution->order_id, sizeof(execution->order_id));
	statement_copy_text(row, "error", execution->error, sizeof(execution->error));
}

/* The bound query's only row. */
static bool read_one(struct statement *query, struct execution *execution)
{
	if (!statement_row(query))
		return false;
	read_execution(query, execution);
	statement_reset(query);
	return true;
}

bool executions_find(struct executions *executions, int64_t id, struct execution *execution)
{
	statement_bind_int64(&executions->find, ":id", id);
	return read_one(&executions->find, execution);
}

bool executions_next(struct executions *executions, enum execution_status status, int64_t after_id,
		     struct execution *execution)
{
	invariant(execution_is_open(status));
	statement_bind_text(&executions->next_open, ":status", execution_status_name(status));
	statement_bind_int64(&executions->next_open, ":after_id", after_id);
	return read_one(&executions->next_open, execution);
}

/* Moves the row on; it must have been in the state that the statement leaves. */
static void change_state(struct statement *change, int64_t id)
{
	int changed;

	statement_bind_int64(change, ":id", id);
	changed = statement_execute(change);
	invariant(changed == 1);
}

/* What could be written but not read back would stop the executor at every start. */
static void bind_word(struct statement *change, const char *name, const char *word, size_t size)
{
	invariant(word[0] != '\0' && strlen(word) < size);
	statement_bind_text(change, name, word);
}

/* For people; shortened to what struct execution holds. */
static void bind_error(struct statement *change, const char *error)
{
	char text[EXECUTION_ERROR_SIZE];

	(void)snprintf(text, sizeof(text), "%s", error);
	statement_bind_text(change, ":error", text);
}

static void bind_fill(struct statement *change, struct shares filled_shares,
		      const struct usd *average_price)
{
	invariant(!shares_is_negative(filled_shares));
	statement_bind_shares(change, ":filled_shares", filled_shares);
	if (average_price == NULL)
		statement_bind_null(change, ":average_price");
	else
		statement_bind_usd(change, ":average_price", *average_price);
	statement_bind_text(change, ":executed_at", clock_now_text().text);
}

void executions_mark_submitting(struct executions *executions, int64_t id, const char *broker,
				const char *client_order_id)
{
	struct statement *change = &executions->mark_submitting;

	bind_word(change, ":broker", broker, BROKER_NAME_SIZE);
	bind_word(change, ":client_order_id", client_order_id, CLIENT_ORDER_ID_SIZE);
	statement_bind_text(change, ":submitted_at", clock_now_text().text);
	change_state(change, id);
}

void executions_mark_pending(struct executions *executions, int64_t id, const char *error)
{
	bind_error(&executions->mark_pending, error);
	change_state(&executions->mark_pending, id);
}

void executions_mark_submitted(struct executions *executions, int64_t id, const char *order_id)
{
	bind_word(&executions->mark_submitted, ":order_id", order_id, ORDER_ID_SIZE);
	change_state(&executions->mark_submitted, id);
}

void executions_mark_held(struct executions *executions, int64_t id, const char *error)
{
	bind_error(&executions->mark_held, error);
	change_state(&executions->mark_held, id);
}

void executions_mark_filled(struct executions *executions, int64_t id, struct shares filled_shares,
			    const struct usd *average_price)
{
	bind_fill(&executions->mark_filled, filled_shares, average_price);
	change_state(&executions->mark_filled, id);
}

void executions_mark_failed(struct executions *executions, int64_t id, struct shares filled_shares,
			    const struct usd *average_price, const char *error)
{
	bind_fill(&executions->mark_failed, filled_shares, average_price);
	bind_error(&executions->mark_failed, error);
	change_state(&executions->mark_failed, id);
}

/* Newest first: the first failure met is the one that ended last, for a symbol has one open
 * execution at a time. */
struct execution_failures executions_recent_failures(struct executions *executions,
						     const struct symbol *symbol)
{
	struct statement *row = &executions->recent_failures;
	struct execution_failures failures = {0};

	statement_bind_text(row, ":symbol", symbol->text);
	while (statement_row(row) && shares_is_zero(statement_shares(row, "filled_shares"))) {
		if (execution_status_from_name(statement_text(row, "status")) != EXECUTION_FAILED)
			continue;
		if (failures.count == 0)
			failures.last_ended_at_ms = read_time(row, "executed_at");
		failures.count++;
	}
	statement_reset(row);
	return failures;
}

int64_t executions_count_open(struct executions *executions)
{
	int64_t open;
	bool found = statement_row(&executions->count_open);

	invariant(found);
	open = statement_int64(&executions->count_open, "open");
	statement_reset(&executions->count_open);
	return open;
}
