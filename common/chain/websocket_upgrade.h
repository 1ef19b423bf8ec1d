/* The upgrade of a fresh connection to a WebSocket: asks, waits for the head of the answer, has it
 * judged. */
#ifndef BALLAST_CHAIN_WEBSOCKET_UPGRADE_H
#define BALLAST_CHAIN_WEBSOCKET_UPGRADE_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"
#include "chain/websocket_connection.h"

#include <stdint.h>

/*
 * url: its http:// or https:// form. early, empty and with a maximum of BUFFER_MAX_WEBSOCKET_HEAD:
 * on OK it holds the first bytes behind the head. Outcome: as websocket_open.
 */
MUST_USE enum outcome websocket_upgrade(struct websocket_connection *connection, const char *url,
					int64_t deadline_ms, struct buffer *early,
					struct error *error);

#endif
