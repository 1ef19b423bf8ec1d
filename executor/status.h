/* executor status and executor held: the state of trading for a person, on stdout. */
#ifndef BALLAST_EXECUTOR_STATUS_H
#define BALLAST_EXECUTOR_STATUS_H

#include "executor/executor_config.h"

/* The HELD executions with all that is known, and what may be done. The exit code. */
int status_held(const char *database_path);

/* Broker, account, tokens, market, open and held executions, limits used today. The exit code: 69
 * when the broker could not be asked. */
int status_print(struct executor_config *config);

#endif
