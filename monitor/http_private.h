/* What the files behind the door to libmicrohttpd share. Nobody else includes it. */
#ifndef BALLAST_MONITOR_HTTP_PRIVATE_H
#define BALLAST_MONITOR_HTTP_PRIVATE_H

#include "monitor/http_server.h"

#include <microhttpd.h>

struct http_connection {
	struct http_connection *previous;
	struct http_connection *next;
	struct MHD_Connection *connection;
	struct http_exchange *exchange; /* NULL: its request line has not come yet */
	int fd;
	int64_t accepted_ms;
	int64_t answered_ms; /* 0: not yet */
	bool asked;	     /* the whole request has come */
};

struct http_exchange {
	struct http_server *server;
	struct http_connection *owner; /* NULL until its headers are whole */
	char target[HTTP_TARGET_SIZE];
	bool target_too_long;
	bool begun;
	bool suspended;
	bool dropped;
	size_t body_length;
	unsigned int status;
	struct MHD_Response *response; /* NULL: not answered */
	bool streams;
	struct http_source source;
};

/* The body of a request is read and forgotten up to so many bytes. */
#define HTTP_BODY_MAXIMUM ((size_t)64 * 1024)

/* libmicrohttpd's callbacks (http_exchange.c). */
void *http_exchange_begin(void *server, const char *target, struct MHD_Connection *connection);
enum MHD_Result http_exchange_handle(void *server, struct MHD_Connection *connection,
				     const char *url, const char *method, const char *version,
				     const char *upload, size_t *upload_length, void **context);
void http_exchange_complete(void *server, struct MHD_Connection *connection, void **context,
			    enum MHD_RequestTerminationCode code);

/* So that it is looked at again. */
void http_exchange_resume(struct http_exchange *exchange);

#endif
