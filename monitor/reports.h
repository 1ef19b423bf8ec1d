/*
 * What `monitor report` prints: each report is a read of the tables, row by row, in the amounts
 * that stand there.
 */
#ifndef BALLAST_MONITOR_REPORTS_H
#define BALLAST_MONITOR_REPORTS_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "monitor/table.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdio.h>

struct report_options {
	const char *symbol; /* ticker; NULL: all */
	const char *from;   /* a time, or its beginning ("2026-01-31"); NULL: all */
	const char *to;	    /* the first time that is left out; NULL: none is */
	enum table_format format;
};

/* Whether name is a report, and takes these options; logged when not. */
MUST_USE bool report_check(const char *name, const struct report_options *options);

/* name: one that report_check takes. False after logging why it is not complete. */
MUST_USE bool report_print(struct store *store, const char *name,
			   const struct report_options *options, FILE *file);

#endif
