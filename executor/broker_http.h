/*
 * HTTPS to a broker, one request at a time. libcurl with certificate and host verified, TLS 1.2 or
 * newer, no redirect, no netrc, no proxy, size and time capped; plain http only on the loopback.
 *
 * Reads share one kept connection. An order goes over a connection of its own, made for it and
 * closed behind it: libcurl repeats a request by itself only when a kept connection turns out to be
 * dead, so an order is never repeated.
 */
#ifndef BALLAST_EXECUTOR_BROKER_HTTP_H
#define BALLAST_EXECUTOR_BROKER_HTTP_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker_http;

struct broker_http_options {
	const char *base_url; /* "https://host[:port]", without a path */
	const char *ca_file;  /* "" : the system's */
	int64_t timeout_ms;   /* of one whole request */
};

struct broker_http_request {
	const char *method;	   /* "GET", "POST" */
	const char *path;	   /* "/v2/orders?limit=1", encoded */
	const char *authorization; /* a header line, or NULL; never logged */
	const char *second_header; /* another one, or NULL; never logged */
	const char *content_type;  /* of the body; NULL: there is none */
	struct bytes body;
	bool is_order; /* never repeated, and waited for even when the process is to stop */
};

#define BROKER_LOCATION_SIZE 512

struct broker_http_answer {
	long status;
	struct bytes body;		     /* until the next call */
	char location[BROKER_LOCATION_SIZE]; /* the header, "" without one or too long */
	bool has_date;			     /* the header Date, wall time of the broker */
	int64_t date_ms;
};

/* True for a URL that may carry secrets: https, or http to the loopback. */
bool broker_http_url_is_safe(const char *url);

/* Strings are copied. */
struct broker_http *broker_http_open(const struct broker_http_options *options);
void broker_http_close(struct broker_http *http);

/*
 * OK: a whole answer came, of whatever status but 429. RETRY: surely nothing of the request reached
 * the broker's hands, or it said 429 (the broker is left alone for as long as it asked, by every
 * later call too). UNKNOWN: something was sent, and no whole answer came. For a read RETRY and
 * UNKNOWN mean the same.
 */
enum outcome broker_http_call(struct broker_http *http, const struct broker_http_request *request,
			      struct broker_http_answer *answer, struct error *error);

/* Percent-encodes all but letters, digits and -._~ into text. False: does not fit. */
MUST_USE bool broker_http_encode(const char *value, char *text, size_t size);

#endif
