/* All SQL of table price_feeds. What was learned never takes the place of what an operator set. */
#include "store/price_feeds.h"

#include "base/clock.h"
#include "store/words.h"

static const char find_sql[] = "SELECT feed FROM price_feeds WHERE symbol = :symbol";

static const char find_symbol_sql[] = "SELECT symbol FROM price_feeds WHERE feed = :feed LIMIT 1";

static const char learn_sql[] = "INSERT INTO price_feeds (symbol, feed, source, set_at)"
				" VALUES (:symbol, :feed, 'learned', :set_at)"
				" ON CONFLICT (symbol) DO NOTHING";

static const char set_sql[] =
	"INSERT INTO price_feeds (symbol, feed, source, set_at)"
	" VALUES (:symbol, :feed, 'operator', :set_at)"
	" ON CONFLICT (symbol) DO UPDATE SET feed = excluded.feed, source = excluded.source,"
	" set_at = excluded.set_at";

void price_feeds_open(struct price_feeds *feeds, struct store *store)
{
	*feeds = (struct price_feeds){.store = store};
	statement_prepare(&feeds->find, store, find_sql);
	statement_prepare(&feeds->find_symbol, store, find_symbol_sql);
	statement_prepare(&feeds->learn, store, learn_sql);
	statement_prepare(&feeds->set, store, set_sql);
}

void price_feeds_close(struct price_feeds *feeds)
{
	statement_finalize(&feeds->find);
	statement_finalize(&feeds->find_symbol);
	statement_finalize(&feeds->learn);
	statement_finalize(&feeds->set);
}

bool price_feeds_find(struct price_feeds *feeds, const struct symbol *symbol, struct evm_word *feed)
{
	statement_bind_text(&feeds->find, ":symbol", symbol->text);
	if (!statement_row(&feeds->find))
		return false;
	*feed = statement_word(&feeds->find, "feed");
	statement_reset(&feeds->find);
	return true;
}

bool price_feeds_symbol(struct price_feeds *feeds, const struct evm_word *feed,
			struct symbol *symbol)
{
	statement_bind_word(&feeds->find_symbol, ":feed", feed);
	if (!statement_row(&feeds->find_symbol))
		return false;
	*symbol = statement_symbol(&feeds->find_symbol, "symbol");
	statement_reset(&feeds->find_symbol);
	return true;
}

static void write_row(struct statement *statement, const struct symbol *symbol,
		      const struct evm_word *feed)
{
	statement_bind_text(statement, ":symbol", symbol->text);
	statement_bind_word(statement, ":feed", feed);
	statement_bind_text(statement, ":set_at", clock_now_text().text);
	(void)statement_execute(statement);
}

void price_feeds_learn(struct price_feeds *feeds, const struct symbol *symbol,
		       const struct evm_word *feed)
{
	write_row(&feeds->learn, symbol, feed);
}

void price_feeds_set(struct price_feeds *feeds, const struct symbol *symbol,
		     const struct evm_word *feed)
{
	write_row(&feeds->set, symbol, feed);
}
