/* The rows that several programs share: their defaults and limits, and the URL made from the other.
 */
#include "unit/store/test_store.h"

#include "base/config_known.h"
#include "base/settings.h"

static struct chain_settings chain;
static struct log_settings logging;
static struct config_text database;

static const struct config_key keys[] = {SETTINGS_DATABASE_PATH(&database), SETTINGS_LOG(&logging),
					 SETTINGS_CHAIN(&chain)};

static int set_up(void **state)
{
	(void)state;
	memset(&chain, 0, sizeof(chain));
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		unsetenv(keys[i].name);
	setenv("ORDERBOOK", "0x00000000000000000000000000000000000000aa", 1);
	setenv("ORDER_OWNER", "0x00000000000000000000000000000000000000bb", 1);
	setenv("DEPLOYMENT_BLOCK", "0", 1);
	return 0;
}

static bool load_with(const char *name, const char *value)
{
	(void)set_up(NULL);
	setenv(name, value, 1);
	return config_load(keys, ARRAY_LENGTH(keys), &(struct config_files){.path = NULL});
}

static void the_defaults_pass_their_own_checks(void **state)
{
	(void)state;
	assert_true(config_load(keys, ARRAY_LENGTH(keys), &(struct config_files){.path = NULL}));
	assert_string_equal(database.text, "ballast.db");
	assert_string_equal(logging.level.text, "info");
	assert_string_equal(logging.format.text, "text");
	assert_int_equal(chain.chain_id, 0);
	assert_int_equal(chain.rpc_timeout_ms, 10000);
	assert_string_equal(chain.websocket_url.text, "");
	assert_string_equal(chain.http_url.text, "");
	assert_string_equal(chain.ca_file.text, "");
}

static void every_row_takes_its_limits(void **state)
{
	static const char *const good[][2] = {
		{"LOG_LEVEL", "debug"},	       {"LOG_LEVEL", "error"},
		{"LOG_FORMAT", "json"},	       {"WS_RPC_URL", "wss://h"},
		{"HTTP_RPC_URL", "https://h"}, {"CHAIN_ID", "9223372036854775807"},
		{"RPC_TIMEOUT_MS", "100"},     {"RPC_TIMEOUT_MS", "600000"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		if (!load_with(good[i][0], good[i][1]))
			fail_msg("refused: %s=%s", good[i][0], good[i][1]);
	}
	assert_int_equal(chain.rpc_timeout_ms, 600000);
}

static void every_row_refuses_what_is_beyond_its_limits(void **state)
{
	static const char *const bad[][2] = {
		{"LOG_LEVEL", "INFO"},	    {"LOG_LEVEL", "trace"},
		{"LOG_FORMAT", "xml"},	    {"WS_RPC_URL", "http://h"},
		{"HTTP_RPC_URL", "ws://h"}, {"CHAIN_ID", "-1"},
		{"DEPLOYMENT_BLOCK", "-1"}, {"DEPLOYMENT_BLOCK", "0x10"},
		{"RPC_TIMEOUT_MS", "99"},   {"RPC_TIMEOUT_MS", "600001"},
		{"ORDERBOOK", "0xaa"},	    {"ORDER_OWNER", "0xbb"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		if (load_with(bad[i][0], bad[i][1]))
			fail_msg("accepted: %s=%s", bad[i][0], bad[i][1]);
	}
}

static void without_any_of_its_three_keys_no_chain_is_read(void **state)
{
	static const char *const required[] = {"ORDERBOOK", "ORDER_OWNER", "DEPLOYMENT_BLOCK"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(required); i++) {
		if (load_with(required[i], ""))
			fail_msg("not missed: %s", required[i]);
	}
}

static void every_row_is_explained_and_known_to_the_group(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		if (!config_key_is_known(keys[i].name))
			fail_msg("not known: %s", keys[i].name);
		assert_non_null(keys[i].help);
		assert_non_null(keys[i].target);
	}
	assert_false(config_key_is_known("LOG_LEVE"));
	assert_false(config_key_is_known("LOG_LEVELS"));
	assert_false(config_key_is_known("log_level"));
	assert_false(config_key_is_known(""));
}

static void one_url_of_a_node_gives_the_other(void **state)
{
	struct chain_settings http = {.http_url = {.text = "https://node.test/rpc"}};
	struct chain_settings websocket = {.websocket_url = {.text = "ws://node.test:8546"}};

	(void)state;
	assert_true(settings_complete_chain(&http));
	assert_string_equal(http.websocket_url.text, "wss://node.test/rpc");
	assert_string_equal(http.http_url.text, "https://node.test/rpc");
	assert_true(settings_complete_chain(&websocket));
	assert_string_equal(websocket.http_url.text, "http://node.test:8546");
	assert_string_equal(websocket.websocket_url.text, "ws://node.test:8546");
}

static void two_urls_are_left_as_they_are(void **state)
{
	struct chain_settings settings = {.websocket_url = {.text = "wss://a.test/x"},
					  .http_url = {.text = "http://b.test/y"}};

	(void)state;
	assert_true(settings_complete_chain(&settings));
	assert_string_equal(settings.websocket_url.text, "wss://a.test/x");
	assert_string_equal(settings.http_url.text, "http://b.test/y");
}

static void complete_nothing(void *context)
{
	struct chain_settings nothing = {.chain_id = 0};

	(void)context;
	if (!settings_complete_chain(&nothing))
		_exit(3);
}

static void complete_what_has_no_room(void *context)
{
	struct chain_settings settings = {.websocket_url = {.text = "ws://"}};

	(void)context;
	memset(settings.websocket_url.text + 5, 'h', CONFIG_TEXT_SIZE - 6);
	if (!settings_complete_chain(&settings) && settings.http_url.text[0] == '\0')
		_exit(3);
}

static void what_cannot_be_completed_is_refused_by_name(void **state)
{
	struct test_child child = test_child_run(complete_nothing, NULL);

	(void)state;
	test_child_assert(&child, 3, "WS_RPC_URL: is missing, and HTTP_RPC_URL too");
	child = test_child_run(complete_what_has_no_room, NULL);
	test_child_assert(&child, 3, "WS_RPC_URL and HTTP_RPC_URL: one cannot be made");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_defaults_pass_their_own_checks, set_up),
		cmocka_unit_test(every_row_takes_its_limits),
		cmocka_unit_test(every_row_refuses_what_is_beyond_its_limits),
		cmocka_unit_test(without_any_of_its_three_keys_no_chain_is_read),
		cmocka_unit_test(every_row_is_explained_and_known_to_the_group),
		cmocka_unit_test(one_url_of_a_node_gives_the_other),
		cmocka_unit_test(two_urls_are_left_as_they_are),
		cmocka_unit_test(what_cannot_be_completed_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
