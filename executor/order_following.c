/* See order_following.h. */
#include "executor/order_following.h"

#include "base/log.h"
#include "executor/execution_lifecycle.h"
#include "executor/executor_context.h"

#include <inttypes.h>

/* An order whose reports make no sense is HELD after so many times the broker's absence, and looks.
 */
#define DOUBT_FACTOR 15
#define DOUBT_LOOKS  5

static bool finish_order(struct executor *executor, const struct execution *execution,
			 enum execution_status to, const struct broker_report *report)
{
	const struct usd *price = report->has_average_price ? &report->average_price : NULL;
	const char *reason = report->reason[0] != '\0' || to == EXECUTION_FILLED
				     ? report->reason
				     : "filled, but the order was for less than was asked";

	if (!store_begin(&executor->store))
		return false;
	if (to == EXECUTION_FILLED)
		executions_mark_filled(&executor->executions, execution->id, report->filled_shares,
				       price);
	else
		executions_mark_failed(&executor->executions, execution->id, report->filled_shares,
				       price, reason);
	store_commit(&executor->store);
	executor_log_transition(execution, to, reason);
	log_info("order ended execution_id=%" PRId64 " order_id=%s filled_shares=%s "
		 "average_price=%s",
		 execution->id, execution->order_id, shares_text(report->filled_shares).text,
		 price == NULL ? "none" : usd_text(*price).text);
	order_timers_forget(&executor->timers, execution->id);
	return true;
}

/* The broker contradicts itself, or what we know of the order: time may mend it, or a person. */
static bool doubt_order(struct executor *executor, const struct execution *execution,
			const struct error *why)
{
	struct order_looks looks = order_timers_look(&executor->timers, execution->id);
	int64_t patience_ms = DOUBT_FACTOR * executor->broker.operations->absence.settles_after_ms;

	if (looks.count < DOUBT_LOOKS || looks.during_ms < patience_ms) {
		executor_look_again(executor, execution,
				    order_timers_back_off(&executor->timers, execution->id, 0),
				    why->text);
		return false;
	}
	if (!store_begin(&executor->store))
		return false;
	executions_mark_held(&executor->executions, execution->id, why->text);
	store_commit(&executor->store);
	executor_log_transition(execution, EXECUTION_HELD, why->text);
	executor_announce_held(execution, why->text);
	order_timers_forget(&executor->timers, execution->id);
	return true;
}

bool following_step(struct executor *executor, const struct execution *execution)
{
	struct broker_report report = {.state = BROKER_ORDER_OPEN};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct broker_order order;
	enum execution_status to;
	enum outcome outcome;

	if (!executor_owns(executor, execution))
		return false;
	executor_make_order(executor, execution, &order);
	outcome = executor->broker.operations->report(executor->broker.context, &order, &report,
						      &error);
	if (outcome == OUTCOME_UNKNOWN)
		return doubt_order(executor, execution, &error);
	if (outcome != OUTCOME_OK) {
		int64_t wait_ms = order_timers_back_off(&executor->timers, execution->id,
							error.retry_after_ms);

		log_warn("order state unknown: asking again execution_id=%" PRId64
			 " symbol=%s wait_ms=%" PRId64 " reason=%s",
			 execution->id, execution->symbol.text, wait_ms, error.text);
		return false;
	}
	order_timers_settle(&executor->timers, execution->id);
	to = lifecycle_after_report(&report, execution->shares);
	if (to != EXECUTION_SUBMITTED)
		return finish_order(executor, execution, to, &report);
	if (report.ask_again_ms > 0)
		order_timers_wait(&executor->timers, execution->id, report.ask_again_ms);
	else
		order_timers_poll(&executor->timers, execution->id);
	return false;
}
