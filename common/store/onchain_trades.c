/*
 * All SQL of table onchain_trades. May not know how a trade is allocated, only how much of it is
 * not yet: a zero stands as '0' and nothing else, which is what the index of unallocated trades
 * goes by.
 */
#include "store/onchain_trades.h"

#include "base/log.h"
#include "store/amounts.h"
#include "store/words.h"

static const char insert_sql[] =
	"INSERT INTO onchain_trades (event_id, tx_hash, log_index, block_number, block_timestamp,"
	" order_owner, symbol, base_symbol, direction, amount, token_amount, usdc_amount,"
	" price_usdc, reverses_trade_id, unallocated, created_at)"
	" VALUES (:event_id, :tx_hash, :log_index, :block_number, :block_timestamp,"
	" :order_owner, :symbol, :base_symbol, :direction, :amount, :token_amount, :usdc_amount,"
	" :price_usdc,"
	" :reverses_trade_id, :unallocated, :created_at)"
	" ON CONFLICT (event_id, order_owner, symbol, direction)"
	" WHERE reverses_trade_id IS NULL DO NOTHING";

static const char oldest_unallocated_sql[] =
	"SELECT id, unallocated FROM onchain_trades"
	" WHERE base_symbol = :base_symbol AND direction = :direction AND unallocated <> '0'"
	" ORDER BY id LIMIT 1";

/* Left to itself the planner walks along all trades whose reverses_trade_id is NULL. */
static const char to_reverse_sql[] =
	"SELECT id, order_owner, symbol, base_symbol, direction, amount, token_amount,"
	" usdc_amount, price_usdc"
	" FROM onchain_trades AS t INDEXED BY onchain_trades_event"
	" WHERE event_id = :event_id AND reverses_trade_id IS NULL"
	" AND NOT EXISTS (SELECT 1 FROM onchain_trades AS r WHERE r.reverses_trade_id = t.id)"
	" ORDER BY id LIMIT 1";

static const char set_unallocated_sql[] =
	"UPDATE onchain_trades SET unallocated = :unallocated WHERE id = :id";

static const char find_unallocated_sql[] = "SELECT unallocated FROM onchain_trades WHERE id = :id";

void onchain_trades_open(struct onchain_trades *trades, struct store *store)
{
	*trades = (struct onchain_trades){.store = store};
	statement_prepare(&trades->insert, store, insert_sql);
	statement_prepare(&trades->oldest_unallocated, store, oldest_unallocated_sql);
	statement_prepare(&trades->to_reverse, store, to_reverse_sql);
	statement_prepare(&trades->set_unallocated, store, set_unallocated_sql);
	statement_prepare(&trades->find_unallocated, store, find_unallocated_sql);
}

void onchain_trades_close(struct onchain_trades *trades)
{
	statement_finalize(&trades->insert);
	statement_finalize(&trades->oldest_unallocated);
	statement_finalize(&trades->to_reverse);
	statement_finalize(&trades->set_unallocated);
	statement_finalize(&trades->find_unallocated);
}

static void bind_event(struct statement *insert, const struct event_row *event)
{
	statement_bind_int64(insert, ":event_id", event->id);
	statement_bind_text(insert, ":tx_hash", event->tx_hash.text);
	statement_bind_int64(insert, ":log_index", event->log_index);
	statement_bind_int64(insert, ":block_number", event->block_number);
	statement_bind_text(insert, ":block_timestamp", event->block_timestamp.text);
}

/* An amount or a price that is not there is NULL, never zero. */
static void bind_optional_usd(struct statement *insert, const char *name, bool present,
			      struct usd value)
{
	if (present)
		statement_bind_usd(insert, name, value);
	else
		statement_bind_null(insert, name);
}

int64_t onchain_trades_insert(struct onchain_trades *trades, const struct onchain_trade *trade,
			      struct shares unallocated)
{
	struct statement *insert = &trades->insert;
	int changed;

	invariant(!shares_is_negative(unallocated) &&
		  shares_compare(unallocated, trade->amount) <= 0);
	invariant(!trade->has_price || (trade->has_usdc && trade->price_usdc.units > 0));
	bind_event(insert, trade->event);
	statement_bind_text(insert, ":order_owner", evm_address_text(&trade->order_owner).text);
	statement_bind_text(insert, ":symbol", trade->symbol.text);
	statement_bind_text(insert, ":base_symbol", trade->base_symbol.text);
	statement_bind_text(insert, ":direction", direction_name(trade->direction));
	statement_bind_shares(insert, ":amount", trade->amount);
	if (trade->is_wrapped)
		statement_bind_shares(insert, ":token_amount", trade->token_amount);
	else
		statement_bind_null(insert, ":token_amount");
	bind_optional_usd(insert, ":usdc_amount", trade->has_usdc, trade->usdc_amount);
	bind_optional_usd(insert, ":price_usdc", trade->has_price, trade->price_usdc);
	if (trade->reverses_trade_id != 0)
		statement_bind_int64(insert, ":reverses_trade_id", trade->reverses_trade_id);
	else
		statement_bind_null(insert, ":reverses_trade_id");
	statement_bind_shares(insert, ":unallocated", unallocated);
	statement_bind_text(insert, ":created_at", clock_now_text().text);
	changed = statement_execute(insert);
	invariant(changed == 1);
	return store_last_insert_id(trades->store);
}

bool onchain_trades_next_reversal(struct onchain_trades *trades, const struct event_row *event,
				  struct onchain_trade *reversal)
{
	struct statement *row = &trades->to_reverse;

	statement_bind_int64(row, ":event_id", event->id);
	if (!statement_row(row))
		return false;
	*reversal = (struct onchain_trade){.event = event};
	reversal->reverses_trade_id = statement_int64(row, "id");
	reversal->order_owner = statement_address(row, "order_owner");
	reversal->symbol = statement_symbol(row, "symbol");
	reversal->base_symbol = statement_symbol(row, "base_symbol");
	reversal->direction =
		direction_opposite(direction_from_name(statement_text(row, "direction")));
	reversal->amount = statement_shares(row, "amount");
	reversal->is_wrapped = !statement_is_null(row, "token_amount");
	if (reversal->is_wrapped)
		reversal->token_amount = statement_shares(row, "token_amount");
	reversal->has_usdc = !statement_is_null(row, "usdc_amount");
	if (reversal->has_usdc)
		reversal->usdc_amount = statement_usd(row, "usdc_amount");
	reversal->has_price = !statement_is_null(row, "price_usdc");
	if (reversal->has_price)
		reversal->price_usdc = statement_usd(row, "price_usdc");
	statement_reset(row);
	return true;
}

bool onchain_trades_oldest_unallocated(struct onchain_trades *trades,
				       const struct symbol *base_symbol, enum direction direction,
				       struct unallocated_trade *trade)
{
	struct statement *oldest = &trades->oldest_unallocated;

	statement_bind_text(oldest, ":base_symbol", base_symbol->text);
	statement_bind_text(oldest, ":direction", direction_name(direction));
	if (!statement_row(oldest))
		return false;
	trade->id = statement_int64(oldest, "id");
	trade->unallocated = statement_shares(oldest, "unallocated");
	statement_reset(oldest);
	invariant(!shares_is_zero(trade->unallocated) && !shares_is_negative(trade->unallocated));
	return true;
}

struct shares onchain_trades_unallocated(struct onchain_trades *trades, int64_t id)
{
	struct shares unallocated;
	bool found;

	statement_bind_int64(&trades->find_unallocated, ":id", id);
	found = statement_row(&trades->find_unallocated);
	invariant(found);
	unallocated = statement_shares(&trades->find_unallocated, "unallocated");
	statement_reset(&trades->find_unallocated);
	return unallocated;
}

void onchain_trades_set_unallocated(struct onchain_trades *trades, int64_t id,
				    struct shares unallocated)
{
	int changed;

	invariant(!shares_is_negative(unallocated));
	statement_bind_shares(&trades->set_unallocated, ":unallocated", unallocated);
	statement_bind_int64(&trades->set_unallocated, ":id", id);
	changed = statement_execute(&trades->set_unallocated);
	invariant(changed == 1);
}
