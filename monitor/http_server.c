/* See http_server.h. libmicrohttpd without threads: its epoll descriptor stands in our poll(). */
#include "monitor/http_private.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

/* 64 streams, and as many again for everything else, several times over. */
#define CONNECTIONS_MAXIMUM 512U
/* The head of a request must fit in. */
#define CONNECTION_MEMORY ((size_t)16 * 1024)

/* From the connection to the end of the request, and from the answer to its last byte. */
#define REQUEST_DEADLINE_MS 10000
#define ANSWER_DEADLINE_MS  30000

/* How long the last bytes may take when the process is to stop. */
#define CLOSE_DEADLINE_MS 500

static void PRINTF_LIKE(2, 0) log_library(void *context, const char *format, va_list arguments)
{
	char text[512];

	(void)context;
	(void)vsnprintf(text, sizeof(text), format, arguments);
	log_debug("libmicrohttpd: %s", text);
}

static void add_connection(struct http_server *server, struct MHD_Connection *connection,
			   void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_connection *added = memory_allocate(1, sizeof(*added));

	invariant(info != NULL);
	added->connection = connection;
	added->fd = info->connect_fd;
	added->accepted_ms = clock_monotonic_ms();
	added->next = server->connections;
	if (added->next != NULL)
		added->next->previous = added;
	server->connections = added;
	*context = added;
}

static void remove_connection(struct http_server *server, struct http_connection *removed)
{
	if (removed->previous != NULL)
		removed->previous->next = removed->next;
	else
		server->connections = removed->next;
	if (removed->next != NULL)
		removed->next->previous = removed->previous;
	memory_free(removed);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = context;

	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		add_connection(server, connection, socket_context);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		remove_connection(server, *socket_context);
		break;
	}
}

void http_server_open(struct http_server *server, int fd, const struct http_handler *handler)
{
	const union MHD_DaemonInfo *info;

	*server = (struct http_server){.handler = *handler};
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
		http_exchange_handle, server, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAXIMUM,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT,
		1, MHD_OPTION_URI_LOG_CALLBACK, http_exchange_begin, server,
		MHD_OPTION_NOTIFY_COMPLETED, http_exchange_complete, server,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
	if (server->daemon == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "the HTTP server could not be started");
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	invariant(info != NULL);
	server->poll_fd = info->epoll_fd;
}

int http_server_poll_fd(const struct http_server *server)
{
	return server->poll_fd;
}

int http_server_timeout_ms(const struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	if (server->resumed)
		return 0;
	if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES)
		return -1;
	return timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
}

void http_server_step(struct http_server *server)
{
	server->resumed = false;
	if (MHD_run(server->daemon) != MHD_YES)
		fatal(EXIT_CODE_BUG, "libmicrohttpd refuses to run");
}

/* A stream has its own: each of its parts must be taken in time. */
static bool is_overdue(const struct http_connection *connection, int64_t now_ms)
{
	if (!connection->asked)
		return now_ms - connection->accepted_ms >= REQUEST_DEADLINE_MS;
	return connection->answered_ms > 0 && connection->exchange != NULL &&
	       !connection->exchange->streams &&
	       now_ms - connection->answered_ms >= ANSWER_DEADLINE_MS;
}

void http_server_enforce_deadlines(struct http_server *server)
{
	const int64_t now_ms = clock_monotonic_ms();

	/* Shut down, a socket is readable and writable, and libmicrohttpd finds its end. */
	for (struct http_connection *i = server->connections; i != NULL; i = i->next) {
		if (is_overdue(i, now_ms))
			(void)shutdown(i->fd, SHUT_RDWR);
	}
}

/* No connection may be suspended when the library is stopped. */
static void resume_all(struct http_server *server)
{
	static const struct http_answer stopping = {
		.status = MHD_HTTP_SERVICE_UNAVAILABLE,
		.content_type = "application/json",
		.body = "{\"error\":\"the monitor stops\"}\n",
		.length = sizeof("{\"error\":\"the monitor stops\"}\n") - 1,
		.retry_after_s = 1,
		.lives_for_ever = true,
	};

	for (struct http_connection *i = server->connections; i != NULL; i = i->next) {
		if (i->exchange != NULL && i->asked && i->exchange->response == NULL)
			http_exchange_answer(i->exchange, &stopping);
		else if (i->exchange != NULL)
			http_exchange_resume(i->exchange);
	}
}

void http_server_close(struct http_server *server)
{
	const int64_t deadline_ms = clock_monotonic_ms() + CLOSE_DEADLINE_MS;

	server->stopping = true;
	resume_all(server);
	while (server->connections != NULL && clock_monotonic_ms() < deadline_ms) {
		for (struct http_connection *i = server->connections; i != NULL; i = i->next) {
			if (!i->asked)
				(void)shutdown(i->fd, SHUT_RDWR);
		}
		if (MHD_run_wait(server->daemon, 10) != MHD_YES)
			break;
	}
	MHD_stop_daemon(server->daemon);
}
