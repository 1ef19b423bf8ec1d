/* Table operator_decisions: what a person decided about a HELD execution, and why. */
#ifndef BALLAST_STORE_OPERATOR_DECISIONS_H
#define BALLAST_STORE_OPERATOR_DECISIONS_H

#include "store/store.h"

#include <stdint.h>

#define OPERATOR_DECISION_SIZE 257

struct operator_decisions {
	struct store *store;
	struct statement append;
};

void operator_decisions_open(struct operator_decisions *decisions, struct store *store);
void operator_decisions_close(struct operator_decisions *decisions);

/* Inside a transaction. */
void operator_decisions_append(struct operator_decisions *decisions, int64_t execution_id,
			       const char *decision, const char *reason);

#endif
