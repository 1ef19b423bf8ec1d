#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "monitor/route.h"

static struct reader_request asked(const char *target)
{
	const struct route route = route_find(target);

	assert_int_equal(route.kind, ROUTE_DATA);
	assert_non_null(route.content_type);
	return route.request;
}

static void paths_lead_to_questions(void **state)
{
	(void)state;
	assert_int_equal(asked("/api/state").question, READER_STATE);
	assert_int_equal(asked("/api/state?").question, READER_STATE);
	assert_int_equal(asked("/api/executions").question, READER_EXECUTIONS);
	assert_int_equal(asked("/api/trace/trade/17").question, READER_TRACE_TRADE);
	assert_int_equal(asked("/api/trace/trade/17").id, 17);
	assert_int_equal(route_find("/events").kind, ROUTE_EVENTS);
	assert_int_equal(route_find("/healthz").kind, ROUTE_HEALTH);
	assert_string_equal(route_find("/").asset->path, "/index.html");
	assert_int_equal(route_find("/vendor/uPlot.min.css?v=2").kind, ROUTE_ASSET);
}

static void parameters_are_taken(void **state)
{
	const struct reader_request request =
		asked("/api/fills?symbol=BRK%2EB&limit=500&before=9223372036854775807&");

	(void)state;
	assert_string_equal(request.symbol.text, "BRK.B");
	assert_int_equal(request.limit, 500);
	assert_int_equal(request.before, INT64_MAX);
	assert_int_equal(asked("/api/fills").limit, 50);
	assert_int_equal(asked("/api/fills").before, INT64_MAX);
	assert_string_equal(asked("/api/fills").symbol.text, "");
}

static void what_is_not_as_it_should_be_is_refused(void **state)
{
	static const char *const targets[] = {
		"/api/fills?limit=0",
		"/api/fills?limit=501",
		"/api/fills?limit=99999999999999999999",
		"/api/fills?limit=+5",
		"/api/fills?limit",
		"/api/fills?=5",
		"/api/fills?&limit=5",
		"/api/fills?limit=5&limit=5",
		"/api/fills?LIMIT=5",
		"/api/fills?before=",
		"/api/fills?symbol=%",
		"/api/fills?symbol=%4",
		"/api/fills?symbol=%4g",
		"/api/fills?symbol=a%00b",
		"/api/fills?symbol=a+%20",
		"/api/fills?symbol=%80",
		"/api/fills?symbol=ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG",
		"/api/pnl?before=5",
		"/api/state?limit=5",
		"/api/trace/event/",
		"/api/trace/event/0",
		"/api/trace/event/9223372036854775808",
		"/api/trace/event/1/",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
		const struct route route = route_find(targets[i]);

		if (route.kind != ROUTE_MALFORMED)
			fail_msg("taken: %s", targets[i]);
		assert_non_null(route.error);
	}
}

static void what_is_not_there_is_not_found(void **state)
{
	static const char *const targets[] = {
		"",	      "?",	    "*",    "index.html",
		"/API/state", "/api/trace", "/%2f", "http://localhost/"};
	char target[512];

	(void)state;
	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[sizeof(target) - 1] = '\0';
	assert_int_equal(route_find(target).kind, ROUTE_NOT_FOUND);
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++)
		assert_int_equal(route_find(targets[i]).kind, ROUTE_NOT_FOUND);
}

static void every_asset_can_be_found(void **state)
{
	(void)state;
	assert_true(asset_count >= 3);
	for (size_t i = 0; i < asset_count; i++) {
		assert_ptr_equal(asset_find(assets[i].path), &assets[i]);
		assert_int_equal(strlen(assets[i].etag), 34);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_lead_to_questions),
		cmocka_unit_test(parameters_are_taken),
		cmocka_unit_test(what_is_not_as_it_should_be_is_refused),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(every_asset_can_be_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
