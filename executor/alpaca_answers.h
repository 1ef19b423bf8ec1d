/*
 * What Alpaca's Trading API v2 answers, read into our terms. Pure. Source: Alpaca's OpenAPI
 * document "Trading API" (docs.alpaca.markets/openapi/trading-api.json, version 2.0.1).
 */
#ifndef BALLAST_EXECUTOR_ALPACA_ANSWERS_H
#define BALLAST_EXECUTOR_ALPACA_ANSWERS_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "executor/broker.h"

#include <stdbool.h>
#include <stdint.h>

#define ALPACA_STATUS_SIZE 33

struct alpaca_order {
	char id[ORDER_ID_SIZE];
	char client_order_id[CLIENT_ORDER_ID_SIZE];
	char symbol[SYMBOL_SIZE];
	char status[ALPACA_STATUS_SIZE];
	enum direction direction;
	struct shares quantity;
	struct shares filled_shares;
	bool has_average_price;
	struct usd average_price;
};

/* Of a word for an order's status. A word that is not in the document is an open order's. */
enum broker_order_state alpaca_order_state(const char *status);

/* OK, or REJECTED: not an order. */
enum outcome alpaca_read_order(struct bytes text, struct alpaca_order *order, struct error *error);

/*
 * What a read order means for us. OK, or UNKNOWN when it contradicts itself: ended with fills and
 * without a price, or "filled" with less than it was for.
 */
enum outcome alpaca_report(const struct alpaca_order *order, struct broker_report *report,
			   struct error *error);

/* The body of an error. */
struct alpaca_error {
	int64_t code; /* 0: none */
	char message[EXECUTION_ERROR_SIZE];
};
/* False when the body is not Alpaca's: HTML of a gateway, or nothing. */
MUST_USE bool alpaca_read_error(struct bytes text, struct alpaca_error *error);

/* What became of an order that was answered with another status than 2xx. */
enum outcome alpaca_judge_refusal(long status, struct bytes body, struct error *error);

struct alpaca_account {
	char number[BROKER_ACCOUNT_NUMBER_SIZE];
	char status[ALPACA_STATUS_SIZE];
	bool blocked; /* any of the three switches */
	bool may_short;
	bool has_cash; /* what a buy may cost: cash, but not more than the buying power */
	struct usd cash;
};
enum outcome alpaca_read_account(struct bytes text, struct alpaca_account *account,
				 struct error *error);

/* Shares held, negative when short; available: what of it no open order holds. */
struct alpaca_position {
	struct shares held;
	struct shares available;
};
enum outcome alpaca_read_position(struct bytes text, struct alpaca_position *position,
				  struct error *error);

/* By the clock of the broker's own answer. */
enum outcome alpaca_read_clock(struct bytes text, struct broker_market *market,
			       struct error *error);

#endif
