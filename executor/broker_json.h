/*
 * Reading what brokers answer. Numbers come as JSON numbers or as strings, with exponents, trailing
 * zeros or as null; times in half a dozen forms. A member that is absent, null or of another type
 * reads as "not there": what is needed, the caller insists on.
 */
#ifndef BALLAST_EXECUTOR_BROKER_JSON_H
#define BALLAST_EXECUTOR_BROKER_JSON_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/decimal.h"
#include "base/outcome.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Parses with exact numbers (json_text_parse_exact). NULL with REJECTED in error: not JSON. The
 * caller json_decrefs.
 */
json_t *broker_json_parse(struct bytes text, const char *what, struct error *error);

/* The member's text, "" when there is none. A number reads as its digits. */
const char *broker_json_text(const json_t *object, const char *member);

/* Copies the member's text; false when it is absent, empty, does not fit, or has other characters
 * than printable ASCII. */
MUST_USE bool broker_json_copy(const json_t *object, const char *member, char *text, size_t size);

/* Exact; false when absent or not such a number. Trailing zeros and exponents are read. */
MUST_USE bool broker_json_shares(const json_t *object, const char *member, struct shares *value);
/* The same; digits behind the 18th of the fraction are cut off: an average may be endless. */
MUST_USE bool broker_json_usd(const json_t *object, const char *member, struct usd *value);

/* True only for a JSON true. */
bool broker_json_is_true(const json_t *object, const char *member);

/*
 * A plain decimal ("-12.5") out of any JSON number ("-1.25e1"). Digits behind the 18th of the
 * fraction are cut off if cut, or else must be zeros. False: no number, or out of all proportion.
 */
struct decimal_plain {
	char text[96];
};
MUST_USE bool broker_number_plain(const char *number, bool cut, struct decimal_plain *plain);

/*
 * RFC 3339 and its cousins: "2026-05-15T18:55:30+0000", "...30.123456789-04:00", "...30Z". False:
 * none of them, or no such day.
 */
MUST_USE bool broker_time_parse(const char *text, int64_t *wall_ms);

/* The object as one line of JSON into text, which is cleared first. Steals the object. */
void broker_json_write(json_t *object, struct buffer *text);

/* Printable ASCII of what the broker said, shortened: fit for a log and for executions.error. */
void broker_words(struct bytes body, char *text, size_t size);

#endif
