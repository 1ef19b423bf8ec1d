/*
 * Alpaca, paper and live: market orders by quantity. Alpaca takes each client_order_id once, so
 * asking by it decides whether an order was placed.
 */
#ifndef BALLAST_EXECUTOR_BROKER_ALPACA_H
#define BALLAST_EXECUTOR_BROKER_ALPACA_H

#include "executor/broker.h"

#include <stdbool.h>
#include <stdint.h>

/* Strings are copied, the secret ones into locked memory. */
struct alpaca_options {
	const char *base_url;
	const char *ca_file;
	int64_t timeout_ms;
	int64_t reconcile_ms; /* an order that is absent for so long was not placed */
	const char *key;
	const char *secret;
	const char *account_number; /* "": any */
	bool allow_short;
};

void broker_alpaca_open(struct broker *broker, const struct alpaca_options *options);

#endif
