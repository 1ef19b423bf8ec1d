/* What the steps of an execution share: its order, its log lines, when to look again. For the files
 * of the executor's steps only. */
#ifndef BALLAST_EXECUTOR_EXECUTOR_CONTEXT_H
#define BALLAST_EXECUTOR_EXECUTOR_CONTEXT_H

#include "executor/executor.h"

/* What the broker is asked or told about the execution. Points into both. */
void executor_make_order(struct executor *executor, const struct execution *execution,
			 struct broker_order *order);

/* One line for each change of state; why may be "". */
void executor_log_transition(const struct execution *execution, enum execution_status to,
			     const char *why);
void executor_announce_held(const struct execution *execution, const char *why);

/* The outcome is unclear still: leaves the execution alone for that long, and says so. */
void executor_look_again(struct executor *executor, const struct execution *execution,
			 int64_t wait_ms, const char *why);

/* A row that was sent to a broker is that broker's: another one knows nothing of it, and it waits.
 */
bool executor_owns(struct executor *executor, const struct execution *execution);

#endif
