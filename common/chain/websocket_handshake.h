/*
 * The text of the WebSocket upgrade: our request, and whether the answer is the right one. No
 * network. Source: RFC 6455 chapter 4; RFC 9110 for header fields.
 */
#ifndef BALLAST_CHAIN_WEBSOCKET_HANDSHAKE_H
#define BALLAST_CHAIN_WEBSOCKET_HANDSHAKE_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>

/* base64 of 16 and of 20 bytes, and a NUL. */
#define WEBSOCKET_KEY_SIZE    25
#define WEBSOCKET_ACCEPT_SIZE 29

struct websocket_key {
	char text[WEBSOCKET_KEY_SIZE];
};
struct websocket_accept {
	char text[WEBSOCKET_ACCEPT_SIZE];
};

/* Sixteen random bytes: proves that the answer is to this request and not out of a cache. */
struct websocket_key websocket_key_new(void);

/* What the server must answer to that key. */
struct websocket_accept websocket_accept_of(const struct websocket_key *key);

/*
 * Appends the upgrade request for url (its http:// or https:// form); a user and password in it
 * become Authorization: Basic. REJECTED with kind INVALID: not a URL that can be asked.
 */
MUST_USE enum outcome websocket_handshake_request(const char *url, const struct websocket_key *key,
						  struct buffer *request, struct error *error);

/* Looks for the empty line that ends the head. True: the first *head_length bytes are the head. */
MUST_USE bool websocket_handshake_complete(struct bytes received, size_t *head_length);

/*
 * Judges a whole head. OK: from here on there are frames. RETRY: RATE_LIMITED for 429, UNREACHABLE
 * for 401, 403, 408 and 5xx, with retry_after_ms if said. REJECTED with kind MALFORMED: no
 * WebSocket endpoint, or one that breaks the protocol.
 */
MUST_USE enum outcome websocket_handshake_judge(struct bytes head, const struct websocket_key *key,
						struct error *error);

#endif
