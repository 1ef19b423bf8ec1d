/*
 * See websocket_connection.h. The easy handle stays in its multi handle for as long as the
 * connection is used: taking it out would close the connection.
 */
#include "chain/websocket_connection.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "net/http_curl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

struct websocket_connection {
	CURLM *multi;
	CURL *easy;
	int fd;
	char curl_error[CURL_ERROR_SIZE];
};

static enum outcome stopping(struct error *error)
{
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "the process is to stop");
}

static enum outcome too_late(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "time-out: %s", what);
}

/* True when connecting has ended, in success or not. */
static bool take_result(CURLM *multi, CURLcode *result)
{
	int left;
	const CURLMsg *message = curl_multi_info_read(multi, &left);

	if (message == NULL)
		return false;
	invariant(message->msg == CURLMSG_DONE);
	*result = message->data.result;
	return true;
}

static enum outcome connect_by(struct websocket_connection *connection, int64_t deadline_ms,
			       struct error *error)
{
	CURLcode result;
	curl_socket_t fd = CURL_SOCKET_BAD;

	for (;;) {
		http_curl_perform(connection->multi);
		if (take_result(connection->multi, &result))
			break;
		if (process_stopping())
			return stopping(error);
		if (clock_monotonic_ms() >= deadline_ms)
			return too_late(error, "connecting");
		http_curl_wait(connection->multi, deadline_ms);
	}
	if (result != CURLE_OK)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "%s",
				 http_curl_reason(result, connection->curl_error));
	http_curl_require(curl_easy_getinfo(connection->easy, CURLINFO_ACTIVESOCKET, &fd),
			  "CURLINFO_ACTIVESOCKET");
	if (fd == CURL_SOCKET_BAD)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				 "connection lost at once");
	connection->fd = fd;
	/* An address that failed before another worked left its words there. */
	connection->curl_error[0] = '\0';
	return OUTCOME_OK;
}

enum outcome websocket_connection_open(const char *url, const char *ca_file, int64_t deadline_ms,
				       struct websocket_connection **connection,
				       struct error *error)
{
	struct websocket_connection *opened = memory_allocate(1, sizeof(*opened));
	enum outcome outcome;

	http_curl_require(curl_global_init(CURL_GLOBAL_DEFAULT), "to start");
	opened->fd = -1;
	opened->multi = curl_multi_init();
	opened->easy = curl_easy_init();
	if (opened->multi == NULL || opened->easy == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "libcurl gives no handle: out of memory");
	http_curl_configure(opened->easy, url, ca_file, opened->curl_error);
	http_curl_set(opened->easy, CURLOPT_CONNECT_ONLY, 1L);
	http_curl_require_multi(curl_multi_add_handle(opened->multi, opened->easy), "to connect");
	outcome = connect_by(opened, deadline_ms, error);
	if (outcome != OUTCOME_OK) {
		websocket_connection_close(opened);
		return outcome;
	}
	*connection = opened;
	return OUTCOME_OK;
}

void websocket_connection_close(struct websocket_connection *connection)
{
	http_curl_require_multi(curl_multi_remove_handle(connection->multi, connection->easy),
				"to disconnect");
	curl_easy_cleanup(connection->easy);
	http_curl_require_multi(curl_multi_cleanup(connection->multi), "to close");
	memory_free(connection);
	curl_global_cleanup();
}

int websocket_connection_fd(const struct websocket_connection *connection)
{
	return connection->fd;
}

static enum connection_result result_of(struct websocket_connection *connection, CURLcode code,
					size_t count)
{
	if (code == CURLE_AGAIN)
		return CONNECTION_WOULD_BLOCK;
	if (code == CURLE_OK && count > 0)
		return CONNECTION_DONE;
	if (connection->curl_error[0] == '\0')
		(void)snprintf(connection->curl_error, sizeof(connection->curl_error), "%s",
			       code == CURLE_OK ? "closed by the server"
						: curl_easy_strerror(code));
	return CONNECTION_LOST;
}

enum connection_result websocket_connection_receive(struct websocket_connection *connection,
						    void *bytes, size_t size, size_t *received)
{
	CURLcode code;

	*received = 0;
	code = curl_easy_recv(connection->easy, bytes, size, received);
	return result_of(connection, code, *received);
}

enum connection_result websocket_connection_send(struct websocket_connection *connection,
						 const void *bytes, size_t length, size_t *sent)
{
	CURLcode code;

	*sent = 0;
	code = curl_easy_send(connection->easy, bytes, length, sent);
	return result_of(connection, code, *sent);
}

const char *websocket_connection_reason(const struct websocket_connection *connection)
{
	return connection->curl_error;
}

enum outcome websocket_connection_wait(const struct websocket_connection *connection, short events,
				       int64_t deadline_ms, struct error *error)
{
	struct pollfd fds[] = {
		{.fd = connection->fd, .events = events},
		{.fd = process_stop_fd(), .events = POLLIN},
	};

	for (;;) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		int ready;

		if (process_stopping())
			return stopping(error);
		if (left_ms <= 0)
			return too_late(error, "the answer to the upgrade");
		if (left_ms > INT32_MAX)
			left_ms = INT32_MAX;
		ready = poll(fds, ARRAY_LENGTH(fds), (int)left_ms);
		if (ready > 0 && fds[0].revents != 0)
			return OUTCOME_OK;
		invariant(ready >= 0 || errno == EINTR);
	}
}
