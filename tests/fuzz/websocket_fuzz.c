/*
 * Bytes of a server into the WebSocket client. This file stands in for websocket_connection.c and
 * for the random numbers, so that nothing waits and every run is the same.
 *
 *	0      bit 0 the handshake's good answer comes first; bit 1 every other send would block
 *	1      bytes that the server sends at a time, less one
 *	2..    what it sends
 *
 * What the client makes of it is compared with a plain reading of RFC 6455, and with what it makes
 * of the same bytes when they come in other pieces.
 */
#include "fuzz/fuzz.h"

#include "chain/websocket.h"
#include "chain/websocket_connection.h"
#include "chain/websocket_handshake.h"

#include <openssl/rand.h>
#include <string.h>
#include <strings.h>

#define FLAG_GOOD_HEAD	 1
#define FLAG_SLOW_SERVER 2

#define ROOM ((size_t)1024 * 1024)

static const char greeting[] = "hello";

/* The script of one connection, and what became of it. */
struct websocket_connection {
	struct bytes coming;
	size_t piece;
	bool slow;
	bool would_block; /* toggles, so that nobody waits for ever */
	struct buffer sent;
};

static struct websocket_connection connection;

int RAND_bytes(unsigned char *bytes, int count)
{
	for (int i = 0; i < count; i++)
		bytes[i] = (unsigned char)(0x5a + i);
	return 1;
}

enum outcome websocket_connection_open(const char *url, const char *ca_file, int64_t deadline_ms,
				       struct websocket_connection **opened, struct error *error)
{
	(void)url;
	(void)ca_file;
	(void)deadline_ms;
	(void)error;
	*opened = &connection;
	return OUTCOME_OK;
}

void websocket_connection_close(struct websocket_connection *closed)
{
	fuzz_require(closed == &connection);
}

int websocket_connection_fd(const struct websocket_connection *asked)
{
	(void)asked;
	return -1;
}

enum connection_result websocket_connection_receive(struct websocket_connection *from, void *bytes,
						    size_t size, size_t *received)
{
	struct bytes piece;

	from->would_block = !from->would_block;
	if (from->would_block)
		return CONNECTION_WOULD_BLOCK;
	if (from->coming.length == 0)
		return CONNECTION_LOST;
	piece = fuzz_take(&from->coming, size < from->piece ? size : from->piece);
	memcpy(bytes, piece.data, piece.length);
	*received = piece.length;
	return CONNECTION_DONE;
}

enum connection_result websocket_connection_send(struct websocket_connection *to, const void *bytes,
						 size_t length, size_t *sent)
{
	to->would_block = !to->would_block;
	if (to->slow && to->would_block)
		return CONNECTION_WOULD_BLOCK;
	*sent = to->slow && length > 3 ? 3 : length;
	fuzz_require(buffer_append(&to->sent, bytes, *sent));
	return CONNECTION_DONE;
}

const char *websocket_connection_reason(const struct websocket_connection *asked)
{
	(void)asked;
	return "the input ended";
}

enum outcome websocket_connection_wait(const struct websocket_connection *waiting, short events,
				       int64_t deadline_ms, struct error *error)
{
	(void)waiting;
	(void)events;
	(void)deadline_ms;
	(void)error;
	return OUTCOME_OK;
}

/* Messages or pings as one text: a length of four bytes before each. */
static void add_piece(struct buffer *list, struct bytes piece)
{
	const uint32_t length = (uint32_t)piece.length;

	fuzz_require(buffer_append(list, &length, sizeof(length)));
	fuzz_require(buffer_append(list, piece.data, piece.length));
}

static struct bytes bytes_of(const struct buffer *buffer)
{
	return (struct bytes){.data = buffer->bytes, .length = buffer->length};
}

/*
 * END_EITHER: it depends on the pieces. A close frame whose reason is not UTF-8 is a broken
 * protocol or a close to wslay, and it judges a header when more than that has come.
 */
enum end { END_INCOMPLETE, END_BROKEN, END_CLOSED, END_EITHER };

/* What a server's frames mean. */
struct meaning {
	struct buffer messages;
	struct buffer pings;
	struct buffer partial;
	uint8_t opcode; /* of the message being received; 0: none */
	enum end end;
};

struct frame {
	bool fin, masked;
	uint8_t reserved, opcode;
	uint64_t length;
};

static bool take_number(struct bytes *rest, size_t size, uint64_t *number)
{
	if (rest->length < size)
		return false;
	*number = 0;
	for (size_t i = 0; i < size; i++)
		*number = *number << 8 | fuzz_take_byte(rest);
	return true;
}

/* False: not all of it is there. The length is wrong where it could have been said in less. */
static bool take_header(struct bytes *rest, struct frame *frame, bool *well_said)
{
	uint64_t first, short_length;

	if (!take_number(rest, 2, &first))
		return false;
	frame->fin = (first & 0x8000) != 0;
	frame->reserved = (uint8_t)(first >> 12 & 7);
	frame->opcode = (uint8_t)(first >> 8 & 15);
	frame->masked = (first & 0x80) != 0;
	short_length = first & 0x7f;
	frame->length = short_length;
	*well_said = true;
	if (frame->opcode >= 8 && (short_length > 125 || !frame->fin)) {
		*well_said = false;
	} else if (short_length == 126) {
		if (!take_number(rest, 2, &frame->length))
			return false;
		*well_said = frame->length > 125;
	} else if (short_length == 127) {
		if (!take_number(rest, 8, &frame->length))
			return false;
		*well_said = frame->length > UINT16_MAX && frame->length <= INT64_MAX;
	}
	return true;
}

/* RFC 3629 by its table. may_go_on: what is cut within a character is right so far. */
static bool is_utf8(struct bytes text, bool may_go_on)
{
	while (text.length > 0) {
		uint8_t first = fuzz_take_byte(&text);
		size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
		uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
		uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

		if ((first >= 0x80 && first < 0xc2) || first > 0xf4 ||
		    (text.length < more && !may_go_on))
			return false;
		for (size_t i = 0; i < more && text.length > 0; i++) {
			uint8_t next = fuzz_take_byte(&text);

			if (next < low || next > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}

/* wslay takes half a code for none. */
static enum end end_of_close(struct bytes payload)
{
	uint64_t code;

	if (payload.length < 2)
		return END_CLOSED;
	if (!take_number(&payload, 2, &code) || code < 1000 || code > 4999 ||
	    (code > 1011 && code < 3000) || (code >= 1004 && code <= 1006))
		return END_BROKEN;
	return is_utf8(payload, false) ? END_CLOSED : END_EITHER;
}

static bool is_allowed(const struct meaning *meaning, const struct frame *frame)
{
	if (frame->reserved != 0 || frame->masked)
		return false;
	if (frame->opcode >= 8)
		return frame->opcode <= 10;
	return meaning->opcode == 0 ? frame->opcode == 1 || frame->opcode == 2 : frame->opcode == 0;
}

/* A whole frame's payload. False: nothing behind it counts. */
static bool take_payload(struct meaning *meaning, const struct frame *frame, struct bytes payload)
{
	if (frame->opcode == 8) {
		meaning->end = end_of_close(payload);
		return false;
	}
	if (frame->opcode == 9)
		add_piece(&meaning->pings, payload);
	if (frame->opcode >= 8)
		return true;
	fuzz_require(buffer_append(&meaning->partial, payload.data, payload.length));
	if (frame->opcode != 0)
		meaning->opcode = frame->opcode;
	if (meaning->opcode == 1 && !is_utf8(bytes_of(&meaning->partial), !frame->fin)) {
		meaning->end = END_BROKEN;
		return false;
	}
	if (!frame->fin)
		return true;
	add_piece(&meaning->messages, bytes_of(&meaning->partial));
	buffer_clear(&meaning->partial);
	meaning->opcode = 0;
	return true;
}

static void read_frames(struct bytes rest, struct meaning *meaning)
{
	struct frame frame;
	bool well_said;
	bool more = true;

	meaning->end = END_INCOMPLETE;
	while (more && take_header(&rest, &frame, &well_said)) {
		if (!well_said || !is_allowed(meaning, &frame) ||
		    frame.length > BUFFER_MAX_WEBSOCKET_MESSAGE - meaning->partial.length) {
			meaning->end =
				rest.length <= (frame.masked ? 4 : 0) ? END_EITHER : END_BROKEN;
			return;
		}
		if (rest.length < frame.length) {
			meaning->end = frame.opcode == 8 ? END_EITHER : END_INCOMPLETE;
			return;
		}
		more = take_payload(meaning, &frame, fuzz_take(&rest, (size_t)frame.length));
	}
}

static void meaning_init(struct meaning *meaning)
{
	*meaning = (struct meaning){.opcode = 0};
	buffer_init(&meaning->messages, ROOM);
	buffer_init(&meaning->pings, ROOM);
	buffer_init(&meaning->partial, ROOM);
}

static void meaning_free(struct meaning *meaning)
{
	buffer_free(&meaning->messages);
	buffer_free(&meaning->pings);
	buffer_free(&meaning->partial);
}

/* What the client makes of it. */
struct result {
	enum outcome opened, ended;
	struct error error;
	struct buffer messages;
};

static void on_message(void *context, const char *text, size_t length)
{
	add_piece(context, (struct bytes){.data = (const uint8_t *)text, .length = length});
}

/* What the client sent behind its request is frames of its own, and the server's pings again. */
static void check_sent(struct bytes sent, struct bytes pings)
{
	struct frame frame;
	bool well_said;
	size_t head_length;
	const struct bytes hello = {(const uint8_t *)greeting, sizeof(greeting) - 1};

	fuzz_require(websocket_handshake_complete(sent, &head_length));
	(void)fuzz_take(&sent, head_length);
	while (take_header(&sent, &frame, &well_said) && sent.length >= frame.length + 4) {
		const struct bytes mask = fuzz_take(&sent, 4);
		struct bytes masked = fuzz_take(&sent, (size_t)frame.length);
		uint8_t plain[125];
		const struct bytes payload = {.data = plain, .length = masked.length};

		fuzz_require(well_said && frame.fin && frame.masked && frame.reserved == 0);
		fuzz_require(frame.length <= sizeof(plain));
		for (size_t i = 0; i < payload.length; i++)
			plain[i] = masked.data[i] ^ mask.data[i % 4];
		if (frame.opcode == 10) {
			uint32_t length;

			fuzz_require(pings.length >= sizeof(length));
			memcpy(&length, fuzz_take(&pings, sizeof(length)).data, sizeof(length));
			fuzz_require(fuzz_same_bytes(fuzz_take(&pings, length), payload));
		} else if (frame.opcode == 1) {
			fuzz_require(fuzz_same_bytes(payload, hello));
		} else {
			fuzz_require(frame.opcode == 9 ? frame.length == 0 : frame.opcode == 8);
		}
	}
}

static void serve(struct websocket *websocket, struct result *result)
{
	const struct bytes hello = {(const uint8_t *)greeting, sizeof(greeting) - 1};

	fuzz_require(websocket_send_text(websocket, hello, &result->error) == OUTCOME_OK);
	fuzz_require(websocket_send_ping(websocket, &result->error) == OUTCOME_OK);
	do {
		result->ended = websocket_service(websocket, &result->error);
	} while (result->ended == OUTCOME_OK);
	fuzz_check_error(result->ended, &result->error);
	websocket_close(websocket);
}

static void play(struct bytes coming, size_t piece, bool slow, struct result *result)
{
	const struct websocket_options options = {
		.url = "ws://node.example/key",
		.ca_file = "",
		.timeout_ms = 1000,
		.on_message = on_message,
		.context = &result->messages,
	};
	struct websocket *websocket;

	*result = (struct result){.ended = OUTCOME_OK};
	buffer_init(&result->messages, ROOM);
	connection = (struct websocket_connection){.coming = coming, .piece = piece, .slow = slow};
	buffer_init(&connection.sent, 2 * ROOM);
	result->opened = websocket_open(&options, &websocket, &result->error);
	if (result->opened == OUTCOME_OK)
		serve(websocket, result);
	else
		fuzz_check_error(result->opened, &result->error);
}

static void result_free(struct result *result)
{
	buffer_free(&result->messages);
	buffer_free(&connection.sent);
}

/* The least that a good answer has. */
static void check_opened(struct bytes head)
{
	const struct websocket_key key = websocket_key_new();
	const struct websocket_accept accept = websocket_accept_of(&key);

	fuzz_require(head.length > 12 && memcmp(head.data, "HTTP/1.1 101", 12) == 0);
	fuzz_require(memmem(head.data, head.length, accept.text, strlen(accept.text)) != NULL);
}

static void check_ended(const struct result *result, enum end expected)
{
	bool closed = strncmp(result->error.text, "closed by the server", 20) == 0;
	bool broken = result->error.kind == ERROR_KIND_MALFORMED;

	fuzz_require((result->ended == OUTCOME_REJECTED) == broken);
	/* What is incomplete may be refused, too: text that cannot become UTF-8 any more. */
	fuzz_require(closed ? expected == END_CLOSED || expected == END_EITHER
			    : expected != END_CLOSED);
	fuzz_require(broken || expected != END_BROKEN);
}

static enum end check_result(struct bytes coming, const struct result *result)
{
	struct meaning meaning = {.end = END_INCOMPLETE};
	size_t head_length;

	fuzz_require(result->error.retry_after_ms <= 24 * 60 * 60 * 1000);
	if (result->opened != OUTCOME_OK) {
		fuzz_require(result->messages.length == 0);
		return END_INCOMPLETE;
	}
	fuzz_require(websocket_handshake_complete(coming, &head_length));
	check_opened(fuzz_take(&coming, head_length));
	meaning_init(&meaning);
	read_frames(coming, &meaning);
	fuzz_require(fuzz_same_bytes(bytes_of(&result->messages), bytes_of(&meaning.messages)));
	check_ended(result, meaning.end);
	check_sent(bytes_of(&connection.sent), bytes_of(&meaning.pings));
	meaning_free(&meaning);
	return meaning.end;
}

static void check_pieces(struct bytes coming, size_t piece, bool slow)
{
	struct result whole;
	struct result pieces;
	enum end end;

	play(coming, SIZE_MAX, false, &whole);
	(void)check_result(coming, &whole);
	buffer_free(&connection.sent);
	play(coming, piece, slow, &pieces);
	end = check_result(coming, &pieces);
	fuzz_require(whole.opened == pieces.opened);
	if (end != END_EITHER)
		fuzz_require(whole.ended == pieces.ended && whole.error.kind == pieces.error.kind);
	buffer_free(&whole.messages);
	result_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char good[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				   "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n";
	struct bytes rest = {.data = data, .length = size};
	uint8_t flags = fuzz_take_byte(&rest);
	size_t piece = (size_t)fuzz_take_byte(&rest) + 1;
	const struct websocket_key key = websocket_key_new();
	struct buffer coming;

	buffer_init(&coming, ROOM);
	if ((flags & FLAG_GOOD_HEAD) != 0)
		fuzz_require(buffer_append_format(&coming, good, websocket_accept_of(&key).text));
	fuzz_require(buffer_append(&coming, rest.data, rest.length));
	check_pieces(bytes_of(&coming), piece, (flags & FLAG_SLOW_SERVER) != 0);
	buffer_free(&coming);
	return 0;
}
