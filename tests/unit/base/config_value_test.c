/* Every kind of value: its bounds, its refusals, and the target untouched by them. */
#include "unit/base/test_config.h"

#include "base/config_value.h"

static void values_out_of_bounds_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{"TEST_INTEGER", "11"},
		{"TEST_INTEGER", "-4"},
		{"TEST_INTEGER", "1x"},
		{"TEST_INTEGER", "0x1"},
		{"TEST_INTEGER", "1.0"},
		{"TEST_INTEGER", "-"},
		{"TEST_INTEGER", "99999999999999999999"},
		{"TEST_CHOICE", "three"},
		{"TEST_CHOICE", "on"},
		{"TEST_CHOICE", "one|two"},
		{"TEST_SHARES", "0"},
		{"TEST_SHARES", "-1"},
		{"TEST_SHARES", "1e3"},
		{"TEST_ADDRESS", "0x12"},
		{"TEST_ADDRESSES", ADDRESS_A ","},
		{"TEST_ADDRESSES", ","},
		{"TEST_ADDRESSES", ADDRESS_A " " ADDRESS_B},
		{"TEST_URL", "http://host"},
		{"TEST_URL", "ws://"},
		{"TEST_URL", "ws:///path"},
		{"TEST_URL", "host:8545"},
		{"TEST_URL", "ws://a b"},
		{"TEST_URL", "ws://a\nb"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (load_with(bad[i][0], bad[i][1]))
			fail_msg("accepted: %s=%s", bad[i][0], bad[i][1]);
	}
}

static void integers_are_read_to_their_bounds(void **state)
{
	(void)state;
	assert_true(load_with("TEST_INTEGER", "10"));
	assert_int_equal(values.integer, 10);
	assert_true(load_with("TEST_INTEGER", "-3"));
	assert_int_equal(values.integer, -3);
}

static void a_value_that_is_refused_leaves_the_old_one(void **state)
{
	static const char *const refused[] = {"TEST_CHOICE", "TEST_URL",     "TEST_INTEGER",
					      "TEST_SHARES", "TEST_ADDRESS", "TEST_ADDRESSES"};

	(void)state;
	assert_true(load_file("TEST_CHOICE=two\nTEST_URL=ws://a\nTEST_INTEGER=7\nTEST_SHARES=2\n"
			      "TEST_ADDRESSES=" ADDRESS_B "\n"));
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
		const struct config_key *key = key_of(refused[i]);
		struct values before = values;

		assert_false(config_set_value(key, "?"));
		assert_memory_equal(&values, &before, sizeof(values));
	}
}

static void integers_may_have_all_64_bits_but_no_more(void **state)
{
	int64_t integer = 42;
	const struct config_key key = {.name = "TEST_WIDE",
				       .kind = CONFIG_KIND_INTEGER,
				       .minimum = -INT64_MAX,
				       .maximum = INT64_MAX,
				       .target = &integer};

	(void)state;
	assert_true(config_set_value(&key, "9223372036854775807"));
	assert_true(integer == INT64_MAX);
	assert_true(config_set_value(&key, "-9223372036854775807"));
	assert_true(integer == -INT64_MAX);
	assert_false(config_set_value(&key, "9223372036854775808"));
	assert_false(config_set_value(&key, "-9223372036854775808"));
	assert_false(config_set_value(&key, "92233720368547758070"));
	assert_false(config_set_value(&key, ""));
	assert_true(integer == -INT64_MAX);
	assert_true(config_set_value(&key, "-0"));
	assert_true(integer == 0);
}

static void text_is_taken_to_its_last_byte_and_not_beyond(void **state)
{
	char text[CONFIG_TEXT_SIZE + 1];
	char line[sizeof(text) + 16];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[CONFIG_TEXT_SIZE - 1] = '\0';
	assert_true(load_with("TEST_TEXT", text));
	assert_string_equal(values.text.text, text);
	(void)snprintf(line, sizeof(line), "TEST_TEXT=%s\n", text);
	memset(&values, 0, sizeof(values));
	assert_true(load_file(line));
	assert_string_equal(values.text.text, text);
	text[CONFIG_TEXT_SIZE - 1] = 'x';
	text[CONFIG_TEXT_SIZE] = '\0';
	assert_false(load_with("TEST_TEXT", text));
	(void)snprintf(line, sizeof(line), "TEST_TEXT=%s\n", text);
	assert_false(load_file(line));
}

static void as_many_addresses_as_there_is_room_for_are_taken(void **state)
{
	char list[(CONFIG_MAX_ADDRESSES + 1) * EVM_ADDRESS_TEXT_SIZE];
	size_t length = 0;

	(void)state;
	for (unsigned int i = 0; i <= CONFIG_MAX_ADDRESSES; i++) {
		if (i == CONFIG_MAX_ADDRESSES) {
			assert_true(load_with("TEST_ADDRESSES", list));
			assert_int_equal(values.addresses.count, CONFIG_MAX_ADDRESSES);
		}
		/* The highest first, so that sorting has something to do. */
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s0x%040x",
					   i == 0 ? "" : ",", 1000 - i);
	}
	for (size_t i = 0; i < CONFIG_MAX_ADDRESSES; i++)
		assert_int_equal(values.addresses.items[i].bytes[EVM_ADDRESS_SIZE - 1],
				 (uint8_t)(1000 - (CONFIG_MAX_ADDRESSES - 1) + i));
	assert_false(load_with("TEST_ADDRESSES", list));
	assert_int_equal(values.addresses.count, CONFIG_MAX_ADDRESSES);
}

static void a_url_must_name_a_host(void **state)
{
	static const char *const bad[] = {
		"ws://?key",	   "ws://#k",		"ws://:8545",
		"ws://user:pass@", "ws://user:pass@/x", "ws://user:pass@:1",
		"://host",	   "WS://host",		"wss:host"};
	static const char *const good[] = {"ws://h", "wss://[::1]:8545/", "ws://u:p@h:1/x?k=v#f",
					   "ws://127.0.0.1:8545"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (load_with("TEST_URL", bad[i]))
			fail_msg("accepted: %s", bad[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		if (!load_with("TEST_URL", good[i]))
			fail_msg("refused: %s", good[i]);
		assert_string_equal(values.url.text, good[i]);
	}
}

static void addresses_are_sorted_and_each_counts_once(void **state)
{
	(void)state;
	assert_true(load_with("TEST_ADDRESSES", ADDRESS_B ", " ADDRESS_A "," ADDRESS_B));
	assert_int_equal(values.addresses.count, 2);
	assert_string_equal(evm_address_text(&values.addresses.items[0]).text, ADDRESS_A);
	assert_string_equal(evm_address_text(&values.addresses.items[1]).text, ADDRESS_B);
}

#define STORY(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(values_out_of_bounds_are_refused),
		STORY(integers_are_read_to_their_bounds),
		STORY(a_value_that_is_refused_leaves_the_old_one),
		STORY(integers_may_have_all_64_bits_but_no_more),
		STORY(text_is_taken_to_its_last_byte_and_not_beyond),
		STORY(as_many_addresses_as_there_is_room_for_are_taken),
		STORY(a_url_must_name_a_host),
		STORY(addresses_are_sorted_and_each_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
