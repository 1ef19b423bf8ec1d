/* See spread.h. */
#include "monitor/spread.h"

#include "store/amounts.h"
#include "store/symbols.h"

bool spread_of_row(struct statement *row, struct usd *spread)
{
	struct usd moved;
	struct usd worth;

	if (statement_is_null(row, "usdc_amount") || statement_is_null(row, "oracle_price"))
		return false;
	moved = statement_usd(row, "usdc_amount");
	if (!usd_value(statement_usd(row, "oracle_price"), statement_shares(row, "amount"), &worth))
		return false;
	if (direction_from_name(statement_text(row, "direction")) == DIRECTION_SELL)
		return usd_subtract(moved, worth, spread);
	return usd_subtract(worth, moved, spread);
}
