/*
 * JSON text into jansson's values, for the files that read some. Out of memory is fatal here as
 * everywhere: jansson alone would say "not JSON", and a good event would be refused.
 */
#ifndef BALLAST_NET_JSON_TEXT_H
#define BALLAST_NET_JSON_TEXT_H

#include "base/buffer.h"

#include <jansson.h>
#include <stddef.h>

/* The caller json_decrefs. NULL with problem filled: not JSON, or a key twice in one object. */
json_t *json_text_parse(const char *text, size_t length, json_error_t *problem);

/*
 * The same, but every number is a string of its own digits, as they stand in the text ("150.10",
 * "18.0", "1e3"): jansson itself would make a binary fraction of it, and no money may pass through
 * one. scratch: initialised, holds the rewritten text (at most three times as long), cleared first;
 * NULL with problem filled when that is too long.
 */
json_t *json_text_parse_exact(struct bytes text, struct buffer *scratch, json_error_t *problem);

#endif
