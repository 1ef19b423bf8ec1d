/*
 * Charles Schwab: market orders for whole shares. Schwab has no order id of ours: an order whose
 * outcome is unclear is looked for among the account's orders, by symbol, side, quantity and time;
 * when that does not decide, a person must.
 */
#ifndef BALLAST_EXECUTOR_BROKER_SCHWAB_H
#define BALLAST_EXECUTOR_BROKER_SCHWAB_H

#include "executor/broker.h"
#include "executor/schwab_session.h"

#include <stdbool.h>
#include <stdint.h>

struct schwab_options {
	const char *base_url;
	const char *ca_file;
	int64_t timeout_ms;
	int64_t reconcile_ms; /* an order that is absent for so long is HELD */
	const char *account_number;
	bool allow_short;
	struct schwab_session_options session;
};

void broker_schwab_open(struct broker *broker, const struct schwab_options *options);

/* Of a broker that broker_schwab_open made: for the command that logs in. */
struct schwab_session *broker_schwab_session(const struct broker *broker);

#endif
