/*
 * All SQL of tables trade_offsets and trade_execution_links. May not know which trade should go
 * where. The price of a trade is read from onchain_trades, whose rows never change but for what is
 * unallocated.
 */
#include "store/trade_allocations.h"

#include "base/log.h"
#include "store/amounts.h"

static const char find_offset_sql[] =
	"SELECT shares FROM trade_offsets"
	" WHERE buy_trade_id = :buy_trade_id AND sell_trade_id = :sell_trade_id";

static const char insert_offset_sql[] =
	"INSERT INTO trade_offsets (buy_trade_id, sell_trade_id, shares)"
	" VALUES (:buy_trade_id, :sell_trade_id, :shares)"
	" ON CONFLICT (buy_trade_id, sell_trade_id) DO NOTHING";

static const char set_offset_sql[] =
	"UPDATE trade_offsets SET shares = :shares"
	" WHERE buy_trade_id = :buy_trade_id AND sell_trade_id = :sell_trade_id";

static const char put_link_sql[] =
	"INSERT INTO trade_execution_links (trade_id, execution_id, contributed_shares)"
	" VALUES (:trade_id, :execution_id, :contributed_shares)"
	" ON CONFLICT (trade_id, execution_id)"
	" DO UPDATE SET contributed_shares = excluded.contributed_shares";

static const char newest_link_sql[] =
	"SELECT trade_id, contributed_shares FROM trade_execution_links"
	" WHERE execution_id = :execution_id AND contributed_shares <> '0'"
	" ORDER BY trade_id DESC LIMIT 1";

static const char linked_prices_sql[] =
	"SELECT link.contributed_shares, trade.price_usdc"
	" FROM trade_execution_links AS link"
	" JOIN onchain_trades AS trade ON trade.id = link.trade_id"
	" WHERE link.execution_id = :execution_id AND link.contributed_shares <> '0'"
	" AND trade.price_usdc IS NOT NULL";

void trade_allocations_open(struct trade_allocations *allocations, struct store *store)
{
	*allocations = (struct trade_allocations){.store = store};
	statement_prepare(&allocations->find_offset, store, find_offset_sql);
	statement_prepare(&allocations->insert_offset, store, insert_offset_sql);
	statement_prepare(&allocations->set_offset, store, set_offset_sql);
	statement_prepare(&allocations->put_link, store, put_link_sql);
	statement_prepare(&allocations->newest_link, store, newest_link_sql);
	statement_prepare(&allocations->linked_prices, store, linked_prices_sql);
}

void trade_allocations_close(struct trade_allocations *allocations)
{
	statement_finalize(&allocations->find_offset);
	statement_finalize(&allocations->insert_offset);
	statement_finalize(&allocations->set_offset);
	statement_finalize(&allocations->put_link);
	statement_finalize(&allocations->newest_link);
	statement_finalize(&allocations->linked_prices);
}

struct pair {
	int64_t buy_trade_id;
	int64_t sell_trade_id;
};

static void bind_pair(struct statement *statement, struct pair pair)
{
	statement_bind_int64(statement, ":buy_trade_id", pair.buy_trade_id);
	statement_bind_int64(statement, ":sell_trade_id", pair.sell_trade_id);
}

/* How many rows it wrote. */
static int write_offset(struct statement *statement, struct pair pair, struct shares shares)
{
	bind_pair(statement, pair);
	statement_bind_shares(statement, ":shares", shares);
	return statement_execute(statement);
}

static struct shares find_offset(struct trade_allocations *allocations, struct pair pair)
{
	struct statement *find = &allocations->find_offset;
	struct shares shares;
	bool found;

	bind_pair(find, pair);
	found = statement_row(find);
	invariant(found);
	shares = statement_shares(find, "shares");
	statement_reset(find);
	return shares;
}

/* Two trades offset each other a second time only when an execution gave something back. */
void trade_allocations_add_offset(struct trade_allocations *allocations, int64_t buy_trade_id,
				  int64_t sell_trade_id, struct shares shares)
{
	const struct pair pair = {buy_trade_id, sell_trade_id};
	struct shares total;
	bool fits;
	int changed;

	invariant(!shares_is_negative(shares) && !shares_is_zero(shares));
	if (write_offset(&allocations->insert_offset, pair, shares) == 1)
		return;
	fits = shares_add(find_offset(allocations, pair), shares, &total);
	invariant(fits);
	changed = write_offset(&allocations->set_offset, pair, total);
	invariant(changed == 1);
}

void trade_allocations_set_link(struct trade_allocations *allocations, int64_t trade_id,
				int64_t execution_id, struct shares contributed)
{
	int changed;

	invariant(!shares_is_negative(contributed));
	statement_bind_int64(&allocations->put_link, ":trade_id", trade_id);
	statement_bind_int64(&allocations->put_link, ":execution_id", execution_id);
	statement_bind_shares(&allocations->put_link, ":contributed_shares", contributed);
	changed = statement_execute(&allocations->put_link);
	invariant(changed == 1);
}

bool trade_allocations_newest_link(struct trade_allocations *allocations, int64_t execution_id,
				   struct trade_contribution *contribution)
{
	struct statement *newest = &allocations->newest_link;

	statement_bind_int64(newest, ":execution_id", execution_id);
	if (!statement_row(newest))
		return false;
	contribution->trade_id = statement_int64(newest, "trade_id");
	contribution->contributed = statement_shares(newest, "contributed_shares");
	statement_reset(newest);
	return true;
}

/* What the linked trades that have a price come to, measured from the lowest of their prices. */
struct priced_links {
	struct usd lowest;
	struct shares shares;
	struct usd above_lowest; /* sum of (price - lowest) * contributed */
	bool any;
	bool fits;
};

static void find_lowest_price(struct statement *row, int64_t execution_id,
			      struct priced_links *links)
{
	statement_bind_int64(row, ":execution_id", execution_id);
	while (statement_row(row)) {
		struct usd price = statement_usd(row, "price_usdc");

		invariant(price.units > 0);
		if (!links->any || price.units < links->lowest.units)
			links->lowest = price;
		links->any = true;
	}
}

static void sum_above_lowest(struct statement *row, int64_t execution_id,
			     struct priced_links *links)
{
	statement_bind_int64(row, ":execution_id", execution_id);
	while (links->fits && statement_row(row)) {
		struct shares contributed = statement_shares(row, "contributed_shares");
		struct usd excess = statement_usd(row, "price_usdc");
		struct usd value = {0};

		excess.units -= links->lowest.units;
		links->fits = usd_value(excess, contributed, &value) &&
			      usd_add(links->above_lowest, value, &links->above_lowest) &&
			      shares_add(links->shares, contributed, &links->shares);
	}
	statement_reset(row);
}

/*
 * lowest + sum((price - lowest) * contributed) / sum(contributed). Every product loses less than
 * 10^-18 dollars; measured from the lowest price, equal prices lose nothing, and the average of
 * dust cannot leave the range of its prices.
 */
bool trade_allocations_average_price(struct trade_allocations *allocations, int64_t execution_id,
				     struct usd *price)
{
	struct priced_links links = {.fits = true};
	struct usd above = {0};

	find_lowest_price(&allocations->linked_prices, execution_id, &links);
	if (!links.any)
		return false;
	sum_above_lowest(&allocations->linked_prices, execution_id, &links);
	if (!links.fits)
		return false;
	/* No quotient: all prices are the lowest, or differ by less than a digit. */
	if (!usd_price(links.above_lowest, links.shares, &above))
		above = (struct usd){0};
	return usd_add(links.lowest, above, price);
}
