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

#define BROKER_ACCOUNT_NUMBER_SIZE 65
#define BROKER_TEXT_SIZE	   129

/* Which orders at the broker belong to an execution already. */
struct broker_known_orders {
	bool (*is_known)(void *context, const char *order_id);
	void *context;
};

/* What a stock order does to what the account holds; brokers want it said, and none may cross zero.
 */
enum order_effect {
	ORDER_EFFECT_LONG,  /* buys to hold, or sells what is held */
	ORDER_EFFECT_SHORT, /* sells what is not held */
	ORDER_EFFECT_COVER, /* buys back what was sold short */
};

/* What is asked of the broker. Strings live as long as the execution they were made from. */
struct broker_order {
	const char *client_order_id;
	const char *order_id; /* "" before the broker has given one */
	struct symbol symbol;
	struct shares shares; /* whole; what the order is for */
	enum direction direction;
	enum order_effect effect;
	int64_t submitted_at_ms;  /* wall time of the intent; 0 before */
	bool has_reference_price; /* what a share was worth last, as far as we know */
	struct usd reference_price;
	const struct broker_known_orders *known; /* for find */
};

/* What the broker says it has taken. */
struct broker_acceptance {
	char order_id[ORDER_ID_SIZE];
	struct shares shares;
};

enum broker_search {
	BROKER_SEARCH_ABSENT, /* not there, or not yet */
	BROKER_SEARCH_FOUND,
	BROKER_SEARCH_AMBIGUOUS, /* several could be it */
};

/* What follows when an order stays absent. */
struct broker_absence {
	int64_t settles_after_ms; /* looked for so long ... */
	int64_t looks;		  /* ... and at least so often */
	bool proves_not_placed;	  /* else a person must say */
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
	int64_t ask_again_ms; /* OPEN: how long to leave the broker alone; 0: as usual */
	char reason[EXECUTION_ERROR_SIZE]; /* ENDED: why */
};

/* Valid when asked; open now, and for how long that will last. */
struct broker_market {
	bool open;
	int64_t changes_in_ms; /* > 0 */
};

struct broker_account {
	char number[BROKER_ACCOUNT_NUMBER_SIZE];
	char description[BROKER_TEXT_SIZE]; /* for people: status, cash */
};

/* Of an order, what the account can carry now. */
struct broker_allowance {
	struct shares shares; /* whole, 0 .. what was asked */
	enum order_effect effect;
	char reason[EXECUTION_ERROR_SIZE]; /* why not all; "" when all */
};

struct broker_operations {
	const char *name; /* executions.broker */
	struct broker_absence absence;

	/*
	 * Who the account is. OK; RETRY: could not ask; REJECTED: the credentials, or what they
	 * lead to, are not what was configured. NULL when there is no account.
	 */
	enum outcome (*account)(void *context, struct broker_account *account, struct error *error);

	/* OK or RETRY. NULL when the market never closes. */
	enum outcome (*market)(void *context, struct broker_market *market, struct error *error);

	/* OK or RETRY. NULL when everything is allowed. */
	enum outcome (*allowance)(void *context, const struct broker_order *order,
				  struct broker_allowance *allowance, struct error *error);

	/*
	 * Places the order, once. OK: accepted. RETRY: surely not placed, and may be tried again.
	 * REJECTED: refused, surely not placed. UNKNOWN: it may have been placed; only find may
	 * follow.
	 */
	enum outcome (*submit)(void *context, const struct broker_order *order,
			       struct broker_acceptance *acceptance, struct error *error);

	/* Looks for an order that may have been placed. OK: search says what was found, and only
	 * then is acceptance filled. RETRY: could not look. */
	enum outcome (*find)(void *context, const struct broker_order *order,
			     enum broker_search *search, struct broker_acceptance *acceptance,
			     struct error *error);

	/*
	 * How the order stands. OK; RETRY: could not ask; UNKNOWN: the broker's answer contradicts
	 * itself or what we know, which time may mend, or else a person.
	 */
	enum outcome (*report)(void *context, const struct broker_order *order,
			       struct broker_report *report, struct error *error);

	/* Lines for executor status about this broker alone (its tokens). May be NULL. */
	void (*describe)(void *context);

	/*
	 * What must be done now and then though no order asks for it (refreshing tokens, warning of
	 * their end); the milliseconds until it is due again. May be NULL.
	 */
	int64_t (*keep)(void *context);

	void (*close)(void *context);
};

struct broker {
	const struct broker_operations *operations;
	void *context;
};

#endif
