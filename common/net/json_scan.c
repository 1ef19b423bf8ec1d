/* See json_scan.h. A cursor moves over the text; every pass_* leaves it behind what it is named
 * for. */
#include "net/json_scan.h"

#include <string.h>

#define BLOCK_BYTES 16

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	size_t depth;
};

static struct cursor cursor_of(struct bytes text)
{
	return (struct cursor){.at = text.data, .end = text.data + text.length};
}

static void pass_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\t' ||
					    *cursor->at == '\n' || *cursor->at == '\r'))
		cursor->at++;
}

static bool pass_byte(struct cursor *cursor, char byte)
{
	if (cursor->at == cursor->end || *cursor->at != (uint8_t)byte)
		return false;
	cursor->at++;
	return true;
}

static bool pass_any(struct cursor *cursor, const char *bytes)
{
	if (cursor->at == cursor->end || *cursor->at == '\0' || strchr(bytes, *cursor->at) == NULL)
		return false;
	cursor->at++;
	return true;
}

static bool pass_word(struct cursor *cursor, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

/* Behind a backslash. */
static bool pass_escape(struct cursor *cursor)
{
	if (!pass_byte(cursor, 'u'))
		return pass_any(cursor, "\"\\/bfnrt");
	for (int i = 0; i < 4; i++) {
		if (!pass_any(cursor, "0123456789abcdefABCDEF"))
			return false;
	}
	return true;
}

static bool is_plain(uint8_t byte)
{
	return (byte != '"') & (byte != '\\') & (byte >= 0x20);
}

/* All of a block are looked at, in a loop of a constant length without a way out: so the compiler
 * takes them at once. */
static bool are_plain(const uint8_t block[BLOCK_BYTES])
{
	uint8_t special = 0;

	for (size_t i = 0; i < BLOCK_BYTES; i++)
		special |= !is_plain(block[i]);
	return special == 0;
}

/* A block at a time, since most of a text is long strings without any escape. */
static void pass_plain(struct cursor *cursor)
{
	const uint8_t *at = cursor->at;

	while (cursor->end - at >= BLOCK_BYTES && are_plain(at))
		at += BLOCK_BYTES;
	while (at < cursor->end && is_plain(*at))
		at++;
	cursor->at = at;
}

static bool pass_string(struct cursor *cursor)
{
	if (!pass_byte(cursor, '"'))
		return false;
	do {
		pass_plain(cursor);
		if (pass_byte(cursor, '"'))
			return true;
	} while (pass_byte(cursor, '\\') && pass_escape(cursor));
	return false;
}

static bool pass_digits(struct cursor *cursor)
{
	if (!pass_any(cursor, "0123456789"))
		return false;
	while (pass_any(cursor, "0123456789")) {
	}
	return true;
}

static bool pass_number(struct cursor *cursor)
{
	(void)pass_byte(cursor, '-');
	if (!pass_byte(cursor, '0') && !pass_digits(cursor))
		return false;
	if (pass_byte(cursor, '.') && !pass_digits(cursor))
		return false;
	if (!pass_any(cursor, "eE"))
		return true;
	(void)pass_any(cursor, "+-");
	return pass_digits(cursor);
}

/*
 * Where the next item or member of a list or object begins. False: behind its end, or not JSON,
 * which shows in *good.
 */
static bool pass_to_next(struct cursor *cursor, char close, bool is_first, bool *good)
{
	pass_space(cursor);
	if (pass_byte(cursor, close)) {
		*good = true;
		return false;
	}
	*good = is_first || pass_byte(cursor, ',');
	pass_space(cursor);
	return *good;
}

static bool pass_name(struct cursor *cursor)
{
	if (!pass_string(cursor))
		return false;
	pass_space(cursor);
	if (!pass_byte(cursor, ':'))
		return false;
	pass_space(cursor);
	return true;
}

/* A list or an object may stand in it: bounded by JSON_SCAN_DEPTH. */
static bool pass_value(struct cursor *cursor);

static bool pass_all(struct cursor *cursor, char close)
{
	bool good = false;

	if (++cursor->depth > JSON_SCAN_DEPTH)
		return false;
	for (bool is_first = true; pass_to_next(cursor, close, is_first, &good); is_first = false) {
		if ((close == '}' && !pass_name(cursor)) || !pass_value(cursor))
			return false;
	}
	cursor->depth--;
	return good;
}

static bool pass_value(struct cursor *cursor)
{
	if (cursor->at == cursor->end)
		return false;
	switch (*cursor->at) {
	case '"':
		return pass_string(cursor);
	case '{':
		cursor->at++;
		return pass_all(cursor, '}');
	case '[':
		cursor->at++;
		return pass_all(cursor, ']');
	case 't':
		return pass_word(cursor, "true");
	case 'f':
		return pass_word(cursor, "false");
	case 'n':
		return pass_word(cursor, "null");
	default:
		return pass_number(cursor);
	}
}

static struct bytes between(const uint8_t *begin, const uint8_t *end)
{
	return (struct bytes){.data = begin, .length = (size_t)(end - begin)};
}

static struct json_member *find(struct json_member *members, size_t count, struct bytes name)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(members[i].name) == name.length &&
		    memcmp(members[i].name, name.data, name.length) == 0)
			return &members[i];
	}
	return NULL;
}

/* One member; false: not JSON, or a wanted one for the second time. */
static bool take_member(struct cursor *cursor, struct json_member *members, size_t count)
{
	const uint8_t *begin = cursor->at;
	struct json_member *wanted;
	struct cursor name = *cursor;

	if (!pass_string(&name) || !pass_name(cursor))
		return false;
	wanted = find(members, count, between(begin + 1, name.at - 1));
	begin = cursor->at;
	if (!pass_value(cursor))
		return false;
	if (wanted == NULL)
		return true;
	if (wanted->value.data != NULL)
		return false;
	wanted->value = between(begin, cursor->at);
	return true;
}

bool json_scan_object(struct bytes text, struct json_member *members, size_t count)
{
	struct cursor cursor = cursor_of(text);
	bool good = false;

	for (size_t i = 0; i < count; i++)
		members[i].value = (struct bytes){.data = NULL};
	pass_space(&cursor);
	if (!pass_byte(&cursor, '{'))
		return false;
	cursor.depth = 1;
	for (bool is_first = true; pass_to_next(&cursor, '}', is_first, &good); is_first = false) {
		if (!take_member(&cursor, members, count))
			return false;
	}
	pass_space(&cursor);
	return good && cursor.at == cursor.end;
}

bool json_scan_first_item(struct bytes text, struct bytes *item)
{
	struct cursor cursor = cursor_of(text);
	const uint8_t *begin;
	bool good;

	if (!pass_byte(&cursor, '[') || !pass_to_next(&cursor, ']', true, &good))
		return false;
	begin = cursor.at;
	if (!pass_value(&cursor))
		return false;
	*item = between(begin, cursor.at);
	return true;
}

bool json_scan_plain_string(struct bytes text, struct bytes *string)
{
	if (text.length < 2 || text.data[0] != '"' || memchr(text.data, '\\', text.length) != NULL)
		return false;
	*string = between(text.data + 1, text.data + text.length - 1);
	return true;
}
