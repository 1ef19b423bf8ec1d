/* The strict readers under all answers: depth, ids, quantities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_json.h"

#include <stdlib.h>
#include <string.h>

static void assert_not_json(const char *text, size_t length)
{
	struct error error = {.kind = ERROR_KIND_NONE};
	/* Exactly as long as it is: a parser that looks for a NUL is found out. */
	char *copy = malloc(length);

	assert_non_null(copy);
	if (length > 0)
		memcpy(copy, text, length);
	assert_null(evm_json_parse(copy, length, &error));
	assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	assert_true(error.text[0] != '\0');
	free(copy);
}

static void what_is_not_json_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"{",
		"}",
		"[1,]",
		"{\"a\":}",
		"{\"a\":1",
		"{\"a\":1}}",
		"{} x",
		"nul",
		"{a:1}",
		"'a'",
		"{\"a\":1,\"a\":2}",
		"[\"\xff\"]",
		"[\"\xc0\x80\"]",
		"[\"\\u0000\"]",
		"[\"\\ud800\"]",
		"[99999999999999999999]",
		"[1e999]",
		"[\"\\\"]",
		"\xef\xbb\xbf{}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_not_json(texts[i], strlen(texts[i]));
	assert_not_json("[]\0", 3);
}

/* depth brackets of one kind, open and closed. */
static void nested(char *text, size_t depth, char open, char close)
{
	memset(text, open, depth);
	memset(text + depth, close, depth);
	text[2 * depth] = '\0';
}

static void depth_is_limited_before_the_parser_recurses(void **state)
{
	enum { DEEPEST = 1000000 };
	char *text = malloc(2 * DEEPEST + 1);
	struct error error;
	json_t *root;

	(void)state;
	assert_non_null(text);
	nested(text, EVM_JSON_MAX_DEPTH, '[', ']');
	root = evm_json_parse(text, strlen(text), &error);
	assert_non_null(root);
	json_decref(root);
	nested(text, EVM_JSON_MAX_DEPTH + 1, '[', ']');
	assert_not_json(text, strlen(text));
	nested(text, DEEPEST, '[', ']');
	assert_not_json(text, strlen(text));
	nested(text, DEEPEST, '{', '}');
	assert_not_json(text, strlen(text));
	free(text);
}

static void brackets_in_strings_and_side_by_side_are_not_depth(void **state)
{
	static const char in_string[] = "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[ \\\" [[[[\"]";
	char beside[4 * 200 + 2];
	struct error error;
	json_t *root;
	size_t length = 1;

	(void)state;
	root = evm_json_parse(in_string, strlen(in_string), &error);
	assert_non_null(root);
	json_decref(root);
	beside[0] = '[';
	for (size_t i = 0; i < 200; i++) {
		memcpy(beside + length, i == 0 ? " []" : ",[]", 3);
		length += 3;
	}
	beside[length++] = ']';
	root = evm_json_parse(beside, length, &error);
	assert_non_null(root);
	assert_int_equal(json_array_size(root), 200);
	json_decref(root);
}

/* Closing brackets too many, a backslash as the last byte: the scan must neither wrap nor run on.
 */
static void depth_cannot_be_tricked_below_zero(void **state)
{
	char text[200];

	(void)state;
	memset(text, ']', 100);
	memset(text + 100, '[', 100);
	assert_not_json(text, sizeof(text));
	assert_not_json("\"\\", 2);
	assert_not_json("[\"\\", 3);
}

/* The value of "v" in text. */
static json_t *value_of(const char *text, json_t **root)
{
	struct error error;

	*root = evm_json_parse(text, strlen(text), &error);
	assert_non_null(*root);
	return json_object_get(*root, "v");
}

static void an_id_is_a_number_or_digits_in_a_string(void **state)
{
	static const struct {
		const char *text;
		uint64_t id;
	} good[] = {
		{"{\"v\":0}", 0},
		{"{\"v\":17}", 17},
		{"{\"v\":9223372036854775807}", INT64_MAX},
		{"{\"v\":\"17\"}", 17},
		{"{\"v\":\"18446744073709551615\"}", UINT64_MAX},
	};
	static const char *const bad[] = {
		"{\"v\":-1}",
		"{\"v\":1.0}",
		"{\"v\":null}",
		"{\"v\":true}",
		"{\"v\":\"\"}",
		"{\"v\":\" 1\"}",
		"{\"v\":\"1 \"}",
		"{\"v\":\"+1\"}",
		"{\"v\":\"-1\"}",
		"{\"v\":\"0x1\"}",
		"{\"v\":[1]}",
		"{\"v\":{}}",
		"{\"v\":\"1.0\"}",
		"{\"v\":1e1}",
		"{\"v\":\"18446744073709551616\"}",
		"{}",
	};
	json_t *root;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(good); i++) {
		uint64_t id = 77;

		assert_true(evm_json_id(value_of(good[i].text, &root), &id));
		assert_true(id == good[i].id);
		json_decref(root);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		uint64_t id = 77;

		if (evm_json_id(value_of(bad[i], &root), &id) || id != 77)
			fail_msg("%s was taken for an id", bad[i]);
		json_decref(root);
	}
}

static void a_quantity_is_hex_text_of_at_most_63_bits(void **state)
{
	static const char *const bad[] = {
		"{\"v\":1}",
		"{\"v\":null}",
		"{\"v\":\"\"}",
		"{\"v\":\"0x\"}",
		"{\"v\":\"1\"}",
		"{\"v\":\"0X1\"}",
		"{\"v\":\"0xg\"}",
		"{\"v\":\"-0x1\"}",
		"{\"v\":\"0x-1\"}",
		"{\"v\":\" 0x1\"}",
		"{\"v\":\"0x1 \"}",
		"{\"v\":\"0x8000000000000000\"}",
		"{\"v\":\"0xffffffffffffffff\"}",
		"{\"v\":\"0x10000000000000000\"}",
		"{\"v\":[\"0x1\"]}",
		"{}",
	};
	uint64_t quantity;
	json_t *root;

	(void)state;
	assert_true(evm_json_quantity(value_of("{\"v\":\"0x0\"}", &root), &quantity));
	assert_int_equal(quantity, 0);
	json_decref(root);
	assert_true(
		evm_json_quantity(value_of("{\"v\":\"0x7fffffffffffffff\"}", &root), &quantity));
	assert_true(quantity == INT64_MAX);
	json_decref(root);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		quantity = 77;
		if (evm_json_quantity(value_of(bad[i], &root), &quantity) || quantity != 77)
			fail_msg("%s was taken for a quantity", bad[i]);
		json_decref(root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_json_is_refused),
		cmocka_unit_test(depth_is_limited_before_the_parser_recurses),
		cmocka_unit_test(brackets_in_strings_and_side_by_side_are_not_depth),
		cmocka_unit_test(depth_cannot_be_tricked_below_zero),
		cmocka_unit_test(an_id_is_a_number_or_digits_in_a_string),
		cmocka_unit_test(a_quantity_is_hex_text_of_at_most_63_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
