/*
 * One TCP or TLS connection by libcurl (CURLOPT_CONNECT_ONLY), then non-blocking bytes. Knows
 * nothing of WebSocket.
 */
#ifndef BALLAST_CHAIN_WEBSOCKET_CONNECTION_H
#define BALLAST_CHAIN_WEBSOCKET_CONNECTION_H

#include "base/compiler.h"
#include "base/outcome.h"

#include <stddef.h>
#include <stdint.h>

struct websocket_connection;

enum connection_result {
	CONNECTION_DONE,	/* at least one byte */
	CONNECTION_WOULD_BLOCK, /* none without waiting */
	CONNECTION_LOST,	/* closed or broken: websocket_connection_reason says how */
};

/* url: http:// or https://. RETRY with kind UNREACHABLE when there is no connection by deadline_ms.
 */
MUST_USE enum outcome websocket_connection_open(const char *url, const char *ca_file,
						int64_t deadline_ms,
						struct websocket_connection **connection,
						struct error *error);
void websocket_connection_close(struct websocket_connection *connection);

int websocket_connection_fd(const struct websocket_connection *connection);

/*
 * The TLS layer may hold bytes that poll() no longer shows: read until WOULD_BLOCK. After
 * WOULD_BLOCK of a send the same bytes, at the same address, must be sent again before others.
 */
MUST_USE enum connection_result
websocket_connection_receive(struct websocket_connection *connection, void *bytes, size_t size,
			     size_t *received);
MUST_USE enum connection_result websocket_connection_send(struct websocket_connection *connection,
							  const void *bytes, size_t length,
							  size_t *sent);

/* Why it was lost, for people. */
const char *websocket_connection_reason(const struct websocket_connection *connection);

/* Waits for poll events; RETRY with kind UNREACHABLE past deadline_ms or when the process is to
 * stop. */
MUST_USE enum outcome websocket_connection_wait(const struct websocket_connection *connection,
						short events, int64_t deadline_ms,
						struct error *error);

#endif
