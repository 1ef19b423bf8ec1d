/*
 * A WebSocket client connection: libcurl connects (TCP, TLS with certificate, host name and SNI),
 * the HTTP/1.1 upgrade and Sec-WebSocket-Accept are checked here, wslay frames and unframes.
 * Source: RFC 6455 chapters 4 (handshake), 5 (frames), 7.4 (close codes).
 * No extension is offered, so nothing is ever compressed. Messages longer than
 * BUFFER_MAX_WEBSOCKET_MESSAGE end the connection (1009).
 */
#ifndef BALLAST_CHAIN_WEBSOCKET_H
#define BALLAST_CHAIN_WEBSOCKET_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct websocket;

/*
 * A text (checked to be UTF-8) or binary message, whole. text is only valid during the call, which
 * may send but not close. Never called from within websocket_open.
 */
typedef void websocket_message_fn(void *context, const char *text, size_t length);

struct websocket_options {
	const char *url;     /* ws:// or wss:// */
	const char *ca_file; /* "": the system's */
	int64_t timeout_ms;  /* of connecting and the handshake together */
	websocket_message_fn *on_message;
	void *context;
};

/*
 * RETRY (UNREACHABLE; RATE_LIMITED with retry_after_ms) or REJECTED (MALFORMED: not a WebSocket
 * server; INVALID: not such a URL). On OK *websocket is open. RETRY also when the process is to
 * stop.
 */
MUST_USE enum outcome websocket_open(const struct websocket_options *options,
				     struct websocket **websocket, struct error *error);

/* Sends a close frame if it can without waiting, then closes. */
void websocket_close(struct websocket *websocket);

/*
 * For poll(); also ask websocket_wants_write. After POLLIN or POLLOUT call websocket_service.
 * wants_write is true, too, while bytes were received that poll() cannot see (behind the handshake,
 * inside TLS): POLLOUT then ends the wait.
 */
int websocket_fd(const struct websocket *websocket);
bool websocket_wants_write(const struct websocket *websocket);

/*
 * Reads (1 MiB a call at most, so that no server keeps the caller from its timers) and writes what
 * is possible without waiting; on_message is called for each whole message; pings of the server are
 * answered. RETRY (UNREACHABLE): closed or lost; REJECTED (MALFORMED): the peer broke the protocol.
 */
MUST_USE enum outcome websocket_service(struct websocket *websocket, struct error *error);

/*
 * Queues; websocket_service sends. RETRY: the connection no longer takes messages (it ended, or
 * 1024 wait already).
 */
MUST_USE enum outcome websocket_send_text(struct websocket *websocket, struct bytes text,
					  struct error *error);
MUST_USE enum outcome websocket_send_ping(struct websocket *websocket, struct error *error);

/* Monotonic time of the last byte from the server, whatever it was (a pong, too). */
int64_t websocket_last_received_ms(const struct websocket *websocket);

#endif
