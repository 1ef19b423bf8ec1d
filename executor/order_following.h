/* From the broker's acceptance to the order's end. */
#ifndef BALLAST_EXECUTOR_ORDER_FOLLOWING_H
#define BALLAST_EXECUTOR_ORDER_FOLLOWING_H

#include "executor/executor.h"

/* SUBMITTED: reads how the order stands. True when the execution's state has changed. */
bool following_step(struct executor *executor, const struct execution *execution);

#endif
