/* From PENDING to the broker, and finding out what became of an order that may have been placed. */
#ifndef BALLAST_EXECUTOR_ORDER_SUBMISSION_H
#define BALLAST_EXECUTOR_ORDER_SUBMISSION_H

#include "executor/executor.h"

/* PENDING: asks the gate, writes the intent, places the order. True when its state has changed. */
bool submission_submit(struct executor *executor, struct execution *execution);

/* SUBMITTING: looks for the order. True when its state has changed. */
bool submission_reconcile(struct executor *executor, const struct execution *execution);

#endif
