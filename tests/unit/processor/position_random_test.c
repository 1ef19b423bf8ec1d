/*
 * Thousands of random steps: trades, partial fills, over-fills, failures, reorganisations,
 * transactions that never commit. After each transaction the database must say what a model says
 * that is three numbers a ticker, and obey the laws of tests/invariants.sql.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/amounts.h"
#include "unit/processor/test_positions.h"

#define ROUNDS 20
#define STEPS  120
#define WHOLE  ((int128)1000000000000000000)

/* Units of 10^-18 shares, long positive. */
struct ticker {
	const char *name;
	int128 net;	/* unhedged */
	int128 pending; /* what the execution that is out hedges; 0: none is out */
	int128 filled;	/* of it, once it has ended, without sign */
	bool ended;
};

struct model {
	struct ticker tickers[2];
	int64_t executions;
};

static uint32_t random_state;

static uint32_t next_random(uint32_t limit)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % limit;
}

static int128 magnitude(int128 value)
{
	return value < 0 ? -value : value;
}

static void model_plan(struct model *model, struct ticker *ticker)
{
	int128 whole = ticker->net - ticker->net % WHOLE;

	if (ticker->pending != 0 || whole == 0)
		return;
	ticker->pending = whole;
	ticker->net -= whole;
	model->executions++;
}

static void model_follow(struct model *model, struct ticker *ticker)
{
	int128 sign = ticker->pending < 0 ? -1 : 1;

	if (ticker->ended) {
		ticker->net += ticker->pending - sign * ticker->filled;
		ticker->pending = 0;
		ticker->ended = false;
	}
	model_plan(model, ticker);
}

static int128 random_amount(void)
{
	static const int128 amounts[] = {
		WHOLE / 10, WHOLE / 4, 1, WHOLE, WHOLE * 11 / 4, 0, WHOLE - 1, WHOLE * 133 / 10,
	};

	return amounts[next_random(ARRAY_LENGTH(amounts))];
}

/* An event of one trade or two, the tickers and sides whatever they may be. */
static void random_event(struct fixture *fixture, struct model *model)
{
	struct decimal_text texts[2];
	struct side sides[2];
	size_t count = 1 + next_random(2);
	uint32_t which = next_random(2);
	enum direction first = next_random(2) == 0 ? DIRECTION_BUY : DIRECTION_SELL;

	for (size_t i = 0; i < count; i++) {
		struct ticker *ticker = &model->tickers[which];
		enum direction direction = i == 0 ? first : direction_opposite(first);
		int128 amount = random_amount();

		texts[i] = shares_text((struct shares){amount});
		sides[i] = (struct side){ticker->name, direction, texts[i].text};
		ticker->net += direction == DIRECTION_BUY ? amount : -amount;
		which = next_random(2);
	}
	book(fixture, sides, count);
	for (size_t i = 0; i < ARRAY_LENGTH(model->tickers); i++) {
		if (strcmp(sides[0].ticker, model->tickers[i].name) == 0 ||
		    strcmp(sides[count - 1].ticker, model->tickers[i].name) == 0)
			model_plan(model, &model->tickers[i]);
	}
}

static struct trade_accumulator accumulator_of(struct fixture *fixture, const char *name)
{
	struct trade_accumulator accumulator;
	struct symbol symbol;

	assert_true(symbol_set(&symbol, name));
	trade_accumulators_get(&fixture->positions.accumulators, &symbol, &accumulator);
	return accumulator;
}

/* Nothing, a part, all, or (if it is taken in at once, and so much is unhedged) more than all. */
static int128 random_fill(const struct ticker *ticker, bool *over)
{
	int128 asked = magnitude(ticker->pending);
	bool same_side = (ticker->net < 0) == (ticker->pending < 0);

	*over = false;
	switch (next_random(4)) {
	case 0:
		return 0;
	case 1:
		return asked;
	case 2:
		*over = same_side && ticker->net != 0;
		return *over ? asked + magnitude(ticker->net) / 2 : asked / 3;
	default:
		return asked * next_random(1000) / 1000;
	}
}

static void random_end(struct fixture *fixture, struct model *model)
{
	struct ticker *ticker = &model->tickers[next_random(2)];
	bool over;

	if (ticker->pending == 0 || ticker->ended)
		return;
	ticker->filled = random_fill(ticker, &over);
	ticker->ended = true;
	end_execution(fixture, accumulator_of(fixture, ticker->name).pending_execution_id,
		      (struct shares){ticker->filled});
	if (!over)
		return;
	(void)positions_follow(&fixture->positions);
	for (size_t i = 0; i < ARRAY_LENGTH(model->tickers); i++)
		model_follow(model, &model->tickers[i]);
}

/* What the event did to the model's tickers is undone; hedges stay. */
static void random_reorganisation(struct fixture *fixture, struct model *model)
{
	struct statement trades;
	int64_t events = test_store_int64(&fixture->files.store,
					  "SELECT count(*) AS n FROM event_queue", "n");
	int64_t id = 1 + next_random((uint32_t)events + 1);
	bool standing = false;

	statement_prepare(&trades, &fixture->files.store,
			  "SELECT base_symbol, direction, amount FROM onchain_trades AS t"
			  " JOIN event_queue AS q ON q.id = t.event_id"
			  " WHERE q.removed = 0 AND q.id = :id");
	statement_bind_int64(&trades, ":id", id);
	while (statement_row(&trades)) {
		bool bought = strcmp(statement_text(&trades, "direction"), "BUY") == 0;
		int128 amount = statement_shares(&trades, "amount").units;
		const char *name = statement_text(&trades, "base_symbol");

		standing = true;
		for (size_t i = 0; i < ARRAY_LENGTH(model->tickers); i++) {
			if (strcmp(model->tickers[i].name, name) == 0)
				model->tickers[i].net -= bought ? amount : -amount;
		}
	}
	statement_finalize(&trades);
	if (!standing)
		return;
	take_back(fixture, id);
	(void)positions_follow(&fixture->positions);
	for (size_t i = 0; i < ARRAY_LENGTH(model->tickers); i++)
		model_follow(model, &model->tickers[i]);
}

static void random_work(struct fixture *fixture, struct model *model)
{
	for (uint32_t i = next_random(3); i > 0; i--)
		random_event(fixture, model);
	if (next_random(2) == 0) {
		touched_positions_write(&fixture->positions.touched);
		random_end(fixture, model);
	}
	if (next_random(4) == 0)
		random_reorganisation(fixture, model);
	if (next_random(2) == 0)
		return;
	(void)positions_follow(&fixture->positions);
	for (size_t i = 0; i < ARRAY_LENGTH(model->tickers); i++)
		model_follow(model, &model->tickers[i]);
}

static void compare(struct fixture *fixture, const struct ticker *ticker)
{
	struct trade_accumulator accumulator = accumulator_of(fixture, ticker->name);
	struct execution execution;

	assert_true(trade_accumulator_net(&accumulator).units == ticker->net);
	assert_int_equal(accumulator.pending_execution_id != 0, ticker->pending != 0);
	if (ticker->pending == 0)
		return;
	execution = execution_of(fixture, accumulator.pending_execution_id);
	assert_string_equal(execution.symbol.text, ticker->name);
	assert_true(execution.shares.units == magnitude(ticker->pending));
	assert_int_equal(execution.direction, ticker->pending > 0 ? DIRECTION_SELL : DIRECTION_BUY);
	assert_int_equal(!execution_is_open(execution.status), ticker->ended);
}

static void step(struct fixture *fixture, struct model *model)
{
	struct model before = *model;

	begin(fixture);
	random_work(fixture, model);
	if (next_random(16) == 0) {
		*model = before;
		roll_back(fixture);
	} else {
		touched_positions_write(&fixture->positions.touched);
		store_commit(&fixture->files.store);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(model->tickers); i++)
		compare(fixture, &model->tickers[i]);
	assert_int_equal(count_executions(fixture), model->executions);
	test_laws_hold(&fixture->laws);
}

static void the_database_is_the_model_after_every_random_step(void **state)
{
	int64_t executions = 0;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct model model = {.tickers = {{.name = "AAPL"}, {.name = "NVDA"}}};

		random_state = 20261123 + round;
		assert_int_equal(set_up(state), 0);
		for (int i = 0; i < STEPS; i++)
			step(*state, &model);
		assert_int_equal(tear_down(state), 0);
		executions += model.executions;
	}
	assert_true(executions > ROUNDS * STEPS / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_database_is_the_model_after_every_random_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
