/* See broker_http_head.h. */
#include "executor/broker_http_head.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

/* How long the broker is left alone after a 429 that names no time; and at most, if it does. */
#define PAUSE_DEFAULT_MS 5000
#define PAUSE_MAXIMUM_MS 300000

/* The header's value, trimmed into text; false when the line is another header or does not fit. */
static bool header_value(const char *line, size_t length, const char *name, char *text, size_t size)
{
	size_t name_length = strlen(name);
	size_t start = name_length + 1;

	if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
	    line[name_length] != ':')
		return false;
	while (start < length && (line[start] == ' ' || line[start] == '\t'))
		start++;
	while (length > start && (unsigned char)line[length - 1] <= ' ')
		length--;
	if (length - start >= size)
		return false;
	memcpy(text, line + start, length - start);
	text[length - start] = '\0';
	return true;
}

static bool header_number(const char *line, size_t length, const char *name, int64_t *value)
{
	char text[20];
	char *end;

	if (!header_value(line, length, name, text, sizeof(text)) || text[0] < '0' || text[0] > '9')
		return false;
	*value = strtoll(text, &end, 10);
	return *end == '\0';
}

void broker_http_head_read(struct broker_http_head *head, const char *line, size_t length)
{
	char date[64];
	time_t seconds;

	(void)header_value(line, length, "Location", head->location, sizeof(head->location));
	(void)header_number(line, length, "X-RateLimit-Reset", &head->reset_s);
	(void)header_number(line, length, "Retry-After", &head->retry_after_s);
	if (header_number(line, length, "X-RateLimit-Remaining", &head->remaining))
		head->has_remaining = true;
	if (header_value(line, length, "Date", date, sizeof(date))) {
		seconds = curl_getdate(date, NULL);
		head->has_date = seconds > 0;
		head->date_ms = (int64_t)seconds * 1000;
	}
}

/* How long until the window of X-RateLimit-Reset ends, by the broker's clock if it told. */
static int64_t until_reset_ms(const struct broker_http_head *head)
{
	int64_t now_ms = head->has_date ? head->date_ms : clock_wall_ms();
	int64_t left_ms;

	if (head->reset_s <= 0 || head->reset_s > INT64_MAX / 1000)
		return 0;
	left_ms = head->reset_s * 1000 - now_ms;
	return left_ms > 0 ? left_ms : 0;
}

int64_t broker_http_head_pause_ms(const struct broker_http_head *head, long status)
{
	int64_t pause_ms = 0;

	if (status == STATUS_TOO_MANY_REQUESTS) {
		pause_ms = until_reset_ms(head);
		if (head->retry_after_s > 0 && head->retry_after_s < PAUSE_MAXIMUM_MS)
			pause_ms = head->retry_after_s * 1000;
		if (pause_ms < 1000)
			pause_ms = PAUSE_DEFAULT_MS;
	} else if (head->has_remaining && head->remaining == 0) {
		pause_ms = until_reset_ms(head);
	}
	return pause_ms < PAUSE_MAXIMUM_MS ? pause_ms : PAUSE_MAXIMUM_MS;
}
