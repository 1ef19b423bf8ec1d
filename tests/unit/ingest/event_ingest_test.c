/* Listener and backfiller make the same row of the same log, once, and say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ingest/event_ingest.h"

#include "unit/store/test_sql.h"

#include <stdio.h>
#include <string.h>

#define OWNER	 0xaa
#define STRANGER 0xbb

/*
 * Made with cast abi-encode: STRANGER takes 10^18 of token 2 (18 decimals) from OWNER's order for
 * 150000000 of token 1 (6 decimals); token 1 clears STRANGER's order against OWNER's. Each number
 * is a 32-byte word.
 */
static const uint64_t take_words[] = {
	STRANGER,  0x80,  0xde0b6b3a7640000,
	0x8f0d180, 0x80,  0,
	0,	   0x2a0, OWNER,
	0xa0,	   0x120, 0x1a0,
	0,	   1,	  2,
	0x60,	   0,	  1,
	1,	   6,	  1,
	1,	   2,	  18,
	2,	   0,
};
static const uint64_t clear_words[] = {
	1, 0x120, 0x340, 0,    0, 0, 0, 1, 1, STRANGER, 0xa0, 0x120, 0x1a0, 0,	   1,
	2, 0x60,  0,	 1,    1, 6, 1, 1, 2, 18,	2,    OWNER, 0xa0,  0x120, 0x1a0,
	0, 1,	  2,	 0x60, 0, 1, 1, 6, 1, 1,	2,    18,    2,
};
static const uint64_t after_clear_words[] = {1, 5, 6, 6, 5};

struct fixture {
	struct test_file file;
	struct store store;
	struct event_queue queue;
	struct config_addresses owners;
	struct evm_logs logs;
	struct event_ingest listener;
	struct event_ingest backfiller;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.file);
	store_open(&fixture.store, fixture.file.path);
	event_queue_open(&fixture.queue, &fixture.store);
	fixture.owners.count = 1;
	fixture.owners.items[0].bytes[EVM_ADDRESS_SIZE - 1] = OWNER;
	evm_logs_init(&fixture.logs);
	event_ingest_init(&fixture.listener, &fixture.queue, &fixture.owners, EVENT_SOURCE_LISTENER,
			  0);
	event_ingest_init(&fixture.backfiller, &fixture.queue, &fixture.owners,
			  EVENT_SOURCE_BACKFILLER, 0);
	*state = &fixture;
	return store_begin(&fixture.store) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	event_ingest_free(&fixture->backfiller);
	event_ingest_free(&fixture->listener);
	evm_logs_free(&fixture->logs);
	store_rollback(&fixture->store);
	event_queue_close(&fixture->queue);
	store_close(&fixture->store);
	test_file_remove(&fixture->file);
	return 0;
}

static void put_word(uint8_t *bytes, uint64_t value)
{
	memset(bytes, 0, EVM_WORD_SIZE);
	for (size_t i = 0; i < sizeof(value); i++)
		bytes[EVM_WORD_SIZE - 1 - i] = (uint8_t)(value >> (8 * i));
}

/* topic: an index of orderbook_topics. */
static void add_log(struct fixture *fixture, size_t topic, uint64_t log_index,
		    const uint64_t *words, size_t count)
{
	struct evm_log log = {.topic_count = 1, .block_number = 19, .log_index = log_index};
	uint8_t data[64 * EVM_WORD_SIZE];

	assert_true(count * EVM_WORD_SIZE <= sizeof(data));
	for (size_t i = 0; i < count; i++)
		put_word(data + i * EVM_WORD_SIZE, words[i]);
	log.topics[0] = orderbook_topics[topic];
	log.tx_hash.bytes[0] = 0x7a;
	log.block_hash.bytes[0] = 0xb1;
	assert_true(evm_logs_add(&fixture->logs, &log,
				 (struct bytes){.data = data, .length = count * EVM_WORD_SIZE}));
}

static void add_take(struct fixture *fixture)
{
	add_log(fixture, 0, 3, take_words, ARRAY_LENGTH(take_words));
}

static struct orderbook_occurrence first_occurrence(struct fixture *fixture)
{
	struct orderbook_occurrence occurrence;
	size_t cursor = 0;

	assert_true(orderbook_next_occurrence(&fixture->logs, &cursor, &occurrence));
	return occurrence;
}

static void an_order_of_ours_is_wanted_whoever_takes_it(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_take(fixture);
	occurrence = first_occurrence(fixture);
	assert_true(event_ingest_wants(&fixture->listener, &fixture->logs, &occurrence));
	fixture->owners.items[0].bytes[EVM_ADDRESS_SIZE - 1] = STRANGER;
	assert_false(event_ingest_wants(&fixture->listener, &fixture->logs, &occurrence));
}

static void a_clear_is_wanted_for_either_of_its_orders(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;
	uint8_t *owner = &fixture->owners.items[0].bytes[EVM_ADDRESS_SIZE - 1];

	add_log(fixture, 1, 3, clear_words, ARRAY_LENGTH(clear_words));
	occurrence = first_occurrence(fixture);
	assert_true(event_ingest_wants(&fixture->listener, &fixture->logs, &occurrence));
	*owner = STRANGER;
	assert_true(event_ingest_wants(&fixture->listener, &fixture->logs, &occurrence));
	*owner = 1;
	assert_false(event_ingest_wants(&fixture->listener, &fixture->logs, &occurrence));
}

static void what_cannot_be_read_is_wanted_and_queued_for_a_person(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_log(fixture, 0, 3, take_words, 3);
	occurrence = first_occurrence(fixture);
	assert_true(event_ingest_wants(&fixture->listener, &fixture->logs, &occurrence));
	assert_int_equal(event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, 1),
			 EVENT_ADDED);
	test_sql_expect(
		&fixture->store,
		"SELECT (event_data ->> '$.decode_error' IS NOT NULL) || event_type AS value "
		"FROM event_queue",
		"1TakeOrderV2");
}

static void a_take_becomes_a_row_with_its_fill(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_take(fixture);
	occurrence = first_occurrence(fixture);
	assert_int_equal(
		event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, 1700000000),
		EVENT_ADDED);
	test_sql_expect(&fixture->store,
			"SELECT concat_ws(' ', substr(tx_hash, 1, 4), log_index, block_number,"
			" substr(block_hash, 1, 4), block_timestamp, event_type, source, processed)"
			" AS value FROM event_queue",
			"0x7a 3 19 0xb1 2023-11-14T22:13:20.000Z TakeOrderV2 listener 0");
	test_sql_expect(&fixture->store,
			"SELECT concat_ws(' ', event_data ->> '$.fills[0].owner',"
			" event_data ->> '$.fills[0].input.amount',"
			" event_data ->> '$.fills[0].output.amount') AS value FROM event_queue",
			"0x00000000000000000000000000000000000000aa 150000000 1000000000000000000");
}

static void a_clear_carries_its_after_clear(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_log(fixture, 1, 3, clear_words, ARRAY_LENGTH(clear_words));
	add_log(fixture, 2, 4, after_clear_words, ARRAY_LENGTH(after_clear_words));
	occurrence = first_occurrence(fixture);
	assert_int_equal(event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, 1),
			 EVENT_ADDED);
	test_sql_expect(&fixture->store,
			"SELECT concat_ws(' ', event_type, log_index,"
			" event_data ->> '$.after_clear.log_index',"
			" event_data ->> '$.fills[1].output.amount') AS value FROM event_queue",
			"ClearV2 3 4 6");
}

static void both_sources_make_the_same_row(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_take(fixture);
	occurrence = first_occurrence(fixture);
	assert_int_equal(event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, 1),
			 EVENT_ADDED);
	assert_int_equal(event_ingest_append(&fixture->backfiller, &fixture->logs, &occurrence, 1),
			 EVENT_KNOWN);
	assert_int_equal(event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, 2),
			 EVENT_KNOWN);
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 1);
}

static void the_same_log_in_another_block_stands_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_take(fixture);
	occurrence = first_occurrence(fixture);
	assert_int_equal(event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, 1),
			 EVENT_ADDED);
	fixture->logs.items[0].block_hash.bytes[0] = 0xb2;
	assert_int_equal(event_ingest_append(&fixture->backfiller, &fixture->logs, &occurrence, 1),
			 EVENT_ELSEWHERE);
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 1);
}

static int64_t confirmed(struct fixture *fixture)
{
	return test_store_int64(fixture->queue.store,
				"SELECT count(*) AS n FROM event_queue WHERE confirmed = 1", "n");
}

static void a_block_before_the_first_is_none_of_ours(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_take(fixture);
	occurrence = first_occurrence(fixture);
	fixture->listener.first_block = (int64_t)occurrence.log->block_number;
	assert_true(event_ingest_wants(&fixture->listener, &fixture->logs, &occurrence));
	fixture->listener.first_block++;
	assert_false(event_ingest_wants(&fixture->listener, &fixture->logs, &occurrence));
}

/* The first proof is the backfiller's; a listener that hears otherwise only asks for another. */
static void what_the_listener_hears_otherwise_is_doubted(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_take(fixture);
	occurrence = first_occurrence(fixture);
	assert_int_equal(event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, 1),
			 EVENT_ADDED);
	assert_int_equal(confirmed(fixture), 0);
	assert_int_equal(event_ingest_append(&fixture->backfiller, &fixture->logs, &occurrence, 1),
			 EVENT_KNOWN);
	assert_int_equal(confirmed(fixture), 1);
	fixture->logs.items[0].block_hash.bytes[0] = 0xb2;
	assert_int_equal(event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, 1),
			 EVENT_ELSEWHERE);
	assert_int_equal(confirmed(fixture), 0);
}

static void an_impossible_time_is_cut_and_the_fill_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;

	add_take(fixture);
	occurrence = first_occurrence(fixture);
	assert_int_equal(
		event_ingest_append(&fixture->listener, &fixture->logs, &occurrence, INT64_MAX),
		EVENT_ADDED);
	test_sql_expect(&fixture->store, "SELECT block_timestamp AS value FROM event_queue",
			"9999-12-31T23:59:59.000Z");
}

/* What the act writes to stderr. */
static void capture_append(struct fixture *fixture, struct event_ingest *ingest, char *text,
			   size_t size)
{
	struct orderbook_occurrence occurrence = first_occurrence(fixture);
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t length;

	assert_non_null(file);
	assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
	(void)event_ingest_append(ingest, &fixture->logs, &occurrence, 1);
	(void)fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	rewind(file);
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	(void)fclose(file);
}

static void an_event_is_logged_when_added_or_contradicted_and_only_then(void **state)
{
	struct fixture *fixture = *state;
	char text[1024];

	log_start("test", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	add_take(fixture);
	capture_append(fixture, &fixture->backfiller, text, sizeof(text));
	assert_non_null(strstr(text,
			       "event queued event_type=TakeOrderV2 block_number=19 log_index=3"
			       " tx_hash=0x7a0000000000000000000000000000000000000000000000000"
			       "0000000000000 source=backfiller\n"));
	capture_append(fixture, &fixture->listener, text, sizeof(text));
	assert_string_equal(text, "");
	fixture->logs.items[0].block_number = 20;
	capture_append(fixture, &fixture->listener, text, sizeof(text));
	assert_non_null(strstr(text, "warn"));
	assert_non_null(strstr(text, "event disagrees"));
	assert_non_null(strstr(text, "block_number=20 log_index=3"));
	assert_non_null(strstr(text, "source=listener\n"));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(an_order_of_ours_is_wanted_whoever_takes_it),
		WITH_STORE(a_clear_is_wanted_for_either_of_its_orders),
		WITH_STORE(what_cannot_be_read_is_wanted_and_queued_for_a_person),
		WITH_STORE(a_take_becomes_a_row_with_its_fill),
		WITH_STORE(a_clear_carries_its_after_clear),
		WITH_STORE(both_sources_make_the_same_row),
		WITH_STORE(the_same_log_in_another_block_stands_elsewhere),
		WITH_STORE(what_the_listener_hears_otherwise_is_doubted),
		WITH_STORE(a_block_before_the_first_is_none_of_ours),
		WITH_STORE(an_impossible_time_is_cut_and_the_fill_is_kept),
		WITH_STORE(an_event_is_logged_when_added_or_contradicted_and_only_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
