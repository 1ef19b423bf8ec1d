/*
 * See websocket_upgrade.h. Waiting for the peer happens here and only here; later everything is
 * driven by the caller's poll().
 */
#include "chain/websocket_upgrade.h"

#include "chain/websocket_handshake.h"

#include <poll.h>

static enum outcome lost(const struct websocket_connection *connection, struct error *error)
{
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "connection lost: %s",
			 websocket_connection_reason(connection));
}

static enum outcome send_request(struct websocket_connection *connection,
				 const struct buffer *request, int64_t deadline_ms,
				 struct error *error)
{
	size_t done = 0;

	while (done < request->length) {
		size_t sent = 0;
		enum outcome outcome;

		switch (websocket_connection_send(connection, request->bytes + done,
						  request->length - done, &sent)) {
		case CONNECTION_DONE:
			done += sent;
			break;
		case CONNECTION_WOULD_BLOCK:
			outcome =
				websocket_connection_wait(connection, POLLOUT, deadline_ms, error);
			if (outcome != OUTCOME_OK)
				return outcome;
			break;
		case CONNECTION_LOST:
			return lost(connection, error);
		}
	}
	return OUTCOME_OK;
}

/* Reads into early until the head of the answer is there. */
static enum outcome receive_head(struct websocket_connection *connection, int64_t deadline_ms,
				 struct buffer *early, size_t *head_length, struct error *error)
{
	for (;;) {
		struct bytes got = {.data = early->bytes, .length = early->length};
		uint8_t bytes[1024];
		size_t received = 0;
		enum outcome outcome;

		if (websocket_handshake_complete(got, head_length))
			return OUTCOME_OK;
		switch (websocket_connection_receive(connection, bytes, sizeof(bytes), &received)) {
		case CONNECTION_DONE:
			if (!buffer_append(early, bytes, received))
				return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
						 "not a WebSocket endpoint: endless head");
			break;
		case CONNECTION_WOULD_BLOCK:
			outcome = websocket_connection_wait(connection, POLLIN, deadline_ms, error);
			if (outcome != OUTCOME_OK)
				return outcome;
			break;
		case CONNECTION_LOST:
			return lost(connection, error);
		}
	}
}

static enum outcome ask(struct websocket_connection *connection, const char *url,
			const struct websocket_key *key, int64_t deadline_ms, struct error *error)
{
	struct buffer request;
	enum outcome outcome;

	buffer_init(&request, BUFFER_MAX_HTTP_REQUEST);
	outcome = websocket_handshake_request(url, key, &request, error);
	if (outcome == OUTCOME_OK)
		outcome = send_request(connection, &request, deadline_ms, error);
	buffer_free(&request);
	return outcome;
}

enum outcome websocket_upgrade(struct websocket_connection *connection, const char *url,
			       int64_t deadline_ms, struct buffer *early, struct error *error)
{
	struct websocket_key key = websocket_key_new();
	size_t head_length = 0;
	enum outcome outcome = ask(connection, url, &key, deadline_ms, error);

	if (outcome == OUTCOME_OK)
		outcome = receive_head(connection, deadline_ms, early, &head_length, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = websocket_handshake_judge(
		(struct bytes){.data = early->bytes, .length = head_length}, &key, error);
	if (outcome == OUTCOME_OK)
		buffer_consume(early, head_length);
	return outcome;
}
