/*
 * What follows from what: the states of an execution as pure tables.
 *
 *	PENDING -> FAILED      over a limit, or the account allows nothing
 *	PENDING -> SUBMITTING  before the first byte leaves
 *	SUBMITTING -> SUBMITTED, FAILED (refused), PENDING (nothing left), or stays: unclear
 *	SUBMITTING, unclear -> SUBMITTED (found), PENDING (surely not placed), HELD (a person says)
 *	SUBMITTED -> FILLED, FAILED (ended with less; the filled part counts), HELD (contradicts
 *	             itself for too long)
 */
#ifndef BALLAST_EXECUTOR_EXECUTION_LIFECYCLE_H
#define BALLAST_EXECUTOR_EXECUTION_LIFECYCLE_H

#include "base/compiler.h"
#include "base/outcome.h"
#include "executor/broker.h"
#include "store/executions.h"

#include <stdbool.h>

/* From SUBMITTING, after broker submit. */
enum execution_status lifecycle_after_submit(enum outcome outcome);

/*
 * From SUBMITTING, after a look that the broker answered. settled: the order was absent for as long
 * and as often as the broker's absence asks for.
 */
enum execution_status lifecycle_after_find(enum broker_search search, bool settled,
					   bool absence_proves_not_placed);

/*
 * From SUBMITTED, after broker report. What counts at the end is the quantity, whatever word the
 * broker has for it: all that was asked for is FILLED, less is FAILED and the rest goes back to the
 * position.
 */
enum execution_status lifecycle_after_report(const struct broker_report *report,
					     struct shares asked);

#endif
