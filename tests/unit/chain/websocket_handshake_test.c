/* The upgrade as text: what is asked, and which answers are taken for a WebSocket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "chain/websocket_handshake.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* RFC 6455, 1.3. */
static const struct websocket_key rfc_key = {.text = "dGhlIHNhbXBsZSBub25jZQ=="};

#define GOOD_FIELDS                                                                                \
	"Upgrade: websocket\r\n"                                                                   \
	"Connection: Upgrade\r\n"                                                                  \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define SWITCHING "HTTP/1.1 101 Switching Protocols\r\n"

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

static void the_accept_value_is_that_of_the_rfc(void **state)
{
	struct websocket_accept accept = websocket_accept_of(&rfc_key);

	(void)state;
	assert_string_equal(accept.text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void every_key_is_another(void **state)
{
	struct websocket_key first = websocket_key_new();
	struct websocket_key second = websocket_key_new();

	(void)state;
	assert_int_equal(strlen(first.text), WEBSOCKET_KEY_SIZE - 1);
	assert_string_not_equal(first.text, second.text);
}

static void assert_request(const char *url, const char *expected_start, const char *expected_end)
{
	struct buffer request;
	struct error error;
	char start[256];
	size_t end_length = strlen(expected_end);

	buffer_init(&request, BUFFER_MAX_HTTP_REQUEST);
	assert_int_equal(websocket_handshake_request(url, &rfc_key, &request, &error), OUTCOME_OK);
	(void)snprintf(start, sizeof(start), "%s", buffer_text(&request));
	start[strlen(expected_start)] = '\0';
	assert_string_equal(start, expected_start);
	assert_true(request.length > end_length);
	assert_string_equal(buffer_text(&request) + request.length - end_length, expected_end);
	buffer_free(&request);
}

static void a_request_names_path_host_and_port(void **state)
{
	const char *end = "Upgrade: websocket\r\n"
			  "Connection: Upgrade\r\n"
			  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			  "Sec-WebSocket-Version: 13\r\n"
			  "\r\n";

	(void)state;
	assert_request("http://node.example", "GET / HTTP/1.1\r\nHost: node.example\r\n", end);
	assert_request("http://node.example:80/ws", "GET /ws HTTP/1.1\r\nHost: node.example\r\n",
		       end);
	assert_request("https://node.example:443/v2/key?a=b&c=%20#there",
		       "GET /v2/key?a=b&c=%20 HTTP/1.1\r\nHost: node.example\r\n", end);
	assert_request("https://node.example:8546/",
		       "GET / HTTP/1.1\r\nHost: node.example:8546\r\n", end);
	assert_request("http://[::1]:8546/", "GET / HTTP/1.1\r\nHost: [::1]:8546\r\n", end);
}

static void user_and_password_become_basic_authorization(void **state)
{
	(void)state;
	/* RFC 7617, 2. */
	assert_request("https://Aladdin:open%20sesame@node.example/",
		       "GET / HTTP/1.1\r\nHost: node.example\r\n",
		       "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
	assert_request("https://key@node.example/", "GET / HTTP/1.1\r\nHost: node.example\r\n",
		       "Authorization: Basic a2V5Og==\r\n\r\n");
}

static void a_url_that_could_forge_a_header_is_refused(void **state)
{
	static const char *const urls[] = {
		"",
		"http://",
		"no url",
		"http://host/a b",
		"http://host/\r\nX: y",
		"http://ho\rst/",
		"http://host:99999/",
	};
	struct buffer request;
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(urls); i++) {
		buffer_init(&request, BUFFER_MAX_HTTP_REQUEST);
		error.kind = ERROR_KIND_NONE;
		if (websocket_handshake_request(urls[i], &rfc_key, &request, &error) == OUTCOME_OK)
			fail_msg("taken: \"%s\" as %s", urls[i], buffer_text(&request));
		assert_int_equal(error.kind, ERROR_KIND_INVALID);
		buffer_free(&request);
	}
}

static void a_head_ends_at_the_empty_line(void **state)
{
	const char *head = SWITCHING GOOD_FIELDS "\r\n";
	char received[400];
	size_t length = 0;

	(void)state;
	(void)snprintf(received, sizeof(received), "%s%s", head, "\x81\x02hi\r\n\r\n");
	for (size_t i = 0; i < strlen(head); i++) {
		struct bytes part = {.data = (const uint8_t *)received, .length = i};

		assert_false(websocket_handshake_complete(part, &length));
	}
	assert_true(websocket_handshake_complete(bytes_of(received), &length));
	assert_int_equal(length, strlen(head));
	assert_false(websocket_handshake_complete((struct bytes){.data = NULL}, &length));
}

static enum outcome judge(const char *head, struct error *error)
{
	*error = (struct error){.kind = ERROR_KIND_NONE};
	return websocket_handshake_judge(bytes_of(head), &rfc_key, error);
}

static void the_right_answer_is_taken_however_it_is_written(void **state)
{
	static const char *const heads[] = {
		SWITCHING GOOD_FIELDS "\r\n",
		"HTTP/1.1 101\r\n" GOOD_FIELDS "\r\n",
		SWITCHING "Server: x\r\nEmpty:\r\n" GOOD_FIELDS "X: y:z\r\n\r\n",
		SWITCHING "upgrade:WebSocket\r\n"
			  "CONNECTION:\tkeep-alive , upgrade\r\n"
			  "sec-websocket-accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t\r\n\r\n",
		SWITCHING "Connection: keep-alive\r\n" GOOD_FIELDS "Connection: x\r\n\r\n",
	};
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
		if (judge(heads[i], &error) != OUTCOME_OK)
			fail_msg("refused (%s): %s", error.text, heads[i]);
	}
}

static void anything_less_than_the_right_answer_is_refused(void **state)
{
	static const char *const heads[] = {
		/* nothing, or not all of it */
		SWITCHING "\r\n",
		SWITCHING "Connection: Upgrade\r\n"
			  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		SWITCHING "Upgrade: websocket\r\n"
			  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		SWITCHING "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		SWITCHING GOOD_FIELDS,
		/* other values */
		SWITCHING "Upgrade: h2c\r\nConnection: Upgrade\r\n"
			  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		SWITCHING "Upgrade: websocket\r\nConnection: Upgraded\r\n"
			  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		SWITCHING "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			  "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		SWITCHING "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n\r\n",
		SWITCHING "Upgrade: websocket\r\nConnection: Upgrade\r\n"
			  "Sec-WebSocket-Accept:\r\n\r\n",
		/* twice */
		SWITCHING GOOD_FIELDS "Upgrade: websocket\r\n\r\n",
		SWITCHING GOOD_FIELDS "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		/* not asked for */
		SWITCHING GOOD_FIELDS "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
		SWITCHING GOOD_FIELDS "Sec-WebSocket-Protocol: chat\r\n\r\n",
		/* unreadable */
		SWITCHING GOOD_FIELDS " folded\r\n\r\n",
		SWITCHING GOOD_FIELDS "no colon\r\n\r\n",
		SWITCHING GOOD_FIELDS ": no name\r\n\r\n",
		SWITCHING GOOD_FIELDS "Blank : before colon\r\n\r\n",
		SWITCHING GOOD_FIELDS "Bare: line feed\n\r\n",
		SWITCHING GOOD_FIELDS "Bare: return\rX: y\r\n\r\n",
		/* not HTTP/1.1 */
		"",
		"\r\n\r\n",
		"HTTP/1.0 101 Switching Protocols\r\n" GOOD_FIELDS "\r\n",
		"HTTP/2 101 Switching Protocols\r\n" GOOD_FIELDS "\r\n",
		"HTTP/1.1 10 Switching Protocols\r\n" GOOD_FIELDS "\r\n",
		"HTTP/1.1 1010 Switching Protocols\r\n" GOOD_FIELDS "\r\n",
		"HTTP/1.1 +101 Switching Protocols\r\n" GOOD_FIELDS "\r\n",
		"HTTP/1.1\r\n" GOOD_FIELDS "\r\n",
		"101\r\n" GOOD_FIELDS "\r\n",
	};
	struct error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
		if (judge(heads[i], &error) != OUTCOME_REJECTED)
			fail_msg("taken: %s", heads[i]);
		assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	}
}

static void a_nul_in_the_head_is_refused(void **state)
{
	static const char head[] = SWITCHING GOOD_FIELDS "X: a\0b\r\n\r\n";
	struct error error;

	(void)state;
	assert_int_equal(websocket_handshake_judge((struct bytes){.data = (const uint8_t *)head,
								  .length = sizeof(head) - 1},
						   &rfc_key, &error),
			 OUTCOME_REJECTED);
}

static void assert_status(const char *head, enum outcome outcome, enum error_kind kind,
			  int64_t retry_after_ms, const char *named)
{
	struct error error;

	assert_int_equal(judge(head, &error), outcome);
	assert_int_equal(error.kind, kind);
	assert_int_equal(error.retry_after_ms, retry_after_ms);
	assert_non_null(strstr(error.text, named));
}

static void another_status_says_whether_to_try_again(void **state)
{
	(void)state;
	assert_status("HTTP/1.1 401 No\r\n\r\n", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, 0, "401");
	assert_status("HTTP/1.1 403 No\r\n\r\n", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, 0, "403");
	assert_status("HTTP/1.1 500 \r\n\r\n", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, 0, "500");
	assert_status("HTTP/1.1 503 Busy\r\nRetry-After: 3\r\n\r\n", OUTCOME_RETRY,
		      ERROR_KIND_UNREACHABLE, 3000, "503");
	assert_status("HTTP/1.1 429 Slow\r\nretry-after:5 \r\n\r\n", OUTCOME_RETRY,
		      ERROR_KIND_RATE_LIMITED, 5000, "429");
	assert_status("HTTP/1.1 429 Slow\r\nRetry-After: 99999999999999999999999\r\n\r\n",
		      OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED, 86400000, "429");
	assert_status("HTTP/1.1 429 Slow\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n",
		      OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED, 0, "429");
	assert_status("HTTP/1.1 429 Slow\r\nRetry-After: \r\n\r\n", OUTCOME_RETRY,
		      ERROR_KIND_RATE_LIMITED, 0, "429");
	assert_status("HTTP/1.1 200 OK\r\n" GOOD_FIELDS "\r\n", OUTCOME_REJECTED,
		      ERROR_KIND_MALFORMED, 0, "not a WebSocket endpoint: HTTP 200");
	assert_status("HTTP/1.1 404 Not Found\r\nRetry-After: 3\r\n\r\n", OUTCOME_REJECTED,
		      ERROR_KIND_MALFORMED, 0, "not a WebSocket endpoint: HTTP 404");
	assert_status("HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", OUTCOME_REJECTED,
		      ERROR_KIND_MALFORMED, 0, "301");
}

static void a_date_to_wait_for_becomes_an_interval(void **state)
{
	char date[64];
	char head[160];
	time_t later = (time_t)(clock_wall_ms() / 1000) + 600;
	struct tm parts;
	struct error error;

	(void)state;
	assert_non_null(gmtime_r(&later, &parts));
	assert_true(strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0);
	(void)snprintf(head, sizeof(head), "HTTP/1.1 503 Busy\r\nRetry-After: %s\r\n\r\n", date);
	assert_int_equal(judge(head, &error), OUTCOME_RETRY);
	assert_in_range(error.retry_after_ms, 500 * 1000, 600 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_accept_value_is_that_of_the_rfc),
		cmocka_unit_test(every_key_is_another),
		cmocka_unit_test(a_request_names_path_host_and_port),
		cmocka_unit_test(user_and_password_become_basic_authorization),
		cmocka_unit_test(a_url_that_could_forge_a_header_is_refused),
		cmocka_unit_test(a_head_ends_at_the_empty_line),
		cmocka_unit_test(the_right_answer_is_taken_however_it_is_written),
		cmocka_unit_test(anything_less_than_the_right_answer_is_refused),
		cmocka_unit_test(a_nul_in_the_head_is_refused),
		cmocka_unit_test(another_status_says_whether_to_try_again),
		cmocka_unit_test(a_date_to_wait_for_becomes_an_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
