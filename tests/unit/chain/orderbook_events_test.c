/* Which logs are events, and which AfterClear belongs to which ClearV2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/chain/orderbook_logs.h"

static int set_up(void **state)
{
	static struct evm_logs logs;

	evm_logs_init(&logs);
	*state = &logs;
	return 0;
}

static int tear_down(void **state)
{
	evm_logs_free(*state);
	return 0;
}

/* Of transaction tx, without data: only the topics and the places count here. */
static void add(struct evm_logs *logs, enum topic topic, uint8_t tx, uint64_t log_index)
{
	struct evm_log log = log_of(topic, tx, log_index);

	evm_logs_push(logs, &log);
}

/* Stands for "has no AfterClear". */
#define NONE (-1)

/* The next occurrence is the log with that index, its AfterClear the one with after (or NONE). */
static void assert_next(const struct evm_logs *logs, size_t *cursor, uint64_t log_index, int after)
{
	struct orderbook_occurrence occurrence;

	assert_true(orderbook_next_occurrence(logs, cursor, &occurrence));
	assert_int_equal(occurrence.log->log_index, log_index);
	assert_int_equal(orderbook_type_is_clear(occurrence.type),
			 orderbook_is_clear(occurrence.log));
	if (after == NONE) {
		assert_null(occurrence.after_clear);
	} else {
		assert_non_null(occurrence.after_clear);
		assert_int_equal(occurrence.after_clear->log_index, after);
	}
}

static void assert_end(const struct evm_logs *logs, size_t *cursor)
{
	struct orderbook_occurrence occurrence;

	assert_false(orderbook_next_occurrence(logs, cursor, &occurrence));
	/* And it stays the end. */
	assert_false(orderbook_next_occurrence(logs, cursor, &occurrence));
}

static void a_log_is_known_by_its_first_topic(void **state)
{
	struct evm_log log = log_of(TOPIC_TAKE_ORDER, 1, 0);

	(void)state;
	assert_true(orderbook_is_take_order(&log));
	assert_false(orderbook_is_clear(&log));
	assert_false(orderbook_is_after_clear(&log));
	log = log_of(TOPIC_CLEAR, 1, 0);
	assert_true(orderbook_is_clear(&log));
	assert_false(orderbook_is_take_order(&log));
	log = log_of(TOPIC_AFTER_CLEAR, 1, 0);
	assert_true(orderbook_is_after_clear(&log));
	log.topics[0].bytes[31] ^= 1;
	assert_false(orderbook_is_after_clear(&log));
	log = log_of(TOPIC_CLEAR, 1, 0);
	log.topic_count = 0;
	assert_false(orderbook_is_clear(&log));
	log.topic_count = 2;
	log.topics[1] = log.topics[0];
	log.topics[0] = word_of(1);
	assert_false(orderbook_is_clear(&log));
}

/* The hashes stand in the contract's published interface; a slip here would miss every fill. */
static void the_topics_are_those_of_the_contract(void **state)
{
	static const char *const texts[] = {
		"0x10de99b9032184587540c04e1850dff94a7683ae1fcc9eb06098621c739c0275",
		"0x692ee69af2843c70772be93470669f3c73e583316a047b6bfefdae5629de37ce",
		"0x3f20e55919cca701abb2a40ab72542b25ea7eed63a50f979dd2cd3231e5f488d",
		"0x194f1feb3b4d7076a2c272e774e792e0c48bb8c7aa1a9a3671c1cd6da9e6b4c1",
		"0x6fa7f4c28634b0a9d6831401c45ae468195fb63aed07308935c35374ff5d9e39",
		"0xd9fa84dd790c969daa5c33d8050dc06b4a9b59d5b42e2be5f5e8ae20447f618d",
	};

	(void)state;
	for (size_t i = 0; i < ORDERBOOK_TOPIC_COUNT; i++)
		assert_string_equal(evm_word_text(&orderbook_topics[i]).text, texts[i]);
}

static void the_types_have_the_names_of_the_database(void **state)
{
	(void)state;
	assert_string_equal(orderbook_event_type_name(ORDERBOOK_TAKE_ORDER_V2), "TakeOrderV2");
	assert_string_equal(orderbook_event_type_name(ORDERBOOK_CLEAR_V2), "ClearV2");
	assert_string_equal(orderbook_event_type_name(ORDERBOOK_TAKE_ORDER_V3), "TakeOrderV3");
	assert_string_equal(orderbook_event_type_name(ORDERBOOK_CLEAR_V3), "ClearV3");
}

static void a_topic_tells_the_type_and_its_generation(void **state)
{
	static const struct {
		enum topic topic;
		enum orderbook_event_type type;
		bool is_clear, has_floats;
	} expected[] = {
		{TOPIC_TAKE_ORDER, ORDERBOOK_TAKE_ORDER_V2, false, false},
		{TOPIC_CLEAR, ORDERBOOK_CLEAR_V2, true, false},
		{TOPIC_TAKE_ORDER_V3, ORDERBOOK_TAKE_ORDER_V3, false, true},
		{TOPIC_CLEAR_V3, ORDERBOOK_CLEAR_V3, true, true},
	};
	enum orderbook_event_type type = ORDERBOOK_CLEAR_V3;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
		assert_true(orderbook_event_type_of(&orderbook_topics[expected[i].topic], &type));
		assert_int_equal(type, expected[i].type);
		assert_int_equal(orderbook_type_is_clear(type), expected[i].is_clear);
		assert_int_equal(orderbook_type_has_floats(type), expected[i].has_floats);
	}
	assert_false(orderbook_event_type_of(&orderbook_topics[TOPIC_AFTER_CLEAR], &type));
	assert_false(orderbook_event_type_of(&orderbook_topics[TOPIC_AFTER_CLEAR_V2], &type));
}

static void both_generations_are_walked_in_one_list(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_TAKE_ORDER_V3, 1, 0);
	add(*state, TOPIC_CLEAR_V3, 1, 1);
	add(*state, TOPIC_AFTER_CLEAR_V2, 1, 2);
	add(*state, TOPIC_CLEAR, 2, 3);
	add(*state, TOPIC_AFTER_CLEAR, 2, 4);
	add(*state, TOPIC_TAKE_ORDER, 2, 5);
	assert_next(*state, &cursor, 0, NONE);
	assert_next(*state, &cursor, 1, 2);
	assert_next(*state, &cursor, 3, 4);
	assert_next(*state, &cursor, 5, NONE);
	assert_end(*state, &cursor);
}

/* Its amounts would be read as the wrong kind of number. */
static void an_after_clear_of_the_other_generation_is_not_taken(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_CLEAR_V3, 1, 0);
	add(*state, TOPIC_AFTER_CLEAR, 1, 1);
	add(*state, TOPIC_AFTER_CLEAR_V2, 1, 2);
	add(*state, TOPIC_CLEAR, 2, 3);
	add(*state, TOPIC_AFTER_CLEAR_V2, 2, 4);
	assert_next(*state, &cursor, 0, 2);
	assert_next(*state, &cursor, 3, NONE);
	assert_end(*state, &cursor);
}

/* Whose the AfterClear is that follows two clears cannot depend on their generation. */
static void a_clear_of_the_other_generation_ends_the_search(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_CLEAR, 1, 0);
	add(*state, TOPIC_CLEAR_V3, 1, 1);
	add(*state, TOPIC_AFTER_CLEAR, 1, 2);
	assert_next(*state, &cursor, 0, NONE);
	assert_next(*state, &cursor, 1, NONE);
	assert_end(*state, &cursor);
}

static void an_empty_list_has_no_occurrence(void **state)
{
	size_t cursor = 0;

	assert_end(*state, &cursor);
}

static void takes_are_walked_in_order(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_TAKE_ORDER, 1, 0);
	add(*state, TOPIC_TAKE_ORDER, 1, 1);
	add(*state, TOPIC_TAKE_ORDER, 2, 5);
	assert_next(*state, &cursor, 0, NONE);
	assert_next(*state, &cursor, 1, NONE);
	assert_next(*state, &cursor, 5, NONE);
	assert_end(*state, &cursor);
}

static void a_clear_is_given_its_after_clear_across_other_logs(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_CLEAR, 1, 0);
	add(*state, TOPIC_TAKE_ORDER, 1, 2);
	add(*state, TOPIC_AFTER_CLEAR, 1, 3);
	assert_next(*state, &cursor, 0, 3);
	assert_next(*state, &cursor, 2, NONE);
	assert_end(*state, &cursor);
}

static void two_clears_of_a_transaction_have_each_their_own(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_CLEAR, 1, 0);
	add(*state, TOPIC_AFTER_CLEAR, 1, 1);
	add(*state, TOPIC_CLEAR, 1, 2);
	add(*state, TOPIC_AFTER_CLEAR, 1, 3);
	assert_next(*state, &cursor, 0, 1);
	assert_next(*state, &cursor, 2, 3);
	assert_end(*state, &cursor);
}

/* An AfterClear belongs to the nearest ClearV2 before it, never to one further away. */
static void a_clear_does_not_take_the_after_clear_of_the_next(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_CLEAR, 1, 0);
	add(*state, TOPIC_CLEAR, 1, 1);
	add(*state, TOPIC_AFTER_CLEAR, 1, 2);
	assert_next(*state, &cursor, 0, NONE);
	assert_next(*state, &cursor, 1, 2);
	assert_end(*state, &cursor);
}

static void an_after_clear_before_its_clear_is_nobodys(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_AFTER_CLEAR, 1, 0);
	add(*state, TOPIC_CLEAR, 1, 1);
	assert_next(*state, &cursor, 1, NONE);
	assert_end(*state, &cursor);
}

static void another_transaction_has_nothing_to_give(void **state)
{
	size_t cursor = 0;

	add(*state, TOPIC_CLEAR, 1, 0);
	add(*state, TOPIC_AFTER_CLEAR, 2, 1);
	assert_next(*state, &cursor, 0, NONE);
	assert_end(*state, &cursor);
}

/* Lists of a subscription can hold two forks of a block with the same transactions. */
static void another_fork_of_the_block_has_nothing_to_give(void **state)
{
	struct evm_logs *logs = *state;
	struct evm_log after = log_of(TOPIC_AFTER_CLEAR, 1, 1);
	size_t cursor = 0;

	add(logs, TOPIC_CLEAR, 1, 0);
	after.block_hash = word_of(0xb2);
	evm_logs_push(logs, &after);
	add(logs, TOPIC_AFTER_CLEAR, 1, 1);
	logs->items[2].tx_hash = word_of(1);
	assert_next(logs, &cursor, 0, 1);
	cursor = 0;
	logs->count = 2;
	assert_next(logs, &cursor, 0, NONE);
}

static void another_contract_has_nothing_to_give(void **state)
{
	struct evm_logs *logs = *state;
	struct evm_log foreign = log_of(TOPIC_CLEAR, 1, 1);
	size_t cursor = 0;

	add(logs, TOPIC_CLEAR, 1, 0);
	foreign.address = address_of(0x0c);
	evm_logs_push(logs, &foreign);
	foreign.topics[0] = orderbook_topics[TOPIC_AFTER_CLEAR];
	foreign.log_index = 2;
	evm_logs_push(logs, &foreign);
	add(logs, TOPIC_AFTER_CLEAR, 1, 3);
	assert_next(logs, &cursor, 0, 3);
	assert_next(logs, &cursor, 1, 2);
	assert_end(logs, &cursor);
}

static void the_walk_begins_where_the_cursor_stands(void **state)
{
	size_t cursor = 1;

	add(*state, TOPIC_TAKE_ORDER, 1, 0);
	add(*state, TOPIC_TAKE_ORDER, 1, 1);
	assert_next(*state, &cursor, 1, NONE);
	assert_int_equal(cursor, 2);
	assert_end(*state, &cursor);
}

static bool touches(enum orderbook_event_type type, enum vector vector, uint16_t owner)
{
	struct config_addresses owners = {.count = 2};
	struct buffer bytes;
	bool touched;

	owners.items[0] = address_of(0x01);
	owners.items[1] = address_of(owner);
	buffer_init(&bytes, BUFFER_MAX_LOG_DATA);
	touched = orderbook_touches(type, read_vector(vector, &bytes), &owners);
	buffer_free(&bytes);
	return touched;
}

static void an_event_is_ours_by_the_owner_of_its_order(void **state)
{
	(void)state;
	assert_true(touches(ORDERBOOK_TAKE_ORDER_V2, TAKE_SELL, OWNER));
	assert_false(touches(ORDERBOOK_TAKE_ORDER_V2, TAKE_SELL, OTHER));
	assert_false(touches(ORDERBOOK_TAKE_ORDER_V2, TAKE_FOREIGN, OWNER));
	/* Who takes or clears does not matter. */
	assert_false(touches(ORDERBOOK_TAKE_ORDER_V2, TAKE_SELL, SENDER));
	assert_false(touches(ORDERBOOK_CLEAR_V2, CLEAR_BOUNTY, SENDER));
	/* alice or bob */
	assert_true(touches(ORDERBOOK_CLEAR_V2, CLEAR_BOUNTY, OWNER));
	assert_true(touches(ORDERBOOK_CLEAR_V2, CLEAR_BOUNTY, OTHER));
	assert_true(touches(ORDERBOOK_CLEAR_V2, CLEAR_BOB, OWNER));
	assert_true(touches(ORDERBOOK_TAKE_ORDER_V3, FLOAT_TAKE_SELL, OWNER));
	assert_false(touches(ORDERBOOK_TAKE_ORDER_V3, FLOAT_TAKE_SELL, OTHER));
	assert_true(touches(ORDERBOOK_CLEAR_V3, FLOAT_CLEAR_BOUNTY, OTHER));
	/* What cannot be decoded further is ours all the same. */
	assert_true(touches(ORDERBOOK_TAKE_ORDER_V2, TAKE_INPUT_INDEX, OWNER));
	assert_false(touches(ORDERBOOK_TAKE_ORDER_V2, TAKE_INPUT_INDEX, OTHER));
}

static void without_owners_nothing_is_ours(void **state)
{
	struct config_addresses none = {.count = 0};
	struct buffer bytes;

	(void)state;
	buffer_init(&bytes, BUFFER_MAX_LOG_DATA);
	assert_false(
		orderbook_touches(ORDERBOOK_TAKE_ORDER_V2, read_vector(TAKE_SELL, &bytes), &none));
	assert_false(
		orderbook_touches(ORDERBOOK_CLEAR_V2, read_vector(CLEAR_BOUNTY, &bytes), &none));
	buffer_free(&bytes);
}

/* Cut at every byte: ours as soon as the owner cannot be read, a stranger's never lost to us. */
static void an_event_without_readable_owners_is_for_a_person(void **state)
{
	struct config_addresses owners = {.items = {address_of(OWNER)}, .count = 1};
	struct buffer bytes;
	struct bytes whole;
	size_t refused = 0;

	(void)state;
	buffer_init(&bytes, BUFFER_MAX_LOG_DATA);
	whole = read_vector(TAKE_FOREIGN, &bytes);
	for (size_t length = 0; length <= whole.length; length++) {
		uint8_t *copy = copy_exactly((struct bytes){.data = whole.data, .length = length});
		bool ours =
			orderbook_touches(ORDERBOOK_TAKE_ORDER_V2,
					  (struct bytes){.data = copy, .length = length}, &owners);

		/* The owner is the ninth word: sender, offset, 2 amounts, offset, 2 indices,
		 * offset. */
		assert_int_equal(ours, length < 9 * EVM_WORD_SIZE);
		refused += !ours;
		free(copy);
	}
	assert_true(refused > 0);
	buffer_free(&bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_log_is_known_by_its_first_topic),
		TEST(the_topics_are_those_of_the_contract),
		TEST(the_types_have_the_names_of_the_database),
		TEST(a_topic_tells_the_type_and_its_generation),
		TEST(both_generations_are_walked_in_one_list),
		TEST(an_after_clear_of_the_other_generation_is_not_taken),
		TEST(a_clear_of_the_other_generation_ends_the_search),
		TEST(an_empty_list_has_no_occurrence),
		TEST(takes_are_walked_in_order),
		TEST(a_clear_is_given_its_after_clear_across_other_logs),
		TEST(two_clears_of_a_transaction_have_each_their_own),
		TEST(a_clear_does_not_take_the_after_clear_of_the_next),
		TEST(an_after_clear_before_its_clear_is_nobodys),
		TEST(another_transaction_has_nothing_to_give),
		TEST(another_fork_of_the_block_has_nothing_to_give),
		TEST(another_contract_has_nothing_to_give),
		TEST(the_walk_begins_where_the_cursor_stands),
		TEST(an_event_is_ours_by_the_owner_of_its_order),
		TEST(without_owners_nothing_is_ours),
		TEST(an_event_without_readable_owners_is_for_a_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
