/* See executor.h. May not know: the chain, positions, or how a broker is reached. */
#include "executor/executor.h"

#include "base/hex.h"
#include "base/log.h"
#include "base/process.h"
#include "executor/execution_lifecycle.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define CLIENT_ORDER_ID_RANDOM_BYTES 8

void executor_open(struct executor *executor, const struct store *store,
		   const struct broker *broker)
{
	*executor = (struct executor){.store = *store, .broker = *broker};
	executions_open(&executor->executions, &executor->store);
	trade_allocations_open(&executor->allocations, &executor->store);
	controls_open(&executor->controls, &executor->store);
	order_timers_init(&executor->timers);
}

void executor_close(struct executor *executor)
{
	executor->broker.operations->close(executor->broker.context);
	order_timers_free(&executor->timers);
	controls_close(&executor->controls);
	trade_allocations_close(&executor->allocations);
	executions_close(&executor->executions);
	store_close(&executor->store);
}

int64_t executor_wait_ms(const struct executor *executor)
{
	return order_timers_next_ms(&executor->timers);
}

static void make_order(struct executor *executor, const struct execution *execution,
		       struct broker_order *order)
{
	*order = (struct broker_order){
		.client_order_id = execution->client_order_id,
		.order_id = execution->order_id,
		.symbol = execution->symbol,
		.shares = execution->shares,
		.direction = execution->direction,
		.submitted_at_ms = execution->submitted_at_ms,
	};
	order->has_reference_price = trade_allocations_average_price(
		&executor->allocations, execution->id, &order->reference_price);
}

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

static void log_transition(const struct execution *execution, enum execution_status to,
			   const char *why)
{
	log_info("execution %s execution_id=%" PRId64 " symbol=%s direction=%s shares=%s "
		 "client_order_id=%s from=%s%s%s",
		 execution_status_name(to), execution->id, execution->symbol.text,
		 direction_name(execution->direction), shares_text(execution->shares).text,
		 execution->client_order_id, execution_status_name(execution->status),
		 why[0] == '\0' ? "" : " reason=", why);
}

/* SUBMITTING -> to, in one transaction. order_id is given for SUBMITTED, why for the others. */
static void store_submission(struct executor *executor, const struct execution *execution,
			     enum execution_status to, const struct broker_order_id *order_id,
			     const struct error *why)
{
	struct executions *executions = &executor->executions;
	struct shares none = {0};

	switch (to) {
	case EXECUTION_SUBMITTED:
		executions_mark_submitted(executions, execution->id, order_id->text);
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
 * Writes what became of a submission or of the question about it. False when it stays SUBMITTING,
 * or when the process is to stop before it could be written: then the row says SUBMITTING, which is
 * what the next start reconciles.
 */
static bool finish_submission(struct executor *executor, const struct execution *execution,
			      enum execution_status to, const struct broker_order_id *order_id,
			      const struct error *why)
{
	if (to == EXECUTION_SUBMITTING) {
		int64_t wait_ms = order_timers_back_off(&executor->timers, execution->id,
							why->retry_after_ms);

		log_warn("execution unclear: asking the broker again execution_id=%" PRId64
			 " symbol=%s wait_ms=%" PRId64 " reason=%s",
			 execution->id, execution->symbol.text, wait_ms, why->text);
		return false;
	}
	if (!store_begin(&executor->store))
		return false;
	store_submission(executor, execution, to, order_id, why);
	store_commit(&executor->store);
	log_transition(execution, to, to == EXECUTION_SUBMITTED ? "" : why->text);
	if (to == EXECUTION_HELD)
		log_error("execution HELD: a person must decide execution_id=%" PRId64,
			  execution->id);
	if (to == EXECUTION_PENDING)
		(void)order_timers_back_off(&executor->timers, execution->id, why->retry_after_ms);
	else
		order_timers_forget(&executor->timers, execution->id);
	return true;
}

/* A row in SUBMITTING may have been sent, by this process or by one that died: only the broker
 * knows. */
static bool reconcile(struct executor *executor, const struct execution *execution)
{
	struct broker_order_id order_id = {.text = ""};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct broker_order order;
	enum outcome outcome;

	make_order(executor, execution, &order);
	outcome = executor->broker.operations->find(executor->broker.context, &order, &order_id,
						    &error);
	return finish_submission(executor, execution, lifecycle_after_find(outcome), &order_id,
				 &error);
}

/* PENDING -> SUBMITTING on disk, then the broker, then the result on disk. */
static bool submit(struct executor *executor, struct execution *execution)
{
	const struct broker_operations *operations = executor->broker.operations;
	struct broker_order_id order_id = {.text = ""};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct broker_order order;
	enum outcome outcome;

	if (execution->client_order_id[0] == '\0')
		make_client_order_id(execution->id, execution->client_order_id,
				     sizeof(execution->client_order_id));
	if (!store_begin(&executor->store))
		return false;
	/* Read again under the lock: whoever halts trading before this commit has stopped this
	 * order. */
	if (controls_trading_halted(&executor->controls, NULL)) {
		store_rollback(&executor->store);
		return false;
	}
	executions_mark_submitting(&executor->executions, execution->id, operations->name,
				   execution->client_order_id);
	store_commit(&executor->store);
	log_transition(execution, EXECUTION_SUBMITTING, "");
	execution->status = EXECUTION_SUBMITTING;

	make_order(executor, execution, &order);
	outcome = operations->submit(executor->broker.context, &order, &order_id, &error);
	(void)finish_submission(executor, execution, lifecycle_after_submit(outcome), &order_id,
				&error);
	return true;
}

static bool finish_order(struct executor *executor, const struct execution *execution,
			 enum execution_status to, const struct broker_report *report)
{
	const struct usd *price = report->has_average_price ? &report->average_price : NULL;

	if (!store_begin(&executor->store))
		return false;
	if (to == EXECUTION_FILLED)
		executions_mark_filled(&executor->executions, execution->id, report->filled_shares,
				       price);
	else
		executions_mark_failed(&executor->executions, execution->id, report->filled_shares,
				       price, report->reason);
	store_commit(&executor->store);
	log_transition(execution, to, report->reason);
	log_info("order ended execution_id=%" PRId64 " order_id=%s filled_shares=%s "
		 "average_price=%s",
		 execution->id, execution->order_id, shares_text(report->filled_shares).text,
		 price == NULL ? "none" : usd_text(*price).text);
	order_timers_forget(&executor->timers, execution->id);
	return true;
}

static bool follow_order(struct executor *executor, const struct execution *execution)
{
	struct broker_report report = {.state = BROKER_ORDER_OPEN};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct broker_order order;
	enum execution_status to;
	enum outcome outcome;

	make_order(executor, execution, &order);
	outcome = executor->broker.operations->report(executor->broker.context, &order, &report,
						      &error);
	if (outcome != OUTCOME_OK) {
		int64_t wait_ms = order_timers_back_off(&executor->timers, execution->id,
							error.retry_after_ms);

		log_warn("order state unknown: asking again execution_id=%" PRId64
			 " symbol=%s wait_ms=%" PRId64 " reason=%s",
			 execution->id, execution->symbol.text, wait_ms, error.text);
		return false;
	}
	to = lifecycle_after_report(&report, execution->shares);
	if (to == EXECUTION_SUBMITTED) {
		order_timers_wait(&executor->timers, execution->id, report.ask_again_ms);
		return false;
	}
	return finish_order(executor, execution, to, &report);
}

static bool touch(struct executor *executor, struct execution *execution)
{
	switch (execution->status) {
	case EXECUTION_SUBMITTING:
		return reconcile(executor, execution);
	case EXECUTION_SUBMITTED:
		return follow_order(executor, execution);
	case EXECUTION_PENDING:
		return submit(executor, execution);
	case EXECUTION_FILLED:
	case EXECUTION_FAILED:
	case EXECUTION_HELD:
		break;
	}
	invariant_unreachable("a state the executor acts on");
}

static bool touch_all(struct executor *executor, enum execution_status status)
{
	struct execution execution;
	int64_t after_id = 0;
	bool moved = false;

	while (!process_stopping() &&
	       executions_next(&executor->executions, status, after_id, &execution)) {
		after_id = execution.id;
		if (order_timers_due(&executor->timers, execution.id))
			moved = touch(executor, &execution) || moved;
	}
	return moved;
}

/* Says once that trading is halted, and once that it goes on. */
static bool trading_halted(struct executor *executor)
{
	struct control_reason reason;
	bool halted = controls_trading_halted(&executor->controls, &reason);

	if (halted && !executor->halt_announced)
		log_warn("trading halted: new orders wait reason=%s", reason.text);
	if (!halted && executor->halt_announced)
		log_info("trading resumed");
	executor->halt_announced = halted;
	return halted;
}

bool executor_step(struct executor *executor)
{
	bool moved = touch_all(executor, EXECUTION_SUBMITTING);

	moved = touch_all(executor, EXECUTION_SUBMITTED) || moved;
	if (!trading_halted(executor))
		moved = touch_all(executor, EXECUTION_PENDING) || moved;
	return moved;
}
