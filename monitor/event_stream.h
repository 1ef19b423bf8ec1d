/*
 * /events: server-sent events to many clients. A text is rendered once and shared by all. Each
 * client has at most one text that it is still being sent; what came meanwhile it skips, but for
 * the newest. One that does not take its text in time is dropped.
 */
#ifndef BALLAST_MONITOR_EVENT_STREAM_H
#define BALLAST_MONITOR_EVENT_STREAM_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "monitor/http_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_STREAM_CLIENTS 64

struct event_text {
	int references;
	int64_t number; /* 1, 2, ... */
	size_t length;
	char bytes[];
};

struct event_client {
	struct event_stream *stream;
	struct http_exchange *exchange; /* NULL: free */
	struct event_text *text;	/* is being sent; NULL: none */
	size_t sent;			/* of it */
	int64_t since_ms;		/* when it began to be sent */
	bool idle;			/* the last byte of it has left */
	int64_t seen;			/* the last number that it got, or is getting */
};

struct event_stream {
	struct event_client clients[EVENT_STREAM_CLIENTS];
	size_t client_count;
	struct event_text *newest; /* NULL: none yet */
	int64_t published;
};

void event_stream_open(struct event_stream *stream);
void event_stream_close(struct event_stream *stream);

/*
 * False: there are too many. The client first gets the newest text when begin is true, else the
 * next one.
 */
MUST_USE bool event_stream_add(struct event_stream *stream, struct http_exchange *exchange,
			       bool begin);
/* The exchange has ended. False: it is none of ours. */
MUST_USE bool event_stream_remove(struct event_stream *stream, struct http_exchange *exchange);

/* To all clients. name: a word; data: one line. */
void event_stream_publish(struct event_stream *stream, const char *name, struct bytes data);

/* Once a second: drops who does not read, or has left. */
void event_stream_enforce(struct event_stream *stream);

#endif
