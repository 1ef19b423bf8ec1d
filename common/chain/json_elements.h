/*
 * Takes the elements of a JSON-RPC answer's list out of it as they arrive, so that an answer need
 * never be in memory as a whole:
 *
 *	{"jsonrpc":"2.0","id":7,"result":[{..},{..}]}   ->   {"jsonrpc":"2.0","id":7,"result":[0,0]}
 *
 * and the text under "data" out of each, which is nearly all of it and need not be read as JSON:
 *
 *	{"address":"0x..","data":"0x..","removed":false}   ->   {"address":"0x..","data":"",..}
 *
 * They are handed over one by one, as text; when each of them is JSON, what is left is JSON if and
 * only if the whole was. Who reads both has read everything. Nothing is judged here but where an
 * element begins and ends. An answer of another shape, and an element without brackets, is left as
 * it is.
 */
#ifndef BALLAST_CHAIN_JSON_ELEMENTS_H
#define BALLAST_CHAIN_JSON_ELEMENTS_H

#include "base/buffer.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/* data: what stood between the quotes, as it stood there. Both end with a NUL that does not count,
 * and are valid during the call. */
typedef void json_element_fn(void *context, struct bytes text, const char *data);

/* Owns: element, data. */
struct json_elements {
	json_element_fn *take;
	void *context;
	struct buffer element; /* of what is arriving */
	struct buffer data;
	bool in_string;
	bool escaped; /* the byte before was a backslash that escapes */
	bool in_data;
	bool in_list;
	bool was_key;	/* the last text was the key that is looked for .. */
	bool at_value;	/* .. and the colon behind it was the last that counts */
	size_t matched; /* so many letters of the key */
	size_t depth;
	size_t taken;
};

/* maximum: of one element, and of its data. */
void json_elements_init(struct json_elements *elements, size_t maximum, json_element_fn *take,
			void *context);
void json_elements_free(struct json_elements *elements);
/* For the next answer. */
void json_elements_clear(struct json_elements *elements);

/* The next bytes of the answer; what is left is appended to rest. False: more than fits. */
MUST_USE bool json_elements_feed(struct json_elements *elements, const char *text, size_t length,
				 struct buffer *rest);

#endif
