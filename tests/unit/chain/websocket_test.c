/* The WebSocket client against a scripted server: opening, frames of every shape, TLS, and ends of
 * every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/process.h"
#include "chain/websocket.h"
#include "chain/websocket_handshake.h"
#include "tests/unit/chain/scripted_server.h"

#include <poll.h>

#define TIMEOUT_MS 20000

#define FIN	     0x80
#define CONTINUATION 0x0
#define TEXT	     0x1
#define BINARY	     0x2
#define CLOSE	     0x8
#define PING	     0x9
#define PONG	     0xa

/* The server's side */

static char head[SERVER_TEXT_SIZE];
static uint8_t payload[SERVER_TEXT_SIZE];

/*
 * The right answer to the request in head, made head_length long (0: as it comes), then what is to
 * come in the very same write.
 */
static void write_switching(const struct peer *peer, size_t head_length, const void *behind,
			    size_t length)
{
	static char answer[SERVER_TEXT_SIZE];
	struct websocket_key key;
	const char *field = strstr(head, "\r\nSec-WebSocket-Key: ");
	size_t size;

	server_require(field != NULL);
	memcpy(key.text, field + strlen("\r\nSec-WebSocket-Key: "), WEBSOCKET_KEY_SIZE - 1);
	key.text[WEBSOCKET_KEY_SIZE - 1] = '\0';
	size = (size_t)snprintf(answer, sizeof(answer),
				"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nX: ",
				websocket_accept_of(&key).text);
	while (size + 4 < head_length)
		answer[size++] = 'x';
	memcpy(answer + size, "\r\n\r\n", 4);
	size += 4;
	server_require(head_length == 0 || size == head_length);
	server_require(size + length < sizeof(answer));
	memcpy(answer + size, behind, length);
	peer_write(peer, answer, size + length);
}

static struct peer accept_websocket(int listener)
{
	struct peer peer = server_accept(listener);

	peer_read_head(&peer, head);
	write_switching(&peer, 0, "", 0);
	return peer;
}

static void write_frame(const struct peer *peer, unsigned int first, const void *bytes,
			size_t length)
{
	uint8_t header[10] = {(uint8_t)first};
	size_t size = 2;

	if (length < 126) {
		header[1] = (uint8_t)length;
	} else {
		header[1] = 127;
		for (size = 2; size < 10; size++)
			header[size] = (uint8_t)(length >> (8 * (9 - size)));
	}
	peer_write(peer, header, size);
	peer_write(peer, bytes, length);
}

static void write_text(const struct peer *peer, const char *text)
{
	write_frame(peer, FIN | TEXT, text, strlen(text));
}

static void read_exactly(const struct peer *peer, uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t got = peer_read(peer, bytes, length);

		server_require(got > 0);
		bytes += got;
		length -= (size_t)got;
	}
}

/* One frame of the client, which must be masked, into payload; its length. */
static size_t read_frame(const struct peer *peer, unsigned int first)
{
	uint8_t header[2];
	uint8_t extended[8];
	uint8_t mask[4];
	size_t length;

	read_exactly(peer, header, 2);
	server_require(header[0] == first);
	server_require((header[1] & 0x80) != 0);
	length = header[1] & 0x7f;
	if (length >= 126) {
		size_t bytes = length == 126 ? 2 : 8;

		read_exactly(peer, extended, bytes);
		length = 0;
		for (size_t i = 0; i < bytes; i++)
			length = length << 8 | extended[i];
	}
	server_require(length < sizeof(payload));
	read_exactly(peer, mask, 4);
	read_exactly(peer, payload, length);
	for (size_t i = 0; i < length; i++)
		payload[i] ^= mask[i % 4];
	payload[length] = '\0';
	return length;
}

static void require_close(const struct peer *peer, unsigned int code)
{
	server_require(read_frame(peer, FIN | CLOSE) >= 2);
	server_require((unsigned int)(payload[0] << 8 | payload[1]) == code);
}

static void end_by_close(struct peer *peer)
{
	write_frame(peer, FIN | CLOSE, "\x03\xe9", 2);
	peer_wait_for_end(peer);
	peer_close(peer);
}

/* The client's side */

struct seen {
	size_t count;
	size_t bytes;
	char last[256];
	struct websocket *answer_on; /* each message is sent back from within on_message */
};

static void on_message(void *context, const char *text, size_t length)
{
	struct seen *seen = context;
	struct error error;

	seen->count++;
	seen->bytes += length;
	(void)snprintf(seen->last, sizeof(seen->last), "%.*s", length > 250 ? 250 : (int)length,
		       text);
	if (seen->answer_on != NULL)
		assert_int_equal(websocket_send_text(seen->answer_on,
						     (struct bytes){.data = (const uint8_t *)text,
								    .length = length},
						     &error),
				 OUTCOME_OK);
}

static enum outcome open_url(const char *scheme, const char *host, int port, const char *ca_file,
			     struct seen *seen, struct websocket **websocket, struct error *error)
{
	char url[256];
	const struct websocket_options options = {
		.url = url,
		.ca_file = ca_file,
		.timeout_ms = TIMEOUT_MS,
		.on_message = on_message,
		.context = seen,
	};

	(void)snprintf(url, sizeof(url), "%s://%s:%d/v2/SECRETKEY?token=SECRETKEY", scheme, host,
		       port);
	*error = (struct error){.kind = ERROR_KIND_NONE};
	return websocket_open(&options, websocket, error);
}

static struct websocket *open_to(const struct server *server, struct seen *seen)
{
	struct websocket *websocket = NULL;
	struct error error;

	*seen = (struct seen){.count = 0};
	assert_int_equal(open_url("ws", "127.0.0.1", server->port, "", seen, &websocket, &error),
			 OUTCOME_OK);
	assert_int_equal(seen->count, 0);
	return websocket;
}

/* What every caller does: poll, then service. */
static enum outcome serve_once(struct websocket *websocket, struct error *error)
{
	struct pollfd fd = {.fd = websocket_fd(websocket), .events = POLLIN};

	if (websocket_wants_write(websocket))
		fd.events |= POLLOUT;
	/* A client that needs more events than the socket gives would wait here. */
	assert_int_equal(poll(&fd, 1, TIMEOUT_MS), 1);
	return websocket_service(websocket, error);
}

static void serve_messages(struct websocket *websocket, const struct seen *seen, size_t count)
{
	struct error error;

	while (seen->count < count)
		assert_int_equal(serve_once(websocket, &error), OUTCOME_OK);
	assert_int_equal(seen->count, count);
}

static enum outcome serve_to_the_end(struct websocket *websocket, struct error *error)
{
	enum outcome outcome;

	*error = (struct error){.kind = ERROR_KIND_NONE};
	do
		outcome = serve_once(websocket, error);
	while (outcome == OUTCOME_OK);
	return outcome;
}

/* Serves until the script ends the connection; how many messages came before. */
static size_t assert_end(server_script *script, void *context, enum outcome outcome,
			 const char *named)
{
	struct server server;
	struct seen seen;
	struct websocket *websocket;
	struct error error;

	server_start(&server, script, context);
	websocket = open_to(&server, &seen);
	assert_int_equal(serve_to_the_end(websocket, &error), outcome);
	assert_int_equal(error.kind,
			 outcome == OUTCOME_RETRY ? ERROR_KIND_UNREACHABLE : ERROR_KIND_MALFORMED);
	if (strstr(error.text, named) == NULL)
		fail_msg("not named %s: %s", named, error.text);
	/* And it stays ended. */
	assert_int_equal(websocket_service(websocket, &error), outcome);
	websocket_close(websocket);
	server_finish(&server);
	return seen.count;
}

static void check_upgrade(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_head(&peer, head);
	server_require(strncmp(head, "GET /v2/SECRETKEY?token=SECRETKEY HTTP/1.1\r\n", 44) == 0);
	server_require(strstr(head, "\r\nHost: 127.0.0.1:") != NULL);
	server_require(strcasestr(head, "extensions") == NULL);
	write_switching(&peer, 0, "", 0);
	write_text(&peer, "hello");
	server_require(read_frame(&peer, FIN | TEXT) == 5);
	server_require(memcmp(payload, "world", 5) == 0);
	write_frame(&peer, FIN | BINARY, "", 0);
	require_close(&peer, 1000);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void messages_go_both_ways_and_closing_says_so(void **state)
{
	const struct bytes world = {.data = (const uint8_t *)"world", .length = 5};
	struct server server;
	struct seen seen;
	struct websocket *websocket;
	struct error error;

	(void)state;
	server_start(&server, check_upgrade, NULL);
	websocket = open_to(&server, &seen);
	serve_messages(websocket, &seen, 1);
	assert_string_equal(seen.last, "hello");
	assert_int_equal(websocket_send_text(websocket, world, &error), OUTCOME_OK);
	assert_true(websocket_wants_write(websocket));
	serve_messages(websocket, &seen, 2);
	assert_string_equal(seen.last, "");
	assert_false(websocket_wants_write(websocket));
	websocket_close(websocket);
	server_finish(&server);
}

static void first_frames_with_the_handshake(int listener, void *context)
{
	static const char frames[] = "\x81\x03one\x81\x03two\x81\x05thr";
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_head(&peer, head);
	write_switching(&peer, 0, frames, sizeof(frames) - 1);
	/* Nothing more comes before both were answered, so no event of the socket helps the client.
	 */
	read_frame(&peer, FIN | TEXT);
	server_require(memcmp(payload, "one", 4) == 0);
	read_frame(&peer, FIN | TEXT);
	server_require(memcmp(payload, "two", 4) == 0);
	peer_write_text(&peer, "ee");
	end_by_close(&peer);
}

static void frames_right_behind_the_handshake_are_not_lost(void **state)
{
	struct server server;
	struct seen seen;
	struct websocket *websocket;
	struct error error;

	(void)state;
	server_start(&server, first_frames_with_the_handshake, NULL);
	websocket = open_to(&server, &seen);
	assert_true(websocket_wants_write(websocket));
	seen.answer_on = websocket;
	serve_messages(websocket, &seen, 2);
	seen.answer_on = NULL;
	assert_int_equal(serve_to_the_end(websocket, &error), OUTCOME_RETRY);
	assert_string_equal(seen.last, "three");
	websocket_close(websocket);
	server_finish(&server);
}

static void write_by_single_bytes(int listener, void *context)
{
	static const char frames[] = "\x81\x7e\x00\x80";
	char long_text[128];
	struct peer peer = server_accept(listener);
	const int on = 1;

	(void)context;
	server_require(setsockopt(peer.fd, IPPROTO_TCP, 1, &on, sizeof(on)) == 0);
	peer_read_head(&peer, head);
	write_switching(&peer, 0, "", 0);
	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < sizeof(frames) - 1; i++)
		peer_write(&peer, frames + i, 1);
	for (size_t i = 0; i < sizeof(long_text); i++)
		peer_write(&peer, long_text + i, 1);
	end_by_close(&peer);
}

static void frames_may_come_byte_by_byte(void **state)
{
	(void)state;
	assert_int_equal(
		assert_end(write_by_single_bytes, NULL, OUTCOME_RETRY, "closed by the server"), 1);
}

static void write_fragments(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	/* A letter of two bytes is cut in the middle. */
	write_frame(&peer, TEXT, "fr\xc3", 3);
	write_frame(&peer, FIN | PING, "are you there", 13);
	write_frame(&peer, CONTINUATION, "", 0);
	server_require(read_frame(&peer, FIN | PONG) == 13);
	server_require(memcmp(payload, "are you there", 13) == 0);
	write_frame(&peer, CONTINUATION, "\xa4", 1);
	write_frame(&peer, FIN | CONTINUATION, "g", 1);
	server_require(read_frame(&peer, FIN | TEXT) == 5);
	server_require(memcmp(payload, "fr\xc3\xa4g", 5) == 0);
	end_by_close(&peer);
}

static void fragments_make_one_message_and_a_ping_between_them_is_answered(void **state)
{
	struct server server;
	struct seen seen;
	struct websocket *websocket;
	struct error error;

	(void)state;
	server_start(&server, write_fragments, NULL);
	websocket = open_to(&server, &seen);
	seen.answer_on = websocket;
	serve_messages(websocket, &seen, 1);
	assert_int_equal(serve_to_the_end(websocket, &error), OUTCOME_RETRY);
	websocket_close(websocket);
	server_finish(&server);
}

static void answer_a_ping(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	server_require(read_frame(&peer, FIN | PING) == 0);
	write_frame(&peer, FIN | PONG, "", 0);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void a_pong_counts_as_a_sign_of_life(void **state)
{
	struct server server;
	struct seen seen;
	struct websocket *websocket;
	struct error error;
	int64_t before_ms;

	(void)state;
	server_start(&server, answer_a_ping, NULL);
	websocket = open_to(&server, &seen);
	before_ms = websocket_last_received_ms(websocket);
	while (clock_monotonic_ms() == before_ms)
		continue;
	assert_int_equal(websocket_service(websocket, &error), OUTCOME_OK);
	assert_int_equal(websocket_last_received_ms(websocket), before_ms);
	assert_int_equal(websocket_send_ping(websocket, &error), OUTCOME_OK);
	while (websocket_last_received_ms(websocket) == before_ms)
		assert_int_equal(serve_once(websocket, &error), OUTCOME_OK);
	assert_true(websocket_last_received_ms(websocket) > before_ms);
	assert_int_equal(seen.count, 0);
	websocket_close(websocket);
	server_finish(&server);
}

static void close_politely(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	write_text(&peer, "last");
	write_frame(&peer, FIN | CLOSE, "\x03\xe9no secrets here", 17);
	require_close(&peer, 1001);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void just_end(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	write_text(&peer, "last");
	peer_close(&peer);
}

static void end_within_a_frame(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	peer_write_text(&peer, "\x81\x05ha");
	peer_close(&peer);
}

static void an_ended_connection_is_opened_again_after_what_it_brought(void **state)
{
	(void)state;
	assert_int_equal(assert_end(close_politely, NULL, OUTCOME_RETRY, "code=1001"), 1);
	assert_int_equal(assert_end(just_end, NULL, OUTCOME_RETRY, "connection lost"), 1);
	assert_int_equal(assert_end(end_within_a_frame, NULL, OUTCOME_RETRY, "connection lost"), 0);
}

static void reset_when_told(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	read_frame(&peer, FIN | TEXT);
	peer_reset(&peer);
}

static void a_reset_connection_takes_no_more_messages(void **state)
{
	const struct bytes text = {.data = (const uint8_t *)"x", .length = 1};
	struct server server;
	struct seen seen;
	struct websocket *websocket;
	struct error error;

	(void)state;
	server_start(&server, reset_when_told, NULL);
	websocket = open_to(&server, &seen);
	assert_int_equal(websocket_send_text(websocket, text, &error), OUTCOME_OK);
	assert_int_equal(serve_to_the_end(websocket, &error), OUTCOME_RETRY);
	assert_int_equal(websocket_send_text(websocket, text, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_UNREACHABLE);
	websocket_close(websocket);
	server_finish(&server);
}

struct offence {
	const char *bytes;
	size_t length;
	unsigned int code; /* 0: any close frame */
};

#define OFFENCE(bytes_, code_)                                                                     \
	{                                                                                          \
		.bytes = (bytes_), .length = sizeof(bytes_) - 1, .code = (code_)                   \
	}

static void offend(int listener, void *context)
{
	const struct offence *offence = context;
	struct peer peer = accept_websocket(listener);

	peer_write(&peer, offence->bytes, offence->length);
	if (offence->code != 0)
		require_close(&peer, offence->code);
	else
		(void)read_frame(&peer, FIN | CLOSE);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void a_server_that_breaks_the_protocol_is_refused(void **state)
{
	struct offence offences[] = {
		/* masked */
		OFFENCE("\x81\x82\x01\x02\x03\x04ij", 1002),
		/* reserved bits: 1 would be a compressed message */
		OFFENCE("\xc1\x02hi", 1002),
		OFFENCE("\xa1\x02hi", 1002),
		OFFENCE("\x91\x02hi", 1002),
		/* unknown opcodes */
		OFFENCE("\x83\x02hi", 1002),
		OFFENCE("\x8b\x02hi", 0),
		/* a continuation of nothing; a new message within one */
		OFFENCE("\x80\x02hi", 1002),
		OFFENCE("\x01\x02hi\x81\x02ho", 1002),
		/* a ping in fragments; a ping of more than 125 bytes */
		OFFENCE("\x09\x02hi", 0),
		OFFENCE("\x89\x7e\x00\x7e", 0),
		/* longer forms of a length than needed; the top bit of 64 */
		OFFENCE("\x81\x7e\x00\x7d", 0),
		OFFENCE("\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 0),
		OFFENCE("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x05", 0),
		/* text that is not UTF-8: a stray byte, a surrogate, a cut end */
		OFFENCE("\x81\x02h\xff", 1007),
		OFFENCE("\x81\x03\xed\xa0\x80", 1007),
		OFFENCE("\x81\x02h\xc3", 1007),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(offences); i++)
		assert_int_equal(assert_end(offend, &offences[i], OUTCOME_REJECTED,
					    "broke the WebSocket protocol"),
				 0);
}

/* 65,537 empty fragments: no size limit would ever stop them. */
static void write_endless_fragments(int listener, void *context)
{
	static uint8_t frames[2 * 65537];
	struct peer peer = accept_websocket(listener);

	(void)context;
	memset(frames, 0, sizeof(frames));
	frames[0] = TEXT;
	peer_write(&peer, frames, sizeof(frames));
	require_close(&peer, 1008);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void endless_fragments_are_refused(void **state)
{
	(void)state;
	assert_int_equal(assert_end(write_endless_fragments, NULL, OUTCOME_REJECTED, "code=1008"),
			 0);
}

static void write_the_largest(int listener, void *context)
{
	static char text[BUFFER_MAX_WEBSOCKET_MESSAGE];
	struct peer peer = accept_websocket(listener);

	(void)context;
	memset(text, 'x', sizeof(text));
	write_frame(&peer, FIN | TEXT, text, sizeof(text));
	end_by_close(&peer);
}

static void write_one_byte_more(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	peer_write(&peer, "\x81\x7f\x00\x00\x00\x00\x00\x80\x00\x01xxxx", 14);
	require_close(&peer, 1009);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void write_one_byte_more_in_fragments(int listener, void *context)
{
	static char text[BUFFER_MAX_WEBSOCKET_MESSAGE];
	struct peer peer = accept_websocket(listener);

	(void)context;
	memset(text, 'x', sizeof(text));
	write_frame(&peer, TEXT, text, sizeof(text));
	write_frame(&peer, FIN | CONTINUATION, "x", 1);
	require_close(&peer, 1009);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void the_longest_message_comes_and_a_longer_one_ends_the_connection(void **state)
{
	(void)state;
	assert_int_equal(assert_end(write_the_largest, NULL, OUTCOME_RETRY, "code=1001"), 1);
	assert_int_equal(assert_end(write_one_byte_more, NULL, OUTCOME_REJECTED, "code=1009"), 0);
	assert_int_equal(
		assert_end(write_one_byte_more_in_fragments, NULL, OUTCOME_REJECTED, "code=1009"),
		0);
}

/* Without end, until the client goes. */
static void flood(int listener, void *context)
{
	static uint8_t frames[64 * 1024];
	struct peer peer = accept_websocket(listener);

	(void)context;
	for (size_t i = 0; i < sizeof(frames); i += 2) {
		frames[i] = FIN | TEXT;
		frames[i + 1] = 0;
	}
	while (send(peer.fd, frames, sizeof(frames), MSG_NOSIGNAL) == (ssize_t)sizeof(frames))
		continue;
}

static void a_flooding_server_does_not_keep_the_caller(void **state)
{
	struct server server;
	struct seen seen;
	struct websocket *websocket;
	struct error error;

	(void)state;
	server_start(&server, flood, NULL);
	websocket = open_to(&server, &seen);
	/* It comes back after a megabyte at the latest, and then says that there is more. */
	while (seen.count < 2 * 1024 * 1024) {
		size_t before = seen.count;

		assert_int_equal(serve_once(websocket, &error), OUTCOME_OK);
		assert_true(seen.count - before <= 512 * 1024);
	}
	websocket_close(websocket);
	server_finish(&server);
}

/* Pings without reading a single pong. */
static void flood_with_pings(int listener, void *context)
{
	static uint8_t frames[64 * 1024];
	struct peer peer = accept_websocket(listener);

	(void)context;
	memset(frames, 'x', sizeof(frames));
	for (size_t i = 0; i + 127 <= sizeof(frames); i += 127) {
		frames[i] = FIN | PING;
		frames[i + 1] = 125;
	}
	while (send(peer.fd, frames, sizeof(frames) / 127 * 127, MSG_NOSIGNAL) > 0)
		continue;
}

static void a_server_that_never_reads_is_given_up(void **state)
{
	(void)state;
	assert_int_equal(assert_end(flood_with_pings, NULL, OUTCOME_RETRY, "does not read"), 0);
}

static void wait_only(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void the_queue_has_an_end(void **state)
{
	const struct bytes text = {.data = (const uint8_t *)"x", .length = 1};
	struct server server;
	struct seen seen;
	struct websocket *websocket;
	struct error error;

	(void)state;
	server_start(&server, wait_only, NULL);
	websocket = open_to(&server, &seen);
	for (int i = 0; i < 1024; i++)
		assert_int_equal(websocket_send_text(websocket, text, &error), OUTCOME_OK);
	assert_int_equal(websocket_send_text(websocket, text, &error), OUTCOME_RETRY);
	assert_int_equal(websocket_service(websocket, &error), OUTCOME_OK);
	assert_int_equal(websocket_send_text(websocket, text, &error), OUTCOME_OK);
	websocket_close(websocket);
	server_finish(&server);
}

/* Opening */

struct refusal {
	const char *answer;
	enum outcome outcome;
	enum error_kind kind;
	const char *named;
};

static void refuse(int listener, void *context)
{
	const struct refusal *refusal = context;
	struct peer peer = server_accept(listener);

	peer_read_head(&peer, head);
	peer_write_text(&peer, refusal->answer);
	peer_close(&peer);
}

static void what_is_no_websocket_is_not_opened(void **state)
{
	struct refusal refusals[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", OUTCOME_REJECTED,
		 ERROR_KIND_MALFORMED, "not a WebSocket endpoint: HTTP 200"},
		{"HTTP/1.1 404 Not Found\r\n\r\n", OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "404"},
		{"HTTP/1.1 401 Unauthorized\r\n\r\n", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "401"},
		{"HTTP/1.1 429 Slow\r\nRetry-After: 4\r\n\r\n", OUTCOME_RETRY,
		 ERROR_KIND_RATE_LIMITED, "429"},
		{"HTTP/1.1 502 Bad Gateway\r\n\r\n", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "502"},
		{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\n"
		 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		 OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "Sec-WebSocket-Accept"},
		{"SSH-2.0-OpenSSH_9.2\r\n\r\n", OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
		 "not HTTP/1.1"},
		{"HTTP/1.1 101 Switching Pro", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
		 "connection lost"},
		{"", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "connection lost"},
	};
	struct websocket *websocket = NULL;
	struct server server;
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(refusals); i++) {
		server_start(&server, refuse, &refusals[i]);
		assert_int_equal(
			open_url("ws", "127.0.0.1", server.port, "", NULL, &websocket, &error),
			refusals[i].outcome);
		server_finish(&server);
		assert_null(websocket);
		assert_int_equal(error.kind, refusals[i].kind);
		if (strstr(error.text, refusals[i].named) == NULL)
			fail_msg("not named %s: %s", refusals[i].named, error.text);
		assert_null(strstr(error.text, "SECRETKEY"));
		assert_int_equal(error.retry_after_ms,
				 refusals[i].kind == ERROR_KIND_RATE_LIMITED ? 4000 : 0);
	}
}

static void answer_endlessly(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_head(&peer, head);
	peer_write_text(&peer, "HTTP/1.1 101 Switching Protocols\r\n");
	while (send(peer.fd, "X: y\r\n", 6, MSG_NOSIGNAL) > 0)
		continue;
}

static void an_endless_head_is_refused(void **state)
{
	struct websocket *websocket = NULL;
	struct server server;
	struct error error;

	(void)state;
	server_start(&server, answer_endlessly, NULL);
	assert_int_equal(open_url("ws", "127.0.0.1", server.port, "", NULL, &websocket, &error),
			 OUTCOME_REJECTED);
	assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	server_finish(&server);
}

static void say_nothing(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_wait_for_end(&peer);
}

static void a_server_that_says_nothing_is_given_up_in_time(void **state)
{
	static const char *const schemes[] = {"ws", "wss"};
	struct server server;
	char url[64];
	struct websocket_options options = {
		.url = url, .ca_file = "", .timeout_ms = 200, .on_message = on_message};
	struct websocket *websocket = NULL;
	struct error error;
	int64_t start_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(schemes); i++) {
		server_start(&server, say_nothing, NULL);
		(void)snprintf(url, sizeof(url), "%s://127.0.0.1:%d/", schemes[i], server.port);
		start_ms = clock_monotonic_ms();
		assert_int_equal(websocket_open(&options, &websocket, &error), OUTCOME_RETRY);
		assert_int_equal(error.kind, ERROR_KIND_UNREACHABLE);
		assert_true(clock_monotonic_ms() - start_ms >= 200);
		server_finish(&server);
	}
}

static void a_server_that_is_not_there_may_be_tried_again(void **state)
{
	struct websocket *websocket = NULL;
	struct error error;

	(void)state;
	assert_int_equal(
		open_url("ws", "user:SECRETKEY@127.0.0.1", 1, "", NULL, &websocket, &error),
		OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_UNREACHABLE);
	assert_null(strstr(error.text, "SECRETKEY"));
}

static void another_scheme_is_refused(void **state)
{
	struct websocket *websocket = NULL;
	struct error error;

	(void)state;
	assert_int_equal(open_url("ftp", "127.0.0.1", 1, "", NULL, &websocket, &error),
			 OUTCOME_REJECTED);
	assert_int_equal(error.kind, ERROR_KIND_INVALID);
}

/* TLS */

struct tls_script {
	struct identity identity;
	bool accepted;
	size_t head_length;
};

#define STALLED_MESSAGES 300
#define STALLED_BYTES	 60000

/* The client's many messages, after a time in which nobody reads them. */
static void read_after_a_while(const struct peer *peer)
{
	(void)read_frame(peer, FIN | TEXT);
	server_require(strcmp((const char *)payload, "go on") == 0);
	(void)usleep(200 * 1000);
	for (unsigned int i = 0; i < STALLED_MESSAGES; i++) {
		server_require(read_frame(peer, FIN | TEXT) == STALLED_BYTES);
		for (size_t j = 0; j < STALLED_BYTES; j++)
			server_require(payload[j] == 'a' + (i + j) % 26);
	}
	write_text(peer, "all");
}

/*
 * Three frames in one TLS record with the handshake, which poll() no longer shows once the client
 * has read its head. It reads 1024 bytes at a time: with a head of 1023 bytes it has the first byte
 * of the first frame's header then, with one of 1024 bytes nothing of the frames.
 */
static void serve_tls(int listener, void *context)
{
	static char frames[9000];
	const struct tls_script *script = context;
	struct peer peer;
	bool shaken = server_accept_tls(listener, &script->identity, 0, &peer);

	if (!script->accepted) {
		server_require(!shaken || peer_read(&peer, head, 1) <= 0);
		return;
	}
	server_require(shaken);
	server_require(SSL_get_servername(peer.ssl, TLSEXT_NAMETYPE_host_name) != NULL);
	server_require(
		strcmp(SSL_get_servername(peer.ssl, TLSEXT_NAMETYPE_host_name), "localhost") == 0);
	peer_read_head(&peer, head);
	memset(frames, 'x', sizeof(frames));
	memcpy(frames, "\x82\x7e\x02\xcf", 4);
	memcpy(frames + 723, "\x82\x7e\x20\x4c", 4);
	memcpy(frames + sizeof(frames) - 5, "\x81\x03you", 5);
	write_switching(&peer, script->head_length, frames, sizeof(frames));
	read_after_a_while(&peer);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void serve_plain(int listener, void *context)
{
	struct peer peer = accept_websocket(listener);

	(void)context;
	read_after_a_while(&peer);
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void queue_much(struct websocket *websocket)
{
	static uint8_t text[STALLED_BYTES];
	struct error error;

	for (size_t i = 0; i < STALLED_MESSAGES; i++) {
		for (size_t j = 0; j < sizeof(text); j++)
			text[j] = (uint8_t)('a' + (i + j) % 26);
		assert_int_equal(
			websocket_send_text(websocket,
					    (struct bytes){.data = text, .length = sizeof(text)},
					    &error),
			OUTCOME_OK);
	}
}

static void fill_the_line(struct websocket *websocket, const struct seen *seen)
{
	const struct bytes go_on = {.data = (const uint8_t *)"go on", .length = 5};
	size_t before = seen->count;
	struct error error;
	bool stalled = false;

	assert_int_equal(websocket_send_text(websocket, go_on, &error), OUTCOME_OK);
	queue_much(websocket);
	while (seen->count == before) {
		assert_int_equal(serve_once(websocket, &error), OUTCOME_OK);
		stalled |= websocket_wants_write(websocket);
	}
	/* Or the messages were too few to fill what lies between. */
	assert_true(stalled);
	assert_string_equal(seen->last, "all");
}

static void a_server_that_reads_late_gets_every_byte(void **state)
{
	struct server server;
	struct seen seen;
	struct websocket *websocket;

	(void)state;
	server_start(&server, serve_plain, NULL);
	websocket = open_to(&server, &seen);
	fill_the_line(websocket, &seen);
	websocket_close(websocket);
	server_finish(&server);
}

static void converse_over_tls(struct websocket *websocket, const struct seen *seen)
{
	serve_messages(websocket, seen, 3);
	assert_string_equal(seen->last, "you");
	assert_int_equal(seen->bytes, 9000 - 4 - 4 - 2);
	fill_the_line(websocket, seen);
}

static void assert_tls(struct tls_script *script, const char *ca_file)
{
	struct websocket *websocket = NULL;
	struct seen seen = {.count = 0};
	struct server server;
	struct error error;
	enum outcome outcome;

	server_start(&server, serve_tls, script);
	outcome = open_url("wss", "localhost", server.port, ca_file, &seen, &websocket, &error);
	if (script->accepted) {
		assert_int_equal(outcome, OUTCOME_OK);
		converse_over_tls(websocket, &seen);
		websocket_close(websocket);
	} else {
		assert_int_equal(outcome, OUTCOME_RETRY);
		assert_int_equal(error.kind, ERROR_KIND_UNREACHABLE);
		assert_null(strstr(error.text, "SECRETKEY"));
	}
	server_finish(&server);
	identity_free(&script->identity);
}

static void only_the_right_certificate_is_trusted(void **state)
{
	struct identity authority = identity_new("Test CA", NULL, 86400);
	struct identity stranger = identity_new("Other CA", NULL, 86400);
	char ca_file[32];
	struct tls_script cut = {identity_new("localhost", &authority, 86400), true, 1023};
	struct tls_script hidden = {identity_new("localhost", &authority, 86400), true, 1024};
	struct tls_script other_name = {identity_new("localhost.example", &authority, 86400), false,
					0};
	struct tls_script expired = {identity_new("localhost", &authority, -3600), false, 0};
	struct tls_script untrusted = {identity_new("localhost", &stranger, 86400), false, 0};
	struct tls_script system = {identity_new("localhost", &authority, 86400), false, 0};

	(void)state;
	identity_write(&authority, ca_file);
	assert_tls(&cut, ca_file);
	assert_tls(&hidden, ca_file);
	assert_tls(&other_name, ca_file);
	assert_tls(&expired, ca_file);
	assert_tls(&untrusted, ca_file);
	assert_tls(&system, "");
	assert_int_equal(unlink(ca_file), 0);
	identity_free(&authority);
	identity_free(&stranger);
}

static void stop_the_client(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_head(&peer, head);
	server_require(kill(getppid(), SIGTERM) == 0);
	peer_wait_for_end(&peer);
}

/* In a process of its own: being told to stop is for ever. */
static void stopped_while_opening(int listener, void *context)
{
	static char name[] = "websocket_test";
	static char *arguments[] = {name, NULL};
	const struct process_usage usage = {
		.program = "websocket_test", .summary = "", .details = ""};
	struct process_arguments parsed;
	struct websocket *websocket = NULL;
	struct server server;
	struct error error;
	int status;

	(void)listener;
	(void)context;
	process_start(&usage, 0, 1, arguments, &parsed);
	server_start(&server, stop_the_client, NULL);
	server_require(open_url("ws", "127.0.0.1", server.port, "", NULL, &websocket, &error) ==
		       OUTCOME_RETRY);
	server_require(process_stopping());
	server_require(strstr(error.text, "stop") != NULL);
	server_require(waitpid(server.pid, &status, 0) == server.pid);
	server_require(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_process_that_is_to_stop_does_not_wait_for_the_upgrade(void **state)
{
	struct server stopped;

	(void)state;
	server_start(&stopped, stopped_while_opening, NULL);
	server_finish(&stopped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_both_ways_and_closing_says_so),
		cmocka_unit_test(frames_right_behind_the_handshake_are_not_lost),
		cmocka_unit_test(frames_may_come_byte_by_byte),
		cmocka_unit_test(fragments_make_one_message_and_a_ping_between_them_is_answered),
		cmocka_unit_test(a_pong_counts_as_a_sign_of_life),
		cmocka_unit_test(an_ended_connection_is_opened_again_after_what_it_brought),
		cmocka_unit_test(a_reset_connection_takes_no_more_messages),
		cmocka_unit_test(a_server_that_breaks_the_protocol_is_refused),
		cmocka_unit_test(endless_fragments_are_refused),
		cmocka_unit_test(the_longest_message_comes_and_a_longer_one_ends_the_connection),
		cmocka_unit_test(a_flooding_server_does_not_keep_the_caller),
		cmocka_unit_test(a_server_that_never_reads_is_given_up),
		cmocka_unit_test(the_queue_has_an_end),
		cmocka_unit_test(what_is_no_websocket_is_not_opened),
		cmocka_unit_test(an_endless_head_is_refused),
		cmocka_unit_test(a_server_that_says_nothing_is_given_up_in_time),
		cmocka_unit_test(a_server_that_is_not_there_may_be_tried_again),
		cmocka_unit_test(another_scheme_is_refused),
		cmocka_unit_test(a_server_that_reads_late_gets_every_byte),
		cmocka_unit_test(only_the_right_certificate_is_trusted),
		cmocka_unit_test(a_process_that_is_to_stop_does_not_wait_for_the_upgrade),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
