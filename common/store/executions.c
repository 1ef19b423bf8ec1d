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
	"id, symbol, shares, direction, broker, status, client_order_id, order_id, order_shares,"  \
	" accepted_shares, filled_shares, average_price, error, submitted_at, executed_at"

/* Word for word the condition of the partial indices, or the planner does not see that they apply.
 */
#define IS_OPEN "executed_at IS NULL"

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
	" client_order_id = :client_order_id, order_shares = :order_shares,"
	" submitted_at = :submitted_at, error = NULL"
	" WHERE id = :id AND status = 'PENDING'"
	" AND (client_order_id IS NULL OR client_order_id = :client_order_id)";

static const char mark_pending_sql[] =
	"UPDATE executions SET status = 'PENDING', error = :error, submitted_at = NULL,"
	" order_shares = NULL WHERE id = :id AND status = 'SUBMITTING'";

static const char mark_waiting_sql[] = "UPDATE executions SET error = :error"
				       " WHERE id = :id AND status = 'PENDING'";

static const char mark_refused_sql[] =
	"UPDATE executions SET status = 'FAILED', broker = :broker,"
	" client_order_id = :client_order_id, error = :error, executed_at = :executed_at"
	" WHERE id = :id AND status = 'PENDING'"
	" AND (client_order_id IS NULL OR client_order_id = :client_order_id)";

static const char mark_submitted_sql[] =
	"UPDATE executions SET status = 'SUBMITTED', order_id = :order_id,"
	" accepted_shares = :accepted_shares, error = NULL"
	" WHERE id = :id AND status = 'SUBMITTING'";

static const char mark_held_sql[] = "UPDATE executions SET status = 'HELD', error = :error"
				    " WHERE id = :id AND status IN ('SUBMITTING', 'SUBMITTED')";

static const char mark_filled_sql[] =
	"UPDATE executions SET status = 'FILLED', filled_shares = :filled_shares,"
	" average_price = :average_price, error = NULL, executed_at = :executed_at"
	" WHERE id = :id AND status = 'SUBMITTED'";

static const char mark_failed_sql[] =
	"UPDATE executions SET status = 'FAILED', filled_shares = :filled_shares,"
	" average_price = :average_price, error = :error, executed_at = :executed_at"
	" WHERE id = :id AND status IN ('SUBMITTING', 'SUBMITTED')";

static const char hold_unsent_sql[] =
	"UPDATE executions SET status = 'HELD', broker = :broker, error = NULL,"
	" client_order_id = coalesce(client_order_id,"
	" 'ballast-' || id || '-' || lower(hex(randomblob(8))))"
	" WHERE id = :id AND status = 'PENDING'";

static const char resolve_adopted_sql[] =
	"UPDATE executions SET status = 'SUBMITTED', order_id = :order_id,"
	" accepted_shares = order_shares, error = NULL WHERE id = :id AND status = 'HELD'";

static const char resolve_not_placed_sql[] =
	"UPDATE executions SET status = 'PENDING', order_id = NULL, order_shares = NULL,"
	" accepted_shares = NULL, submitted_at = NULL, error = NULL"
	" WHERE id = :id AND status = 'HELD'";

static const char resolve_ended_sql[] =
	"UPDATE executions SET status = :status, order_id = :order_id,"
	" filled_shares = :filled_shares, average_price = :average_price, error = :error,"
	" executed_at = :executed_at WHERE id = :id AND status = 'HELD'";

static const char find_order_sql[] =
	"SELECT id FROM executions WHERE broker = :broker AND order_id = :order_id";

static const char count_submitted_sql[] =
	"SELECT count(*) AS submitted FROM executions"
	" WHERE broker = :broker AND submitted_at IS NOT NULL AND submitted_at >= :since";

static const char last_error_sql[] = "SELECT error FROM executions"
				     " WHERE symbol = :symbol AND executed_at IS NOT NULL"
				     " ORDER BY id DESC LIMIT 1";

static const char last_price_sql[] = "SELECT average_price FROM executions"
				     " WHERE symbol = :symbol AND average_price IS NOT NULL"
				     " ORDER BY id DESC LIMIT 1";

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
	statement_prepare(&executions->mark_waiting, store, mark_waiting_sql);
	statement_prepare(&executions->mark_refused, store, mark_refused_sql);
	statement_prepare(&executions->hold_unsent, store, hold_unsent_sql);
	statement_prepare(&executions->resolve_adopted, store, resolve_adopted_sql);
	statement_prepare(&executions->resolve_not_placed, store, resolve_not_placed_sql);
	statement_prepare(&executions->resolve_ended, store, resolve_ended_sql);
	statement_prepare(&executions->count_submitted, store, count_submitted_sql);
	statement_prepare(&executions->find_order, store, find_order_sql);
	statement_prepare(&executions->last_error, store, last_error_sql);
	statement_prepare(&executions->last_price, store, last_price_sql);
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
	statement_finalize(&executions->mark_waiting);
	statement_finalize(&executions->mark_refused);
	statement_finalize(&executions->hold_unsent);
	statement_finalize(&executions->resolve_adopted);
	statement_finalize(&executions->resolve_not_placed);
	statement_finalize(&executions->resolve_ended);
	statement_finalize(&executions->count_submitted);
	statement_finalize(&executions->find_order);
	statement_finalize(&executions->last_error);
	statement_finalize(&executions->last_price);
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

/* 0 for NULL. */
static struct shares read_shares(struct statement *row, const char *column)
{
	if (statement_is_null(row, column))
		return (struct shares){0};
	return statement_shares(row, column);
}

static void read_execution(struct statement *row, struct execution *execution)
{
	*execution = (struct execution){
		.id = statement_int64(row, "id"),
		.shares = statement_shares(row, "shares"),
		.direction = direction_from_name(statement_text(row, "direction")),
		.status = execution_status_from_name(statement_text(row, "status")),
		.order_shares = read_shares(row, "order_shares"),
		.accepted_shares = read_shares(row, "accepted_shares"),
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
				const char *client_order_id, struct shares order_shares)
{
	struct statement *change = &executions->mark_submitting;

	invariant(!shares_is_negative(order_shares) && !shares_is_zero(order_shares));
	statement_bind_shares(change, ":order_shares", order_shares);
	bind_word(change, ":broker", broker, BROKER_NAME_SIZE);
	bind_word(change, ":client_order_id", client_order_id, CLIENT_ORDER_ID_SIZE);
	statement_bind_text(change, ":submitted_at", clock_now_text().text);
	change_state(change, id);
}

void executions_mark_waiting(struct executions *executions, int64_t id, const char *reason)
{
	bind_error(&executions->mark_waiting, reason);
	change_state(&executions->mark_waiting, id);
}

void executions_mark_refused(struct executions *executions, int64_t id, const char *broker,
			     const char *client_order_id, const char *error)
{
	struct statement *change = &executions->mark_refused;

	bind_word(change, ":broker", broker, BROKER_NAME_SIZE);
	bind_word(change, ":client_order_id", client_order_id, CLIENT_ORDER_ID_SIZE);
	bind_error(change, error);
	statement_bind_text(change, ":executed_at", clock_now_text().text);
	change_state(change, id);
}

void executions_mark_pending(struct executions *executions, int64_t id, const char *error)
{
	bind_error(&executions->mark_pending, error);
	change_state(&executions->mark_pending, id);
}

void executions_mark_submitted(struct executions *executions, int64_t id, const char *order_id,
			       struct shares accepted_shares)
{
	bind_word(&executions->mark_submitted, ":order_id", order_id, ORDER_ID_SIZE);
	statement_bind_shares(&executions->mark_submitted, ":accepted_shares", accepted_shares);
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

void executions_hold_unsent(struct executions *executions, int64_t id, const char *broker)
{
	bind_word(&executions->hold_unsent, ":broker", broker, BROKER_NAME_SIZE);
	change_state(&executions->hold_unsent, id);
}

void executions_resolve_adopted(struct executions *executions, int64_t id, const char *order_id)
{
	bind_word(&executions->resolve_adopted, ":order_id", order_id, ORDER_ID_SIZE);
	change_state(&executions->resolve_adopted, id);
}

void executions_resolve_not_placed(struct executions *executions, int64_t id)
{
	change_state(&executions->resolve_not_placed, id);
}

/* FILLED has an order_id: one of our making where a person knew the quantity but not the order. */
static void bind_order_by_hand(struct statement *change, const struct execution *execution)
{
	char made[ORDER_ID_SIZE];
	int length = snprintf(made, sizeof(made), "by-hand:%s", execution->client_order_id);

	invariant(length > 0 && (size_t)length < sizeof(made));
	statement_bind_text(change, ":order_id",
			    execution->order_id[0] != '\0' ? execution->order_id : made);
}

void executions_resolve_ended(struct executions *executions, const struct execution *execution,
			      struct shares filled_shares, const struct usd *average_price)
{
	struct statement *change = &executions->resolve_ended;
	bool all = shares_compare(filled_shares, execution->shares) >= 0;

	statement_bind_text(change, ":status",
			    execution_status_name(all ? EXECUTION_FILLED : EXECUTION_FAILED));
	bind_order_by_hand(change, execution);
	bind_fill(change, filled_shares, average_price);
	if (all)
		statement_bind_null(change, ":error");
	else
		statement_bind_text(change, ":error", "ended by an operator's decision");
	change_state(change, execution->id);
}

bool executions_order_is_known(struct executions *executions, const char *broker,
			       const char *order_id)
{
	bool known;

	statement_bind_text(&executions->find_order, ":broker", broker);
	statement_bind_text(&executions->find_order, ":order_id", order_id);
	known = statement_row(&executions->find_order);
	statement_reset(&executions->find_order);
	return known;
}

int64_t executions_count_submitted(struct executions *executions, const char *broker,
				   int64_t since_wall_ms)
{
	int64_t submitted;
	bool found;

	statement_bind_text(&executions->count_submitted, ":broker", broker);
	statement_bind_text(&executions->count_submitted, ":since",
			    clock_text_of_ms(since_wall_ms).text);
	found = statement_row(&executions->count_submitted);
	invariant(found);
	submitted = statement_int64(&executions->count_submitted, "submitted");
	statement_reset(&executions->count_submitted);
	return submitted;
}

struct execution_error executions_last_error(struct executions *executions,
					     const struct symbol *symbol)
{
	struct execution_error error = {.text = ""};

	statement_bind_text(&executions->last_error, ":symbol", symbol->text);
	if (statement_row(&executions->last_error))
		statement_copy_text(&executions->last_error, "error", error.text,
				    sizeof(error.text));
	statement_reset(&executions->last_error);
	return error;
}

bool executions_last_price(struct executions *executions, const struct symbol *symbol,
			   struct usd *price)
{
	bool found;

	statement_bind_text(&executions->last_price, ":symbol", symbol->text);
	found = statement_row(&executions->last_price);
	if (found)
		*price = statement_usd(&executions->last_price, "average_price");
	statement_reset(&executions->last_price);
	return found;
}
