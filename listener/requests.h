/*
 * The questions that are under way on the connection: which id asked what, and until when an answer
 * is waited for. Fixed room: the listener asks little, and a server that answers nothing must not
 * make us grow.
 */
#ifndef BALLAST_LISTENER_REQUESTS_H
#define BALLAST_LISTENER_REQUESTS_H

#include "base/compiler.h"
#include "base/evm_types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQUESTS_MAXIMUM 32

enum request_kind {
	REQUEST_CHAIN_ID,
	REQUEST_GENESIS,
	REQUEST_SUBSCRIBE_LOGS,
	REQUEST_SUBSCRIBE_HEADS,
	REQUEST_CUTOFF,	     /* eth_blockNumber, when no event came */
	REQUEST_HEAD_CHECK,  /* eth_blockNumber, when no head came */
	REQUEST_CUTOFF_LOGS, /* all logs of the cutoff block */
	REQUEST_BLOCK_LOGS,  /* all logs of a block of which a part is missing */
	REQUEST_BLOCK_TIME,  /* the header of a block whose logs carry no time */
};

struct request {
	uint64_t id;
	enum request_kind kind;
	uint64_t block_number;
	struct evm_word block_hash;
	int64_t deadline_ms; /* monotonic */
};

struct requests {
	struct request items[REQUESTS_MAXIMUM];
	size_t count;
	uint64_t next_id; /* never used twice in the life of the process */
};

/* Forgets all that is under way (the connection is gone). */
void requests_clear(struct requests *requests);

/* False when there is no room: ask later. The new entry's id, block_number and block_hash are the
 * caller's to use. */
MUST_USE bool requests_add(struct requests *requests, enum request_kind kind, int64_t timeout_ms,
			   struct request **request);

/* Takes out the entry with that id; false: nobody asked. */
MUST_USE bool requests_take(struct requests *requests, uint64_t id, struct request *request);

/* Whether that is being asked already. block_number counts only for questions about a block. */
bool requests_pending(const struct requests *requests, enum request_kind kind,
		      uint64_t block_number);

/* The earliest deadline; INT64_MAX when nothing is under way. */
int64_t requests_next_deadline_ms(const struct requests *requests);

/* For the log: "eth_chainId", ... */
const char *request_kind_name(enum request_kind kind);

#endif
