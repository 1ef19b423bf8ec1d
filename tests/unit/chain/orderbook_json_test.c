/* event_queue.event_data: what is written is read back as the same event, for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/orderbook_json.h"
#include "unit/chain/orderbook_logs.h"

#include <jansson.h>
#include <stdio.h>

#define WORD "0x00000000000000000000000000000000000000000000000000000000000000"

struct fixture {
	struct evm_logs logs;
	struct buffer json;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	evm_logs_init(&fixture.logs);
	buffer_init(&fixture.json, BUFFER_MAX_EVENT_JSON);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	evm_logs_free(&fixture->logs);
	buffer_free(&fixture->json);
	return 0;
}

static void add(struct fixture *fixture, enum topic topic, uint64_t log_index, enum vector vector)
{
	struct evm_log log = log_of(topic, 1, log_index);

	add_vector(&fixture->logs, &log, vector);
}

/* Writes the first occurrence at or behind cursor. */
static void write_next(struct fixture *fixture, size_t *cursor)
{
	struct orderbook_occurrence occurrence;

	assert_true(orderbook_next_occurrence(&fixture->logs, cursor, &occurrence));
	assert_true(orderbook_json_write(&fixture->logs, &occurrence, &fixture->json));
}

static struct orderbook_event read_back(const struct fixture *fixture)
{
	struct orderbook_event event;
	struct error error;

	if (orderbook_json_decode(buffer_text(&fixture->json), &event, &error) != OUTCOME_OK)
		fail_msg("%s", error.text);
	return event;
}

static void assert_amount(const struct orderbook_leg *leg, const char *amount)
{
	assert_string_equal(evm_uint256_text(&leg->amount).text, amount);
}

static void a_take_is_written_as_the_contract_of_the_column_says(void **state)
{
	struct fixture *fixture = *state;
	char expected[8192];
	size_t cursor = 0;

	add(fixture, TOPIC_TAKE_ORDER, 3, TAKE_BUY);
	write_next(fixture, &cursor);
	assert_true(
		snprintf(expected, sizeof(expected),
			 "{\"address\":\"0x000000000000000000000000000000000000000b\","
			 "\"topics\":[\"%s\"],\"data\":\"0x%s\","
			 "\"sender\":\"0x00000000000000000000000000000000000000c3\",\"fills\":["
			 "{\"owner\":\"0x00000000000000000000000000000000000000a1\","
			 "\"input\":{\"token\":\"0x000000000000000000000000000000000000e018\","
			 "\"decimals\":18,\"vault_id\":\"2\",\"amount\":\"2500000000000000000\"},"
			 "\"output\":{\"token\":\"0x000000000000000000000000000000000000d006\","
			 "\"decimals\":6,\"vault_id\":\"115792089237316195423570985008687907853269"
			 "984665640564039457584007913129639935\",\"amount\":\"577123456\"}}]}",
			 evm_word_text(&orderbook_topics[TOPIC_TAKE_ORDER]).text,
			 vector_hex(TAKE_BUY)) < (int)sizeof(expected));
	assert_string_equal(buffer_text(&fixture->json), expected);
}

static void a_leg_of_floats_has_the_word_and_what_it_comes_to(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_event event;
	size_t cursor = 0;

	add(fixture, TOPIC_TAKE_ORDER_V3, 3, FLOAT_TAKE_BUY);
	write_next(fixture, &cursor);
	assert_non_null(
		strstr(buffer_text(&fixture->json),
		       "\"input\":{\"token\":\"0x000000000000000000000000000000000000e018\","
		       "\"vault_id\":"
		       "\"0x0000000000000000000000000000000000000000000000000000000000000002\","
		       "\"float_word\":"
		       "\"0xffffffea000000000000000000000000000000000000054b40b1f852bda007cf\","
		       "\"tokens\":\"2.5\"}"));
	event = read_back(fixture);
	assert_int_equal(event.type, ORDERBOOK_TAKE_ORDER_V3);
	assert_true(event.fills[0].input.is_float);

	/* Written down all the same when it cannot be booked. */
	add(fixture, TOPIC_TAKE_ORDER_V3, 4, FLOAT_TAKE_LARGEST);
	write_next(fixture, &cursor);
	assert_non_null(
		strstr(buffer_text(&fixture->json),
		       "\"float_word\":"
		       "\"0x7fffffff7fffffffffffffffffffffffffffffffffffffffffffffffffffffff\","
		       "\"tokens\":null}"));
	event = read_back(fixture);
	assert_int_equal(event.fill_count, 1);
}

static void a_clear_of_floats_is_read_back_with_its_after_clear(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_event event;
	size_t cursor = 0;

	add(fixture, TOPIC_CLEAR_V3, 0, FLOAT_CLEAR_BOUNTY);
	add(fixture, TOPIC_AFTER_CLEAR_V2, 1, FLOAT_AFTER_BOUNTY);
	write_next(fixture, &cursor);
	assert_non_null(strstr(buffer_text(&fixture->json), "\"tokens\":\"1.4\""));
	event = read_back(fixture);
	assert_int_equal(event.type, ORDERBOOK_CLEAR_V3);
	assert_int_equal(event.fill_count, 2);
}

static void a_take_is_read_back(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_event event;
	size_t cursor = 0;

	add(fixture, TOPIC_TAKE_ORDER, 3, TAKE_SELL);
	write_next(fixture, &cursor);
	event = read_back(fixture);
	assert_int_equal(event.type, ORDERBOOK_TAKE_ORDER_V2);
	assert_int_equal(event.fill_count, 1);
	assert_amount(&event.fills[0].output, "600000000000000000");
	assert_amount(&event.fills[0].input, "138000000");
}

static void two_clears_of_a_transaction_are_read_back_with_their_own_amounts(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_event event;
	size_t cursor = 0;

	add(fixture, TOPIC_CLEAR, 0, CLEAR_BOUNTY);
	add(fixture, TOPIC_AFTER_CLEAR, 1, AFTER_BOUNTY);
	add(fixture, TOPIC_CLEAR, 2, CLEAR_BOB);
	add(fixture, TOPIC_AFTER_CLEAR, 3, AFTER_BOB);
	write_next(fixture, &cursor);
	assert_non_null(strstr(buffer_text(&fixture->json), "\"after_clear\":{\"log_index\":1,"));
	event = read_back(fixture);
	assert_int_equal(event.type, ORDERBOOK_CLEAR_V2);
	assert_int_equal(event.fill_count, 2);
	assert_amount(&event.fills[0].output, "1500000000000000000");
	assert_amount(&event.fills[0].input, "300000000");
	assert_amount(&event.fills[1].output, "310000000");
	assert_amount(&event.fills[1].input, "1400000000000000000");
	write_next(fixture, &cursor);
	assert_non_null(strstr(buffer_text(&fixture->json), "\"after_clear\":{\"log_index\":3,"));
	event = read_back(fixture);
	assert_amount(&event.fills[0].output, "2000000000000000000");
	assert_amount(&event.fills[1].output, "361500000");
}

/* For people and their SQL: it must be JSON by any parser, with the fills in it. */
static void what_is_written_is_json(void **state)
{
	struct fixture *fixture = *state;
	size_t cursor = 0;
	json_t *root;

	add(fixture, TOPIC_CLEAR, 0, CLEAR_BOUNTY);
	add(fixture, TOPIC_AFTER_CLEAR, 1, AFTER_BOUNTY);
	write_next(fixture, &cursor);
	root = json_loads(buffer_text(&fixture->json), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_int_equal(json_array_size(json_object_get(root, "fills")), 2);
	assert_null(json_object_get(root, "decode_error"));
	json_decref(root);
}

static void assert_has_decode_error(const struct fixture *fixture, const char *words)
{
	json_t *root = json_loads(buffer_text(&fixture->json), JSON_REJECT_DUPLICATES, NULL);
	const char *found = json_string_value(json_object_get(root, "decode_error"));
	struct orderbook_event event = {.fill_count = 77};
	struct error error = {.kind = ERROR_KIND_NONE};

	assert_non_null(found);
	assert_non_null(strstr(found, words));
	assert_null(json_object_get(root, "fills"));
	assert_null(json_object_get(root, "sender"));
	/* And the one who must apply it is told the same. */
	assert_int_equal(orderbook_json_decode(buffer_text(&fixture->json), &event, &error),
			 OUTCOME_REJECTED);
	assert_string_equal(error.text, found);
	assert_int_equal(event.fill_count, 77);
	json_decref(root);
}

static void a_clear_without_its_after_clear_is_kept_and_says_so(void **state)
{
	struct fixture *fixture = *state;
	size_t cursor = 0;

	add(fixture, TOPIC_CLEAR, 0, CLEAR_BOUNTY);
	write_next(fixture, &cursor);
	assert_has_decode_error(fixture, "ClearV2 without its AfterClear");
	assert_null(strstr(buffer_text(&fixture->json), "after_clear"));
}

static void an_undecodable_event_is_kept_with_its_raw_bytes(void **state)
{
	struct fixture *fixture = *state;
	struct evm_log log = log_of(TOPIC_TAKE_ORDER, 1, 3);
	size_t cursor = 0;

	add(fixture, TOPIC_TAKE_ORDER, 0, TAKE_INPUT_INDEX);
	write_next(fixture, &cursor);
	assert_has_decode_error(fixture, "validInputs[1] of 1");
	assert_non_null(strstr(buffer_text(&fixture->json), vector_hex(TAKE_INPUT_INDEX)));
	/* Not even one byte of data. */
	evm_logs_push(&fixture->logs, &log);
	fixture->logs.items[1].data_offset = fixture->logs.data.length;
	write_next(fixture, &cursor);
	assert_has_decode_error(fixture, "sender");
	assert_non_null(strstr(buffer_text(&fixture->json), "\"data\":\"0x\""));
}

static void every_topic_of_the_log_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct evm_log log = log_of(TOPIC_TAKE_ORDER, 1, 3);
	size_t cursor = 0;

	for (size_t i = 1; i < EVM_LOG_MAX_TOPICS; i++)
		log.topics[i] = word_of((uint8_t)i);
	log.topic_count = EVM_LOG_MAX_TOPICS;
	add_vector(&fixture->logs, &log, TAKE_SELL);
	write_next(fixture, &cursor);
	assert_non_null(strstr(buffer_text(&fixture->json),
			       ",\"" WORD "01\",\"" WORD "02\",\"" WORD "03\"],"));
	assert_int_equal(read_back(fixture).fill_count, 1);
}

static void a_full_buffer_is_told(void **state)
{
	struct fixture *fixture = *state;
	struct orderbook_occurrence occurrence;
	size_t cursor = 0;
	size_t whole;

	add(fixture, TOPIC_CLEAR, 0, CLEAR_BOUNTY);
	add(fixture, TOPIC_AFTER_CLEAR, 1, AFTER_BOUNTY);
	assert_true(orderbook_next_occurrence(&fixture->logs, &cursor, &occurrence));
	assert_true(orderbook_json_write(&fixture->logs, &occurrence, &fixture->json));
	whole = fixture->json.length;
	for (size_t maximum = 0; maximum <= whole; maximum++) {
		struct buffer json;

		buffer_init(&json, maximum);
		assert_int_equal(orderbook_json_write(&fixture->logs, &occurrence, &json),
				 maximum == whole);
		buffer_free(&json);
	}
}

static void assert_refused(const char *text, const char *words)
{
	struct orderbook_event event = {.fill_count = 77};
	struct error error = {.kind = ERROR_KIND_NONE};

	if (orderbook_json_decode(text, &event, &error) != OUTCOME_REJECTED)
		fail_msg("accepted: %.200s", text);
	assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	if (strstr(error.text, words) == NULL)
		fail_msg("\"%s\" instead of \"%s\" for %.200s", error.text, words, text);
	assert_int_equal(event.fill_count, 77);
}

static void a_column_that_holds_something_else_is_refused(void **state)
{
	(void)state;
	assert_refused("", "not a JSON object");
	assert_refused("{", "not a JSON object");
	assert_refused("17", "not a JSON object");
	assert_refused("[]", "not a JSON object");
	assert_refused("{}", "topics or data");
	assert_refused("{\"topics\":[],\"data\":\"0x\"}", "topics or data");
	assert_refused("{\"topics\":null,\"data\":\"0x\"}", "topics or data");
	assert_refused("{\"topics\":[\"0x12\"],\"data\":\"0x\"}", "topics or data");
	assert_refused("{\"topics\":[\"" WORD "0a\"]}", "topics or data");
	assert_refused("{\"topics\":[\"" WORD "0a\"],\"data\":null}", "topics or data");
	assert_refused("{\"topics\":[\"" WORD "0a\"],\"data\":\"0x1\"}", "topics or data");
	assert_refused("{\"topics\":[\"" WORD "0a\"],\"data\":\"0x\"}", "no known event");
	assert_refused("{\"topics\":[\"" WORD "0a\"],\"data\":\"0x\",\"data\":\"0x\"}",
		       "not a JSON object");
}

/* A row of an AfterClear alone, or a clear with something else in its after_clear. */
static void topics_must_be_those_of_the_event(void **state)
{
	static const char format[] = "{\"topics\":[\"%s\"],\"data\":\"0x%s\","
				     "\"after_clear\":{\"log_index\":1,\"topics\":[\"%s\"],"
				     "\"data\":\"0x%s\"}}";
	char text[16384];

	(void)state;
	(void)snprintf(
		text, sizeof(text), format,
		evm_word_text(&orderbook_topics[TOPIC_AFTER_CLEAR]).text, vector_hex(AFTER_BOUNTY),
		evm_word_text(&orderbook_topics[TOPIC_AFTER_CLEAR]).text, vector_hex(AFTER_BOUNTY));
	assert_refused(text, "no known event");
	(void)snprintf(text, sizeof(text), format,
		       evm_word_text(&orderbook_topics[TOPIC_CLEAR]).text, vector_hex(CLEAR_BOUNTY),
		       evm_word_text(&orderbook_topics[TOPIC_CLEAR]).text,
		       vector_hex(AFTER_BOUNTY));
	assert_refused(text, "after_clear");
	(void)snprintf(
		text, sizeof(text), "{\"topics\":[\"%s\"],\"data\":\"0x%s\",\"after_clear\":null}",
		evm_word_text(&orderbook_topics[TOPIC_CLEAR]).text, vector_hex(CLEAR_BOUNTY));
	assert_refused(text, "after_clear");
	(void)snprintf(text, sizeof(text), format,
		       evm_word_text(&orderbook_topics[TOPIC_CLEAR]).text, vector_hex(CLEAR_BOUNTY),
		       evm_word_text(&orderbook_topics[TOPIC_AFTER_CLEAR]).text, "");
	assert_refused(text, "AfterClear amounts");
}

/* The decoded part is for people: a wrong one cannot change what the programs do. */
static void the_fills_in_the_text_are_not_believed(void **state)
{
	struct fixture *fixture = *state;
	size_t cursor = 0;
	char *amount;
	struct orderbook_event event;

	add(fixture, TOPIC_TAKE_ORDER, 3, TAKE_SELL);
	write_next(fixture, &cursor);
	amount = strstr((char *)fixture->json.bytes, "\"amount\":\"138000000\"");
	assert_non_null(amount);
	amount[strlen("\"amount\":\"")] = '9';
	event = read_back(fixture);
	assert_amount(&event.fills[0].input, "138000000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_take_is_written_as_the_contract_of_the_column_says),
		TEST(a_leg_of_floats_has_the_word_and_what_it_comes_to),
		TEST(a_clear_of_floats_is_read_back_with_its_after_clear),
		TEST(a_take_is_read_back),
		TEST(two_clears_of_a_transaction_are_read_back_with_their_own_amounts),
		TEST(what_is_written_is_json),
		TEST(a_clear_without_its_after_clear_is_kept_and_says_so),
		TEST(an_undecodable_event_is_kept_with_its_raw_bytes),
		TEST(every_topic_of_the_log_is_kept),
		TEST(a_full_buffer_is_told),
		TEST(a_column_that_holds_something_else_is_refused),
		TEST(topics_must_be_those_of_the_event),
		TEST(the_fills_in_the_text_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
