/*
 * Table executions. The processor inserts; the executor moves the states on. Each change names the
 * state it leaves, and exactly one row must change: anything else is an invariant.
 */
#ifndef BALLAST_STORE_EXECUTIONS_H
#define BALLAST_STORE_EXECUTIONS_H

#include "base/clock.h"
#include "base/compiler.h"
#include "base/decimal.h"
#include "store/store.h"
#include "store/symbols.h"

#include <stdbool.h>
#include <stdint.h>

#define CLIENT_ORDER_ID_SIZE 65
#define ORDER_ID_SIZE	     129
#define BROKER_NAME_SIZE     17
#define EXECUTION_ERROR_SIZE 257

/* The one reason to wait that needs nobody: what error says of such a PENDING execution. */
#define EXECUTION_WAITS_FOR_MARKET "the market is closed"

enum execution_status {
	EXECUTION_PENDING,
	EXECUTION_SUBMITTING,
	EXECUTION_SUBMITTED,
	EXECUTION_FILLED,
	EXECUTION_FAILED,
	EXECUTION_HELD,
};

struct execution {
	int64_t id;
	struct symbol symbol;
	struct shares shares;
	enum direction direction;
	enum execution_status status;
	char broker[BROKER_NAME_SIZE];
	char client_order_id[CLIENT_ORDER_ID_SIZE];
	char order_id[ORDER_ID_SIZE];
	struct shares order_shares;    /* what the order asks for; zero before there is one */
	struct shares accepted_shares; /* what the broker took it for; zero before it did */
	struct shares filled_shares;
	bool has_average_price;
	struct usd average_price;
	char error[EXECUTION_ERROR_SIZE];
	int64_t submitted_at_ms; /* wall time; 0: never */
	int64_t executed_at_ms;	 /* wall time; 0: open */
};

struct executions {
	struct store *store;
	struct statement insert, find, next_open, mark_submitting, mark_pending, mark_submitted,
		mark_filled, mark_failed, mark_held, mark_waiting, mark_refused, resolve_adopted,
		resolve_not_placed, resolve_ended, hold_unsent, recent_failures, count_open,
		count_submitted, find_order, last_error, last_price;
};

void executions_open(struct executions *executions, struct store *store);
void executions_close(struct executions *executions);

/* The word in SQL, and back; an unknown word is an invariant. */
const char *execution_status_name(enum execution_status status);
bool execution_is_open(enum execution_status status);

/* Processor: a new PENDING execution; its id. shares: whole and positive. */
int64_t executions_insert(struct executions *executions, const struct symbol *symbol,
			  struct shares shares, enum direction direction);

MUST_USE bool executions_find(struct executions *executions, int64_t id,
			      struct execution *execution);

/* The lowest id above after_id that is in that (open) state. */
MUST_USE bool executions_next(struct executions *executions, enum execution_status status,
			      int64_t after_id, struct execution *execution);

/* PENDING -> SUBMITTING, with who will get the order, under which id and for how much. */
void executions_mark_submitting(struct executions *executions, int64_t id, const char *broker,
				const char *client_order_id, struct shares order_shares);
/* PENDING stays PENDING: why it waits. */
void executions_mark_waiting(struct executions *executions, int64_t id, const char *reason);
/* PENDING -> FAILED: no byte of it left, nor will. */
void executions_mark_refused(struct executions *executions, int64_t id, const char *broker,
			     const char *client_order_id, const char *error);
/* SUBMITTING -> PENDING: surely nothing was placed. The client_order_id stays with the row. */
void executions_mark_pending(struct executions *executions, int64_t id, const char *error);
/* SUBMITTING -> SUBMITTED */
void executions_mark_submitted(struct executions *executions, int64_t id, const char *order_id,
			       struct shares accepted_shares);
/* SUBMITTING or SUBMITTED -> HELD */
void executions_mark_held(struct executions *executions, int64_t id, const char *error);
/* SUBMITTED -> FILLED. average_price may be NULL. */
void executions_mark_filled(struct executions *executions, int64_t id, struct shares filled_shares,
			    const struct usd *average_price);
/* SUBMITTING or SUBMITTED -> FAILED, with what was filled before it ended. */
void executions_mark_failed(struct executions *executions, int64_t id, struct shares filled_shares,
			    const struct usd *average_price, const char *error);

/*
 * PENDING -> HELD: a person says that broker had an order for it that this ledger did not send. It
 * gets a client_order_id of its own if it has none.
 */
void executions_hold_unsent(struct executions *executions, int64_t id, const char *broker);
/* A person's word on a HELD execution: it is this order (-> SUBMITTED), ... */
void executions_resolve_adopted(struct executions *executions, int64_t id, const char *order_id);
/* ... no order exists (-> PENDING), ... */
void executions_resolve_not_placed(struct executions *executions, int64_t id);
/* ... or so much was filled (-> FILLED, or FAILED with less than was asked for). */
void executions_resolve_ended(struct executions *executions, const struct execution *execution,
			      struct shares filled_shares, const struct usd *average_price);

/* Whether any execution has that order. */
bool executions_order_is_known(struct executions *executions, const char *broker,
			       const char *order_id);

/* Orders that went, or may have gone, to that broker since then. */
int64_t executions_count_submitted(struct executions *executions, const char *broker,
				   int64_t since_wall_ms);

/* Why the symbol's newest execution that has ended did so; "" when it filled, or there is none. */
struct execution_error {
	char text[EXECUTION_ERROR_SIZE];
};
struct execution_error executions_last_error(struct executions *executions,
					     const struct symbol *symbol);

/* What the symbol's last execution that filled anything was filled at. */
MUST_USE bool executions_last_price(struct executions *executions, const struct symbol *symbol,
				    struct usd *price);

/* How many executions of the symbol failed with nothing filled since the last that filled anything,
 * and when the last of them ended. */
struct execution_failures {
	int64_t count;
	int64_t last_ended_at_ms;
};
struct execution_failures executions_recent_failures(struct executions *executions,
						     const struct symbol *symbol);

/* Executions in an open state. */
int64_t executions_count_open(struct executions *executions);

#endif
