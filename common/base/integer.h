/* Whole numbers as decimal digits, from a command line, a configuration or a URL. */
#ifndef BALLAST_BASE_INTEGER_H
#define BALLAST_BASE_INTEGER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nothing but digits, at least one, and no more than INT64_MAX: no sign, no blank. Leading zeros
 * are digits. */
MUST_USE bool integer_parse(const char *text, size_t length, int64_t *number);

#endif
