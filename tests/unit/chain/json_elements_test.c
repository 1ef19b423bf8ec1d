/* An answer in pieces of every size: what comes out of it, and what is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/json_elements.h"

#include <string.h>

/* What was handed over: "text|data" and a newline each. */
struct fixture {
	struct json_elements elements;
	struct buffer handed;
	struct buffer rest;
};

static void take(void *context, struct bytes text, const char *data)
{
	struct fixture *fixture = context;

	assert_int_equal(text.data[text.length], '\0');
	assert_true(buffer_append(&fixture->handed, text.data, text.length) &&
		    buffer_append_format(&fixture->handed, "|%s\n", data));
}

static int set_up(void **state)
{
	static struct fixture fixture;

	json_elements_init(&fixture.elements, 1000, take, &fixture);
	buffer_init(&fixture.handed, 10000);
	buffer_init(&fixture.rest, 10000);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	json_elements_free(&fixture->elements);
	buffer_free(&fixture->handed);
	buffer_free(&fixture->rest);
	return 0;
}

static void feed_in_pieces(struct fixture *fixture, const char *text, size_t piece)
{
	size_t length = strlen(text);

	json_elements_clear(&fixture->elements);
	buffer_clear(&fixture->handed);
	buffer_clear(&fixture->rest);
	for (size_t at = 0; at < length; at += piece)
		assert_true(json_elements_feed(&fixture->elements, text + at,
					       length - at < piece ? length - at : piece,
					       &fixture->rest));
}

/* However it arrives. */
static void assert_split(struct fixture *fixture, const char *text, const char *handed,
			 const char *rest)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		feed_in_pieces(fixture, text, piece);
		assert_string_equal(buffer_text(&fixture->handed), handed);
		assert_string_equal(buffer_text(&fixture->rest), rest);
	}
}

static void elements_and_their_data_are_taken_out(void **state)
{
	assert_split(*state,
		     "{\"id\":7,\"result\":[{\"a\":1,\"data\":\"0xab\"},{\"data\" : \"\"} , {}]}",
		     "{\"a\":1,\"data\":\"\"}|0xab\n{\"data\" : \"\"}|\n{}|\n",
		     "{\"id\":7,\"result\":[0,0 , 0]}");
	assert_split(*state, " { \"result\" : [ [1,[2]], {\"a\":[{\"data\":\"0x\"}]} ],\"id\":7}",
		     "[1,[2]]|\n{\"a\":[{\"data\":\"0x\"}]}|\n",
		     " { \"result\" : [ 0, 0 ],\"id\":7}");
}

static void what_looks_like_structure_within_a_text_is_text(void **state)
{
	assert_split(*state, "{\"result\":[{\"a\":\"]}\\\"[{\",\"data\":\"x\\\"]}\"}],\"b\":\"]\"}",
		     "{\"a\":\"]}\\\"[{\",\"data\":\"\"}|x\\\"]}\n",
		     "{\"result\":[0],\"b\":\"]\"}");
	assert_split(*state, "{\"result\":[{\"a\":\"\\\\\"},{\"b\":2}]}",
		     "{\"a\":\"\\\\\"}|\n{\"b\":2}|\n", "{\"result\":[0,0]}");
}

static void an_answer_of_another_shape_is_left_as_it_is(void **state)
{
	static const char *const shapes[] = {
		"{\"id\":7,\"result\":{\"result\":[{\"data\":\"0x\"}]}}",
		"{\"id\":7,\"error\":{\"code\":-32000,\"message\":\"result\",\"data\":[{}]}}",
		"{\"a\":\"result\",\"b\":[{}]}",
		"{\"results\":[{}],\"resul\":[{}],\"r\\u0065sult\":[{}],\"\":[{}]}",
		"[{\"result\":[{\"data\":\"0x\"}]}]",
		"{\"result\":[1,null,\"x\",true]}",
		"{\"result\":null}",
		"<html>{[\"</html>",
		"}}]]{\"result\":[",
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		assert_split(*state, shapes[i], "", shapes[i]);
}

static void only_the_first_list_is_taken_apart(void **state)
{
	/* Left with the key twice, which no reader of the rest accepts. */
	assert_split(*state, "{\"result\":[{\"a\":1}],\"result\":[{\"b\":2}]}", "{\"a\":1}|\n",
		     "{\"result\":[0],\"result\":[{\"b\":2}]}");
}

static void data_that_stands_twice_leaves_its_key_twice(void **state)
{
	assert_split(*state, "{\"result\":[{\"data\":\"0xab\",\"data\":\"cd\"}]}",
		     "{\"data\":\"\",\"data\":\"\"}|0xabcd\n", "{\"result\":[0]}");
}

static void brackets_that_do_not_fit_come_out_as_they_are(void **state)
{
	assert_split(*state, "{\"result\":[{\"a\":1],{\"b\":2}]}", "{\"a\":1]|\n{\"b\":2}|\n",
		     "{\"result\":[0,0]}");
}

static void an_element_beyond_the_maximum_is_too_large(void **state)
{
	struct fixture *fixture = *state;
	struct buffer text;

	buffer_init(&text, 10000);
	assert_true(buffer_append_text(&text, "{\"result\":[{\"data\":\""));
	for (int i = 0; i < 1001; i++)
		assert_true(buffer_append_text(&text, "0"));
	json_elements_clear(&fixture->elements);
	assert_false(json_elements_feed(&fixture->elements, buffer_text(&text), text.length,
					&fixture->rest));
	buffer_free(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(elements_and_their_data_are_taken_out),
		TEST(what_looks_like_structure_within_a_text_is_text),
		TEST(an_answer_of_another_shape_is_left_as_it_is),
		TEST(only_the_first_list_is_taken_apart),
		TEST(data_that_stands_twice_leaves_its_key_twice),
		TEST(brackets_that_do_not_fit_come_out_as_they_are),
		TEST(an_element_beyond_the_maximum_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
