/*
 * One request and its answer. libmicrohttpd asks again and again for the answer; while there is
 * none, and while a stream has nothing to say, its connection is suspended.
 */
#include "monitor/http_private.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define STREAM_BLOCK_SIZE 32768

/* Everything comes from here, nothing is sent elsewhere, and nobody else may show or read it. */
static const char *const headers[][2] = {
	{"Content-Security-Policy",
	 "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
	 "img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"},
	{"Cross-Origin-Embedder-Policy", "require-corp"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
	{"Referrer-Policy", "no-referrer"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	/* A connection is one request: each has its deadline. */
	{"Connection", "close"},
};

void *http_exchange_begin(void *server, const char *target, struct MHD_Connection *connection)
{
	struct http_exchange *exchange = memory_allocate(1, sizeof(*exchange));

	(void)connection;
	exchange->server = server;
	if (strlen(target) < sizeof(exchange->target))
		memcpy(exchange->target, target, strlen(target) + 1);
	else
		exchange->target_too_long = true;
	return exchange;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (MHD_add_response_header(response, name, value) != MHD_YES)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory for header %s", name);
}

static void add_headers(struct MHD_Response *response, const char *content_type)
{
	for (size_t i = 0; i < ARRAY_LENGTH(headers); i++)
		add_header(response, headers[i][0], headers[i][1]);
	add_header(response, "Content-Type", content_type);
}

static void set_response(struct http_exchange *exchange, unsigned int status,
			 struct MHD_Response *response)
{
	invariant(exchange->response == NULL);
	exchange->status = status;
	exchange->response = response;
	exchange->owner->answered_ms = clock_monotonic_ms();
	http_exchange_resume(exchange);
}

/* libmicrohttpd takes a pointer to what it will not change. */
static struct MHD_Response *make_response(const struct http_answer *answer)
{
	union {
		const void *given;
		void *taken;
	} body = {.given = answer->length > 0 ? answer->body : ""};
	struct MHD_Response *response = MHD_create_response_from_buffer(
		answer->length, body.taken,
		answer->lives_for_ever ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory for an answer of %zu bytes",
		      answer->length);
	return response;
}

void http_exchange_answer(struct http_exchange *exchange, const struct http_answer *answer)
{
	struct MHD_Response *response = make_response(answer);
	char seconds[16];

	add_headers(response, answer->content_type);
	add_header(response, "Cache-Control", answer->etag != NULL ? "no-cache" : "no-store");
	if (answer->etag != NULL)
		add_header(response, "ETag", answer->etag);
	if (answer->allow != NULL)
		add_header(response, "Allow", answer->allow);
	if (answer->retry_after_s > 0) {
		(void)snprintf(seconds, sizeof(seconds), "%d", answer->retry_after_s);
		add_header(response, "Retry-After", seconds);
	}
	set_response(exchange, answer->status, response);
}

/* Inside libmicrohttpd's loop. */
static ssize_t read_stream(void *context, uint64_t position, char *bytes, size_t size)
{
	struct http_exchange *exchange = context;
	int64_t length;

	(void)position;
	if (exchange->dropped)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	length = exchange->server->stopping
			 ? -1
			 : exchange->source.read(exchange->source.context, bytes, size);
	if (length < 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (length == 0) {
		exchange->suspended = true;
		MHD_suspend_connection(exchange->owner->connection);
	}
	return (ssize_t)length;
}

void http_exchange_stream(struct http_exchange *exchange, const char *content_type,
			  const struct http_source *source)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK_SIZE, read_stream, exchange, NULL);

	if (response == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory for a stream");
	exchange->streams = true;
	exchange->source = *source;
	add_headers(response, content_type);
	add_header(response, "Cache-Control", "no-store");
	set_response(exchange, MHD_HTTP_OK, response);
}

void http_exchange_resume(struct http_exchange *exchange)
{
	if (!exchange->suspended)
		return;
	exchange->suspended = false;
	exchange->server->resumed = true;
	MHD_resume_connection(exchange->owner->connection);
}

void http_stream_wake(struct http_exchange *exchange)
{
	http_exchange_resume(exchange);
}

void http_stream_drop(struct http_exchange *exchange)
{
	exchange->dropped = true;
	(void)shutdown(exchange->owner->fd, SHUT_RDWR);
	http_exchange_resume(exchange);
}

bool http_stream_is_left(const struct http_exchange *exchange)
{
	char byte;

	return recv(exchange->owner->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static struct http_connection *owner_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	invariant(info != NULL && info->socket_context != NULL);
	return info->socket_context;
}

static void pass_on(struct http_server *server, struct http_exchange *exchange, const char *method)
{
	struct MHD_Connection *connection = exchange->owner->connection;
	const struct http_request request = {
		.method = method,
		.target = exchange->target_too_long ? NULL : exchange->target,
		.host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"),
		.if_none_match =
			MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "If-None-Match"),
	};

	exchange->owner->asked = true;
	server->handler.handle(server->handler.context, exchange, &request);
}

/* First at the end of the headers, then for each part of a body, then at the end of the request. */
enum MHD_Result http_exchange_handle(void *server, struct MHD_Connection *connection,
				     const char *url, const char *method, const char *version,
				     const char *upload, size_t *upload_length, void **context)
{
	struct http_exchange *exchange = *context;

	(void)url;
	(void)version;
	(void)upload;
	if (!exchange->begun) {
		exchange->begun = true;
		exchange->owner = owner_of(connection);
		exchange->owner->exchange = exchange;
		return MHD_YES;
	}
	if (*upload_length > 0) {
		exchange->body_length += *upload_length;
		*upload_length = 0;
		return exchange->body_length <= HTTP_BODY_MAXIMUM ? MHD_YES : MHD_NO;
	}
	if (!exchange->owner->asked && exchange->server->stopping)
		return MHD_NO;
	if (!exchange->owner->asked)
		pass_on(server, exchange, method);
	if (exchange->response != NULL)
		return MHD_queue_response(connection, exchange->status, exchange->response);
	exchange->suspended = true;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

void http_exchange_complete(void *server, struct MHD_Connection *connection, void **context,
			    enum MHD_RequestTerminationCode code)
{
	struct http_exchange *exchange = *context;
	struct http_server *self = server;

	(void)connection;
	(void)code;
	if (exchange == NULL)
		return;
	if (exchange->owner != NULL) {
		exchange->owner->exchange = NULL;
		if (exchange->owner->asked)
			self->handler.ended(self->handler.context, exchange);
	}
	if (exchange->response != NULL)
		MHD_destroy_response(exchange->response);
	memory_free(exchange);
	*context = NULL;
}
