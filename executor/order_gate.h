/*
 * Whether an order may leave now: the operator's limits, the account, the market's hours, what the
 * account can carry. Asked before each order's intent is written; nothing here places anything.
 */
#ifndef BALLAST_EXECUTOR_ORDER_GATE_H
#define BALLAST_EXECUTOR_ORDER_GATE_H

#include "executor/broker.h"
#include "executor/order_limits.h"
#include "store/executions.h"

#include <stdbool.h>
#include <stdint.h>

struct order_gate {
	struct order_limits limits;
	bool enforce_hours;
	bool account_confirmed;
	bool market_known;
	struct broker_market market;
	int64_t market_asked_ms; /* monotonic */
};

enum order_verdict {
	ORDER_MAY_GO, /* for allowance.shares */
	ORDER_WAITS,  /* for wait_ms, or as long as a failure calls for when that is 0 */
	ORDER_REFUSED,
};

struct order_decision {
	enum order_verdict verdict;
	struct broker_allowance allowance;
	int64_t wait_ms;
	struct error why; /* of waiting and refusing */
};

void order_gate_open(struct order_gate *gate, const struct order_limits *limits,
		     bool enforce_hours);

/* Orders of today, of all that may go. */
int64_t order_gate_used_today(struct executions *executions, const char *broker);

void order_gate_ask(struct order_gate *gate, const struct broker *broker,
		    struct executions *executions, const struct broker_order *order,
		    struct order_decision *decision);

#endif
