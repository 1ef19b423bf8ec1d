/*
 * What the head of a broker's answer says beside the status. One line at a time; what cannot be
 * read counts as absent. Source: Alpaca's and Schwab's documents, RFC 9110.
 */
#ifndef BALLAST_EXECUTOR_BROKER_HTTP_HEAD_H
#define BALLAST_EXECUTOR_BROKER_HTTP_HEAD_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BROKER_LOCATION_SIZE	 512
#define STATUS_TOO_MANY_REQUESTS 429

struct broker_http_head {
	char location[BROKER_LOCATION_SIZE]; /* "" without one, or too long */
	bool has_date;
	int64_t date_ms; /* the broker's wall time */
	bool has_remaining;
	int64_t remaining; /* X-RateLimit-Remaining */
	int64_t reset_s;   /* X-RateLimit-Reset: seconds since 1970, by the broker's clock */
	int64_t retry_after_s;
};

/* Takes in a header line of so many bytes; head begins as zeros. */
void broker_http_head_read(struct broker_http_head *head, const char *line, size_t length);

/* How long the broker wants to be left alone from now on; 0: it does not say so. */
int64_t broker_http_head_pause_ms(const struct broker_http_head *head, long status);

#endif
