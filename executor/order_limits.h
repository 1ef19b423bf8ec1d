/* The limits that the operator has set on every order, whatever the database asks for. Pure. */
#ifndef BALLAST_EXECUTOR_ORDER_LIMITS_H
#define BALLAST_EXECUTOR_ORDER_LIMITS_H

#include "base/compiler.h"
#include "base/config.h"
#include "base/decimal.h"
#include "executor/broker.h"

#include <stdbool.h>
#include <stdint.h>

/* What is zero or empty does not limit. */
struct order_limits {
	struct shares order_shares;	    /* MAX_ORDER_SHARES */
	struct usd order_notional;	    /* MAX_ORDER_NOTIONAL, at the last known price */
	int64_t daily_orders;		    /* MAX_DAILY_ORDERS, a day being one of UTC */
	struct config_text allowed_symbols; /* ALLOWED_SYMBOLS: tickers, comma separated */
};

/* False, with why in error, for an order that is over a limit of its own. */
MUST_USE bool order_limits_allow(const struct order_limits *limits,
				 const struct broker_order *order, struct error *error);

#endif
