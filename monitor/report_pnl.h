/* Profit and loss: on-chain trades and broker fills together, first in, first out (fifo.h). */
#ifndef BALLAST_MONITOR_REPORT_PNL_H
#define BALLAST_MONITOR_REPORT_PNL_H

#include "base/compiler.h"
#include "monitor/reports.h"

/*
 * A row for each trade, in the order of their times: what it realised, what its symbol has realised
 * since the beginning, and the shares that are held after it. from and to choose the rows that are
 * shown; what was before them counts. False after logging it: an amount does not fit.
 */
MUST_USE bool report_pnl_print(struct store *store, const struct report_options *options,
			       FILE *file);

#endif
