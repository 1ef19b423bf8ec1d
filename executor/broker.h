/*
 * The one small interface to a broker. The executor owns the states and the database; a broker only
 * speaks.
 */
#ifndef BALLAST_EXECUTOR_BROKER_H
#define BALLAST_EXECUTOR_BROKER_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "base/outcome.h"
#include "store/executions.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stdint.h>

/* What is asked of the broker. Strings live as long as the execution they were made from. */
struct broker_order {
	const char *client_order_id;
	const char *order_id; /* "" before the broker has given one */
	struct symbol symbol;
	struct shares shares; /* whole */
	enum direction direction;
	int64_t submitted_at_ms;  /* wall time; 0 before */
	bool has_reference_price; /* what the hedged trades were worth a share on chain */
	struct usd reference_price;
};

struct broker_order_id {
	char text[ORDER_ID_SIZE];
};

enum broker_order_state {
	BROKER_ORDER_OPEN,   /* may still fill */
	BROKER_ORDER_FILLED, /* filled, nothing more will come */
	BROKER_ORDER_ENDED,  /* rejected, cancelled or expired; a part may have filled */
};

struct broker_report {
	enum broker_order_state state;
	struct shares filled_shares;
	bool has_average_price;
	struct usd average_price;
	int64_t ask_again_ms;		   /* OPEN: how long to leave the broker alone */
	char reason[EXECUTION_ERROR_SIZE]; /* ENDED: why */
};

struct broker_operations {
	const char *name; /* executions.broker */

	/*
	 * Places the order, once. OK: accepted, under *order_id. RETRY: no byte of it reached the
	 * broker. REJECTED: refused, surely not placed. UNKNOWN: it may have been placed; only find
	 * may follow.
	 */
	enum outcome (*submit)(void *context, const struct broker_order *order,
			       struct broker_order_id *order_id, struct error *error);

	/*
	 * Whether an order that may have been placed exists. OK: it does, under *order_id.
	 * REJECTED: it surely does not, and may be submitted again. RETRY: could not ask. UNKNOWN:
	 * a machine cannot tell, a person must decide.
	 */
	enum outcome (*find)(void *context, const struct broker_order *order,
			     struct broker_order_id *order_id, struct error *error);

	/* How the order stands. OK or RETRY. */
	enum outcome (*report)(void *context, const struct broker_order *order,
			       struct broker_report *report, struct error *error);

	void (*close)(void *context);
};

struct broker {
	const struct broker_operations *operations;
	void *context;
};

#endif
