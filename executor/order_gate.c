/* See order_gate.h. */
#include "executor/order_gate.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

/* How long the market's state is believed: halts and corrected calendars are seen after that. */
#define MARKET_BELIEVED_MS 60000

void order_gate_open(struct order_gate *gate, const struct order_limits *limits, bool enforce_hours)
{
	*gate = (struct order_gate){.limits = *limits, .enforce_hours = enforce_hours};
}

static bool waits(struct order_decision *decision, int64_t wait_ms)
{
	decision->verdict = ORDER_WAITS;
	decision->wait_ms = wait_ms;
	return false;
}

int64_t order_gate_used_today(struct executions *executions, const char *broker)
{
	int64_t now_ms = clock_wall_ms();

	return executions_count_submitted(executions, broker, now_ms - now_ms % DAY_MS);
}

static bool passes_daily_limit(const struct order_gate *gate, const struct broker *broker,
			       struct executions *executions, struct order_decision *decision)
{
	if (gate->limits.daily_orders == 0 ||
	    order_gate_used_today(executions, broker->operations->name) < gate->limits.daily_orders)
		return true;
	(void)error_set(&decision->why, OUTCOME_RETRY, ERROR_KIND_INVALID,
			"MAX_DAILY_ORDERS: today's %" PRId64 " orders are used up; a day begins at "
			"00:00 UTC",
			gate->limits.daily_orders);
	return waits(decision, MARKET_BELIEVED_MS);
}

/* Once a run: the credentials lead to the account that was configured. */
static bool passes_account(struct order_gate *gate, const struct broker *broker,
			   struct order_decision *decision)
{
	struct broker_account account = {.number = ""};

	if (gate->account_confirmed || broker->operations->account == NULL)
		return true;
	if (broker->operations->account(broker->context, &account, &decision->why) != OUTCOME_OK)
		return waits(decision, 0);
	gate->account_confirmed = true;
	log_info("account confirmed broker=%s account=%s state=%s", broker->operations->name,
		 account.number, account.description);
	return true;
}

static int64_t market_age_ms(const struct order_gate *gate)
{
	return clock_monotonic_ms() - gate->market_asked_ms;
}

static bool market_is_stale(const struct order_gate *gate)
{
	return !gate->market_known || market_age_ms(gate) >= MARKET_BELIEVED_MS ||
	       market_age_ms(gate) >= gate->market.changes_in_ms;
}

static bool passes_market(struct order_gate *gate, const struct broker *broker,
			  struct order_decision *decision)
{
	int64_t left_ms;

	if (!gate->enforce_hours || broker->operations->market == NULL)
		return true;
	if (market_is_stale(gate)) {
		gate->market_known = broker->operations->market(broker->context, &gate->market,
								&decision->why) == OUTCOME_OK;
		gate->market_asked_ms = clock_monotonic_ms();
		if (!gate->market_known)
			return waits(decision, 0);
	}
	if (gate->market.open)
		return true;
	left_ms = gate->market.changes_in_ms - market_age_ms(gate);
	if (left_ms < 1)
		left_ms = 1;
	(void)error_set(&decision->why, OUTCOME_RETRY, ERROR_KIND_NONE, EXECUTION_WAITS_FOR_MARKET);
	return waits(decision, left_ms < MARKET_BELIEVED_MS ? left_ms : MARKET_BELIEVED_MS);
}

static bool passes_allowance(const struct broker *broker, const struct broker_order *order,
			     struct order_decision *decision)
{
	decision->allowance = (struct broker_allowance){.shares = order->shares};
	if (broker->operations->allowance == NULL)
		return true;
	if (broker->operations->allowance(broker->context, order, &decision->allowance,
					  &decision->why) != OUTCOME_OK)
		return waits(decision, 0);
	if (!shares_is_zero(decision->allowance.shares))
		return true;
	(void)error_set(&decision->why, OUTCOME_REJECTED, ERROR_KIND_INVALID, "%s",
			decision->allowance.reason);
	decision->verdict = ORDER_REFUSED;
	return false;
}

void order_gate_ask(struct order_gate *gate, const struct broker *broker,
		    struct executions *executions, const struct broker_order *order,
		    struct order_decision *decision)
{
	memset(decision, 0, sizeof(*decision));
	if (!order_limits_allow(&gate->limits, order, &decision->why)) {
		decision->verdict = ORDER_REFUSED;
		return;
	}
	if (!passes_daily_limit(gate, broker, executions, decision) ||
	    !passes_account(gate, broker, decision) || !passes_market(gate, broker, decision) ||
	    !passes_allowance(broker, order, decision))
		return;
	decision->verdict = ORDER_MAY_GO;
}
