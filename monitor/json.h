/*
 * JSON into a buffer, member by member: text is always escaped here and nowhere else. Text that
 * strangers chose may hold any bytes: what is not UTF-8 becomes U+FFFD, so that every answer is
 * JSON. Inside an object name is the member's, inside an array NULL.
 */
#ifndef BALLAST_MONITOR_JSON_H
#define BALLAST_MONITOR_JSON_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/decimal.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct json {
	struct buffer *text;
	bool comma; /* before the next member */
	bool full;  /* the buffer's maximum was met: what was written is not whole */
};

void json_begin(struct json *json, struct buffer *text);
/* False when it did not fit. */
MUST_USE bool json_end(const struct json *json);

void json_open_object(struct json *json, const char *name);
void json_close_object(struct json *json);
void json_open_array(struct json *json, const char *name);
void json_close_array(struct json *json);

void json_null(struct json *json, const char *name);
void json_boolean(struct json *json, const char *name, bool value);
void json_integer(struct json *json, const char *name, int64_t value);
/* value NULL: null. */
void json_text(struct json *json, const char *name, const char *value);
void json_shares(struct json *json, const char *name, struct shares value);
void json_usd(struct json *json, const char *name, struct usd value);

/* A column under its own name; NULL: null. */
void json_text_column(struct json *json, struct statement *row, const char *column);
void json_integer_column(struct json *json, struct statement *row, const char *column);

#endif
