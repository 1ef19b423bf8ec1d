/*
 * See websocket.h. Three layers: websocket_connection.h carries bytes, websocket_upgrade.h makes a
 * WebSocket of them, wslay knows frames; here they meet.
 *
 * wslay asks for bytes and offers bytes through callbacks that never wait. What it offers goes
 * through a chunk at a fixed address, because TLS wants the very same bytes again after it could
 * not send them.
 */
#include "chain/websocket.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "chain/websocket_connection.h"
#include "chain/websocket_upgrade.h"

#include <openssl/rand.h>
#include <string.h>
#include <wslay/wslay.h>

#define SEND_CHUNK_BYTES 4096

/* Read by one call of websocket_service at most: whatever a server sends, the caller has timers. */
#define SERVICE_BYTES ((size_t)1024 * 1024)

/* Messages of ours, pongs included, that may wait for a server that does not read. */
#define MAXIMUM_QUEUED 1024

/* wslay keeps a list entry for each: fragments of one byte would cost a hundredfold. */
#define MAXIMUM_FRAGMENTS 65536

struct websocket {
	struct websocket_connection *connection;
	wslay_event_context_ptr frames;
	websocket_message_fn *on_message;
	void *context;
	struct buffer early; /* came behind the head of the handshake, not yet given to wslay */
	uint8_t chunk[SEND_CHUNK_BYTES];
	size_t chunk_start, chunk_end; /* the part of chunk that is still to be sent */
	size_t budget;	  /* bytes that this call of websocket_service may still read */
	size_t fragments; /* of the message being received */
	bool drained;	  /* wslay was told that there is nothing more for now */
	bool unread;	  /* although there may be: come back at once */
	bool lost;	  /* the connection, as opposed to the protocol */
	int64_t last_received_ms;
};

/* True when the chunk is empty, that is, the next bytes may be put there. */
static bool flush_chunk(struct websocket *websocket)
{
	while (websocket->chunk_start < websocket->chunk_end) {
		size_t sent;
		enum connection_result result = websocket_connection_send(
			websocket->connection, websocket->chunk + websocket->chunk_start,
			websocket->chunk_end - websocket->chunk_start, &sent);

		if (result == CONNECTION_LOST)
			websocket->lost = true;
		if (result != CONNECTION_DONE)
			return false;
		websocket->chunk_start += sent;
	}
	return true;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t length,
		       int flags, void *context)
{
	struct websocket *websocket = context;
	size_t room;

	(void)flags;
	if (websocket->chunk_end == sizeof(websocket->chunk) && !flush_chunk(websocket)) {
		wslay_event_set_error(frames, websocket->lost ? WSLAY_ERR_CALLBACK_FAILURE
							      : WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (websocket->chunk_start == websocket->chunk_end)
		websocket->chunk_start = websocket->chunk_end = 0;
	room = sizeof(websocket->chunk) - websocket->chunk_end;
	if (length > room)
		length = room;
	memcpy(websocket->chunk + websocket->chunk_end, data, length);
	websocket->chunk_end += length;
	return (ssize_t)length;
}

static ssize_t nothing_more(struct websocket *websocket, bool unread)
{
	websocket->drained = true;
	websocket->unread = unread;
	wslay_event_set_error(websocket->frames, WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static size_t take_early(struct websocket *websocket, uint8_t *bytes, size_t size)
{
	size_t length = websocket->early.length < size ? websocket->early.length : size;

	memcpy(bytes, websocket->early.bytes, length);
	buffer_consume(&websocket->early, length);
	return length;
}

static ssize_t on_receive(wslay_event_context_ptr frames, uint8_t *bytes, size_t size, int flags,
			  void *context)
{
	struct websocket *websocket = context;
	size_t received = 0;

	(void)flags;
	if (websocket->budget == 0 || wslay_event_get_queued_msg_count(frames) >= MAXIMUM_QUEUED)
		return nothing_more(websocket, true);
	if (size > websocket->budget)
		size = websocket->budget;
	if (websocket->early.length > 0) {
		received = take_early(websocket, bytes, size);
	} else {
		switch (websocket_connection_receive(websocket->connection, bytes, size,
						     &received)) {
		case CONNECTION_DONE:
			break;
		case CONNECTION_WOULD_BLOCK:
			return nothing_more(websocket, false);
		case CONNECTION_LOST:
			websocket->drained = true;
			websocket->lost = true;
			wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
			return -1;
		}
	}
	websocket->budget -= received;
	websocket->last_received_ms = clock_monotonic_ms();
	return (ssize_t)received;
}

/* RFC 6455, 10.3: a mask that nobody can foretell. */
static int on_mask(wslay_event_context_ptr frames, uint8_t *mask, size_t length, void *context)
{
	(void)frames;
	(void)context;
	if (RAND_bytes(mask, (int)length) != 1)
		fatal(EXIT_CODE_TRY_AGAIN, "no random bytes");
	return 0;
}

static void on_frame(wslay_event_context_ptr frames,
		     const struct wslay_event_on_frame_recv_start_arg *frame, void *context)
{
	struct websocket *websocket = context;

	if (wslay_is_ctrl_frame(frame->opcode))
		return;
	websocket->fragments =
		frame->opcode == WSLAY_CONTINUATION_FRAME ? websocket->fragments + 1 : 1;
	if (websocket->fragments <= MAXIMUM_FRAGMENTS)
		return;
	(void)wslay_event_queue_close(frames, WSLAY_CODE_POLICY_VIOLATION, NULL, 0);
	wslay_event_shutdown_read(frames);
}

static void on_message(wslay_event_context_ptr frames,
		       const struct wslay_event_on_msg_recv_arg *message, void *context)
{
	struct websocket *websocket = context;

	(void)frames;
	/* Pings and close frames were answered by wslay before it calls here. */
	if (message->opcode != WSLAY_TEXT_FRAME && message->opcode != WSLAY_BINARY_FRAME)
		return;
	websocket->on_message(websocket->context,
			      message->msg_length == 0 ? "" : (const char *)message->msg,
			      message->msg_length);
}

static void start_frames(struct websocket *websocket)
{
	const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_receive,
		.send_callback = on_send,
		.genmask_callback = on_mask,
		.on_frame_recv_start_callback = on_frame,
		.on_msg_recv_callback = on_message,
	};

	if (wslay_event_context_client_init(&websocket->frames, &callbacks, websocket) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory");
	wslay_event_config_set_max_recv_msg_length(websocket->frames, BUFFER_MAX_WEBSOCKET_MESSAGE);
}

static enum outcome lost(const struct websocket *websocket, struct error *error)
{
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "connection lost: %s",
			 websocket_connection_reason(websocket->connection));
}

static void free_websocket(struct websocket *websocket)
{
	websocket_connection_close(websocket->connection);
	wslay_event_context_free(websocket->frames);
	buffer_free(&websocket->early);
	memory_free(websocket);
}

enum outcome websocket_open(const struct websocket_options *options, struct websocket **opened,
			    struct error *error)
{
	int64_t deadline_ms = clock_monotonic_ms() + options->timeout_ms;
	struct websocket_connection *connection = NULL;
	struct websocket *websocket;
	struct config_text url;
	enum outcome outcome;

	if (!config_switch_scheme(options->url, false, &url))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "not a WebSocket URL");
	outcome = websocket_connection_open(url.text, options->ca_file, deadline_ms, &connection,
					    error);
	if (outcome != OUTCOME_OK)
		return outcome;
	websocket = memory_allocate(1, sizeof(*websocket));
	websocket->connection = connection;
	websocket->on_message = options->on_message;
	websocket->context = options->context;
	websocket->unread = true;
	buffer_init(&websocket->early, BUFFER_MAX_WEBSOCKET_HEAD);
	start_frames(websocket);
	outcome = websocket_upgrade(connection, url.text, deadline_ms, &websocket->early, error);
	if (outcome != OUTCOME_OK) {
		free_websocket(websocket);
		return outcome;
	}
	websocket->last_received_ms = clock_monotonic_ms();
	*opened = websocket;
	return OUTCOME_OK;
}

/* False when wslay gave up, for whatever reason. */
static bool receive(struct websocket *websocket)
{
	websocket->budget = SERVICE_BYTES;
	websocket->unread = false;
	websocket->drained = false;
	/* wslay also returns within a frame's header, without having asked whether there is more.
	 */
	while (!websocket->drained && wslay_event_get_read_enabled(websocket->frames) == 1) {
		int result = wslay_event_recv(websocket->frames);

		if (result == WSLAY_ERR_NOMEM)
			fatal(EXIT_CODE_TRY_AGAIN, "out of memory");
		if (result != 0)
			return false;
	}
	return wslay_event_get_read_enabled(websocket->frames) == 1;
}

static void transmit(struct websocket *websocket)
{
	if (!flush_chunk(websocket))
		return;
	while (wslay_event_want_write(websocket->frames) == 1) {
		int result = wslay_event_send(websocket->frames);

		if (result == WSLAY_ERR_NOMEM)
			fatal(EXIT_CODE_TRY_AGAIN, "out of memory");
		/* The last bytes lie in the chunk: wslay believes them sent. */
		if (result != 0 || !flush_chunk(websocket))
			return;
	}
}

enum outcome websocket_service(struct websocket *websocket, struct error *error)
{
	bool readable;

	if (websocket->lost)
		return lost(websocket, error);
	readable = receive(websocket);
	if (!websocket->lost)
		transmit(websocket);
	if (wslay_event_get_close_received(websocket->frames) == 1)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				 "closed by the server code=%u",
				 wslay_event_get_status_code_received(websocket->frames));
	if (websocket->lost)
		return lost(websocket, error);
	if (!readable)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "the server broke the WebSocket protocol code=%u",
				 wslay_event_get_status_code_sent(websocket->frames));
	if (wslay_event_get_queued_msg_count(websocket->frames) >= MAXIMUM_QUEUED)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				 "the server does not read what it is sent");
	return OUTCOME_OK;
}

void websocket_close(struct websocket *websocket)
{
	if (!websocket->lost) {
		/* Refused when a close frame is already on its way: then that one is sent. */
		(void)wslay_event_queue_close(websocket->frames, WSLAY_CODE_NORMAL_CLOSURE, NULL,
					      0);
		transmit(websocket);
	}
	free_websocket(websocket);
}

int websocket_fd(const struct websocket *websocket)
{
	return websocket_connection_fd(websocket->connection);
}

bool websocket_wants_write(const struct websocket *websocket)
{
	return websocket->unread || websocket->early.length > 0 ||
	       websocket->chunk_start < websocket->chunk_end ||
	       wslay_event_want_write(websocket->frames) == 1;
}

static enum outcome queue(struct websocket *websocket, enum wslay_opcode opcode, struct bytes bytes,
			  struct error *error)
{
	const struct wslay_event_msg message = {
		.opcode = (uint8_t)opcode,
		.msg = bytes.data,
		.msg_length = bytes.length,
	};
	int result = WSLAY_ERR_NO_MORE_MSG;

	if (!websocket->lost &&
	    wslay_event_get_queued_msg_count(websocket->frames) < MAXIMUM_QUEUED)
		result = wslay_event_queue_msg(websocket->frames, &message);
	if (result == WSLAY_ERR_NOMEM)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory");
	if (result != 0)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				 "the connection takes no more messages");
	return OUTCOME_OK;
}

enum outcome websocket_send_text(struct websocket *websocket, struct bytes text,
				 struct error *error)
{
	return queue(websocket, WSLAY_TEXT_FRAME, text, error);
}

enum outcome websocket_send_ping(struct websocket *websocket, struct error *error)
{
	return queue(websocket, WSLAY_PING, (struct bytes){.data = NULL, .length = 0}, error);
}

int64_t websocket_last_received_ms(const struct websocket *websocket)
{
	return websocket->last_received_ms;
}
