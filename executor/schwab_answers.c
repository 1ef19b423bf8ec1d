/* See schwab_answers.h. Orders; the rest stands in schwab_account_answers.c. */
#include "executor/schwab_answers.h"

#include "executor/broker_json.h"

#include <stdio.h>
#include <string.h>

/* How much the broker's clock may be behind ours. */
#define CLOCK_TOLERANCE_MS 5000

static enum outcome malformed(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "schwab: %s", what);
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

enum broker_order_state schwab_order_state(const char *status)
{
	static const char *const ended[] = {"CANCELED", "REJECTED", "EXPIRED", "REPLACED"};

	if (strcmp(status, "FILLED") == 0)
		return BROKER_ORDER_FILLED;
	return is_one_of(status, ended, ARRAY_LENGTH(ended)) ? BROKER_ORDER_ENDED
							     : BROKER_ORDER_OPEN;
}

bool schwab_direction(const char *instruction, enum direction *direction)
{
	static const char *const buys[] = {"BUY", "BUY_TO_COVER", "BUY_TO_OPEN", "BUY_TO_CLOSE"};
	static const char *const sells[] = {"SELL", "SELL_SHORT", "SELL_SHORT_EXEMPT",
					    "SELL_TO_OPEN", "SELL_TO_CLOSE"};

	if (is_one_of(instruction, buys, ARRAY_LENGTH(buys)))
		*direction = DIRECTION_BUY;
	else if (is_one_of(instruction, sells, ARRAY_LENGTH(sells)))
		*direction = DIRECTION_SELL;
	else
		return false;
	return true;
}

const char *schwab_instruction(enum direction direction, enum order_effect effect)
{
	switch (effect) {
	case ORDER_EFFECT_LONG:
		return direction == DIRECTION_BUY ? "BUY" : "SELL";
	case ORDER_EFFECT_SHORT:
		return direction == DIRECTION_SELL ? "SELL_SHORT" : NULL;
	case ORDER_EFFECT_COVER:
		return direction == DIRECTION_BUY ? "BUY_TO_COVER" : NULL;
	}
	return NULL;
}

/* What was paid, and for how many shares. */
struct fills {
	struct shares shares;
	struct usd dollars;
};

static bool add_leg(const json_t *leg, struct fills *fills)
{
	struct shares quantity;
	struct usd price;
	struct usd value;

	return broker_json_shares(leg, "quantity", &quantity) && !shares_is_negative(quantity) &&
	       broker_json_usd(leg, "price", &price) && !usd_is_negative(price) &&
	       usd_value(price, quantity, &value) &&
	       shares_add(fills->shares, quantity, &fills->shares) &&
	       usd_add(fills->dollars, value, &fills->dollars);
}

/*
 * Only an EXECUTION that is a FILL counts: rejected and cancelled orders have legs as well, with
 * their full quantity and price 0.
 */
static bool add_fills(const json_t *activities, struct fills *fills)
{
	const json_t *activity;
	const json_t *leg;
	size_t i;
	size_t j;

	json_array_foreach(activities, i, activity)
	{
		if (strcmp(broker_json_text(activity, "activityType"), "EXECUTION") != 0 ||
		    strcmp(broker_json_text(activity, "executionType"), "FILL") != 0)
			continue;
		json_array_foreach(json_object_get(activity, "executionLegs"), j, leg)
		{
			if (!add_leg(leg, fills))
				return false;
		}
	}
	return true;
}

static enum outcome read_fills(const json_t *root, struct schwab_order *order, struct error *error)
{
	struct fills fills = {0};

	if (!add_fills(json_object_get(root, "orderActivityCollection"), &fills))
		return malformed(error, "an execution without quantity and price");
	order->leg_shares = fills.shares;
	order->has_average_price = usd_price(fills.dollars, fills.shares, &order->average_price);
	return OUTCOME_OK;
}

static bool is_digits(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static enum outcome read_order(const json_t *root, struct schwab_order *order, struct error *error)
{
	const json_t *leg = json_array_get(json_object_get(root, "orderLegCollection"), 0);
	struct schwab_order made = {.id = ""};
	const char *description = broker_json_text(root, "statusDescription");
	enum outcome outcome;

	if (!broker_json_copy(root, "orderId", made.id, sizeof(made.id)) || !is_digits(made.id))
		return malformed(error, "an order without orderId");
	if (!broker_json_copy(root, "status", made.status, sizeof(made.status)))
		return malformed(error, "an order without status");
	if (!broker_json_shares(root, "quantity", &made.quantity) &&
	    !broker_json_shares(leg, "quantity", &made.quantity))
		return malformed(error, "an order without quantity");
	if (broker_json_text(root, "filledQuantity")[0] != '\0' &&
	    (!broker_json_shares(root, "filledQuantity", &made.filled_shares) ||
	     shares_is_negative(made.filled_shares)))
		return malformed(error, "an order whose filledQuantity is no quantity");
	outcome = read_fills(root, &made, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	/* Absent in some replies: what is "" matches nothing, or is not compared. */
	if (!broker_json_copy(root, "orderType", made.order_type, sizeof(made.order_type)))
		made.order_type[0] = '\0';
	if (!broker_json_copy(leg, "instruction", made.instruction, sizeof(made.instruction)))
		made.instruction[0] = '\0';
	if (!broker_json_copy(json_object_get(leg, "instrument"), "symbol", made.symbol,
			      sizeof(made.symbol)))
		made.symbol[0] = '\0';
	made.has_entered_at =
		broker_time_parse(broker_json_text(root, "enteredTime"), &made.entered_at_ms);
	broker_words(
		(struct bytes){.data = (const uint8_t *)description, .length = strlen(description)},
		made.description, sizeof(made.description));
	*order = made;
	return OUTCOME_OK;
}

enum outcome schwab_read_order(struct bytes text, struct schwab_order *order, struct error *error)
{
	json_t *root = broker_json_parse(text, "schwab: order", error);
	enum outcome outcome;

	if (root == NULL)
		return OUTCOME_REJECTED;
	outcome = read_order(root, order, error);
	json_decref(root);
	return outcome;
}

enum outcome schwab_read_orders(struct bytes text, schwab_visit_fn *visit, void *context,
				int64_t *count, struct error *error)
{
	json_t *root = broker_json_parse(text, "schwab: orders", error);
	struct schwab_order order;
	const json_t *item;
	size_t i;

	if (root == NULL)
		return OUTCOME_REJECTED;
	if (!json_is_array(root)) {
		json_decref(root);
		return malformed(error, "orders that are not a list");
	}
	json_array_foreach(root, i, item)
	{
		/* Options and complex orders have other shapes, and are none of ours. */
		if (read_order(item, &order, NULL) == OUTCOME_OK)
			visit(context, &order);
	}
	*count = (int64_t)json_array_size(root);
	json_decref(root);
	return OUTCOME_OK;
}

enum outcome schwab_report(const struct schwab_order *order, struct broker_report *report,
			   struct error *error)
{
	struct broker_report made = {.state = schwab_order_state(order->status)};

	made.filled_shares = order->filled_shares;
	made.has_average_price = order->has_average_price;
	made.average_price = order->average_price;
	if (made.state != BROKER_ORDER_OPEN &&
	    shares_compare(order->leg_shares, order->filled_shares) != 0)
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_BEHIND,
				 "schwab: %s with filledQuantity %s, but its executions add up to "
				 "%s",
				 order->status, shares_text(order->filled_shares).text,
				 shares_text(order->leg_shares).text);
	if (made.state == BROKER_ORDER_FILLED &&
	    shares_compare(order->filled_shares, order->quantity) < 0)
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_BEHIND,
				 "schwab: FILLED, but %s of %s shares",
				 shares_text(order->filled_shares).text,
				 shares_text(order->quantity).text);
	if (made.state == BROKER_ORDER_ENDED)
		(void)snprintf(made.reason, sizeof(made.reason), "schwab: %s %.200s", order->status,
			       order->description);
	*report = made;
	return OUTCOME_OK;
}

bool schwab_same_symbol(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		if (*a != *b && !((*a == '.' || *a == '/') && (*b == '.' || *b == '/')))
			return false;
	}
	return *a == *b;
}

bool schwab_order_matches(const struct schwab_order *order, const struct broker_order *sent)
{
	enum direction direction;

	return schwab_same_symbol(order->symbol, sent->symbol.text) &&
	       schwab_direction(order->instruction, &direction) && direction == sent->direction &&
	       shares_compare(order->quantity, sent->shares) == 0 &&
	       strcmp(order->order_type, "MARKET") == 0 && order->has_entered_at &&
	       order->entered_at_ms >= sent->submitted_at_ms - CLOCK_TOLERANCE_MS;
}

bool schwab_order_id_of(const char *location, char *order_id, size_t size)
{
	static const char marker[] = "/orders/";
	const char *start = strstr(location, marker);
	size_t length;

	if (start == NULL)
		return false;
	start += strlen(marker);
	length = strspn(start, "0123456789");
	if (length == 0 || length >= size || length > 19 || start[length] != '\0')
		return false;
	memcpy(order_id, start, length);
	order_id[length] = '\0';
	return true;
}

enum outcome schwab_judge_refusal(long status, struct bytes body, struct error *error)
{
	json_t *root = broker_json_parse(body, "schwab: error", NULL);
	bool is_json = json_is_object(root);
	char words[160];

	json_decref(root);
	broker_words(body, words, sizeof(words));
	/* The token had ended, or was taken back: nothing was placed, and a new one may do. */
	if (status == 401 && is_json)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_INVALID,
				 "schwab refuses the access token (401)");
	/* Only Schwab itself answers in JSON; a page of HTML comes from something before it. */
	if (is_json && (status == 400 || status == 403 || status == 404 || status == 422))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "schwab refuses the order (%ld): %s", status, words);
	return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_UNREACHABLE,
			 "schwab answered HTTP %ld: %s", status, words);
}
