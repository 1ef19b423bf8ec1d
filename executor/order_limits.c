/* See order_limits.h. */
#include "executor/order_limits.h"

#include <string.h>

static bool is_listed(const char *list, const char *word)
{
	size_t word_length = strlen(word);

	while (*list != '\0') {
		size_t length;

		list += strspn(list, ", ");
		length = strcspn(list, ", ");
		if (length == word_length && memcmp(list, word, length) == 0)
			return true;
		list += length;
	}
	return false;
}

static bool refuse(struct error *error, const char *key, const char *what)
{
	(void)error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID, "%s: %s", key, what);
	return false;
}

static bool allow_notional(const struct order_limits *limits, const struct broker_order *order,
			   struct error *error)
{
	struct usd value;

	if (usd_is_zero(limits->order_notional))
		return true;
	if (!order->has_reference_price)
		return refuse(error, "MAX_ORDER_NOTIONAL",
			      "no price of the symbol is known yet, so the order cannot be "
			      "measured");
	if (usd_value(order->reference_price, order->shares, &value) &&
	    usd_compare(value, limits->order_notional) <= 0)
		return true;
	return refuse(error, "MAX_ORDER_NOTIONAL", "the order is worth more");
}

bool order_limits_allow(const struct order_limits *limits, const struct broker_order *order,
			struct error *error)
{
	if (limits->allowed_symbols.text[0] != '\0' &&
	    !is_listed(limits->allowed_symbols.text, order->symbol.text))
		return refuse(error, "ALLOWED_SYMBOLS", "the symbol is not among them");
	if (!shares_is_zero(limits->order_shares) &&
	    shares_compare(order->shares, limits->order_shares) > 0)
		return refuse(error, "MAX_ORDER_SHARES", "the order is for more shares");
	return allow_notional(limits, order, error);
}
