/* All SQL of table operator_decisions. */
#include "store/operator_decisions.h"

#include "base/clock.h"
#include "base/log.h"

static const char append_sql[] =
	"INSERT INTO operator_decisions (execution_id, decision, reason, decided_at)"
	" VALUES (:execution_id, :decision, :reason, :decided_at)";

void operator_decisions_open(struct operator_decisions *decisions, struct store *store)
{
	decisions->store = store;
	statement_prepare(&decisions->append, store, append_sql);
}

void operator_decisions_close(struct operator_decisions *decisions)
{
	statement_finalize(&decisions->append);
}

void operator_decisions_append(struct operator_decisions *decisions, int64_t execution_id,
			       const char *decision, const char *reason)
{
	struct statement *append = &decisions->append;
	int changed;

	statement_bind_int64(append, ":execution_id", execution_id);
	statement_bind_text(append, ":decision", decision);
	statement_bind_text(append, ":reason", reason);
	statement_bind_text(append, ":decided_at", clock_now_text().text);
	changed = statement_execute(append);
	invariant(changed == 1);
}
