/*
 * See pnl.h. Trades are never changed; an execution is not, once it has ended. So each row is read
 * once, and again only the few that were open.
 */
#include "monitor/pnl.h"

#include "base/log.h"
#include "store/amounts.h"

#include <string.h>

#define BATCH		250
#define APPLIED_AT_ONCE 500
#define SLICE_US	20000
#define REST_PER_WORK	10
#define SHOWN_SYMBOLS	500
#define POINTS		2000

/* As in the report: a reversal counts when it was booked. */
static const char trades_sql[] =
	"SELECT id, CASE WHEN reverses_trade_id IS NULL THEN block_timestamp ELSE created_at END"
	"  AS time, block_number, log_index, base_symbol AS symbol, direction, amount AS shares,"
	" usdc_amount AS usd FROM onchain_trades WHERE id > :after ORDER BY id LIMIT :limit";

#define EXECUTION_COLUMNS                                                                          \
	"SELECT id, executed_at AS time, symbol, direction, filled_shares AS shares,"              \
	" average_price AS price FROM executions "

static const char executions_sql[] = EXECUTION_COLUMNS "WHERE id > :after ORDER BY id LIMIT :limit";

static const char execution_sql[] = EXECUTION_COLUMNS "WHERE id = :id";

void pnl_open(struct pnl *pnl, struct store *store)
{
	memset(pnl, 0, sizeof(*pnl));
	pnl->store = store;
	pnl->unread = true;
	pnl->from_start = true;
	pnl_book_init(&pnl->book);
	statement_prepare(&pnl->trades, store, trades_sql);
	statement_prepare(&pnl->executions, store, executions_sql);
	statement_prepare(&pnl->execution, store, execution_sql);
}

void pnl_close(struct pnl *pnl)
{
	statement_finalize(&pnl->trades);
	statement_finalize(&pnl->executions);
	statement_finalize(&pnl->execution);
	pnl_book_free(&pnl->book);
}

void pnl_note_commit(struct pnl *pnl)
{
	pnl->unread = true;
	pnl->unlooked = true;
}

/* What the two kinds of fill have in common. False: there is no room for its symbol. */
static bool read_fill(struct pnl *pnl, struct statement *row, struct pnl_fill *fill)
{
	bool valid = clock_parse_text(statement_text(row, "time"), &fill->time_ms);

	invariant(valid);
	fill->id = statement_int64(row, "id");
	fill->buys = direction_from_name(statement_text(row, "direction")) == DIRECTION_BUY;
	fill->shares = statement_shares(row, "shares");
	return pnl_book_symbol(&pnl->book, statement_text(row, "symbol"), &fill->symbol);
}

static bool read_trade(struct pnl *pnl, struct statement *row, struct pnl_fill *fill)
{
	*fill = (struct pnl_fill){
		.block_number = statement_int64(row, "block_number"),
		.log_index = (uint32_t)statement_int64(row, "log_index"),
		.priced = !statement_is_null(row, "usd"),
	};
	if (fill->priced)
		fill->cash = statement_usd(row, "usd");
	return read_fill(pnl, row, fill);
}

/* False: it is no fill, or its value does not fit. */
static bool read_execution(struct pnl *pnl, struct statement *row, struct pnl_fill *fill)
{
	*fill = (struct pnl_fill){.of_broker = true, .priced = !statement_is_null(row, "price")};
	if (!read_fill(pnl, row, fill) || shares_is_zero(fill->shares))
		return false;
	if (fill->priced && !usd_value(statement_usd(row, "price"), fill->shares, &fill->cash)) {
		pnl->book.too_much = true;
		return false;
	}
	return true;
}

/* Each returns how many rows there were. */
static size_t read_trades(struct pnl *pnl)
{
	struct pnl_fill fills[BATCH];
	size_t count = 0;
	size_t rows = 0;

	statement_bind_int64(&pnl->trades, ":after", pnl->last_trade_id);
	statement_bind_int64(&pnl->trades, ":limit", BATCH);
	while (statement_row(&pnl->trades)) {
		pnl->last_trade_id = statement_int64(&pnl->trades, "id");
		if (read_trade(pnl, &pnl->trades, &fills[count])) {
			pnl->trades_read_to_ms = fills[count].time_ms;
			count++;
		}
		rows++;
	}
	pnl_book_add(&pnl->book, fills, count);
	return rows;
}

static void remember_open(struct pnl *pnl, int64_t id)
{
	if (pnl->open_count == PNL_OPEN_MAXIMUM)
		pnl->book.too_much = true;
	else
		pnl->open_ids[pnl->open_count++] = id;
}

static size_t read_executions(struct pnl *pnl)
{
	struct statement *row = &pnl->executions;
	struct pnl_fill fills[BATCH];
	size_t count = 0;
	size_t rows = 0;

	statement_bind_int64(row, ":after", pnl->last_execution_id);
	statement_bind_int64(row, ":limit", BATCH);
	while (statement_row(row)) {
		pnl->last_execution_id = statement_int64(row, "id");
		if (statement_is_null(row, "time")) {
			remember_open(pnl, pnl->last_execution_id);
		} else if (read_execution(pnl, row, &fills[count])) {
			pnl->executions_read_to_ms = fills[count].time_ms;
			count++;
		}
		rows++;
	}
	pnl_book_add(&pnl->book, fills, count);
	return rows;
}

/* Those that had not ended when they were read. */
static void look_at_open(struct pnl *pnl)
{
	struct statement *row = &pnl->execution;
	size_t still_open = 0;

	for (size_t i = 0; i < pnl->open_count; i++) {
		struct pnl_fill fill;
		bool found;

		statement_bind_int64(row, ":id", pnl->open_ids[i]);
		found = statement_row(row);
		if (found && statement_is_null(row, "time"))
			pnl->open_ids[still_open++] = pnl->open_ids[i];
		else if (found && read_execution(pnl, row, &fill))
			pnl_book_add(&pnl->book, &fill, 1);
		statement_reset(row);
	}
	pnl->open_count = still_open;
	pnl->unlooked = false;
}

/*
 * The two tables side by side, by time, so that hardly any fill has to be put before many others.
 */
static void read_slice(struct pnl *pnl)
{
	const bool trades_first = pnl->trades_read_to_ms <= pnl->executions_read_to_ms;
	size_t rows;

	store_begin_read(pnl->store);
	if (pnl->unlooked)
		look_at_open(pnl);
	rows = trades_first ? read_trades(pnl) : read_executions(pnl);
	if (rows < BATCH)
		rows = trades_first ? read_executions(pnl) : read_trades(pnl);
	store_end_read(pnl->store);
	pnl->unread = rows == BATCH;
}

static void make_totals(struct pnl *pnl)
{
	struct pnl_totals *totals = &pnl->totals;
	const struct pnl_book *book = &pnl->book;
	bool fits = true;

	totals->symbol_count = book->symbol_count;
	totals->realised_total = book->realised;
	totals->unpriced = (struct shares){0};
	totals->fills = (int64_t)book->count;
	totals->computed_at = clock_now_text();
	for (size_t i = 0; i < book->symbol_count; i++) {
		totals->symbols[i] = book->symbols[i].name;
		totals->realised[i] = book->symbols[i].fifo.realised;
		totals->net[i] = book->symbols[i].fifo.net;
		fits = shares_add(totals->unpriced, book->symbols[i].unpriced, &totals->unpriced) &&
		       fits;
	}
	pnl->known = fits;
}

static bool may_begin_again(const struct pnl *pnl)
{
	return pnl->book.disordered && clock_monotonic_us() >= pnl->again_us;
}

bool pnl_has_work(const struct pnl *pnl)
{
	if (pnl->book.too_much)
		return false;
	return pnl->unread || pnl->unlooked || may_begin_again(pnl) ||
	       (!pnl->book.disordered && pnl->book.applied < pnl->book.count);
}

static void compute_slice(struct pnl *pnl)
{
	if (may_begin_again(pnl)) {
		pnl_book_begin_again(&pnl->book);
		pnl->from_start = true;
		pnl->spent_us = 0;
	}
	(void)!pnl_book_apply(&pnl->book, APPLIED_AT_ONCE);
}

static bool finish(struct pnl *pnl)
{
	const bool done =
		!pnl->unread && !pnl->book.disordered && pnl->book.applied == pnl->book.count;

	if (pnl->book.too_much) {
		pnl->known = false;
		return true;
	}
	if (done && pnl->from_start)
		pnl->again_us = clock_monotonic_us() + pnl->spent_us * REST_PER_WORK;
	if (done) {
		pnl->from_start = false;
		make_totals(pnl);
	}
	return done;
}

bool pnl_step(struct pnl *pnl)
{
	const int64_t began_us = clock_monotonic_us();
	int64_t now_us = began_us;

	if (!pnl_has_work(pnl))
		return false;
	while (pnl_has_work(pnl) && now_us - began_us < SLICE_US) {
		if (pnl->unread || pnl->unlooked)
			read_slice(pnl);
		else
			compute_slice(pnl);
		now_us = clock_monotonic_us();
	}
	if (pnl->from_start)
		pnl->spent_us += now_us - began_us;
	return finish(pnl);
}

static void write_totals(const struct pnl_totals *totals, struct json *json)
{
	json_usd(json, "realised_total", totals->realised_total);
	json_integer(json, "fills", totals->fills);
	json_shares(json, "unpriced_shares", totals->unpriced);
	json_open_array(json, "symbols");
	for (size_t i = 0; i < totals->symbol_count && i < SHOWN_SYMBOLS; i++) {
		json_open_object(json, NULL);
		json_text(json, "symbol", totals->symbols[i].text);
		json_usd(json, "realised_total", totals->realised[i]);
		json_shares(json, "net_position", totals->net[i]);
		json_close_object(json);
	}
	json_close_array(json);
}

void pnl_write_summary(const struct pnl *pnl, struct json *json)
{
	if (!pnl->known) {
		json_null(json, "pnl");
		return;
	}
	json_open_object(json, "pnl");
	write_totals(&pnl->totals, json);
	json_close_object(json);
}

/* Only that symbol's part of the totals. */
static void choose_totals(const struct pnl *pnl, const struct symbol *symbol,
			  struct pnl_totals *chosen)
{
	const struct pnl_totals *all = &pnl->totals;

	memset(chosen, 0, sizeof(*chosen));
	chosen->computed_at = all->computed_at;
	for (size_t i = 0; i < all->symbol_count; i++) {
		if (!symbol_equal(&all->symbols[i], symbol))
			continue;
		chosen->symbol_count = 1;
		chosen->symbols[0] = *symbol;
		chosen->realised[0] = chosen->realised_total = all->realised[i];
		chosen->net[0] = all->net[i];
		chosen->unpriced = pnl->book.symbols[i].unpriced;
		chosen->fills = pnl->book.symbols[i].fills;
	}
}

/* A walk over the fills of one symbol, or of all. */
struct walk {
	const struct pnl_book *book;
	const struct symbol *symbol; /* "": all */
	size_t next;
};

static const struct pnl_fill *walk_on(struct walk *walk)
{
	while (walk->next < walk->book->count) {
		const struct pnl_fill *fill = &walk->book->fills[walk->next++];

		if (walk->symbol->text[0] == '\0' ||
		    symbol_equal(walk->symbol, &walk->book->symbols[fill->symbol].name))
			return fill;
	}
	return NULL;
}

static void write_point(struct json *json, int64_t time_ms, struct usd total)
{
	json_open_object(json, NULL);
	json_text(json, "time", clock_text_of_ms(time_ms).text);
	json_usd(json, "realised_total", total);
	json_close_object(json);
}

/* In which of the POINTS parts of the time from first to last. */
static int64_t part_of(int64_t time_ms, int64_t first_ms, int64_t last_ms)
{
	return (int64_t)((int128)(time_ms - first_ms) * POINTS / (last_ms - first_ms + 1));
}

static void write_points(const struct pnl *pnl, const struct symbol *symbol, struct json *json)
{
	struct walk walk = {&pnl->book, symbol, 0};
	const struct pnl_fill *first = walk_on(&walk);
	const struct pnl_fill *last = first;
	const struct pnl_fill *fill;
	const struct pnl_fill *before = NULL;
	struct usd total = {0};

	while ((fill = walk_on(&walk)) != NULL)
		last = fill;
	walk.next = 0;
	while ((fill = walk_on(&walk)) != NULL) {
		bool fits;

		if (before != NULL && part_of(before->time_ms, first->time_ms, last->time_ms) !=
					      part_of(fill->time_ms, first->time_ms, last->time_ms))
			write_point(json, before->time_ms, total);
		/* The same sums as when they were made. */
		fits = usd_add(total, fill->realised, &total);
		invariant(fits);
		before = fill;
	}
	if (before != NULL)
		write_point(json, before->time_ms, total);
}

bool pnl_write(const struct pnl *pnl, const struct symbol *symbol, struct json *json)
{
	static struct pnl_totals chosen; /* too large for the stack */
	const bool all = symbol->text[0] == '\0';

	if (!pnl->known || pnl->from_start)
		return false;
	if (!all)
		choose_totals(pnl, symbol, &chosen);
	json_open_object(json, NULL);
	json_open_array(json, "points");
	write_points(pnl, symbol, json);
	json_close_array(json);
	write_totals(all ? &pnl->totals : &chosen, json);
	json_text(json, "computed_at", pnl->totals.computed_at.text);
	json_close_object(json);
	return true;
}
