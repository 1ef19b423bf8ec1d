/* See json.h. */
#include "monitor/json.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

static void add(struct json *json, const char *text, size_t length)
{
	if (!json->full && !buffer_append(json->text, text, length))
		json->full = true;
}

static void add_word(struct json *json, const char *word)
{
	add(json, word, strlen(word));
}

void json_begin(struct json *json, struct buffer *text)
{
	*json = (struct json){.text = text};
}

bool json_end(const struct json *json)
{
	return !json->full;
}

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * How many bytes of a UTF-8 character text begins with; 0: none. Shortest forms only, no
 * surrogates, at most U+10FFFF. Every read stops at the NUL, which is no continuation.
 */
static size_t utf8_length(const unsigned char *text)
{
	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		return is_continuation(text[1]) ? 2 : 0;
	if (text[0] >= 0xe0 && text[0] <= 0xef) {
		if (!is_continuation(text[1]) || !is_continuation(text[2]) ||
		    (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f))
			return 0;
		return 3;
	}
	if (text[0] >= 0xf0 && text[0] <= 0xf4) {
		if (!is_continuation(text[1]) || !is_continuation(text[2]) ||
		    !is_continuation(text[3]) || (text[0] == 0xf0 && text[1] < 0x90) ||
		    (text[0] == 0xf4 && text[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

static void add_escape(struct json *json, unsigned int code)
{
	static const char digits[] = "0123456789abcdef";
	const char escape[] = {'\\',
			       'u',
			       digits[code >> 12 & 0xf],
			       digits[code >> 8 & 0xf],
			       digits[code >> 4 & 0xf],
			       digits[code & 0xf]};

	add(json, escape, sizeof(escape));
}

static void add_quoted(struct json *json, const char *text)
{
	const unsigned char *rest = (const unsigned char *)text;

	add_word(json, "\"");
	while (*rest != '\0') {
		const size_t length = utf8_length(rest);

		if (length == 0) {
			add_escape(json, 0xfffd);
		} else if (*rest < 0x20 || *rest == 0x7f) {
			add_escape(json, *rest);
		} else {
			if (*rest == '"' || *rest == '\\')
				add_word(json, "\\");
			add(json, (const char *)rest, length);
		}
		rest += length > 0 ? length : 1;
	}
	add_word(json, "\"");
}

static void begin_member(struct json *json, const char *name)
{
	if (json->comma)
		add_word(json, ",");
	json->comma = true;
	if (name != NULL) {
		add_quoted(json, name);
		add_word(json, ":");
	}
}

static void open_with(struct json *json, const char *name, const char *bracket)
{
	begin_member(json, name);
	add_word(json, bracket);
	json->comma = false;
}

static void close_with(struct json *json, const char *bracket)
{
	add_word(json, bracket);
	json->comma = true;
}

void json_open_object(struct json *json, const char *name)
{
	open_with(json, name, "{");
}

void json_close_object(struct json *json)
{
	close_with(json, "}");
}

void json_open_array(struct json *json, const char *name)
{
	open_with(json, name, "[");
}

void json_close_array(struct json *json)
{
	close_with(json, "]");
}

void json_null(struct json *json, const char *name)
{
	begin_member(json, name);
	add_word(json, "null");
}

void json_boolean(struct json *json, const char *name, bool value)
{
	begin_member(json, name);
	add_word(json, value ? "true" : "false");
}

void json_integer(struct json *json, const char *name, int64_t value)
{
	begin_member(json, name);
	if (!json->full && !buffer_append_format(json->text, "%" PRId64, value))
		json->full = true;
}

void json_text(struct json *json, const char *name, const char *value)
{
	if (value == NULL) {
		json_null(json, name);
		return;
	}
	begin_member(json, name);
	add_quoted(json, value);
}

void json_shares(struct json *json, const char *name, struct shares value)
{
	json_text(json, name, shares_text(value).text);
}

void json_usd(struct json *json, const char *name, struct usd value)
{
	json_text(json, name, usd_text(value).text);
}

void json_text_column(struct json *json, struct statement *row, const char *column)
{
	json_text(json, column, statement_text(row, column));
}

void json_integer_column(struct json *json, struct statement *row, const char *column)
{
	if (statement_is_null(row, column))
		json_null(json, column);
	else
		json_integer(json, column, statement_int64(row, column));
}
