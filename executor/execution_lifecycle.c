/* Pure: no database, no broker, no clock. */
#include "executor/execution_lifecycle.h"

#include "base/log.h"

enum execution_status lifecycle_after_submit(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_OK:
		return EXECUTION_SUBMITTED;
	case OUTCOME_RETRY:
		return EXECUTION_PENDING;
	case OUTCOME_REJECTED:
		return EXECUTION_FAILED;
	case OUTCOME_UNKNOWN:
		return EXECUTION_SUBMITTING;
	}
	invariant_unreachable("a known outcome");
}

enum execution_status lifecycle_after_find(enum broker_search search, bool settled,
					   bool absence_proves_not_placed)
{
	switch (search) {
	case BROKER_SEARCH_FOUND:
		return EXECUTION_SUBMITTED;
	case BROKER_SEARCH_AMBIGUOUS:
		return EXECUTION_HELD;
	case BROKER_SEARCH_ABSENT:
		if (!settled)
			return EXECUTION_SUBMITTING;
		return absence_proves_not_placed ? EXECUTION_PENDING : EXECUTION_HELD;
	}
	invariant_unreachable("a known search");
}

enum execution_status lifecycle_after_report(const struct broker_report *report,
					     struct shares asked)
{
	if (report->state == BROKER_ORDER_OPEN)
		return EXECUTION_SUBMITTED;
	return shares_compare(report->filled_shares, asked) < 0 ? EXECUTION_FAILED
								: EXECUTION_FILLED;
}
