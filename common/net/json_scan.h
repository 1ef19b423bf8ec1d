/*
 * JSON text looked through where it stands, without a tree of values: for who wants a few members
 * of a long text and every time the same. Strict: RFC 8259, nothing behind the value, at most
 * JSON_SCAN_DEPTH levels. What is not looked for is passed over, but must be JSON, too.
 */
#ifndef BALLAST_NET_JSON_SCAN_H
#define BALLAST_NET_JSON_SCAN_H

#include "base/buffer.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

#define JSON_SCAN_DEPTH 32

/* A member that is wanted. value: its text, in the text that was looked through; data NULL: absent.
 */
struct json_member {
	const char *name; /* compared byte by byte: a name written with escapes is another one */
	struct bytes value;
};

/*
 * Fills in the members of the object that text is; those that are there before are forgotten.
 * False: not JSON, no object, or a wanted member twice.
 */
MUST_USE bool json_scan_object(struct bytes text, struct json_member *members, size_t count);

/* The first item of the list that text is, which must be JSON. False: no list, or an empty one. */
MUST_USE bool json_scan_first_item(struct bytes text, struct bytes *item);

/* What stands between the quotes of the string that text is. False: no string, or one with escapes.
 */
MUST_USE bool json_scan_plain_string(struct bytes text, struct bytes *string);

#endif
