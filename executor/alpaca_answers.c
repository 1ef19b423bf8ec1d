/* See alpaca_answers.h. */
#include "executor/alpaca_answers.h"

#include "executor/broker_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE_ID_IS_TAKEN 40010001

static enum outcome malformed(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "alpaca: %s", what);
}

enum broker_order_state alpaca_order_state(const char *status)
{
	static const char *const ended[] = {"canceled", "expired", "rejected", "replaced"};

	if (strcmp(status, "filled") == 0)
		return BROKER_ORDER_FILLED;
	for (size_t i = 0; i < ARRAY_LENGTH(ended); i++) {
		if (strcmp(status, ended[i]) == 0)
			return BROKER_ORDER_ENDED;
	}
	/* done_for_day, too: a day order then becomes expired or canceled, with its last quantity.
	 */
	return BROKER_ORDER_OPEN;
}

static bool read_direction(const json_t *root, enum direction *direction)
{
	const char *side = broker_json_text(root, "side");

	if (strcmp(side, "buy") == 0)
		*direction = DIRECTION_BUY;
	else if (strcmp(side, "sell") == 0)
		*direction = DIRECTION_SELL;
	else
		return false;
	return true;
}

static enum outcome read_order(const json_t *root, struct alpaca_order *order, struct error *error)
{
	struct alpaca_order made = {.id = ""};

	if (!broker_json_copy(root, "id", made.id, sizeof(made.id)))
		return malformed(error, "an order without id");
	if (!broker_json_copy(root, "symbol", made.symbol, sizeof(made.symbol)))
		return malformed(error, "an order without symbol");
	if (!broker_json_copy(root, "status", made.status, sizeof(made.status)))
		return malformed(error, "an order without status");
	if (!read_direction(root, &made.direction))
		return malformed(error, "an order that is neither buy nor sell");
	if (!broker_json_shares(root, "qty", &made.quantity) || shares_is_negative(made.quantity))
		return malformed(error, "an order without qty");
	/* Absent or null before anything is filled. */
	if (broker_json_text(root, "filled_qty")[0] != '\0' &&
	    (!broker_json_shares(root, "filled_qty", &made.filled_shares) ||
	     shares_is_negative(made.filled_shares)))
		return malformed(error, "an order whose filled_qty is no quantity");
	made.has_average_price = broker_json_usd(root, "filled_avg_price", &made.average_price) &&
				 !usd_is_negative(made.average_price) &&
				 !usd_is_zero(made.average_price);
	/* Somebody else's order may have any id. */
	if (!broker_json_copy(root, "client_order_id", made.client_order_id,
			      sizeof(made.client_order_id)))
		made.client_order_id[0] = '\0';
	*order = made;
	return OUTCOME_OK;
}

enum outcome alpaca_read_order(struct bytes text, struct alpaca_order *order, struct error *error)
{
	json_t *root = broker_json_parse(text, "alpaca: order", error);
	enum outcome outcome;

	if (root == NULL)
		return OUTCOME_REJECTED;
	outcome = read_order(root, order, error);
	json_decref(root);
	return outcome;
}

enum outcome alpaca_report(const struct alpaca_order *order, struct broker_report *report,
			   struct error *error)
{
	struct broker_report made = {.state = alpaca_order_state(order->status)};

	made.filled_shares = order->filled_shares;
	made.has_average_price = order->has_average_price;
	made.average_price = order->average_price;
	if (made.state != BROKER_ORDER_OPEN && !shares_is_zero(made.filled_shares) &&
	    !made.has_average_price)
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_MALFORMED,
				 "alpaca: %s shares filled without a price (status %s)",
				 shares_text(made.filled_shares).text, order->status);
	if (made.state == BROKER_ORDER_FILLED &&
	    shares_compare(made.filled_shares, order->quantity) < 0)
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_MALFORMED,
				 "alpaca: filled, but %s of %s shares",
				 shares_text(made.filled_shares).text,
				 shares_text(order->quantity).text);
	if (made.state == BROKER_ORDER_ENDED)
		(void)snprintf(made.reason, sizeof(made.reason), "alpaca: %s", order->status);
	*report = made;
	return OUTCOME_OK;
}

bool alpaca_read_error(struct bytes text, struct alpaca_error *error)
{
	struct alpaca_error made = {.code = 0};
	json_t *root = broker_json_parse(text, "alpaca: error", NULL);
	const char *message = broker_json_text(root, "message");
	bool good = json_is_object(root) && message[0] != '\0';

	if (good) {
		made.code = strtoll(broker_json_text(root, "code"), NULL, 10);
		broker_words(
			(struct bytes){.data = (const uint8_t *)message, .length = strlen(message)},
			made.message, sizeof(made.message));
		*error = made;
	}
	json_decref(root);
	return good;
}

enum outcome alpaca_judge_refusal(long status, struct bytes body, struct error *error)
{
	struct alpaca_error said = {.code = 0};
	bool is_json = alpaca_read_error(body, &said);

	if (!is_json)
		broker_words(body, said.message, 120);
	/* Our id is there already: this order, or the one before it, was placed after all. */
	if (status == 422 && is_json && said.code == CODE_ID_IS_TAKEN)
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_NONE,
				 "alpaca knows the client_order_id already");
	/* A wrong key places nothing, and a person mends it: the order waits. */
	if (status == 401 && is_json)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_INVALID,
				 "alpaca refuses the key (401 %s): check ALPACA_API_KEY and "
				 "ALPACA_API_SECRET",
				 said.message);
	if (is_json && (status == 400 || status == 403 || status == 404 || status == 422))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "alpaca refuses the order (%ld %" PRId64 "): %s", status,
				 said.code, said.message);
	return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_UNREACHABLE,
			 "alpaca answered HTTP %ld: %s", status, said.message);
}

static bool is_blocked(const json_t *root)
{
	return broker_json_is_true(root, "trading_blocked") ||
	       broker_json_is_true(root, "account_blocked") ||
	       broker_json_is_true(root, "trade_suspended_by_user");
}

static void read_cash(const json_t *root, struct alpaca_account *account)
{
	struct usd power;

	account->has_cash = broker_json_usd(root, "cash", &account->cash);
	/* What open orders have reserved is missing in the buying power, not in the cash. */
	if (broker_json_usd(root, "buying_power", &power) &&
	    (!account->has_cash || usd_compare(power, account->cash) < 0)) {
		account->cash = power;
		account->has_cash = true;
	}
}

enum outcome alpaca_read_account(struct bytes text, struct alpaca_account *account,
				 struct error *error)
{
	json_t *root = broker_json_parse(text, "alpaca: account", error);
	struct alpaca_account made = {.number = ""};
	enum outcome outcome = OUTCOME_OK;

	if (root == NULL)
		return OUTCOME_REJECTED;
	if (!broker_json_copy(root, "status", made.status, sizeof(made.status)))
		outcome = malformed(error, "an account without status");
	/* Only id and status are promised. */
	if (!broker_json_copy(root, "account_number", made.number, sizeof(made.number)))
		made.number[0] = '\0';
	made.blocked = is_blocked(root);
	made.may_short = broker_json_is_true(root, "shorting_enabled");
	read_cash(root, &made);
	json_decref(root);
	if (outcome == OUTCOME_OK)
		*account = made;
	return outcome;
}

enum outcome alpaca_read_position(struct bytes text, struct alpaca_position *position,
				  struct error *error)
{
	json_t *root = broker_json_parse(text, "alpaca: position", error);
	struct alpaca_position made = {0};
	const struct shares none = {0};
	bool good = root != NULL && broker_json_shares(root, "qty", &made.held);

	/* A short position has been seen with a positive quantity and side "short". */
	if (good && strcmp(broker_json_text(root, "side"), "short") == 0 &&
	    !shares_is_negative(made.held))
		good = shares_subtract(none, made.held, &made.held);
	if (good && !broker_json_shares(root, "qty_available", &made.available))
		made.available = made.held;
	json_decref(root);
	if (!good)
		return malformed(error, "a position without qty");
	*position = made;
	return OUTCOME_OK;
}

enum outcome alpaca_read_clock(struct bytes text, struct broker_market *market, struct error *error)
{
	json_t *root = broker_json_parse(text, "alpaca: clock", error);
	const json_t *is_open = json_object_get(root, "is_open");
	struct broker_market made = {.open = json_is_true(is_open)};
	int64_t now_ms;
	int64_t change_ms;
	bool good =
		json_is_boolean(is_open) &&
		broker_time_parse(broker_json_text(root, "timestamp"), &now_ms) &&
		broker_time_parse(broker_json_text(root, made.open ? "next_close" : "next_open"),
				  &change_ms);

	json_decref(root);
	if (!good)
		return malformed(error, "a clock without is_open, timestamp and what is next");
	made.changes_in_ms = change_ms > now_ms ? change_ms - now_ms : 1;
	*market = made;
	return OUTCOME_OK;
}
