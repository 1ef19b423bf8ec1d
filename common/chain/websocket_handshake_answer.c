/*
 * The judging half of websocket_handshake.h.
 *
 *	HTTP/1.1 101 Switching Protocols CRLF
 *	Name: value CRLF                        any number, any order, names of either case
 *	CRLF
 *
 * Strict where two readers could disagree: every line ends with CRLF, no folded lines, no blanks
 * before the colon, no NUL, and what decides comes once.
 */
#include "chain/websocket_handshake.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

/* A server that asks for more than a day is taken as a day; what is waited is capped again by
 * backoff.h. */
#define RETRY_AFTER_MAXIMUM_SECONDS (24 * 60 * 60)

bool websocket_handshake_complete(struct bytes received, size_t *head_length)
{
	const uint8_t *end;

	if (received.length == 0)
		return false;
	end = memmem(received.data, received.length, "\r\n\r\n", 4);
	if (end == NULL)
		return false;
	*head_length = (size_t)(end - received.data) + 4;
	return true;
}

/* What the fields of a head say, as far as it matters. */
struct fields {
	bool readable;
	bool upgrade_right;
	bool connection_upgrade;
	bool accept_right;
	bool not_asked_for; /* an extension or a subprotocol */
	size_t upgrade_count;
	size_t accept_count;
	int64_t retry_after_ms;
};

static bool is(struct bytes text, const char *word)
{
	return text.length == strlen(word) &&
	       strncasecmp((const char *)text.data, word, text.length) == 0;
}

static struct bytes trimmed(struct bytes text)
{
	while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
		text.data++;
		text.length--;
	}
	while (text.length > 0 &&
	       (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
		text.length--;
	return text;
}

/* Cuts text at the first separator: what stood before it, and the rest into *text. */
static struct bytes cut(struct bytes *text, char separator)
{
	const uint8_t *end = text->length == 0 ? NULL : memchr(text->data, separator, text->length);
	struct bytes before = *text;

	if (end == NULL) {
		text->data += text->length;
		text->length = 0;
		return before;
	}
	before.length = (size_t)(end - text->data);
	text->data += before.length + 1;
	text->length -= before.length + 1;
	return before;
}

static bool has_token(struct bytes list, const char *token)
{
	while (list.length > 0) {
		if (is(trimmed(cut(&list, ',')), token))
			return true;
	}
	return false;
}

/* Retry-After: seconds or a date. Anything else, and a date that has passed, is 0. */
static int64_t retry_after_ms(struct bytes value)
{
	int64_t seconds = 0;
	char text[40];
	size_t digits = 0;

	if (value.length == 0 || value.length >= sizeof(text))
		return 0;
	memcpy(text, value.data, value.length);
	text[value.length] = '\0';
	while (text[digits] >= '0' && text[digits] <= '9' && seconds <= RETRY_AFTER_MAXIMUM_SECONDS)
		seconds = seconds * 10 + (text[digits++] - '0');
	if (digits == 0) {
		seconds = (int64_t)curl_getdate(text, NULL);
		if (seconds > 0)
			seconds -= clock_wall_ms() / 1000;
	}
	if (seconds < 0)
		return 0;
	return 1000 *
	       (seconds > RETRY_AFTER_MAXIMUM_SECONDS ? RETRY_AFTER_MAXIMUM_SECONDS : seconds);
}

static void read_field(struct bytes name, struct bytes value, const char *accept,
		       struct fields *fields)
{
	if (is(name, "Upgrade")) {
		fields->upgrade_count++;
		fields->upgrade_right = is(value, "websocket");
	} else if (is(name, "Connection")) {
		fields->connection_upgrade |= has_token(value, "upgrade");
	} else if (is(name, "Sec-WebSocket-Accept")) {
		fields->accept_count++;
		fields->accept_right = value.length == strlen(accept) &&
				       memcmp(value.data, accept, value.length) == 0;
	} else if (is(name, "Sec-WebSocket-Extensions") || is(name, "Sec-WebSocket-Protocol")) {
		fields->not_asked_for = true;
	} else if (is(name, "Retry-After")) {
		fields->retry_after_ms = retry_after_ms(value);
	}
}

static bool is_field_name(struct bytes name)
{
	for (size_t i = 0; i < name.length; i++) {
		if (name.data[i] <= ' ' || name.data[i] >= 0x7f)
			return false;
	}
	return name.length > 0;
}

/* rest: the lines after the first, up to and with the empty one. */
static struct fields read_fields(struct bytes rest, const char *accept)
{
	struct fields fields = {.readable = false};

	while (rest.length > 0) {
		struct bytes line = cut(&rest, '\n');
		struct bytes name;

		if (line.length == 0 || line.data[line.length - 1] != '\r')
			return fields;
		line.length--;
		if (line.length == 0) {
			fields.readable = rest.length == 0;
			return fields;
		}
		if (memchr(line.data, '\0', line.length) != NULL ||
		    memchr(line.data, '\r', line.length) != NULL ||
		    memchr(line.data, ':', line.length) == NULL)
			return fields;
		name = cut(&line, ':');
		if (!is_field_name(name))
			return fields;
		read_field(name, trimmed(line), accept, &fields);
	}
	return fields;
}

/* "HTTP/1.1 101 Switching Protocols\r" gives 101; 0 when it is not such a line. */
static int read_status(struct bytes line)
{
	static const char version[] = "HTTP/1.1 ";
	const size_t start = sizeof(version) - 1;
	int status = 0;

	if (line.length < start + 4 || memcmp(line.data, version, start) != 0)
		return 0;
	for (size_t i = start; i < start + 3; i++) {
		if (line.data[i] < '0' || line.data[i] > '9')
			return 0;
		status = status * 10 + (line.data[i] - '0');
	}
	if (line.data[start + 3] != ' ' && line.data[start + 3] != '\r')
		return 0;
	return status;
}

static enum outcome refused(int status, const struct fields *fields, struct error *error)
{
	enum outcome outcome = OUTCOME_RETRY;

	if (status == 429)
		(void)error_set(error, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED,
				"HTTP %d instead of a WebSocket", status);
	else if (status == 401 || status == 403 || status == 408 || status >= 500)
		(void)error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				"HTTP %d instead of a WebSocket", status);
	else
		outcome = error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				    "not a WebSocket endpoint: HTTP %d", status);
	if (outcome == OUTCOME_RETRY && error != NULL)
		error->retry_after_ms = fields->retry_after_ms;
	return outcome;
}

static enum outcome broken(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
			 "the answer to the WebSocket upgrade has %s", what);
}

enum outcome websocket_handshake_judge(struct bytes head, const struct websocket_key *key,
				       struct error *error)
{
	struct websocket_accept accept = websocket_accept_of(key);
	struct bytes rest = head;
	int status = read_status(cut(&rest, '\n'));
	struct fields fields = read_fields(rest, accept.text);

	if (status < 100)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "not a WebSocket endpoint: the answer is not HTTP/1.1");
	if (status != 101)
		return refused(status, &fields, error);
	if (!fields.readable)
		return broken(error, "an unreadable head");
	if (fields.upgrade_count != 1 || !fields.upgrade_right)
		return broken(error, "no Upgrade: websocket");
	if (!fields.connection_upgrade)
		return broken(error, "no Connection: Upgrade");
	if (fields.accept_count != 1 || !fields.accept_right)
		return broken(error, "a wrong Sec-WebSocket-Accept");
	if (fields.not_asked_for)
		return broken(error, "an extension or a subprotocol that was not asked for");
	return OUTCOME_OK;
}
