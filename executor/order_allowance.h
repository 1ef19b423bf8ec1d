/* How much of an order the account can carry. Pure: both brokers ask it with what they have read.
 */
#ifndef BALLAST_EXECUTOR_ORDER_ALLOWANCE_H
#define BALLAST_EXECUTOR_ORDER_ALLOWANCE_H

#include "executor/broker.h"

#include <stdbool.h>

struct account_state {
	struct shares held;	 /* of the order's symbol; negative: short */
	struct shares available; /* of that, not bound by an open order */
	bool may_short;		 /* the account may, and the operator wants it */
	bool has_cash;
	struct usd cash; /* what a buy may cost */
};

/*
 * A sell is for no more than is held, unless it may go short; it never crosses zero: first what is
 * held, and the next order sells the rest short. A buy covers what is short, alone, and otherwise
 * costs no more than the cash at the last known price; without a price the broker must judge.
 */
struct broker_allowance order_allowance(const struct broker_order *order,
					const struct account_state *account);

#endif
