/* Percent-encoding in the query of a URL. Source: RFC 3986, section 2.1. */
#ifndef BALLAST_NET_PERCENT_H
#define BALLAST_NET_PERCENT_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Takes plain characters and %XX, and writes what they stand for and a NUL. False when an escape is
 * broken, nothing is there, it does not fit into size, or it stands for anything but printable
 * ASCII without blanks.
 */
MUST_USE bool percent_decode(const char *value, size_t length, char *text, size_t size);

#endif
