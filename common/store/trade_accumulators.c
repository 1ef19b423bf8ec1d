/*
 * All SQL of table trade_accumulators. net_position is written here and nowhere else, from the two
 * sides that make it, and compared with them whenever a row is read.
 */
#include "store/trade_accumulators.h"

#include "base/log.h"
#include "store/amounts.h"

#define COLUMNS "symbol, net_position, accumulated_long, accumulated_short, pending_execution_id"

static const char find_sql[] = "SELECT " COLUMNS " FROM trade_accumulators WHERE symbol = :symbol";

/*
 * COALESCE: who writes the amounts and knows of no execution does not forget the one that is open.
 * last_updated: the trigger would set it by another update; 'now' is one time in a whole statement.
 */
static const char put_sql[] =
	"INSERT INTO trade_accumulators (" COLUMNS ")"
	" VALUES (:symbol, :net_position, :accumulated_long, :accumulated_short,"
	" :pending_execution_id)"
	" ON CONFLICT (symbol) DO UPDATE SET"
	" net_position = excluded.net_position,"
	" accumulated_long = excluded.accumulated_long,"
	" accumulated_short = excluded.accumulated_short,"
	" last_updated = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),"
	" pending_execution_id = COALESCE(excluded.pending_execution_id, pending_execution_id)";

static const char clear_pending_sql[] =
	"UPDATE trade_accumulators SET pending_execution_id = NULL"
	" WHERE symbol = :symbol AND pending_execution_id = :pending_execution_id";

/*
 * Amounts are written in one way only (decimal.h): below one share they begin with 0 or -0, from
 * one on with a digit from 1 to 9, or a minus and such a digit. ':' comes behind '9'.
 */
static const char next_sql[] = "SELECT " COLUMNS " FROM trade_accumulators WHERE symbol > :after"
			       " AND (pending_execution_id IS NOT NULL OR net_position >= '1'"
			       "  OR (net_position >= '-1' AND net_position < '-:'))"
			       " ORDER BY symbol LIMIT 1";

void trade_accumulators_open(struct trade_accumulators *accumulators, struct store *store)
{
	*accumulators = (struct trade_accumulators){.store = store};
	statement_prepare(&accumulators->find, store, find_sql);
	statement_prepare(&accumulators->put, store, put_sql);
	statement_prepare(&accumulators->clear_pending, store, clear_pending_sql);
	statement_prepare(&accumulators->next, store, next_sql);
}

void trade_accumulators_close(struct trade_accumulators *accumulators)
{
	statement_finalize(&accumulators->find);
	statement_finalize(&accumulators->put);
	statement_finalize(&accumulators->clear_pending);
	statement_finalize(&accumulators->next);
}

struct shares trade_accumulator_net(const struct trade_accumulator *accumulator)
{
	struct shares net = {0};
	bool fits = shares_subtract(accumulator->accumulated_long, accumulator->accumulated_short,
				    &net);

	invariant(fits);
	return net;
}

static bool is_sound(const struct trade_accumulator *accumulator)
{
	return !shares_is_negative(accumulator->accumulated_long) &&
	       !shares_is_negative(accumulator->accumulated_short) &&
	       (shares_is_zero(accumulator->accumulated_long) ||
		shares_is_zero(accumulator->accumulated_short)) &&
	       accumulator->pending_execution_id >= 0;
}

static void read_row(struct statement *row, struct trade_accumulator *accumulator)
{
	struct trade_accumulator found = {
		.accumulated_long = statement_shares(row, "accumulated_long"),
		.accumulated_short = statement_shares(row, "accumulated_short"),
	};

	if (!statement_is_null(row, "pending_execution_id"))
		found.pending_execution_id = statement_int64(row, "pending_execution_id");
	statement_copy_text(row, "symbol", found.symbol.text, sizeof(found.symbol.text));
	invariant(is_sound(&found));
	invariant(shares_compare(trade_accumulator_net(&found),
				 statement_shares(row, "net_position")) == 0);
	*accumulator = found;
}

void trade_accumulators_get(struct trade_accumulators *accumulators, const struct symbol *symbol,
			    struct trade_accumulator *accumulator)
{
	statement_bind_text(&accumulators->find, ":symbol", symbol->text);
	if (!statement_row(&accumulators->find)) {
		*accumulator = (struct trade_accumulator){.symbol = *symbol};
		return;
	}
	read_row(&accumulators->find, accumulator);
	statement_reset(&accumulators->find);
}

void trade_accumulators_put(struct trade_accumulators *accumulators,
			    const struct trade_accumulator *accumulator)
{
	struct statement *put = &accumulators->put;
	int changed;

	invariant(is_sound(accumulator));
	statement_bind_text(put, ":symbol", accumulator->symbol.text);
	statement_bind_shares(put, ":net_position", trade_accumulator_net(accumulator));
	statement_bind_shares(put, ":accumulated_long", accumulator->accumulated_long);
	statement_bind_shares(put, ":accumulated_short", accumulator->accumulated_short);
	if (accumulator->pending_execution_id == 0)
		statement_bind_null(put, ":pending_execution_id");
	else
		statement_bind_int64(put, ":pending_execution_id",
				     accumulator->pending_execution_id);
	changed = statement_execute(put);
	invariant(changed == 1);
}

void trade_accumulators_clear_pending(struct trade_accumulators *accumulators,
				      const struct symbol *symbol, int64_t execution_id)
{
	struct statement *clear = &accumulators->clear_pending;
	int changed;

	statement_bind_text(clear, ":symbol", symbol->text);
	statement_bind_int64(clear, ":pending_execution_id", execution_id);
	changed = statement_execute(clear);
	invariant(changed == 1);
}

bool trade_accumulators_next(struct trade_accumulators *accumulators, const struct symbol *after,
			     struct trade_accumulator *accumulator)
{
	/* No symbol is empty, so all are above the empty one. */
	statement_bind_text(&accumulators->next, ":after", after == NULL ? "" : after->text);
	if (!statement_row(&accumulators->next))
		return false;
	read_row(&accumulators->next, accumulator);
	statement_reset(&accumulators->next);
	return true;
}
