/* What is JSON, what is not, and where its members stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/json_scan.h"

#include <string.h>

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

static void assert_value(struct bytes value, const char *expected)
{
	assert_int_equal(value.length, strlen(expected));
	assert_memory_equal(value.data, expected, value.length);
}

static void members_are_found_wherever_they_stand(void **state)
{
	struct json_member members[] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};

	(void)state;
	assert_true(json_scan_object(bytes_of(" { \"x\" : {\"a\":1,\"b\":[{\"c\":2}]} , \"b\" :[ "
					      "1, \"]\" ] ,\"a\":-0.5e+3 } "),
				     members, 3));
	assert_value(members[0].value, "-0.5e+3");
	assert_value(members[1].value, "[ 1, \"]\" ]");
	assert_null(members[2].value.data);
	/* What was found before is forgotten. */
	assert_true(json_scan_object(bytes_of("{}"), members, 3));
	assert_null(members[0].value.data);
}

static void what_is_not_json_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"17",
		"[]",
		"null",
		"\"a\"",
		"{}x",
		"{},",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{,\"a\":1}",
		"{\"a\":1 \"b\":2}",
		"{a:1}",
		"{\"a\":tru}",
		"{\"a\":01}",
		"{\"a\":1.}",
		"{\"a\":.5}",
		"{\"a\":-}",
		"{\"a\":1e}",
		"{\"a\":+1}",
		"{\"a\":\"\n\"}",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12g4\"}",
		"{\"a\":\"}",
		"{\"a\":[1,]}",
		"{\"a\":[1}",
		"{\"a\":[}",
		"{\"a\":{]}",
		"{\"a\":nul",
		"{\"a\":\"\\",
		"{\"a\":\"\\u1",
		"{\"a\" 1}",
	};
	struct json_member member = {.name = "z"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (json_scan_object(bytes_of(bad[i]), &member, 1))
			fail_msg("accepted: %s", bad[i]);
	}
}

static void every_kind_of_value_is_passed_over(void **state)
{
	struct json_member member = {.name = "z"};

	(void)state;
	assert_true(json_scan_object(
		bytes_of(
			"{\"a\":true,\"b\":false,\"c\":null,\"d\":[],\"e\":{},\"f\":[[],{\"z\":1}],"
			"\"g\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00aF\",\"h\":0,\"i\":-10.25E-7,"
			"\"z\":\"\xc3\xa4\"}"),
		&member, 1));
	assert_value(member.value, "\"\xc3\xa4\"");
}

static void a_wanted_member_twice_is_refused_and_another_is_not(void **state)
{
	struct json_member member = {.name = "a"};

	(void)state;
	assert_false(json_scan_object(bytes_of("{\"a\":1,\"a\":1}"), &member, 1));
	assert_true(
		json_scan_object(bytes_of("{\"b\":1,\"b\":1,\"\\u0061\":1,\"a\":2}"), &member, 1));
	assert_value(member.value, "2");
}

static void depth_is_bounded(void **state)
{
	struct json_member member = {.name = "a"};
	char text[256] = "{\"a\":";

	(void)state;
	memset(text + 5, '[', JSON_SCAN_DEPTH - 1);
	memset(text + 5 + JSON_SCAN_DEPTH - 1, ']', JSON_SCAN_DEPTH - 1);
	strcat(text, "}");
	assert_true(json_scan_object(bytes_of(text), &member, 1));
	memset(text, 0, sizeof(text));
	memcpy(text, "{\"a\":", 5);
	memset(text + 5, '[', JSON_SCAN_DEPTH);
	memset(text + 5 + JSON_SCAN_DEPTH, ']', JSON_SCAN_DEPTH);
	strcat(text, "}");
	assert_false(json_scan_object(bytes_of(text), &member, 1));
}

static void a_list_has_a_first_item_unless_it_is_empty(void **state)
{
	struct bytes item;

	(void)state;
	assert_true(json_scan_first_item(bytes_of("[ \"x\" , 2]"), &item));
	assert_value(item, "\"x\"");
	assert_false(json_scan_first_item(bytes_of("[]"), &item));
	assert_false(json_scan_first_item(bytes_of("\"x\""), &item));
	assert_false(json_scan_first_item(bytes_of(""), &item));
}

static void a_plain_string_is_what_stands_between_quotes(void **state)
{
	struct bytes string;

	(void)state;
	assert_true(json_scan_plain_string(bytes_of("\"0xab\""), &string));
	assert_value(string, "0xab");
	assert_true(json_scan_plain_string(bytes_of("\"\""), &string));
	assert_int_equal(string.length, 0);
	assert_false(json_scan_plain_string(bytes_of("\"a\\n\""), &string));
	assert_false(json_scan_plain_string(bytes_of("12"), &string));
	assert_false(json_scan_plain_string(bytes_of("\""), &string));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_wherever_they_stand),
		cmocka_unit_test(what_is_not_json_is_refused),
		cmocka_unit_test(every_kind_of_value_is_passed_over),
		cmocka_unit_test(a_wanted_member_twice_is_refused_and_another_is_not),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(a_list_has_a_first_item_unless_it_is_empty),
		cmocka_unit_test(a_plain_string_is_what_stands_between_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
