/*
 * HTTP POST of JSON to one endpoint, several at once on one thread, by libcurl (multi interface).
 * TLS certificate and host name verified, no redirects, no netrc, no proxy from the environment,
 * only http and https, no compression asked for (nothing to inflate, no bomb), answer size capped
 * in the write callback.
 *
 * For reads only, never for an order: a request whose answer was lost may have been carried out,
 * and is RETRY here, not UNKNOWN; libcurl itself may send it twice.
 */
#ifndef BALLAST_CHAIN_HTTP_H
#define BALLAST_CHAIN_HTTP_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;

struct http_options {
	const char *url;
	const char *ca_file; /* "" : the system's */
	int64_t timeout_ms;  /* of one whole request; connecting gets at most half of it */
	size_t concurrency;  /* requests that may run at once, >= 1 */
	size_t maximum_answer_bytes;
};

/* One finished request. body: valid until http_release of its slot. */
struct http_answer {
	size_t slot;
	/* OK: 2xx; RETRY: transport, 408, 429, 5xx; REJECTED: other statuses, too large */
	enum outcome outcome;
	long status; /* 0 when no answer came */
	/*
	 * Also with an error status: providers put JSON-RPC errors there. Whole; without an answer
	 * empty. Never NULL when the outcome is OK.
	 */
	struct bytes body;
	/*
	 * When not OK: kind UNREACHABLE, RATE_LIMITED, MALFORMED (a status that says so) or
	 * RANGE_TOO_LARGE (more than maximum_answer_bytes). retry_after_ms is Retry-After of an
	 * answer that is RETRY.
	 */
	struct error error;
};

/* Something beside which answers are waited for, and which counts more than any of them. */
struct http_interruption {
	int fd; /* readable when it may have come */
	/* Whether it has; asked at every wake-up of http_wait_beside. */
	bool (*has_come)(void *context);
	void *context;
};

/* Strings are copied. */
struct http_client *http_open(const struct http_options *options);
void http_close(struct http_client *client);

/* A free slot, or false when concurrency requests are under way or unreleased. */
bool http_slot_available(const struct http_client *client, size_t *slot);

/*
 * An answer came that cannot be the one to its request. The connection it came over may hold more
 * of the kind (a proxy that answers twice puts every later answer one behind), and which one that
 * was is not known: each connection that is kept is used once more, then closed.
 */
void http_distrust_connections(struct http_client *client);

/*
 * Takes an answer's bytes as they arrive and appends to body what is to be kept of them, for who
 * need not have an answer in memory as a whole. False: it is too large, which ends the request.
 * Such answers are taken one at a time: one that is there may wait for another, within its time.
 */
struct http_filter {
	bool (*take)(void *context, const char *text, size_t length, struct buffer *body);
	void *context;
};

/* Starts POSTing body (copied) on a free slot. filter: NULL, or copied; what stands in its answer
 * instead of the body is what the filter has kept. */
void http_start(struct http_client *client, size_t slot, struct bytes body,
		const struct http_filter *filter);

/*
 * Waits until one request has finished (true), timeout_ms passed or the process is to stop (false).
 * With nothing under way it returns false at once.
 */
bool http_wait(struct http_client *client, int64_t timeout_ms, struct http_answer *answer);

/* The same, and it also gives up when the interruption has come. */
bool http_wait_beside(struct http_client *client, const struct http_interruption *interruption,
		      int64_t timeout_ms, struct http_answer *answer);

/* Gives the slot back; its body is gone. A request still under way is cancelled. */
void http_release(struct http_client *client, size_t slot);

/* The same for a finished request, whose body becomes the caller's: body is overwritten, and freed
 * by him. */
void http_take(struct http_client *client, size_t slot, struct buffer *body);

/* Start, wait and keep the slot: one request alone. False: the process is to stop (the slot is
 * released). */
bool http_post(struct http_client *client, struct bytes body, struct http_answer *answer);

#endif
