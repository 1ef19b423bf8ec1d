/* See executor.h. Which execution is looked at, and when. */
#include "executor/executor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "executor/executor_context.h"
#include "executor/order_following.h"
#include "executor/order_submission.h"

/* After a restart: from one open order's question to the next. */
#define POLL_SPREAD_MS 200

static bool order_is_known(void *context, const char *order_id)
{
	struct executor *executor = context;

	return executions_order_is_known(&executor->executions, executor->broker.operations->name,
					 order_id);
}

/* After a restart all open orders are due: one after another, not all at once. */
static void spread_polls(struct executor *executor)
{
	struct execution execution = {.id = 0};

	for (int64_t i = 0;
	     executions_next(&executor->executions, EXECUTION_SUBMITTED, execution.id, &execution);
	     i++)
		order_timers_wait(&executor->timers, execution.id, i * POLL_SPREAD_MS);
}

/* Whoever starts the executor hears of what waits for a person. */
static void announce_what_is_held(struct executor *executor)
{
	struct execution execution = {.id = 0};

	while (executions_next(&executor->executions, EXECUTION_HELD, execution.id, &execution))
		executor_announce_held(&execution, execution.error);
}

void executor_open(struct executor *executor, const struct store *store,
		   const struct broker *broker, const struct executor_options *options)
{
	*executor = (struct executor){.store = *store, .broker = *broker};
	executions_open(&executor->executions, &executor->store);
	trade_allocations_open(&executor->allocations, &executor->store);
	controls_open(&executor->controls, &executor->store);
	order_timers_init(&executor->timers);
	order_gate_open(&executor->gate, &options->limits, options->enforce_hours);
	executor->known =
		(struct broker_known_orders){.is_known = order_is_known, .context = executor};
	if (!options->once)
		spread_polls(executor);
	announce_what_is_held(executor);
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
	int64_t wait_ms = order_timers_next_ms(&executor->timers);
	int64_t keep_ms = executor->keep_due_ms - clock_monotonic_ms();

	if (executor->broker.operations->keep == NULL)
		return wait_ms;
	if (keep_ms < 0)
		keep_ms = 0;
	return clock_shorter_wait_ms(wait_ms, keep_ms);
}

static bool touch(struct executor *executor, struct execution *execution)
{
	switch (execution->status) {
	case EXECUTION_SUBMITTING:
		return submission_reconcile(executor, execution);
	case EXECUTION_SUBMITTED:
		return following_step(executor, execution);
	case EXECUTION_PENDING:
		return submission_submit(executor, execution);
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

static bool submit_new(struct executor *executor)
{
	return !trading_halted(executor) && touch_all(executor, EXECUTION_PENDING);
}

/*
 * What is new goes before each question about what is open already: an order that is late costs
 * money, a report that is late does not. Nobody but us changes a row in SUBMITTED, so it is still
 * as it was read.
 */
static bool follow_open(struct executor *executor)
{
	struct execution execution;
	int64_t after_id = 0;
	bool moved = false;

	while (!process_stopping() &&
	       executions_next(&executor->executions, EXECUTION_SUBMITTED, after_id, &execution)) {
		after_id = execution.id;
		if (!order_timers_due(&executor->timers, execution.id))
			continue;
		moved = submit_new(executor) || moved;
		moved = touch(executor, &execution) || moved;
	}
	return moved;
}

/* The broker's own housekeeping, when it is time. */
static void keep_broker(struct executor *executor)
{
	const struct broker_operations *operations = executor->broker.operations;

	if (operations->keep == NULL || clock_monotonic_ms() < executor->keep_due_ms)
		return;
	executor->keep_due_ms = clock_monotonic_ms() + operations->keep(executor->broker.context);
}

bool executor_step(struct executor *executor)
{
	bool moved;

	keep_broker(executor);
	moved = touch_all(executor, EXECUTION_SUBMITTING);
	moved = follow_open(executor) || moved;
	return submit_new(executor) || moved;
}
