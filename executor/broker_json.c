/* See broker_json.h. */
#include "executor/broker_json.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/json_text.h"

#include <stdio.h>
#include <string.h>

/* An order list of a day: 3,000 orders of a few KB. */
#define LONGEST_ANSWER ((size_t)64 * 1024 * 1024)

json_t *broker_json_parse(struct bytes text, const char *what, struct error *error)
{
	struct buffer scratch;
	json_error_t problem;
	json_t *root;

	buffer_init(&scratch, LONGEST_ANSWER);
	root = json_text_parse_exact(text, &scratch, &problem);
	buffer_free(&scratch);
	if (root == NULL)
		(void)error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "%s: not JSON: %s",
				what, problem.text);
	return root;
}

const char *broker_json_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text == NULL ? "" : text;
}

bool broker_json_copy(const json_t *object, const char *member, char *text, size_t size)
{
	const char *value = broker_json_text(object, member);
	size_t length = strlen(value);

	if (length == 0 || length >= size)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (value[i] <= ' ' || value[i] > '~')
			return false;
	}
	memcpy(text, value, length + 1);
	return true;
}

bool broker_json_is_true(const json_t *object, const char *member)
{
	return json_is_true(json_object_get(object, member));
}

/* A JSON number taken apart: its digits without the point, and where the point stands. */
struct number_parts {
	bool negative;
	char digits[64];
	int count;
	int point; /* so many digits stand before it; may be negative or beyond count */
};

static bool add_digits(const char **text, struct number_parts *parts)
{
	const char *start = *text;

	for (; **text >= '0' && **text <= '9'; (*text)++) {
		/* Leading zeros say nothing; "0" alone is no digit at all. */
		if (parts->count == 0 && **text == '0') {
			parts->point--;
			continue;
		}
		if (parts->count == (int)sizeof(parts->digits))
			return false;
		parts->digits[parts->count++] = **text;
	}
	return *text > start;
}

#define LARGEST_EXPONENT 40

static bool read_exponent(const char *text, int *exponent)
{
	bool negative = *text == '-';
	int value = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = 10 * value + (*text - '0');
		if (value > LARGEST_EXPONENT)
			return false;
	}
	*exponent = negative ? -value : value;
	return true;
}

/* Digits, perhaps a point and digits, perhaps an exponent. */
static bool take_apart(const char *number, struct number_parts *parts)
{
	const char *start;
	int exponent = 0;

	*parts = (struct number_parts){.negative = *number == '-'};
	if (parts->negative)
		number++;
	start = number;
	if (!add_digits(&number, parts))
		return false;
	parts->point += (int)(number - start);
	if (*number == '.') {
		number++;
		if (!add_digits(&number, parts))
			return false;
	}
	if (*number == 'e' || *number == 'E') {
		if (!read_exponent(number + 1, &exponent))
			return false;
	} else if (*number != '\0') {
		return false;
	}
	parts->point += exponent;
	return true;
}

/* Drops what stands behind the last kept digit of the fraction. */
static bool shorten(struct number_parts *parts, bool cut)
{
	int last = parts->point + DECIMAL_FRACTION_DIGITS;

	for (; parts->count > 0 && parts->count > last; parts->count--) {
		if (parts->digits[parts->count - 1] != '0' && !cut)
			return false;
	}
	return true;
}

/* Zeros stand on both sides of the digits. */
static char digit_at(const struct number_parts *parts, int place)
{
	if (place < 0 || place >= parts->count)
		return '0';
	return parts->digits[place];
}

bool broker_number_plain(const char *number, bool cut, struct decimal_plain *plain)
{
	struct number_parts parts;
	size_t length = 0;

	if (!take_apart(number, &parts) || !shorten(&parts, cut))
		return false;
	if (parts.count == 0) {
		memcpy(plain->text, "0", sizeof("0"));
		return true;
	}
	/* More digits before the point than any amount has. */
	if (parts.point > 30)
		return false;
	if (parts.negative)
		plain->text[length++] = '-';
	if (parts.point <= 0)
		plain->text[length++] = '0';
	for (int i = 0; i < parts.point; i++)
		plain->text[length++] = digit_at(&parts, i);
	if (parts.count > parts.point) {
		plain->text[length++] = '.';
		for (int i = parts.point; i < parts.count; i++)
			plain->text[length++] = digit_at(&parts, i);
	}
	plain->text[length] = '\0';
	return true;
}

bool broker_json_shares(const json_t *object, const char *member, struct shares *value)
{
	struct decimal_plain plain;

	return broker_number_plain(broker_json_text(object, member), false, &plain) &&
	       shares_parse(plain.text, value);
}

bool broker_json_usd(const json_t *object, const char *member, struct usd *value)
{
	struct decimal_plain plain;

	return broker_number_plain(broker_json_text(object, member), true, &plain) &&
	       usd_parse(plain.text, value);
}

static bool read_number(const char **text, int digits, int *value)
{
	*value = 0;
	for (int i = 0; i < digits; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		*value = 10 * *value + (**text - '0');
	}
	return true;
}

/* Minutes east of UTC, from "Z", "+hh:mm" or "+hhmm". */
static bool read_offset(const char *text, int *minutes)
{
	int sign = *text == '-' ? -1 : 1;
	int hours;
	int rest;

	*minutes = 0;
	if (strcmp(text, "Z") == 0)
		return true;
	if (*text != '+' && *text != '-')
		return false;
	text++;
	if (!read_number(&text, 2, &hours))
		return false;
	if (*text == ':')
		text++;
	if (!read_number(&text, 2, &rest) || *text != '\0' || hours > 23 || rest > 59)
		return false;
	*minutes = sign * (60 * hours + rest);
	return true;
}

/* The milliseconds of ".123456789"; nothing there is 0. */
static bool read_milliseconds(const char **text, int *milliseconds)
{
	int weight = 100;

	*milliseconds = 0;
	if (**text != '.')
		return true;
	(*text)++;
	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; (*text)++, weight /= 10)
		*milliseconds += weight * (**text - '0');
	return true;
}

bool broker_time_parse(const char *text, int64_t *wall_ms)
{
	char canonical[CLOCK_TEXT_SIZE];
	int milliseconds;
	int minutes;
	int64_t utc_ms;
	int length;

	if (strnlen(text, 19) < 19)
		return false;
	length = snprintf(canonical, sizeof(canonical), "%.19s.000Z", text);
	if (length != CLOCK_TEXT_SIZE - 1 || !clock_parse_text(canonical, &utc_ms))
		return false;
	text += 19;
	if (!read_milliseconds(&text, &milliseconds) || !read_offset(text, &minutes))
		return false;
	*wall_ms = utc_ms + milliseconds - (int64_t)minutes * 60000;
	return true;
}

static int append(const char *data, size_t length, void *context)
{
	return buffer_append(context, data, length) ? 0 : -1;
}

void broker_json_write(json_t *object, struct buffer *text)
{
	int result;

	invariant(object != NULL);
	buffer_clear(text);
	result = json_dump_callback(object, append, text, JSON_COMPACT);
	invariant(result == 0);
	json_decref(object);
}

void broker_words(struct bytes body, char *text, size_t size)
{
	size_t length = 0;

	for (size_t i = 0; i < body.length && length + 1 < size; i++) {
		uint8_t byte = body.data[i];
		bool blank = byte <= ' ' || byte > '~';

		/* Runs of blanks and line ends are one blank. */
		if (blank && (length == 0 || text[length - 1] == ' '))
			continue;
		text[length] = ' ';
		if (!blank)
			text[length] = (char)byte;
		length++;
	}
	text[length] = '\0';
}
