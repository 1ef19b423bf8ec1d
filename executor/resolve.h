/*
 * executor resolve: a person's decision about an execution that is HELD; or, while trading is
 * halted, about one that is PENDING and that the broker has filled unknown to this ledger, which
 * was restored from a backup: only --filled.
 */
#ifndef BALLAST_EXECUTOR_RESOLVE_H
#define BALLAST_EXECUTOR_RESOLVE_H

#include <stdbool.h>

/* As on the command line; exactly one of the three ways. */
struct resolution {
	const char *execution_id;
	const char *adopt; /* an order id, or NULL */
	bool not_placed;
	const char *filled_shares; /* or NULL */
	const char *filled_price;  /* with filled_shares; "unknown" when there is none */
	const char *reason;	   /* or NULL */
};

/* The exit code. The decision and its reason are recorded in the same transaction. */
int resolve_execution(const char *database_path, const char *broker,
		      const struct resolution *resolution);

#endif
