/* See audit.h. Each walk is one open SELECT, and so one state of the database. */
#include "store/audit.h"

#include "base/log.h"
#include "store/amounts.h"
#include "store/words.h"

static const char events_sql[] =
	"SELECT id, tx_hash, log_index, block_number, block_hash, block_timestamp, event_type,"
	" event_data, archived_at IS NOT NULL AS archived, reversed_at IS NOT NULL AS taken_back"
	" FROM event_queue WHERE outcome IN ('trade', 'filtered')"
	" ORDER BY reversed_at IS NULL,"
	" CASE WHEN reversed_at IS NULL THEN block_number ELSE id END, log_index, id";

static const char facts_sql[] =
	"SELECT 'event tx_hash=' || tx_hash || ' log_index=' || log_index || ' block_hash='"
	" || block_hash || ' outcome=' || outcome"
	" || CASE WHEN reversed_at IS NULL THEN '' ELSE ' taken back' END AS fact"
	" FROM event_queue WHERE outcome IN ('trade', 'filtered')"
	" UNION ALL"
	" SELECT 'trade tx_hash=' || t.tx_hash || ' log_index=' || t.log_index || ' block_hash='"
	" || q.block_hash || ' order_owner=' || order_owner || ' symbol=' || symbol"
	" || ' base_symbol=' || base_symbol || ' direction=' || direction || ' amount=' || amount"
	" || CASE WHEN token_amount IS NULL THEN '' ELSE ' token_amount=' || token_amount END"
	" || ' usdc_amount=' || coalesce(usdc_amount, 'none')"
	" || ' price_usdc=' || coalesce(price_usdc, 'none')"
	" || CASE WHEN reverses_trade_id IS NULL THEN '' ELSE ' taken back' END"
	" FROM onchain_trades AS t JOIN event_queue AS q ON q.id = t.event_id"
	" ORDER BY 1";

static const char tickers_sql[] =
	"SELECT symbol, net_position FROM trade_accumulators ORDER BY symbol";

static const char hedged_sql[] =
	"SELECT e.direction, CASE WHEN a.pending_execution_id = e.id THEN e.shares"
	"                         ELSE e.filled_shares END AS counted"
	" FROM executions AS e JOIN trade_accumulators AS a ON a.symbol = e.symbol"
	" WHERE e.symbol = :symbol";

void audit_open(struct audit *audit, struct store *store)
{
	audit->store = store;
	statement_prepare(&audit->events, store, events_sql);
	statement_prepare(&audit->facts, store, facts_sql);
	statement_prepare(&audit->tickers, store, tickers_sql);
	statement_prepare(&audit->hedged, store, hedged_sql);
}

void audit_close(struct audit *audit)
{
	statement_finalize(&audit->events);
	statement_finalize(&audit->facts);
	statement_finalize(&audit->tickers);
	statement_finalize(&audit->hedged);
}

bool audit_next_event(struct audit *audit, struct audit_event *event)
{
	struct statement *row = &audit->events;

	if (!statement_row(row))
		return false;
	event->id = statement_int64(row, "id");
	event->archived = statement_int64(row, "archived") != 0;
	event->record = (struct event_record){
		.tx_hash = statement_word(row, "tx_hash"),
		.log_index = statement_int64(row, "log_index"),
		.block_number = statement_int64(row, "block_number"),
		.block_hash = statement_word(row, "block_hash"),
		.event_type = statement_text(row, "event_type"),
		.event_data = statement_text(row, "event_data"),
		.source = EVENT_SOURCE_BACKFILLER,
	};
	statement_copy_text(row, "block_timestamp", event->record.block_timestamp.text,
			    sizeof(event->record.block_timestamp.text));
	event->taken_back = statement_int64(row, "taken_back") != 0;
	return true;
}

const char *audit_next_fact(struct audit *audit)
{
	return statement_row(&audit->facts) ? statement_text(&audit->facts, "fact") : NULL;
}

/* Shares that the broker has sold for us (long positions that are hedged), less those it bought. */
static struct shares hedged(struct audit *audit, const struct symbol *ticker)
{
	struct shares sum = {0};

	statement_bind_text(&audit->hedged, ":symbol", ticker->text);
	while (statement_row(&audit->hedged)) {
		struct shares counted = statement_shares(&audit->hedged, "counted");
		bool fits;

		if (direction_from_name(statement_text(&audit->hedged, "direction")) ==
		    DIRECTION_SELL)
			fits = shares_add(sum, counted, &sum);
		else
			fits = shares_subtract(sum, counted, &sum);
		invariant(fits);
	}
	return sum;
}

bool audit_next_exposure(struct audit *audit, struct symbol *ticker, struct shares *exposure)
{
	struct shares net;
	bool fits;

	if (!statement_row(&audit->tickers))
		return false;
	*ticker = statement_symbol(&audit->tickers, "symbol");
	net = statement_shares(&audit->tickers, "net_position");
	fits = shares_add(net, hedged(audit, ticker), exposure);
	invariant(fits);
	return true;
}
