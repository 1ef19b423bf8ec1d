/*
 * JSON text into jansson's values, for the files of chain/ that read some. Out of memory is fatal
 * here as everywhere: jansson alone would say "not JSON", and a good event would be refused.
 */
#ifndef BALLAST_CHAIN_JSON_TEXT_H
#define BALLAST_CHAIN_JSON_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* The caller json_decrefs. NULL with problem filled: not JSON, or a key twice in one object. */
json_t *json_text_parse(const char *text, size_t length, json_error_t *problem);

#endif
