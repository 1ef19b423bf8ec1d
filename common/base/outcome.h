/*
 * The one convention for failure that the caller may handle: an outcome says what may be done next,
 * struct error says why, for people. (The other two doors, fatal and invariant, are in log.h.)
 */
#ifndef BALLAST_BASE_OUTCOME_H
#define BALLAST_BASE_OUTCOME_H

#include "base/compiler.h"

#include <stdint.h>

enum outcome {
	OUTCOME_OK = 0,
	OUTCOME_RETRY,	  /* nothing happened: the same call may be made again, after a backoff */
	OUTCOME_REJECTED, /* will never succeed: malformed bytes, order refused */
	OUTCOME_UNKNOWN,  /* may have happened: read back before deciding anything */
};

/* The categories that logs and exit messages name; error_kind_name() gives the words. */
enum error_kind {
	ERROR_KIND_NONE = 0,	    /* not further classified */
	ERROR_KIND_UNREACHABLE,	    /* connecting, TLS, time-out, connection lost, HTTP 5xx */
	ERROR_KIND_RPC,		    /* the node answered with a JSON-RPC error */
	ERROR_KIND_RATE_LIMITED,    /* HTTP 429 or the provider's words for it */
	ERROR_KIND_RANGE_TOO_LARGE, /* eth_getLogs: ask for fewer blocks */
	ERROR_KIND_MALFORMED,	    /* an answer that is not what the protocol says */
	ERROR_KIND_BEHIND,	    /* the node does not have the block (yet), or its chain moved */
	ERROR_KIND_ABSENT,	    /* has the block, not what is asked of it: pruned */
	ERROR_KIND_UNDER_WAY,	    /* asked and not answered yet: evm_dialogues.h */
	ERROR_KIND_INVALID,	    /* input that can never be accepted */
};

#define ERROR_TEXT_SIZE 256

/* Fixed size, on the caller's stack, nothing to free. Untouched unless the call failed. */
struct error {
	enum error_kind kind;
	int64_t retry_after_ms; /* what the peer asked for (Retry-After); 0: it said nothing */
	char text[ERROR_TEXT_SIZE];
};

/* Fills error (which may be NULL) and returns outcome, so that failing is one line. */
enum outcome error_set(struct error *error, enum outcome outcome, enum error_kind kind,
		       const char *format, ...) PRINTF_LIKE(4, 5);

/* "rate limited", "range too large", ...: as the operator reads it. */
const char *error_kind_name(enum error_kind kind);

#endif
