/* See resolve.h. The running executor sees the change and goes on from there. */
#include "executor/resolve.h"

#include "base/decimal.h"
#include "base/integer.h"
#include "base/log.h"
#include "store/controls.h"
#include "store/executions.h"
#include "store/operator_decisions.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A decision, read and checked. */
struct decision {
	int64_t execution_id;
	const char *order_id; /* adopt */
	bool filled;
	struct shares shares;
	bool has_price;
	struct usd price;
	char words[OPERATOR_DECISION_SIZE];
};

static int64_t read_id(const char *text)
{
	int64_t id;

	if (text[0] == '0' || !integer_parse(text, strlen(text), &id) || id == INT64_MAX)
		fatal(EXIT_CODE_USAGE, "not the id of an execution: executor held lists them id=%s",
		      text);
	return id;
}

static void read_fill(const struct resolution *resolution, struct decision *decision)
{
	const char *price = resolution->filled_price;

	if (price == NULL)
		fatal(EXIT_CODE_USAGE, "--filled takes SHARES and PRICE (or the word unknown)");
	if (!shares_parse(resolution->filled_shares, &decision->shares) ||
	    shares_is_negative(decision->shares))
		fatal(EXIT_CODE_USAGE, "not a quantity of shares: %s", resolution->filled_shares);
	decision->filled = true;
	decision->has_price = strcmp(price, "unknown") != 0;
	if (decision->has_price &&
	    (!usd_parse(price, &decision->price) || usd_is_negative(decision->price)))
		fatal(EXIT_CODE_USAGE, "not a price in dollars: %s", price);
	/* No price of nothing. */
	decision->has_price = decision->has_price && !usd_is_zero(decision->price) &&
			      !shares_is_zero(decision->shares);
	(void)snprintf(decision->words, sizeof(decision->words), "filled %s %s",
		       shares_text(decision->shares).text, price);
}

static void read_adoption(const struct resolution *resolution, struct decision *decision)
{
	size_t length = strlen(resolution->adopt);

	if (length == 0 || length >= ORDER_ID_SIZE)
		fatal(EXIT_CODE_USAGE, "not an order id: %s", resolution->adopt);
	decision->order_id = resolution->adopt;
	(void)snprintf(decision->words, sizeof(decision->words), "adopt %s", resolution->adopt);
}

static void read_decision(const struct resolution *resolution, struct decision *decision)
{
	int ways = (resolution->adopt != NULL) + (resolution->not_placed ? 1 : 0) +
		   (resolution->filled_shares != NULL);

	if (ways != 1)
		fatal(EXIT_CODE_USAGE,
		      "say one of --adopt ORDER_ID, --not-placed, --filled SHARES PRICE");
	if (resolution->filled_shares == NULL && resolution->filled_price != NULL)
		fatal(EXIT_CODE_USAGE, "unexpected word: %s", resolution->filled_price);
	decision->execution_id = read_id(resolution->execution_id);
	(void)snprintf(decision->words, sizeof(decision->words), "not-placed");
	if (resolution->adopt != NULL)
		read_adoption(resolution, decision);
	if (resolution->filled_shares != NULL)
		read_fill(resolution, decision);
}

/*
 * A PENDING execution that this ledger never sent, but that was filled: it is HELD first, with the
 * mark of who had it. While trading is halted nobody sends it meanwhile.
 */
static const char *take_unsent(struct executions *executions, struct controls *controls,
			       const char *broker, const struct decision *decision,
			       struct execution *execution)
{
	bool found;

	if (!decision->filled || !controls_trading_halted(controls, NULL))
		return "it is PENDING: only --filled can end it, and only while trading is halted";
	if (shares_compare(decision->shares, execution->shares) > 0)
		return "it asks for less: enter what it asks for, and close the rest at the broker "
		       "by hand";
	executions_hold_unsent(executions, execution->id, broker);
	found = executions_find(executions, execution->id, execution);
	invariant(found && execution->status == EXECUTION_HELD);
	return NULL;
}

/* Inside the transaction. NULL, or why the decision cannot be carried out. */
static const char *carry_out(struct executions *executions, struct controls *controls,
			     const char *broker, const struct decision *decision)
{
	struct execution execution;
	const char *problem = NULL;

	if (!executions_find(executions, decision->execution_id, &execution))
		return "there is no such execution";
	if (execution.status == EXECUTION_PENDING)
		problem = take_unsent(executions, controls, broker, decision, &execution);
	if (problem != NULL)
		return problem;
	if (execution.status != EXECUTION_HELD)
		return "it is not HELD (any more)";
	if (decision->order_id != NULL) {
		if (executions_order_is_known(executions, execution.broker, decision->order_id) &&
		    strcmp(execution.order_id, decision->order_id) != 0)
			return "that order belongs to another execution";
		executions_resolve_adopted(executions, execution.id, decision->order_id);
	} else if (decision->filled) {
		executions_resolve_ended(executions, &execution, decision->shares,
					 decision->has_price ? &decision->price : NULL);
	} else {
		executions_resolve_not_placed(executions, execution.id);
	}
	return NULL;
}

int resolve_execution(const char *database_path, const char *broker,
		      const struct resolution *resolution)
{
	const char *reason = resolution->reason != NULL ? resolution->reason : "none given";
	struct decision decision = {.execution_id = 0};
	struct operator_decisions decisions;
	struct executions executions;
	struct controls controls;
	struct store store;
	const char *problem;

	read_decision(resolution, &decision);
	store_open(&store, database_path);
	executions_open(&executions, &store);
	controls_open(&controls, &store);
	operator_decisions_open(&decisions, &store);
	if (!store_begin(&store))
		fatal(EXIT_CODE_TRY_AGAIN, "stopped before the decision was written");
	problem = carry_out(&executions, &controls, broker, &decision);
	if (problem != NULL)
		fatal(EXIT_CODE_USAGE, "not resolved: %s execution_id=%" PRId64, problem,
		      decision.execution_id);
	operator_decisions_append(&decisions, decision.execution_id, decision.words, reason);
	store_commit(&store);
	log_info("resolved execution_id=%" PRId64 " decision=%s reason=%s", decision.execution_id,
		 decision.words, reason);
	operator_decisions_close(&decisions);
	controls_close(&controls);
	executions_close(&executions);
	store_close(&store);
	return 0;
}
