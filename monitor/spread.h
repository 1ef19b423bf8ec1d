/*
 * What a fill earned against the price that its order read: the dollars it brought beyond those
 * that its shares were worth at that price. Negative when the taker had the better of it.
 */
#ifndef BALLAST_MONITOR_SPREAD_H
#define BALLAST_MONITOR_SPREAD_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "store/store.h"

#include <stdbool.h>

/*
 * Reads direction, amount, usdc_amount and oracle_price of the row. False: there is none, since the
 * order read no price, no dollars moved, or it does not fit.
 */
MUST_USE bool spread_of_row(struct statement *row, struct usd *spread);

#endif
