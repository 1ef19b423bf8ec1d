/*
 * See json_elements.h. A byte is looked at for strings and brackets alone; long strings, which are
 * nearly all of an answer with logs, are passed over by memchr. Depth counts brackets: 1 is within
 * the outermost object, 2 within the list, 3 within one of its elements.
 */
#include "chain/json_elements.h"

#include <string.h>

#define DEPTH_ANSWER  1
#define DEPTH_LIST    2
#define DEPTH_ELEMENT 3

void json_elements_init(struct json_elements *elements, size_t maximum, json_element_fn *take,
			void *context)
{
	*elements = (struct json_elements){.take = take, .context = context};
	buffer_init(&elements->element, maximum);
	buffer_init(&elements->data, maximum);
}

void json_elements_free(struct json_elements *elements)
{
	buffer_free(&elements->element);
	buffer_free(&elements->data);
}

void json_elements_clear(struct json_elements *elements)
{
	const struct json_elements before = *elements;

	*elements = (struct json_elements){
		.take = before.take,
		.context = before.context,
		.element = before.element,
		.data = before.data,
	};
	buffer_clear(&elements->element);
	buffer_clear(&elements->data);
}

static bool in_element(const struct json_elements *elements)
{
	return elements->in_list && elements->depth > DEPTH_LIST;
}

/* What is looked for at this depth; "": nothing. */
static const char *wanted_key(const struct json_elements *elements)
{
	if (elements->depth == DEPTH_ANSWER)
		return "result";
	return elements->in_list && elements->depth == DEPTH_ELEMENT ? "data" : "";
}

/* How far the string goes on without a byte that ends it or escapes one. */
static size_t plain_length(const char *text, size_t length)
{
	const char *quote = memchr(text, '"', length);
	size_t plain = quote == NULL ? length : (size_t)(quote - text);
	const char *backslash = memchr(text, '\\', plain);

	return backslash == NULL ? plain : (size_t)(backslash - text);
}

/* A string goes on: is it still the beginning of the key? */
static void match_key(struct json_elements *elements, const char *text, size_t length)
{
	const char *key = wanted_key(elements);
	size_t key_length = strlen(key);

	if (elements->matched <= key_length && length <= key_length - elements->matched &&
	    memcmp(text, key + elements->matched, length) == 0)
		elements->matched += length;
	else
		elements->matched = SIZE_MAX;
}

/* Within a string; how many bytes were passed over. */
static size_t pass_string(struct json_elements *elements, const char *text, size_t length)
{
	size_t plain = plain_length(text, length);

	if (elements->escaped) {
		elements->escaped = false;
		return 1;
	}
	if (plain > 0) {
		match_key(elements, text, plain);
		return plain;
	}
	if (text[0] == '\\') {
		/* A key that is written with escapes is not looked for. */
		elements->matched = SIZE_MAX;
		elements->escaped = true;
		return 1;
	}
	elements->in_string = false;
	elements->in_data = false;
	elements->was_key =
		elements->matched > 0 && elements->matched == strlen(wanted_key(elements));
	return 1;
}

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Outside strings. */
static void pass_byte(struct json_elements *elements, char byte)
{
	switch (byte) {
	case '"':
		elements->in_string = true;
		elements->in_data = elements->at_value && elements->depth == DEPTH_ELEMENT;
		elements->matched = 0;
		break;
	case '{':
	case '[':
		if (byte == '[' && elements->at_value && elements->depth == DEPTH_ANSWER &&
		    elements->taken == 0)
			elements->in_list = true;
		elements->depth++;
		break;
	case '}':
	case ']':
		if (elements->depth > 0)
			elements->depth--;
		elements->in_list = elements->in_list && elements->depth >= DEPTH_LIST;
		break;
	default:
		break;
	}
	if (is_space(byte))
		return;
	elements->at_value = byte == ':' && elements->was_key;
	elements->was_key = false;
}

/* The element has come to its end. */
static bool hand_over(struct json_elements *elements, struct buffer *rest)
{
	const struct bytes text = {.data = elements->element.bytes,
				   .length = elements->element.length};

	elements->taken++;
	elements->take(elements->context, text, buffer_text(&elements->data));
	buffer_clear(&elements->element);
	buffer_clear(&elements->data);
	return buffer_append(rest, "0", 1);
}

bool json_elements_feed(struct json_elements *elements, const char *text, size_t length,
			struct buffer *rest)
{
	size_t passed = 0;

	while (passed < length) {
		const char *next = text + passed;
		bool was_in = in_element(elements);
		bool was_data = elements->in_data;
		size_t step = 1;
		struct buffer *target = rest;

		if (elements->in_string)
			step = pass_string(elements, next, length - passed);
		else
			pass_byte(elements, next[0]);
		if (was_in || in_element(elements))
			target = &elements->element;
		/* Without its quotes. */
		if (was_data && elements->in_data)
			target = &elements->data;
		if (!buffer_append(target, next, step))
			return false;
		passed += step;
		if (was_in && !in_element(elements) && !hand_over(elements, rest))
			return false;
	}
	return true;
}
