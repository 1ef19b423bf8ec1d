/* See json_text.h. */
#include "net/json_text.h"

#include <stdio.h>
#include <string.h>

json_t *json_text_parse(const char *text, size_t length, json_error_t *problem)
{
	/* For the whole process, and harmless to repeat: what jansson has allocated so far is
	 * freed alike. */
	json_set_alloc_funcs(memory_obtain, memory_free);
	return json_loadb(text, length, JSON_REJECT_DUPLICATES, problem);
}

static size_t digits_at(struct bytes text, size_t offset)
{
	size_t count = 0;

	while (offset + count < text.length && text.data[offset + count] >= '0' &&
	       text.data[offset + count] <= '9')
		count++;
	return count;
}

static bool byte_is(struct bytes text, size_t offset, const char *any_of)
{
	return offset < text.length && text.data[offset] != '\0' &&
	       strchr(any_of, text.data[offset]) != NULL;
}

/* The length of the part that begins there: a mark, perhaps a sign, and digits. 0: no such part. */
static size_t number_part(struct bytes text, size_t offset, const char *marks, const char *signs)
{
	size_t length = 1;
	size_t digits;

	if (!byte_is(text, offset, marks))
		return 0;
	if (byte_is(text, offset + length, signs))
		length++;
	digits = digits_at(text, offset + length);
	return digits == 0 ? 0 : length + digits;
}

/* The length of the JSON number that begins there, 0: none (RFC 8259, section 6). */
static size_t number_at(struct bytes text, size_t offset)
{
	size_t length = byte_is(text, offset, "-") ? 1 : 0;
	size_t whole = digits_at(text, offset + length);

	if (whole == 0 || (whole > 1 && byte_is(text, offset + length, "0")))
		return 0;
	length += whole;
	length += number_part(text, offset + length, ".", "");
	length += number_part(text, offset + length, "eE", "+-");
	return length;
}

/* The length of the string literal that begins there, with its quotes; to the end when it has none.
 */
static size_t string_at(struct bytes text, size_t offset)
{
	size_t end = offset + 1;

	while (end < text.length && text.data[end] != '"')
		end += text.data[end] == '\\' && end + 1 < text.length ? 2 : 1;
	return (end < text.length ? end + 1 : text.length) - offset;
}

/* Puts quotes around each number. What is not JSON before is not JSON afterwards either. */
static bool quote_numbers(struct bytes text, struct buffer *quoted)
{
	size_t offset = 0;

	while (offset < text.length) {
		size_t number = number_at(text, offset);
		size_t length = number;

		if (number == 0)
			length = text.data[offset] == '"' ? string_at(text, offset) : 1;
		if ((number > 0 && !buffer_append(quoted, "\"", 1)) ||
		    !buffer_append(quoted, text.data + offset, length) ||
		    (number > 0 && !buffer_append(quoted, "\"", 1)))
			return false;
		offset += length;
	}
	return true;
}

json_t *json_text_parse_exact(struct bytes text, struct buffer *scratch, json_error_t *problem)
{
	buffer_clear(scratch);
	if (!quote_numbers(text, scratch)) {
		*problem = (json_error_t){.line = -1};
		(void)snprintf(problem->text, sizeof(problem->text), "too long");
		return NULL;
	}
	return json_text_parse(buffer_text(scratch), scratch->length, problem);
}
