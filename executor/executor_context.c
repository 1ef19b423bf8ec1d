/* See executor_context.h. */
#include "executor/executor_context.h"

#include "base/log.h"

#include <inttypes.h>
#include <string.h>

#define ANOTHER_BROKER_MS 300000

void executor_make_order(struct executor *executor, const struct execution *execution,
			 struct broker_order *order)
{
	bool ordered = !shares_is_zero(execution->order_shares);

	*order = (struct broker_order){
		.client_order_id = execution->client_order_id,
		.order_id = execution->order_id,
		.symbol = execution->symbol,
		.shares = ordered ? execution->order_shares : execution->shares,
		.direction = execution->direction,
		.submitted_at_ms = execution->submitted_at_ms,
		.known = &executor->known,
	};
	order->has_reference_price =
		trade_allocations_average_price(&executor->allocations, execution->id,
						&order->reference_price) ||
		executions_last_price(&executor->executions, &execution->symbol,
				      &order->reference_price);
}

void executor_log_transition(const struct execution *execution, enum execution_status to,
			     const char *why)
{
	log_info("execution %s execution_id=%" PRId64 " symbol=%s direction=%s shares=%s "
		 "client_order_id=%s from=%s%s%s",
		 execution_status_name(to), execution->id, execution->symbol.text,
		 direction_name(execution->direction), shares_text(execution->shares).text,
		 execution->client_order_id, execution_status_name(execution->status),
		 why[0] == '\0' ? "" : " reason=", why);
}

void executor_announce_held(const struct execution *execution, const char *why)
{
	log_error("execution HELD: a person must decide with executor resolve; its symbol is not "
		  "hedged until then execution_id=%" PRId64 " symbol=%s reason=%s",
		  execution->id, execution->symbol.text, why);
}

/* Still SUBMITTING: when to look again, and the line that says so. */
void executor_look_again(struct executor *executor, const struct execution *execution,
			 int64_t wait_ms, const char *why)
{
	order_timers_wait(&executor->timers, execution->id, wait_ms);
	log_warn("execution unclear: asking the broker again execution_id=%" PRId64
		 " symbol=%s wait_ms=%" PRId64 " reason=%s",
		 execution->id, execution->symbol.text, wait_ms, why);
}

/* A row that was sent to a broker is that broker's: another one knows nothing of it. */
bool executor_owns(struct executor *executor, const struct execution *execution)
{
	const char *name = executor->broker.operations->name;

	if (strcmp(execution->broker, name) == 0)
		return true;
	executor_look_again(
		executor, execution, ANOTHER_BROKER_MS,
		"it went to another broker than BROKER names: run the executor for that one");
	return false;
}
