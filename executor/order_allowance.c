/* See order_allowance.h. */
#include "executor/order_allowance.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* At most so many whole shares of the amount, which may be negative: none then. */
static struct shares whole_part(struct shares amount)
{
	struct shares whole = {0};
	int64_t count = 0;

	if (shares_is_negative(amount) || !shares_whole(amount, &count) ||
	    !shares_from_integer(count, &whole))
		return (struct shares){0};
	return whole;
}

static struct shares negated(struct shares value)
{
	struct shares result = {0};
	bool fits = shares_subtract((struct shares){0}, value, &result);

	return fits ? result : (struct shares){0};
}

static void limit(struct broker_allowance *allowance, struct shares most)
{
	allowance->shares = shares_minimum(allowance->shares, whole_part(most));
}

static void explain(struct broker_allowance *allowance, struct shares asked, const char *why,
		    const char *amount)
{
	if (shares_compare(allowance->shares, asked) == 0)
		return;
	(void)snprintf(allowance->reason, sizeof(allowance->reason),
		       "the account allows %s of %s shares: %s%s",
		       shares_text(allowance->shares).text, shares_text(asked).text, why, amount);
}

static void allow_sell(const struct broker_order *order, const struct account_state *account,
		       struct broker_allowance *allowance)
{
	const struct shares none = {0};

	if (shares_compare(account->held, none) > 0) {
		limit(allowance, shares_minimum(account->held, account->available));
		explain(allowance, order->shares, "free to sell ",
			shares_text(account->available).text);
		return;
	}
	allowance->effect = ORDER_EFFECT_SHORT;
	if (!account->may_short)
		allowance->shares = none;
	explain(allowance, order->shares, "it holds none, and may not sell short (ALLOW_SHORT)",
		"");
}

static void allow_buy(const struct broker_order *order, const struct account_state *account,
		      struct broker_allowance *allowance)
{
	struct shares affordable = {0};
	int64_t count = 0;

	if (shares_is_negative(account->held)) {
		allowance->effect = ORDER_EFFECT_COVER;
		limit(allowance, negated(account->held));
		explain(allowance, order->shares, "first it covers its short position ",
			shares_text(account->held).text);
		return;
	}
	if (!account->has_cash || !order->has_reference_price ||
	    !shares_affordable(account->cash, order->reference_price, &count) ||
	    !shares_from_integer(count, &affordable))
		return;
	limit(allowance, affordable);
	explain(allowance, order->shares, "its dollars are ", usd_text(account->cash).text);
}

struct broker_allowance order_allowance(const struct broker_order *order,
					const struct account_state *account)
{
	struct broker_allowance allowance = {.shares = order->shares, .effect = ORDER_EFFECT_LONG};

	if (order->direction == DIRECTION_SELL)
		allow_sell(order, account, &allowance);
	else
		allow_buy(order, account, &allowance);
	invariant(shares_compare(allowance.shares, order->shares) <= 0 &&
		  !shares_is_negative(allowance.shares));
	return allowance;
}
