/* See order_submission.h. May not know: the chain, positions, or how a broker is reached. */
#include "executor/order_submission.h"

#include "base/hex.h"
#include "base/log.h"
#include "base/process.h"
#include "executor/execution_lifecycle.h"
#include "executor/executor_context.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define CLIENT_ORDER_ID_RANDOM_BYTES 8

/* From an unclear outcome to the first look for the order, and from look to look. */
#define LOOK_FIRST_MS 250
#define LOOK_AGAIN_MS 2000

/*
 * Random, so that it can never be one that another ledger, or an earlier life of this one, has used
 * with the same broker account. Read back from the row, never computed again.
 */
static void make_client_order_id(int64_t execution_id, char *text, size_t size)
{
	uint8_t random[CLIENT_ORDER_ID_RANDOM_BYTES];
	char digits[2 * CLIENT_ORDER_ID_RANDOM_BYTES + 3];
	int length;

	invariant(getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random));
	hex_format_fixed(random, sizeof(random), digits);
	length = snprintf(text, size, "ballast-%" PRId64 "-%s", execution_id, digits + 2);
	invariant(length > 0 && (size_t)length < size);
}

/* SUBMITTING -> to, in one transaction. acceptance is given for SUBMITTED, why for the others. */
static void store_submission(struct executor *executor, const struct execution *execution,
			     enum execution_status to, const struct broker_acceptance *acceptance,
			     const struct error *why)
{
	struct executions *executions = &executor->executions;
	struct shares none = {0};

	switch (to) {
	case EXECUTION_SUBMITTED:
		executions_mark_submitted(executions, execution->id, acceptance->order_id,
					  acceptance->shares);
		return;
	case EXECUTION_PENDING:
		executions_mark_pending(executions, execution->id, why->text);
		return;
	case EXECUTION_FAILED:
		executions_mark_failed(executions, execution->id, none, NULL, why->text);
		return;
	case EXECUTION_HELD:
		executions_mark_held(executions, execution->id, why->text);
		return;
	case EXECUTION_SUBMITTING:
	case EXECUTION_FILLED:
		break;
	}
	invariant_unreachable("a state that follows SUBMITTING");
}

/*
 * Writes what became of a submission or of the search for it. False when the process is to stop
 * before it could be written: then the row says SUBMITTING, which is what the next start
 * reconciles.
 */
static bool finish_submission(struct executor *executor, const struct execution *execution,
			      enum execution_status to, const struct broker_acceptance *acceptance,
			      const struct error *why)
{
	if (!store_begin(&executor->store))
		return false;
	store_submission(executor, execution, to, acceptance, why);
	store_commit(&executor->store);
	executor_log_transition(execution, to, to == EXECUTION_SUBMITTED ? "" : why->text);
	if (to == EXECUTION_HELD)
		executor_announce_held(execution, why->text);
	if (to == EXECUTION_PENDING)
		(void)order_timers_back_off(&executor->timers, execution->id, why->retry_after_ms);
	else
		order_timers_forget(&executor->timers, execution->id);
	return true;
}

/* Whether an order has been absent for as long and as often as decides it. */
static bool is_settled(struct executor *executor, const struct execution *execution)
{
	const struct broker_absence *absence = &executor->broker.operations->absence;
	struct order_looks looks = order_timers_look(&executor->timers, execution->id);

	return looks.count >= absence->looks && looks.during_ms >= absence->settles_after_ms;
}

/* A row in SUBMITTING may have been sent, by this process or by one that died: only the broker
 * knows. */
bool submission_reconcile(struct executor *executor, const struct execution *execution)
{
	const struct broker_absence *absence = &executor->broker.operations->absence;
	struct broker_acceptance acceptance = {.order_id = ""};
	struct error error = {.kind = ERROR_KIND_NONE};
	enum broker_search search = BROKER_SEARCH_ABSENT;
	struct broker_order order;
	enum execution_status to;
	bool settled = false;

	if (!executor_owns(executor, execution))
		return false;
	executor_make_order(executor, execution, &order);
	if (executor->broker.operations->find(executor->broker.context, &order, &search,
					      &acceptance, &error) != OUTCOME_OK) {
		executor_look_again(executor, execution,
				    order_timers_back_off(&executor->timers, execution->id,
							  error.retry_after_ms),
				    error.text);
		return false;
	}
	if (search == BROKER_SEARCH_ABSENT)
		settled = is_settled(executor, execution);
	to = lifecycle_after_find(search, settled, absence->proves_not_placed);
	if (to == EXECUTION_SUBMITTING) {
		executor_look_again(executor, execution, LOOK_AGAIN_MS,
				    "the order is not there, or not yet");
		return false;
	}
	(void)error_set(&error, OUTCOME_UNKNOWN, ERROR_KIND_NONE, "%s",
			search == BROKER_SEARCH_AMBIGUOUS
				? "several orders at the broker could be this one"
			: to == EXECUTION_HELD
				? "the outcome was unclear, and no such order is at the broker"
				: "the outcome was unclear, and surely nothing was placed");
	return finish_submission(executor, execution, to, &acceptance, &error);
}

/*
 * Begins a transaction in which the row is still what was read: an operator may have ended it
 * meanwhile. False, with nothing begun, when it is not, or when the process is to stop.
 */
static bool begin_while_pending(struct executor *executor, const struct execution *execution)
{
	struct execution now;

	if (!store_begin(&executor->store))
		return false;
	if (executions_find(&executor->executions, execution->id, &now) &&
	    now.status == EXECUTION_PENDING)
		return true;
	store_rollback(&executor->store);
	return false;
}

/* Writes and says why a PENDING execution waits, when that is news. */
static void note_waiting(struct executor *executor, const struct execution *execution,
			 const struct order_decision *decision)
{
	if (decision->wait_ms > 0)
		order_timers_wait(&executor->timers, execution->id, decision->wait_ms);
	else
		(void)order_timers_back_off(&executor->timers, execution->id,
					    decision->why.retry_after_ms);
	if (strcmp(execution->error, decision->why.text) == 0 ||
	    !begin_while_pending(executor, execution))
		return;
	executions_mark_waiting(&executor->executions, execution->id, decision->why.text);
	store_commit(&executor->store);
	log_warn("execution waits execution_id=%" PRId64 " symbol=%s reason=%s", execution->id,
		 execution->symbol.text, decision->why.text);
}

/* Once, not each time that it is tried again. */
static void report_shortfall(struct executor *executor, const struct execution *execution,
			     const char *why)
{
	struct execution_error last =
		executions_last_error(&executor->executions, &execution->symbol);

	if (strcmp(last.text, why) != 0)
		log_error("not hedged: execution_id=%" PRId64 " symbol=%s shares=%s reason=%s",
			  execution->id, execution->symbol.text,
			  shares_text(execution->shares).text, why);
}

/* PENDING -> FAILED: what was asked for goes back to the position, and is tried again later. */
static bool refuse(struct executor *executor, const struct execution *execution, const char *why)
{
	report_shortfall(executor, execution, why);
	if (!begin_while_pending(executor, execution))
		return false;
	executions_mark_refused(&executor->executions, execution->id,
				executor->broker.operations->name, execution->client_order_id, why);
	store_commit(&executor->store);
	executor_log_transition(execution, EXECUTION_FAILED, why);
	order_timers_forget(&executor->timers, execution->id);
	return true;
}

/* PENDING -> SUBMITTING on disk. False: it may not go after all. */
static bool write_intent(struct executor *executor, struct execution *execution,
			 struct shares shares)
{
	struct execution intended;
	bool found;

	if (!begin_while_pending(executor, execution))
		return false;
	/* Read again under the lock: whoever halts trading before this commit has stopped this
	 * order. */
	if (controls_trading_halted(&executor->controls, NULL)) {
		store_rollback(&executor->store);
		return false;
	}
	executions_mark_submitting(&executor->executions, execution->id,
				   executor->broker.operations->name, execution->client_order_id,
				   shares);
	/* As it stands now, with the time of the intent. */
	found = executions_find(&executor->executions, execution->id, &intended);
	invariant(found);
	/* Nobody acts on an intent but ourselves, and the order is next. */
	store_commit_untold(&executor->store);
	executor_log_transition(execution, EXECUTION_SUBMITTING, "");
	*execution = intended;
	return true;
}

/* The intent is on disk: the broker, then the result on disk. */
static bool place(struct executor *executor, const struct execution *execution,
		  const struct broker_order *order)
{
	struct broker_acceptance acceptance = {.order_id = ""};
	struct error error = {.kind = ERROR_KIND_NONE};
	enum execution_status to = lifecycle_after_submit(executor->broker.operations->submit(
		executor->broker.context, order, &acceptance, &error));

	if (to == EXECUTION_SUBMITTING)
		executor_look_again(executor, execution, LOOK_FIRST_MS, error.text);
	else
		(void)finish_submission(executor, execution, to, &acceptance, &error);
	return true;
}

bool submission_submit(struct executor *executor, struct execution *execution)
{
	struct order_decision decision;
	struct broker_order order;

	if (execution->client_order_id[0] == '\0')
		make_client_order_id(execution->id, execution->client_order_id,
				     sizeof(execution->client_order_id));
	executor_make_order(executor, execution, &order);
	order_gate_ask(&executor->gate, &executor->broker, &executor->executions, &order,
		       &decision);
	switch (decision.verdict) {
	case ORDER_WAITS:
		note_waiting(executor, execution, &decision);
		return false;
	case ORDER_REFUSED:
		return refuse(executor, execution, decision.why.text);
	case ORDER_MAY_GO:
		break;
	}
	if (decision.allowance.reason[0] != '\0')
		report_shortfall(executor, execution, decision.allowance.reason);
	if (process_stopping() || !write_intent(executor, execution, decision.allowance.shares))
		return false;
	/* What the intent has settled. */
	order.shares = execution->order_shares;
	order.submitted_at_ms = execution->submitted_at_ms;
	order.effect = decision.allowance.effect;
	return place(executor, execution, &order);
}
