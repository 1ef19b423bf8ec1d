/*
 * What the tests of positions share: a database of its own with its laws, events of given trades,
 * and what the executor would write. Included after cmocka.h.
 */
#ifndef BALLAST_TESTS_PROCESSOR_TEST_POSITIONS_H
#define BALLAST_TESTS_PROCESSOR_TEST_POSITIONS_H

#include "processor/position.h"
#include "store/event_queue.h"
#include "unit/processor/test_laws.h"
#include "unit/store/test_store.h"

#include <stdio.h>
#include <string.h>

struct fixture {
	struct test_store files;
	struct event_queue events;
	struct positions positions;
	struct test_laws laws;
	int64_t next_log;
};

static inline struct shares shares_of(const char *text)
{
	struct shares value;

	assert_true(shares_parse(text, &value));
	return value;
}

static inline void open_positions(struct fixture *fixture, const char *threshold)
{
	event_queue_open(&fixture->events, &fixture->files.store);
	positions_open(&fixture->positions, &fixture->files.store, shares_of(threshold), 0);
}

static inline void close_positions(struct fixture *fixture)
{
	positions_close(&fixture->positions);
	event_queue_close(&fixture->events);
}

static inline int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_store_open(&fixture.files);
	open_positions(&fixture, "1");
	test_laws_open(&fixture.laws, &fixture.files.store);
	*state = &fixture;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *fixture = *state;

	test_laws_close(&fixture->laws);
	close_positions(fixture);
	test_store_close(&fixture->files);
	return 0;
}

static inline void append_event(struct fixture *fixture, struct event_row *row)
{
	struct event_record record = {
		.log_index = fixture->next_log++,
		.block_number = 1,
		.block_timestamp = clock_text_of_ms(0),
		.event_type = "TakeOrderV2",
		.event_data = "{}",
		.source = EVENT_SOURCE_BACKFILLER,
	};

	assert_int_equal(event_queue_append(&fixture->events, &record), EVENT_ADDED);
	assert_true(event_queue_next(&fixture->events,
				     (struct event_position){1, record.log_index - 1}, INT64_MAX,
				     row));
}

/* What one side of an event is. */
struct side {
	const char *ticker;
	enum direction direction;
	const char *amount;
};

/* One event of that many trades. Inside a transaction. */
static inline void book(struct fixture *fixture, const struct side *sides, size_t count)
{
	struct onchain_trade trades[2];
	struct event_row row;

	assert_true(count <= ARRAY_LENGTH(trades));
	append_event(fixture, &row);
	for (size_t i = 0; i < count; i++) {
		trades[i] = (struct onchain_trade){.event = &row,
						   .direction = sides[i].direction,
						   .amount = shares_of(sides[i].amount)};
		assert_true(symbol_set(&trades[i].base_symbol, sides[i].ticker));
		assert_true(symbol_set(&trades[i].symbol, sides[i].ticker));
	}
	positions_take_trades(&fixture->positions, trades, count);
	event_queue_mark_processed(&fixture->events, row.id, EVENT_OUTCOME_TRADE, NULL);
}

/* The event's block has left the chain, and the processor takes its trades back. Inside a
 * transaction. */
static inline void take_back(struct fixture *fixture, int64_t event_id)
{
	struct event_row row;

	event_queue_mark_removed(&fixture->events, event_id);
	assert_true(event_queue_next_unreversed(&fixture->events, &row));
	assert_int_equal(row.id, event_id);
	positions_take_back(&fixture->positions, &row);
	event_queue_mark_reversed(&fixture->events, event_id);
}

static inline void begin(struct fixture *fixture)
{
	assert_true(store_begin(&fixture->files.store));
}

/* As a process that dies in the middle. */
static inline void roll_back(struct fixture *fixture)
{
	store_rollback(&fixture->files.store);
	touched_positions_init(&fixture->positions.touched, &fixture->positions.accumulators);
}

static inline void commit(struct fixture *fixture)
{
	touched_positions_write(&fixture->positions.touched);
	store_commit(&fixture->files.store);
	test_laws_hold(&fixture->laws);
}

static inline int64_t count_executions(struct fixture *fixture)
{
	return test_store_int64(&fixture->files.store, "SELECT count(*) AS n FROM executions", "n");
}

static inline struct execution execution_of(struct fixture *fixture, int64_t id)
{
	struct execution execution;

	assert_true(executions_find(&fixture->positions.executions, id, &execution));
	return execution;
}

/* What the executor would write: the order ended with that much filled. */
static inline void end_execution(struct fixture *fixture, int64_t id, struct shares filled)
{
	struct executions *executions = &fixture->positions.executions;
	struct execution execution = execution_of(fixture, id);
	char name[CLIENT_ORDER_ID_SIZE];

	(void)snprintf(name, sizeof(name), "order-%lld", (long long)id);
	executions_mark_submitting(executions, id, "test", name, shares_of("1"));
	executions_mark_submitted(executions, id, name, shares_of("1"));
	if (shares_compare(filled, execution.shares) >= 0)
		executions_mark_filled(executions, id, filled, NULL);
	else
		executions_mark_failed(executions, id, filled, NULL, "test");
}

#endif
