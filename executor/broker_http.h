/*
 * HTTPS to a broker. libcurl with certificate and host verified, TLS 1.2 or newer, no redirect, no
 * netrc, no proxy, size and time capped; plain http only on the loopback.
 *
 * Connections are kept and shared by all requests. An order goes over the one that has just been
 * read from, and is sent at most once: libcurl, which would repeat it if that connection turns out
 * to be dead, is kept from it. See docs/decisions/0006-an-order-goes-over-a-kept-connection.md.
 */
#ifndef BALLAST_EXECUTOR_BROKER_HTTP_H
#define BALLAST_EXECUTOR_BROKER_HTTP_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kept connections, and reads at the same time. */
#define BROKER_HTTP_AT_ONCE 2

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

/* Until the next call. */
struct broker_http_answer {
	long status;
	struct bytes body;
	const char *location; /* the header, "" without one or too long */
};

/* True for a URL that may carry secrets: https, or http to the loopback. */
bool broker_http_url_is_safe(const char *url);

/* Strings are copied. */
struct broker_http *broker_http_open(const struct broker_http_options *options);
void broker_http_close(struct broker_http *http);

/*
 * One request. OK: a whole answer came, of whatever status but 429. RETRY: surely nothing of the
 * request reached the broker's hands, or it said 429 (the broker is left alone for as long as it
 * asked, by every later call too). UNKNOWN: something was sent, and no whole answer came. For a
 * read RETRY and UNKNOWN mean the same.
 */
enum outcome broker_http_call(struct broker_http *http, const struct broker_http_request *request,
			      struct broker_http_answer *answer, struct error *error);

/*
 * Up to BROKER_HTTP_AT_ONCE reads at the same time, over a connection each. OK when all are, else
 * what became of the first that is not.
 */
enum outcome broker_http_read_all(struct broker_http *http,
				  const struct broker_http_request *requests, size_t count,
				  struct broker_http_answer *answers, struct error *error);

/* Percent-encodes all but letters, digits and -._~ into text. False: does not fit. */
MUST_USE bool broker_http_encode(const char *value, char *text, size_t size);

#endif
