/* The queue keeps each log once, gives events in chain order, and never reads more than it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/event_queue.h"
#include "unit/store/test_sql.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct fixture {
	struct test_file file;
	struct store store;
	struct event_queue queue;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.file);
	store_open(&fixture.store, fixture.file.path);
	event_queue_open(&fixture.queue, &fixture.store);
	*state = &fixture;
	return store_begin(&fixture.store) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->store.in_transaction)
		store_rollback(&fixture->store);
	event_queue_close(&fixture->queue);
	store_close(&fixture->store);
	test_file_remove(&fixture->file);
	return 0;
}

/* A different transaction for each position. */
static struct event_record a_record(int64_t block_number, int64_t log_index)
{
	struct event_record record = {
		.log_index = log_index,
		.block_number = block_number,
		.block_timestamp = clock_text_of_ms(1700000000000),
		.event_type = "TakeOrderV2",
		.event_data = "{\"data\":\"0x01\"}",
		.source = EVENT_SOURCE_LISTENER,
	};

	record.tx_hash.bytes[0] = (uint8_t)(block_number >> 8);
	record.tx_hash.bytes[1] = (uint8_t)block_number;
	record.tx_hash.bytes[2] = (uint8_t)log_index;
	record.block_hash.bytes[31] = (uint8_t)block_number;
	return record;
}

static void append(struct fixture *fixture, int64_t block_number, int64_t log_index)
{
	struct event_record record = a_record(block_number, log_index);

	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
}

static void mark(struct fixture *fixture, int64_t block_number, enum event_outcome outcome)
{
	struct event_position before = {.block_number = block_number, .log_index = -1};
	struct event_row event;

	assert_true(event_queue_next(&fixture->queue, before, INT64_MAX, &event));
	assert_int_equal(event.block_number, block_number);
	event_queue_mark_processed(&fixture->queue, event.id, outcome,
				   outcome == EVENT_OUTCOME_TRADE ? NULL : "as the test says");
}

static void an_appended_event_comes_back_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 3);
	struct event_row event;

	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
	assert_true(event_queue_next(&fixture->queue, EVENT_POSITION_START, INT64_MAX, &event));
	assert_string_equal(event.tx_hash.text, evm_word_text(&record.tx_hash).text);
	assert_int_equal(event.block_number, 19);
	assert_int_equal(event.log_index, 3);
	assert_string_equal(event.block_timestamp.text, "2023-11-14T22:13:20.000Z");
	assert_string_equal(event.event_data, "{\"data\":\"0x01\"}");
	test_sql_expect(
		&fixture->store,
		"SELECT event_type || ' ' || source || ' ' || processed AS value FROM event_queue",
		"TakeOrderV2 listener 0");
}

static void the_same_event_again_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 3);

	append(fixture, 19, 3);
	record.source = EVENT_SOURCE_BACKFILLER;
	record.block_timestamp = clock_text_of_ms(1700000001000);
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_KNOWN);
	test_sql_expect(&fixture->store,
			"SELECT count(*) || ' ' || source AS value FROM event_queue", "1 listener");
}

static void a_processed_event_is_still_known(void **state)
{
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 3);

	append(fixture, 19, 3);
	mark(fixture, 19, EVENT_OUTCOME_TRADE);
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_KNOWN);
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 0);
}

static void an_event_that_says_something_else_disagrees_and_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct event_record hash = a_record(19, 3);
	struct event_record number = a_record(19, 3);
	struct event_record type = a_record(19, 3);
	struct event_record data = a_record(19, 3);

	append(fixture, 19, 3);
	hash.block_hash.bytes[0] = 1;
	number.block_number = 20;
	type.event_type = "ClearV2";
	data.event_data = "{\"data\":\"0x02\"}";
	assert_int_equal(event_queue_append(&fixture->queue, &hash), EVENT_ELSEWHERE);
	hash.log_index = 4;
	assert_int_equal(event_queue_append(&fixture->queue, &hash), EVENT_ELSEWHERE);
	assert_int_equal(event_queue_append(&fixture->queue, &number), EVENT_DISAGREES);
	assert_int_equal(event_queue_append(&fixture->queue, &type), EVENT_DISAGREES);
	assert_int_equal(event_queue_append(&fixture->queue, &data), EVENT_DISAGREES);
	test_sql_expect(&fixture->store,
			"SELECT count(*) || block_number || event_type || event_data AS value FROM "
			"event_queue",
			"119TakeOrderV2{\"data\":\"0x01\"}");
}

static void an_event_may_come_back_after_its_block_left_the_chain(void **state)
{
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 3);

	append(fixture, 19, 3);
	(void)test_store_run(&fixture->store, "UPDATE event_queue SET removed = 1");
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 0);
	record.block_hash.bytes[0] = 1;
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_KNOWN);
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 1);
}

static void two_logs_of_one_transaction_are_two_events(void **state)
{
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 3);

	append(fixture, 19, 3);
	record.log_index = 4;
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 2);
}

/* The positions of all that is ready, in the order in which they are given. */
static void expect_order(struct fixture *fixture, int64_t ready_to, const char *expected)
{
	struct event_position position = EVENT_POSITION_START;
	struct event_row event;
	char order[256] = "";
	size_t length = 0;

	while (event_queue_next(&fixture->queue, position, ready_to, &event)) {
		length +=
			(size_t)snprintf(order + length, sizeof(order) - length, "%lld.%lld ",
					 (long long)event.block_number, (long long)event.log_index);
		assert_true(length < sizeof(order));
		position.block_number = event.block_number;
		position.log_index = event.log_index;
	}
	assert_string_equal(order, expected);
}

static void events_come_in_chain_order_whenever_they_arrived(void **state)
{
	struct fixture *fixture = *state;

	append(fixture, 300, 0);
	append(fixture, 20, 7);
	append(fixture, 20, 10);
	append(fixture, 0, 0);
	append(fixture, 20, 9);
	append(fixture, 19, 250);
	expect_order(fixture, INT64_MAX, "0.0 19.250 20.7 20.9 20.10 300.0 ");
}

static void events_above_what_is_ready_wait(void **state)
{
	struct fixture *fixture = *state;

	append(fixture, 19, 1);
	append(fixture, 20, 1);
	append(fixture, 21, 1);
	expect_order(fixture, 18, "");
	expect_order(fixture, 20, "19.1 20.1 ");
	expect_order(fixture, -1, "");
}

static void processed_and_removed_events_are_passed_over(void **state)
{
	struct fixture *fixture = *state;

	append(fixture, 19, 1);
	append(fixture, 20, 1);
	append(fixture, 21, 1);
	mark(fixture, 19, EVENT_OUTCOME_FILTERED);
	(void)test_store_run(&fixture->store,
			     "UPDATE event_queue SET removed = 1 WHERE block_number = 20");
	expect_order(fixture, INT64_MAX, "21.1 ");
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 1);
}

static void a_row_stays_readable_over_the_end_of_its_transaction(void **state)
{
	struct fixture *fixture = *state;
	struct event_row event;

	append(fixture, 19, 1);
	assert_true(event_queue_next(&fixture->queue, EVENT_POSITION_START, INT64_MAX, &event));
	store_commit(&fixture->store);
	assert_string_equal(event.event_data, "{\"data\":\"0x01\"}");
	assert_false(sqlite3_stmt_busy(fixture->queue.next.compiled));
}

static void a_mark_keeps_outcome_reason_and_time(void **state)
{
	struct fixture *fixture = *state;

	append(fixture, 19, 1);
	append(fixture, 20, 1);
	append(fixture, 21, 1);
	mark(fixture, 19, EVENT_OUTCOME_TRADE);
	mark(fixture, 20, EVENT_OUTCOME_FILTERED);
	mark(fixture, 21, EVENT_OUTCOME_QUARANTINED);
	test_sql_expect(
		&fixture->store,
		"SELECT group_concat(outcome || ':' || coalesce(error, '-'), ' ' ORDER BY id)"
		" AS value FROM event_queue WHERE processed = 1 AND length(processed_at) = 24",
		"trade:- filtered:as the test says quarantined:as the test says");
}

static void mark_twice(struct store *store)
{
	struct event_record record = a_record(19, 1);
	struct event_queue queue;

	event_queue_open(&queue, store);
	(void)event_queue_append(&queue, &record);
	event_queue_mark_processed(&queue, 1, EVENT_OUTCOME_TRADE, NULL);
	event_queue_mark_processed(&queue, 1, EVENT_OUTCOME_TRADE, NULL);
}

static void mark_trade_with_reason(struct store *store)
{
	struct event_record record = a_record(19, 1);
	struct event_queue queue;

	event_queue_open(&queue, store);
	(void)event_queue_append(&queue, &record);
	event_queue_mark_processed(&queue, 1, EVENT_OUTCOME_TRADE, "why");
}

static void marking_twice_or_a_trade_with_a_reason_is_a_bug(void **state)
{
	(void)state;
	test_sql_ends_as_bug(mark_twice, "changed == 1");
	test_sql_ends_as_bug(mark_trade_with_reason, "reason == NULL");
}

static void quarantined_events_alone_are_taken_up_again(void **state)
{
	struct fixture *fixture = *state;

	append(fixture, 19, 1);
	append(fixture, 20, 1);
	append(fixture, 21, 1);
	append(fixture, 22, 1);
	mark(fixture, 19, EVENT_OUTCOME_QUARANTINED);
	mark(fixture, 20, EVENT_OUTCOME_FILTERED);
	mark(fixture, 21, EVENT_OUTCOME_QUARANTINED);
	mark(fixture, 22, EVENT_OUTCOME_QUARANTINED);
	(void)test_store_run(&fixture->store,
			     "UPDATE event_queue SET removed = 1 WHERE block_number = 22");
	assert_int_equal(event_queue_requeue_quarantined(&fixture->queue), 2);
	expect_order(fixture, INT64_MAX, "19.1 21.1 ");
	assert_int_equal(event_queue_requeue_quarantined(&fixture->queue), 0);
}

static void the_last_processed_position_goes_by_chain_order(void **state)
{
	struct fixture *fixture = *state;
	struct event_position last = event_queue_last_processed(&fixture->queue);

	assert_int_equal(last.block_number, -1);
	assert_int_equal(last.log_index, -1);
	append(fixture, 19, 1);
	append(fixture, 20, 2);
	append(fixture, 20, 10);
	append(fixture, 21, 1);
	append(fixture, 22, 1);
	mark(fixture, 22, EVENT_OUTCOME_TRADE);
	(void)test_store_run(&fixture->store,
			     "UPDATE event_queue SET removed = 1 WHERE block_number = 22");
	mark(fixture, 20, EVENT_OUTCOME_TRADE);
	mark(fixture, 20, EVENT_OUTCOME_FILTERED);
	mark(fixture, 19, EVENT_OUTCOME_TRADE);
	last = event_queue_last_processed(&fixture->queue);
	assert_int_equal(last.block_number, 20);
	assert_int_equal(last.log_index, 10);
}

static int counter(struct statement *statement, int which)
{
	return sqlite3_stmt_status(statement->compiled, which, 1);
}

static void the_next_event_costs_the_same_however_long_the_queue(void **state)
{
	struct fixture *fixture = *state;
	struct event_position middle = {.block_number = 2000, .log_index = 0};
	struct event_row event;
	int steps;

	for (int64_t i = 0; i < 3000; i++)
		append(fixture, i, 0);
	assert_true(event_queue_next(&fixture->queue, middle, INT64_MAX, &event));
	assert_int_equal(event.block_number, 2001);
	assert_int_equal(counter(&fixture->queue.next, SQLITE_STMTSTATUS_FULLSCAN_STEP), 0);
	assert_int_equal(counter(&fixture->queue.next, SQLITE_STMTSTATUS_SORT), 0);
	assert_int_equal(counter(&fixture->queue.next, SQLITE_STMTSTATUS_AUTOINDEX), 0);
	steps = counter(&fixture->queue.next, SQLITE_STMTSTATUS_VM_STEP);
	assert_true(steps > 0 && steps < 100);

	mark(fixture, 2990, EVENT_OUTCOME_TRADE);
	assert_int_equal(event_queue_last_processed(&fixture->queue).block_number, 2990);
	assert_int_equal(counter(&fixture->queue.last_processed, SQLITE_STMTSTATUS_SORT), 0);
	assert_true(counter(&fixture->queue.last_processed, SQLITE_STMTSTATUS_VM_STEP) < 200);
}

/* The pages that are read, with nothing of the database in memory. */
static int pages_read_for_last_processed(struct fixture *fixture, struct event_position *last)
{
	int missed, highest;

	store_commit(&fixture->store);
	(void)sqlite3_db_release_memory(fixture->store.connection);
	(void)sqlite3_db_status(fixture->store.connection, SQLITE_DBSTATUS_CACHE_MISS, &missed,
				&highest, 1);
	*last = event_queue_last_processed(&fixture->queue);
	(void)sqlite3_db_status(fixture->store.connection, SQLITE_DBSTATUS_CACHE_MISS, &missed,
				&highest, 1);
	assert_true(store_begin(&fixture->store));
	return missed;
}

static void what_waits_is_not_read_to_find_what_was_processed(void **state)
{
	struct fixture *fixture = *state;
	struct event_position last;

	for (int64_t i = 0; i < 300; i++)
		append(fixture, i, 0);
	(void)test_store_run(&fixture->store, "UPDATE event_queue SET event_data = json_array("
					      "hex(zeroblob(2000)))");
	assert_true(pages_read_for_last_processed(fixture, &last) < 20);
	assert_int_equal(last.block_number, -1);
	mark(fixture, 10, EVENT_OUTCOME_TRADE);
	assert_true(pages_read_for_last_processed(fixture, &last) < 20);
	assert_int_equal(last.block_number, 10);
}

static void event_data_of_megabytes_comes_back_whole(void **state)
{
	static char data[4 * 1024 * 1024];
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 1);
	struct event_row event;

	memset(data, 'a', sizeof(data) - 1);
	data[0] = '"';
	data[sizeof(data) - 2] = '"';
	record.event_data = data;
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_KNOWN);
	append(fixture, 20, 1);
	assert_true(event_queue_next(&fixture->queue, EVENT_POSITION_START, INT64_MAX, &event));
	assert_int_equal(strlen(event.event_data), sizeof(data) - 1);
	assert_memory_equal(event.event_data, data, sizeof(data));
	event_queue_mark_processed(&fixture->queue, event.id, EVENT_OUTCOME_TRADE, NULL);
	assert_true(event_queue_next(&fixture->queue, EVENT_POSITION_START, INT64_MAX, &event));
	assert_string_equal(event.event_data, "{\"data\":\"0x01\"}");
}

static void sources_have_the_names_of_the_schema(void **state)
{
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 1);

	record.source = EVENT_SOURCE_BACKFILLER;
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
	assert_string_equal(event_source_name(EVENT_SOURCE_LISTENER), "listener");
	test_sql_expect(&fixture->store, "SELECT source AS value FROM event_queue",
			event_source_name(EVENT_SOURCE_BACKFILLER));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void standing_events_come_with_their_block_and_confirmation(void **state)
{
	struct fixture *fixture = *state;
	struct standing_event event = STANDING_EVENTS_FROM(19);
	struct event_record proven = a_record(20, 1);
	struct event_record twin = a_record(20, 1);

	append(fixture, 18, 1);
	append(fixture, 19, 0);
	proven.source = EVENT_SOURCE_BACKFILLER;
	assert_int_equal(event_queue_append(&fixture->queue, &proven), EVENT_ADDED);
	/* Another branch claims the same place. */
	twin.tx_hash.bytes[31] = 9;
	twin.block_hash.bytes[0] = 9;
	assert_int_equal(event_queue_append(&fixture->queue, &twin), EVENT_ADDED);
	append(fixture, 21, 0);
	assert_true(event_queue_next_standing(&fixture->queue, 20, &event));
	assert_int_equal(event.block_number, 19);
	assert_false(event.confirmed);
	assert_true(event_queue_next_standing(&fixture->queue, 20, &event));
	assert_true(evm_word_equal(&event.block_hash, &proven.block_hash));
	assert_true(event.confirmed);
	assert_true(event_queue_next_standing(&fixture->queue, 20, &event));
	assert_true(evm_word_equal(&event.block_hash, &twin.block_hash));
	assert_true(evm_word_equal(&event.tx_hash, &twin.tx_hash));
	assert_false(event_queue_next_standing(&fixture->queue, 20, &event));
}

static void doubts_are_found_from_below(void **state)
{
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 3);
	int64_t block;

	record.source = EVENT_SOURCE_BACKFILLER;
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
	assert_false(event_queue_first_doubted(&fixture->queue, 0, INT64_MAX, &block));
	append(fixture, 25, 0);
	assert_true(event_queue_first_doubted(&fixture->queue, 0, INT64_MAX, &block));
	assert_int_equal(block, 25);
	assert_false(event_queue_first_doubted(&fixture->queue, 0, 24, &block));
	assert_int_equal(event_queue_doubt(&fixture->queue, &record.tx_hash), 1);
	assert_int_equal(event_queue_doubt(&fixture->queue, &record.tx_hash), 0);
	assert_true(event_queue_first_doubted(&fixture->queue, 0, INT64_MAX, &block));
	assert_int_equal(block, 19);
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_KNOWN);
	event_queue_doubt_above(&fixture->queue, 19);
	assert_false(event_queue_first_doubted(&fixture->queue, 0, 24, &block));
	event_queue_doubt_above(&fixture->queue, 18);
	assert_true(event_queue_first_doubted(&fixture->queue, 0, 24, &block));
}

static void only_unproven_events_give_way(void **state)
{
	struct fixture *fixture = *state;
	struct event_record record = a_record(19, 3);
	const struct evm_word other_block = {.bytes = {[31] = 77}};

	record.source = EVENT_SOURCE_BACKFILLER;
	assert_int_equal(event_queue_append(&fixture->queue, &record), EVENT_ADDED);
	assert_int_equal(
		event_queue_remove_elsewhere(&fixture->queue, &record.tx_hash, &other_block), 0);
	assert_false(event_queue_remove_unconfirmed(&fixture->queue, &record.tx_hash, 3));
	assert_int_equal(event_queue_doubt(&fixture->queue, &record.tx_hash), 1);
	assert_int_equal(
		event_queue_remove_elsewhere(&fixture->queue, &record.tx_hash, &record.block_hash),
		0);
	assert_int_equal(
		event_queue_remove_elsewhere(&fixture->queue, &record.tx_hash, &other_block), 1);
	append(fixture, 19, 3);
	assert_true(event_queue_remove_unconfirmed(&fixture->queue, &record.tx_hash, 3));
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 0);
}

static void removed_trades_are_taken_back_once_in_chain_order(void **state)
{
	struct fixture *fixture = *state;
	struct event_row event;

	for (int64_t block = 19; block < 23; block++)
		append(fixture, block, 1);
	mark(fixture, 20, EVENT_OUTCOME_TRADE);
	mark(fixture, 19, EVENT_OUTCOME_TRADE);
	mark(fixture, 21, EVENT_OUTCOME_FILTERED);
	assert_false(event_queue_next_unreversed(&fixture->queue, &event));
	for (int64_t id = 1; id <= 4; id++)
		event_queue_mark_removed(&fixture->queue, id);
	assert_true(event_queue_next_unreversed(&fixture->queue, &event));
	assert_int_equal(event.block_number, 19);
	event_queue_mark_reversed(&fixture->queue, event.id);
	assert_true(event_queue_next_unreversed(&fixture->queue, &event));
	assert_int_equal(event.block_number, 20);
	event_queue_mark_reversed(&fixture->queue, event.id);
	assert_false(event_queue_next_unreversed(&fixture->queue, &event));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_appended_event_comes_back_as_it_was),
		WITH_STORE(the_same_event_again_changes_nothing),
		WITH_STORE(a_processed_event_is_still_known),
		WITH_STORE(an_event_that_says_something_else_disagrees_and_changes_nothing),
		WITH_STORE(an_event_may_come_back_after_its_block_left_the_chain),
		WITH_STORE(two_logs_of_one_transaction_are_two_events),
		WITH_STORE(events_come_in_chain_order_whenever_they_arrived),
		WITH_STORE(events_above_what_is_ready_wait),
		WITH_STORE(processed_and_removed_events_are_passed_over),
		WITH_STORE(a_row_stays_readable_over_the_end_of_its_transaction),
		WITH_STORE(a_mark_keeps_outcome_reason_and_time),
		cmocka_unit_test(marking_twice_or_a_trade_with_a_reason_is_a_bug),
		WITH_STORE(quarantined_events_alone_are_taken_up_again),
		WITH_STORE(the_last_processed_position_goes_by_chain_order),
		WITH_STORE(standing_events_come_with_their_block_and_confirmation),
		WITH_STORE(doubts_are_found_from_below),
		WITH_STORE(only_unproven_events_give_way),
		WITH_STORE(removed_trades_are_taken_back_once_in_chain_order),
		WITH_STORE(the_next_event_costs_the_same_however_long_the_queue),
		WITH_STORE(what_waits_is_not_read_to_find_what_was_processed),
		WITH_STORE(event_data_of_megabytes_comes_back_whole),
		WITH_STORE(sources_have_the_names_of_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
