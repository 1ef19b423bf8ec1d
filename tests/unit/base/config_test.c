/* Configuration from file and environment: every kind, every refusal, and what may be logged of a
 * URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/config.h"
#include "base/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
	struct config_text text, choice, url;
	int64_t integer;
	struct shares shares;
	struct evm_address address;
	struct config_addresses addresses;
};

static struct values values;

#define ADDRESS_A "0x00000000000000000000000000000000000000aa"
#define ADDRESS_B "0x00000000000000000000000000000000000000bb"

static const struct config_key keys[] = {
	{.name = "TEST_TEXT",
	 .kind = CONFIG_KIND_TEXT,
	 .fallback = "default",
	 .target = &values.text},
	{.name = "TEST_CHOICE",
	 .kind = CONFIG_KIND_CHOICE,
	 .fallback = "one",
	 .choices = "one|two",
	 .target = &values.choice},
	{.name = "TEST_URL", .kind = CONFIG_KIND_URL, .choices = "ws|wss", .target = &values.url},
	{.name = "TEST_INTEGER",
	 .kind = CONFIG_KIND_INTEGER,
	 .fallback = "5",
	 .minimum = -3,
	 .maximum = 10,
	 .target = &values.integer},
	{.name = "TEST_SHARES",
	 .kind = CONFIG_KIND_SHARES,
	 .fallback = "1",
	 .target = &values.shares},
	{.name = "TEST_ADDRESS",
	 .kind = CONFIG_KIND_ADDRESS,
	 .required = true,
	 .target = &values.address},
	{.name = "TEST_ADDRESSES", .kind = CONFIG_KIND_ADDRESSES, .target = &values.addresses},
};

static int set_up(void **state)
{
	(void)state;
	memset(&values, 0, sizeof(values));
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		unsetenv(keys[i].name);
	setenv("TEST_ADDRESS", ADDRESS_A, 1);
	return 0;
}

static bool load(void)
{
	return config_load(keys, ARRAY_LENGTH(keys), NULL);
}

static bool load_with(const char *name, const char *value)
{
	bool good;

	setenv(name, value, 1);
	good = load();
	unsetenv(name);
	return good;
}

static bool load_file(const char *text)
{
	char path[] = "/tmp/ballast-config-XXXXXX";
	int fd = mkstemp(path);
	bool good;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	good = config_load(keys, ARRAY_LENGTH(keys), path);
	unlink(path);
	return good;
}

static void defaults_stand_when_nothing_is_set(void **state)
{
	(void)state;
	assert_true(load());
	assert_string_equal(values.text.text, "default");
	assert_string_equal(values.choice.text, "one");
	assert_string_equal(values.url.text, "");
	assert_int_equal(values.integer, 5);
	assert_string_equal(shares_text(values.shares).text, "1");
}

static void a_file_has_comments_blanks_and_quotes(void **state)
{
	(void)state;
	assert_true(load_file("# a comment\n\n  TEST_TEXT = \" quoted \" \r\nTEST_INTEGER=7\n"
			      "\tTEST_CHOICE=two"));
	assert_string_equal(values.text.text, " quoted ");
	assert_int_equal(values.integer, 7);
	assert_string_equal(values.choice.text, "two");
}

static void the_environment_wins_unless_it_is_empty(void **state)
{
	(void)state;
	setenv("TEST_INTEGER", "9", 1);
	setenv("TEST_TEXT", "", 1);
	assert_true(load_file("TEST_INTEGER=7\nTEST_TEXT=file\n"));
	assert_int_equal(values.integer, 9);
	assert_string_equal(values.text.text, "file");
}

static void a_line_that_is_no_key_and_value_is_refused(void **state)
{
	(void)state;
	assert_false(load_file("TEST_TEXT\n"));
	assert_false(load_file("=value\n"));
	assert_false(load_file("test_text=lower case\n"));
	assert_false(config_load(keys, ARRAY_LENGTH(keys), "/nonexistent/ballast.conf"));
	assert_false(config_load(keys, ARRAY_LENGTH(keys), "/tmp"));
}

static void a_missing_required_key_is_refused(void **state)
{
	(void)state;
	unsetenv("TEST_ADDRESS");
	assert_false(load());
}

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

static void addresses_are_sorted_and_each_counts_once(void **state)
{
	(void)state;
	assert_true(load_with("TEST_ADDRESSES", ADDRESS_B ", " ADDRESS_A "," ADDRESS_B));
	assert_int_equal(values.addresses.count, 2);
	assert_string_equal(evm_address_text(&values.addresses.items[0]).text, ADDRESS_A);
	assert_string_equal(evm_address_text(&values.addresses.items[1]).text, ADDRESS_B);
}

static void a_url_is_logged_without_its_secrets(void **state)
{
	static const char *const pairs[][2] = {
		{"wss://node.test/v2/KEY", "wss://node.test/..."},
		{"https://node.test:8545", "https://node.test:8545"},
		{"https://node.test/", "https://node.test"},
		{"https://user:pass@node.test", "https://...@node.test"},
		{"https://user:p@ss@node.test/x?key=K", "https://...@node.test/..."},
		{"https://node.test?key=K", "https://node.test/..."},
		{"https://node.test#K", "https://node.test/..."},
		{"KEY", "(unreadable URL)"},
		{"", ""},
		{"https://user:pass@", "(unreadable URL)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++)
		assert_string_equal(config_redact_url(pairs[i][0]).text, pairs[i][1]);
}

static void the_scheme_is_switched_both_ways(void **state)
{
	struct config_text url;

	(void)state;
	assert_true(config_switch_scheme("http://h/x", true, &url));
	assert_string_equal(url.text, "ws://h/x");
	assert_true(config_switch_scheme("wss://h/x", false, &url));
	assert_string_equal(url.text, "https://h/x");
	assert_false(config_switch_scheme("ftp://h", true, &url));
	assert_false(config_switch_scheme("wss://h", true, &url));
}

static void one_url_of_a_node_gives_the_other(void **state)
{
	struct chain_settings settings = {.http_url = {.text = "https://node.test/rpc"}};
	struct chain_settings nothing = {.chain_id = 0};

	(void)state;
	assert_true(settings_complete_chain(&settings));
	assert_string_equal(settings.websocket_url.text, "wss://node.test/rpc");
	assert_false(settings_complete_chain(&nothing));
}

#define STORY(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(defaults_stand_when_nothing_is_set),
		STORY(a_file_has_comments_blanks_and_quotes),
		STORY(the_environment_wins_unless_it_is_empty),
		STORY(a_line_that_is_no_key_and_value_is_refused),
		STORY(a_missing_required_key_is_refused),
		STORY(values_out_of_bounds_are_refused),
		STORY(integers_are_read_to_their_bounds),
		STORY(addresses_are_sorted_and_each_counts_once),
		STORY(a_url_is_logged_without_its_secrets),
		STORY(the_scheme_is_switched_both_ways),
		STORY(one_url_of_a_node_gives_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
