/* Every clock goes through here. Order never depends on time: rows are ordered by id or position.
 */
#ifndef BALLAST_BASE_CLOCK_H
#define BALLAST_BASE_CLOCK_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* "2026-11-23T22:59:20.123Z" and its NUL. */
#define CLOCK_TEXT_SIZE 25

struct clock_text {
	char text[CLOCK_TEXT_SIZE];
};

/* For deadlines and intervals. Unit: milliseconds (microseconds) since some start. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);

/* The shorter of two waits in milliseconds. -1: there is nothing to wait for. */
int64_t clock_shorter_wait_ms(int64_t a_ms, int64_t b_ms);

/* Wall time. Unit: milliseconds since 1970. Only for what people and other systems read. */
int64_t clock_wall_ms(void);

/* UTC ISO-8601 with milliseconds, the one form in which times stand in the database. */
struct clock_text clock_now_text(void);
struct clock_text clock_text_of_ms(int64_t wall_ms);

/* The reverse; false unless text is exactly that form. */
MUST_USE bool clock_parse_text(const char *text, int64_t *wall_ms);

#endif
