#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "monitor/json.h"

static void assert_text(const char *text, const char *expected)
{
	struct buffer buffer;
	struct json json;

	buffer_init(&buffer, 1024);
	json_begin(&json, &buffer);
	json_text(&json, NULL, text);
	assert_true(json_end(&json));
	assert_string_equal(buffer_text(&buffer), expected);
	buffer_free(&buffer);
}

static void members_are_parted_by_commas(void **state)
{
	struct buffer buffer;
	struct json json;
	struct shares shares;

	(void)state;
	assert_true(shares_parse("-0.5", &shares));
	buffer_init(&buffer, 1024);
	json_begin(&json, &buffer);
	json_open_object(&json, NULL);
	json_integer(&json, "a", INT64_MIN);
	json_open_array(&json, "b");
	json_open_object(&json, NULL);
	json_close_object(&json);
	json_open_array(&json, NULL);
	json_close_array(&json);
	json_boolean(&json, NULL, true);
	json_close_array(&json);
	json_null(&json, "c");
	json_shares(&json, "d", shares);
	json_text(&json, "e", NULL);
	json_close_object(&json);
	assert_true(json_end(&json));
	assert_string_equal(buffer_text(&buffer),
			    "{\"a\":-9223372036854775808,\"b\":[{},[],true],\"c\":null,"
			    "\"d\":\"-0.5\",\"e\":null}");
	buffer_free(&buffer);
}

static void text_cannot_end_its_string(void **state)
{
	(void)state;
	assert_text("", "\"\"");
	assert_text("a\"b\\c", "\"a\\\"b\\\\c\"");
	assert_text("\n\x1b[2J\x7f", "\"\\u000a\\u001b[2J\\u007f\"");
	assert_text("</script>", "\"</script>\"");
}

static void what_is_utf8_stays(void **state)
{
	(void)state;
	assert_text("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		    "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
	assert_text("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
		    "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"");
}

/* Cut off, overlong, surrogates, beyond the last, a continuation alone: a replacement each. */
static void what_is_not_utf8_is_replaced(void **state)
{
	(void)state;
	assert_text("\xc3", "\"\\ufffd\"");
	assert_text("\xe2\x82", "\"\\ufffd\\ufffd\"");
	assert_text("\xf0\x9f\x98", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_text("\xc0\xaf", "\"\\ufffd\\ufffd\"");
	assert_text("\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_text("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	assert_text("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	assert_text("\x80z\xff", "\"\\ufffdz\\ufffd\"");
}

static void what_does_not_fit_is_told(void **state)
{
	struct buffer buffer;
	struct json json;

	(void)state;
	buffer_init(&buffer, 8);
	json_begin(&json, &buffer);
	json_open_array(&json, NULL);
	json_text(&json, NULL, "abcd");
	assert_true(json_end(&json));
	json_integer(&json, NULL, 12);
	json_close_array(&json);
	assert_false(json_end(&json));
	assert_true(buffer.length <= 8);
	buffer_free(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_parted_by_commas),
		cmocka_unit_test(text_cannot_end_its_string),
		cmocka_unit_test(what_is_utf8_stays),
		cmocka_unit_test(what_is_not_utf8_is_replaced),
		cmocka_unit_test(what_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
