/* What one fill became, forwards and backwards: /api/trace. */
#ifndef BALLAST_MONITOR_TRACE_H
#define BALLAST_MONITOR_TRACE_H

#include "base/compiler.h"
#include "monitor/json.h"
#include "monitor/reader_messages.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct trace {
	struct store *store;
	struct statement event, event_trades, trade, execution_trades;
	struct statement event_executions, trade_executions, execution;
	struct statement offsets, contributions, contributors, decisions;
	int64_t links_left; /* of offsets and contributions, for the answer that is written */
};

void trace_open(struct trace *trace, struct store *store);
void trace_close(struct trace *trace);

/* False, and nothing written, when there is no such event, trade or execution. */
MUST_USE bool trace_write(struct trace *trace, const struct reader_request *request,
			  struct json *json);

#endif
