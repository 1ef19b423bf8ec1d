/* What may be logged of a URL, and the other scheme of the same endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/config.h"

#include <string.h>

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
		{"https://user:pa/ss@node.test/x", "(unreadable URL)"},
		{"https://us?er@node.test", "(unreadable URL)"},
		{"https://#KEY@node.test", "(unreadable URL)"},
		{"averylongscheme://node.test", "(unreadable URL)"},
		{"https:///KEY", "(unreadable URL)"},
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

static void a_longer_scheme_must_have_room(void **state)
{
	char url[CONFIG_TEXT_SIZE] = "ws://";
	struct config_text switched = {.text = "before"};

	(void)state;
	memset(url + strlen(url), 'h', sizeof(url) - 1 - strlen(url));
	url[sizeof(url) - 1] = '\0';
	assert_false(config_switch_scheme(url, false, &switched));
	assert_string_equal(switched.text, "before");
	url[sizeof(url) - 3] = '\0';
	assert_true(config_switch_scheme(url, false, &switched));
	assert_int_equal(strlen(switched.text), CONFIG_TEXT_SIZE - 1);
	assert_memory_equal(switched.text, "http://hhh", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_is_logged_without_its_secrets),
		cmocka_unit_test(the_scheme_is_switched_both_ways),
		cmocka_unit_test(a_longer_scheme_must_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
