/* See trade_details.h. A trade that has its details keeps them. */
#include "store/trade_details.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/amounts.h"
#include "store/words.h"

#define MS_A_SECOND 1000

/*
 * Left to itself the planner takes the index of reverses_trade_id: it is unique, so that NULL looks
 * like one row, and is nearly all.
 */
static const char next_sql[] =
	"SELECT t.id, t.tx_hash, q.block_hash, t.base_symbol, q.removed"
	" FROM onchain_trades AS t INDEXED BY onchain_trades_without_details"
	" JOIN event_queue AS q ON q.id = t.event_id"
	" WHERE t.details_at IS NULL AND t.reverses_trade_id IS NULL AND t.id > :after_id"
	" ORDER BY t.id LIMIT 1";

static const char tickers_sql[] =
	"SELECT count(DISTINCT t.base_symbol) AS tickers"
	" FROM event_queue AS q JOIN onchain_trades AS t INDEXED BY onchain_trades_event"
	" ON t.event_id = q.id"
	" WHERE q.tx_hash = :tx_hash AND q.removed = 0 AND t.reverses_trade_id IS NULL";

static const char set_sql[] =
	"UPDATE onchain_trades SET oracle_feed = :oracle_feed, oracle_price = :oracle_price,"
	" oracle_confidence = :oracle_confidence, oracle_published_at = :oracle_published_at,"
	" gas_used = :gas_used, gas_price_wei = :gas_price_wei, l1_fee_wei = :l1_fee_wei,"
	" details_at = :details_at, details_error = :details_error"
	" WHERE id = :id AND details_at IS NULL";

void trade_details_open(struct trade_details *details, struct store *store)
{
	*details = (struct trade_details){.store = store};
	statement_prepare(&details->next, store, next_sql);
	statement_prepare(&details->tickers, store, tickers_sql);
	statement_prepare(&details->set, store, set_sql);
}

void trade_details_close(struct trade_details *details)
{
	statement_finalize(&details->next);
	statement_finalize(&details->tickers);
	statement_finalize(&details->set);
}

bool trade_details_next(struct trade_details *details, int64_t after_id,
			struct undetailed_trade *trade)
{
	struct statement *next = &details->next;

	statement_bind_int64(next, ":after_id", after_id);
	if (!statement_row(next))
		return false;
	*trade = (struct undetailed_trade){
		.id = statement_int64(next, "id"),
		.tx_hash = statement_word(next, "tx_hash"),
		.block_hash = statement_word(next, "block_hash"),
		.base_symbol = statement_symbol(next, "base_symbol"),
		.removed = statement_int64(next, "removed") != 0,
	};
	statement_reset(next);
	return true;
}

int64_t trade_details_tickers(struct trade_details *details, const struct evm_word *tx_hash)
{
	int64_t tickers;
	bool found;

	statement_bind_word(&details->tickers, ":tx_hash", tx_hash);
	found = statement_row(&details->tickers);
	invariant(found);
	tickers = statement_int64(&details->tickers, "tickers");
	statement_reset(&details->tickers);
	return tickers;
}

static void bind_price(struct statement *set, const struct trade_price *price)
{
	if (price == NULL) {
		statement_bind_null(set, ":oracle_feed");
		statement_bind_null(set, ":oracle_price");
		statement_bind_null(set, ":oracle_confidence");
		statement_bind_null(set, ":oracle_published_at");
		return;
	}
	statement_bind_word(set, ":oracle_feed", &price->feed);
	statement_bind_usd(set, ":oracle_price", price->price);
	statement_bind_usd(set, ":oracle_confidence", price->confidence);
	statement_bind_text(set, ":oracle_published_at",
			    clock_text_of_ms(price->published_s * MS_A_SECOND).text);
}

static void bind_optional(struct statement *set, const char *name, bool present, int64_t value)
{
	if (present)
		statement_bind_int64(set, name, value);
	else
		statement_bind_null(set, name);
}

void trade_details_set(struct trade_details *details, int64_t id, const struct trade_detail *found)
{
	const struct trade_gas none = {.used = 0};
	const struct trade_gas *gas = found->gas == NULL ? &none : found->gas;
	struct statement *set = &details->set;
	int changed;

	bind_price(set, found->price);
	bind_optional(set, ":gas_used", found->gas != NULL, gas->used);
	bind_optional(set, ":gas_price_wei", gas->has_price, gas->price_wei);
	bind_optional(set, ":l1_fee_wei", gas->has_l1_fee, gas->l1_fee_wei);
	statement_bind_text(set, ":details_at", clock_now_text().text);
	statement_bind_text(set, ":details_error", found->error);
	statement_bind_int64(set, ":id", id);
	changed = statement_execute(set);
	invariant(changed == 1);
}
