/*
 * HTTP for many clients in one thread: the door to libmicrohttpd (http_*.c). A connection is one
 * request and its answer. A client that is slow to ask, to read or to leave is cut off by a
 * deadline; none can hold up another.
 */
#ifndef BALLAST_MONITOR_HTTP_SERVER_H
#define BALLAST_MONITOR_HTTP_SERVER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

/* Longer request lines are refused: ours have at most a few short parameters. */
#define HTTP_TARGET_SIZE 512

struct http_connection;

struct http_request {
	const char *method;
	const char *target;	   /* as it came: path and query; NULL: longer than it may be */
	const char *host;	   /* header Host; NULL: there is none */
	const char *if_none_match; /* header; NULL: there is none */
};

struct http_answer {
	unsigned int status;
	const char *content_type;
	const char *etag;  /* NULL: what is sent is data, and nobody may keep it */
	const char *allow; /* NULL: no such header */
	int retry_after_s; /* 0: no such header */
	const void *body;
	size_t length;
	bool lives_for_ever; /* body needs no copy */
};

/* A request that is not answered yet, or is just being. Gone once its connection is. */
struct http_exchange;

struct http_handler {
	/* Answers now, or keeps the exchange and answers later. */
	void (*handle)(void *context, struct http_exchange *exchange,
		       const struct http_request *request);
	/* The client is gone, or has got its answer. */
	void (*ended)(void *context, struct http_exchange *exchange);
	void *context;
};

struct http_server {
	struct MHD_Daemon *daemon;
	int poll_fd;
	struct http_handler handler;
	struct http_connection *connections; /* all that are open */
	bool resumed; /* since the last step: there is something to do at once */
	bool stopping;
};

/* fd: a listening socket, which becomes the server's. */
void http_server_open(struct http_server *server, int fd, const struct http_handler *handler);
/* Ends every connection. */
void http_server_close(struct http_server *server);

/* For poll(): readable when http_server_step has something to do; so it has after the time-out. */
int http_server_poll_fd(const struct http_server *server);
/* -1: no limit. */
int http_server_timeout_ms(const struct http_server *server);
void http_server_step(struct http_server *server);
/* Once a second: cuts off who is too slow. */
void http_server_enforce_deadlines(struct http_server *server);

void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer);

/*
 * An answer without an end, of text that its source gives out piece by piece.
 */
struct http_source {
	/*
	 * At most size bytes; 0: nothing now, http_stream_wake says when; -1: the end.
	 */
	int64_t (*read)(void *context, void *bytes, size_t size);
	void *context;
};

void http_exchange_stream(struct http_exchange *exchange, const char *content_type,
			  const struct http_source *source);
void http_stream_wake(struct http_exchange *exchange);
/* Cuts the connection off: its client does not read. */
void http_stream_drop(struct http_exchange *exchange);
/* Whether the client has closed its end. */
bool http_stream_is_left(const struct http_exchange *exchange);

#endif
