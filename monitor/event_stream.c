/* See event_stream.h. */
#include "monitor/event_stream.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One text; the sockets' own buffers take most of one at once. */
#define SEND_DEADLINE_MS 10000

static struct event_text *make_text(int64_t number, const char *name, struct bytes data)
{
	char head[96];
	const int length =
		snprintf(head, sizeof(head), "event: %s\nid: %" PRId64 "\ndata: ", name, number);
	const size_t head_length = (size_t)length;
	struct event_text *text = memory_allocate(1, sizeof(*text) + head_length + data.length + 2);

	invariant(length > 0 && head_length < sizeof(head));
	text->references = 1;
	text->number = number;
	text->length = head_length + data.length + 2;
	memcpy(text->bytes, head, head_length);
	memcpy(text->bytes + head_length, data.data, data.length);
	memcpy(text->bytes + head_length + data.length, "\n\n", 2);
	return text;
}

static void release(struct event_text *text)
{
	if (text != NULL && --text->references == 0)
		memory_free(text);
}

void event_stream_open(struct event_stream *stream)
{
	memset(stream, 0, sizeof(*stream));
}

void event_stream_close(struct event_stream *stream)
{
	invariant(stream->client_count == 0);
	release(stream->newest);
}

static void begin_text(struct event_client *client, struct event_text *text)
{
	text->references++;
	client->text = text;
	client->sent = 0;
	client->since_ms = clock_monotonic_ms();
	client->seen = text->number;
	client->idle = false;
}

static void end_text(struct event_client *client)
{
	release(client->text);
	client->text = NULL;
}

static int64_t read_text(void *context, void *bytes, size_t size)
{
	struct event_client *client = context;
	struct event_text *newest = client->stream->newest;
	size_t length;

	if (client->text == NULL && newest != NULL && newest->number > client->seen)
		begin_text(client, newest);
	if (client->text == NULL) {
		client->idle = true;
		return 0;
	}
	length = client->text->length - client->sent;
	if (length > size)
		length = size;
	memcpy(bytes, client->text->bytes + client->sent, length);
	client->sent += length;
	if (client->sent == client->text->length)
		end_text(client);
	return (int64_t)length;
}

bool event_stream_add(struct event_stream *stream, struct http_exchange *exchange, bool begin)
{
	for (size_t i = 0; i < EVENT_STREAM_CLIENTS; i++) {
		struct event_client *client = &stream->clients[i];
		const struct http_source source = {read_text, client};

		if (client->exchange != NULL)
			continue;
		*client = (struct event_client){.stream = stream, .exchange = exchange};
		client->seen = begin ? 0 : stream->published;
		client->since_ms = clock_monotonic_ms();
		stream->client_count++;
		http_exchange_stream(exchange, "text/event-stream; charset=utf-8", &source);
		return true;
	}
	return false;
}

bool event_stream_remove(struct event_stream *stream, struct http_exchange *exchange)
{
	for (size_t i = 0; i < EVENT_STREAM_CLIENTS; i++) {
		if (stream->clients[i].exchange != exchange)
			continue;
		end_text(&stream->clients[i]);
		stream->clients[i].exchange = NULL;
		stream->client_count--;
		return true;
	}
	return false;
}

void event_stream_publish(struct event_stream *stream, const char *name, struct bytes data)
{
	release(stream->newest);
	stream->newest = make_text(++stream->published, name, data);
	for (size_t i = 0; i < EVENT_STREAM_CLIENTS; i++) {
		if (stream->clients[i].exchange != NULL)
			http_stream_wake(stream->clients[i].exchange);
	}
}

void event_stream_enforce(struct event_stream *stream)
{
	const int64_t now_ms = clock_monotonic_ms();

	for (size_t i = 0; i < EVENT_STREAM_CLIENTS; i++) {
		struct event_client *client = &stream->clients[i];
		const bool slow = !client->idle && now_ms - client->since_ms >= SEND_DEADLINE_MS;

		if (client->exchange == NULL)
			continue;
		if (slow)
			log_info("a client of /events does not read: its connection is closed");
		if (slow || http_stream_is_left(client->exchange))
			http_stream_drop(client->exchange);
	}
}
