/*
 * What follows from what: the states of an execution as pure tables.
 *
 *	PENDING -> SUBMITTING -> SUBMITTED -> FILLED
 *	               |   |           `----> FAILED   rejected, cancelled, expired; the filled part
 *counts |   `----------------> FAILED   refused: surely not placed
 *	               `-- unknown: stays SUBMITTING until it is found out -> SUBMITTED, PENDING or
 *HELD
 */
#ifndef BALLAST_EXECUTOR_EXECUTION_LIFECYCLE_H
#define BALLAST_EXECUTOR_EXECUTION_LIFECYCLE_H

#include "base/compiler.h"
#include "base/outcome.h"
#include "executor/broker.h"
#include "store/executions.h"

/* From SUBMITTING, after broker submit. */
enum execution_status lifecycle_after_submit(enum outcome outcome);

/* From SUBMITTING, after broker find. */
enum execution_status lifecycle_after_find(enum outcome outcome);

/*
 * From SUBMITTED, after broker report. What counts at the end is the quantity, whatever word the
 * broker has for it: all that was asked for is FILLED, less is FAILED and the rest goes back to the
 * position.
 */
enum execution_status lifecycle_after_report(const struct broker_report *report,
					     struct shares asked);

#endif
