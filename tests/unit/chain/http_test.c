/* The HTTP client against a scripted server: what it sends, what it makes of every answer, and whom
 * it trusts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/process.h"
#include "chain/http.h"
#include "tests/unit/chain/scripted_server.h"

#define TIMEOUT_MS   10000
#define ANSWER_LIMIT 1000

static const char secret_path[] = "/v2/SECRETKEY?token=SECRETKEY";

static char head[SERVER_TEXT_SIZE];
static char body[SERVER_TEXT_SIZE];

static struct http_client *client_for(const char *scheme, const char *host, int port,
				      const char *ca_file, int64_t timeout_ms)
{
	char url[256];
	const struct http_options options = {
		.url = url,
		.ca_file = ca_file,
		.timeout_ms = timeout_ms,
		.concurrency = 4,
		.maximum_answer_bytes = ANSWER_LIMIT,
	};

	(void)snprintf(url, sizeof(url), "%s://%s:%d%s", scheme, host, port, secret_path);
	return http_open(&options);
}

static struct http_client *plain_client(const struct server *server)
{
	return client_for("http", "127.0.0.1", server->port, "", TIMEOUT_MS);
}

static struct bytes bytes_of(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

static void assert_body(const struct http_answer *answer, const char *expected)
{
	assert_int_equal(answer->body.length, strlen(expected));
	if (answer->body.length > 0)
		assert_memory_equal(answer->body.data, expected, answer->body.length);
}

static void assert_failure(const struct http_answer *answer, enum outcome outcome,
			   enum error_kind kind)
{
	assert_int_equal(answer->outcome, outcome);
	assert_int_equal(answer->error.kind, kind);
	assert_true(answer->error.text[0] != '\0');
	assert_null(strstr(answer->error.text, "SECRETKEY"));
	assert_null(strstr(answer->error.text, "/v2"));
}

/* One request to a script that is to end well. */
static void ask_once(server_script *script, void *context, struct http_client **client,
		     struct http_answer *answer)
{
	struct server server;

	server_start(&server, script, context);
	*client = plain_client(&server);
	assert_true(http_post(*client, bytes_of("{}"), answer));
	server_finish(&server);
}

static void check_request(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	server_require(strncmp(head, "POST /v2/SECRETKEY?token=SECRETKEY HTTP/1.1\r\n", 45) == 0);
	server_require(strstr(head, "\r\nContent-Type: application/json\r\n") != NULL);
	server_require(strstr(head, "\r\nHost: 127.0.0.1:") != NULL);
	server_require(strcasestr(head, "\r\nExpect:") == NULL);
	server_require(strcasestr(head, "\r\nAccept-Encoding:") == NULL);
	server_require(strcasestr(head, "\r\nAuthorization:") == NULL);
	server_require(strcmp(body, "{}") == 0);
	peer_answer(&peer, "200 OK", "", "{\"result\":1}");
	peer_close(&peer);
}

static void a_request_is_json_posted_and_its_answer_comes_whole(void **state)
{
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	ask_once(check_request, NULL, &client, &answer);
	assert_int_equal(answer.outcome, OUTCOME_OK);
	assert_int_equal(answer.status, 200);
	assert_body(&answer, "{\"result\":1}");
	http_release(client, answer.slot);
	http_close(client);
}

/* Says so on the pipe, and does not answer until the client has gone. */
static void tell_and_be_silent(int listener, void *context)
{
	struct peer peer = server_accept(listener);
	const int *told = context;
	char byte;

	peer_read_request(&peer, head, body);
	server_require(write(*told, "", 1) == 1);
	server_require(recv(peer.fd, &byte, 1, 0) <= 0);
	peer_close(&peer);
}

static bool pipe_has_byte(void *context)
{
	const int *fd = context;
	char byte;

	return read(*fd, &byte, 1) == 1;
}

/* Long before its own time-out, and the client is good for the next one. */
static void a_request_is_given_up_for_what_counts_more(void **state)
{
	int told[2];
	struct http_interruption interruption = {.has_come = pipe_has_byte, .context = &told[0]};
	struct server server;
	struct http_client *client;
	struct http_answer answer;
	int64_t begun_ms = clock_monotonic_ms();
	size_t slot;

	(void)state;
	assert_int_equal(pipe2(told, O_CLOEXEC | O_NONBLOCK), 0);
	interruption.fd = told[0];
	server_start(&server, tell_and_be_silent, &told[1]);
	client = plain_client(&server);
	assert_true(http_slot_available(client, &slot));
	http_start(client, slot, bytes_of("{}"), NULL);
	assert_false(http_wait_beside(client, &interruption, INT64_MAX, &answer));
	assert_true(clock_monotonic_ms() - begun_ms < 4000);
	http_close(client);
	server_finish(&server);
	(void)close(told[0]);
	(void)close(told[1]);
}

static void the_proxy_of_the_environment_is_ignored(void **state)
{
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
	ask_once(check_request, NULL, &client, &answer);
	assert_int_equal(answer.outcome, OUTCOME_OK);
	http_close(client);
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(unsetenv("all_proxy"), 0);
}

static void take_a_large_request(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	server_require(strcasestr(head, "\r\nExpect:") == NULL);
	server_require(strlen(body) == 60000);
	peer_answer(&peer, "200 OK", "", "{}");
}

static void a_large_request_arrives_whole(void **state)
{
	static char large[60001];
	struct server server;
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	memset(large, ' ', sizeof(large) - 1);
	server_start(&server, take_a_large_request, NULL);
	client = plain_client(&server);
	assert_true(http_post(client, bytes_of(large), &answer));
	assert_int_equal(answer.outcome, OUTCOME_OK);
	server_finish(&server);
	http_close(client);
}

static void serve_two_on_one_connection(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	for (int i = 0; i < 2; i++) {
		peer_read_request(&peer, head, body);
		peer_answer(&peer, "200 OK", "", body);
	}
	peer_close(&peer);
}

static void a_second_request_uses_the_same_connection(void **state)
{
	struct server server;
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	server_start(&server, serve_two_on_one_connection, NULL);
	client = plain_client(&server);
	assert_true(http_post(client, bytes_of("[1]"), &answer));
	assert_body(&answer, "[1]");
	http_release(client, answer.slot);
	assert_true(http_post(client, bytes_of("[22]"), &answer));
	assert_body(&answer, "[22]");
	http_release(client, answer.slot);
	server_finish(&server);
	http_close(client);
}

static void serve_two_and_then_one(int listener, void *context)
{
	struct peer first = server_accept(listener);
	struct peer second;

	(void)context;
	for (int i = 0; i < 2; i++) {
		peer_read_request(&first, head, body);
		peer_answer(&first, "200 OK", "", body);
	}
	second = server_accept(listener);
	peer_read_request(&second, head, body);
	peer_answer(&second, "200 OK", "", body);
	peer_close(&first);
	peer_close(&second);
}

/* Whatever else lies in it is not taken for the answers to come. */
static void a_connection_that_is_distrusted_is_used_once_more(void **state)
{
	struct server server;
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	server_start(&server, serve_two_and_then_one, NULL);
	client = plain_client(&server);
	for (int i = 0; i < 3; i++) {
		assert_true(http_post(client, bytes_of("[1]"), &answer));
		assert_body(&answer, "[1]");
		http_release(client, answer.slot);
		if (i == 0)
			http_distrust_connections(client);
	}
	server_finish(&server);
	http_close(client);
}

/* Nothing is answered before all four were read, and then the last comes first. */
static void serve_four_backwards(int listener, void *context)
{
	struct peer peers[4];
	char bodies[4][16];

	(void)context;
	for (int i = 0; i < 4; i++) {
		peers[i] = server_accept(listener);
		peer_read_request(&peers[i], head, body);
		server_require(strlen(body) < sizeof(bodies[i]));
		memcpy(bodies[i], body, strlen(body) + 1);
	}
	for (int i = 3; i >= 0; i--)
		peer_answer(&peers[i], "200 OK", "", bodies[i]);
}

static void four_requests_run_at_once_and_each_gets_its_answer(void **state)
{
	static const char *const bodies[] = {"[0]", "[1]", "[2]", "[3]"};
	struct server server;
	struct http_client *client;
	struct http_answer answer;
	bool answered[4] = {false};
	size_t slot;

	(void)state;
	server_start(&server, serve_four_backwards, NULL);
	client = plain_client(&server);
	for (size_t i = 0; i < 4; i++) {
		assert_true(http_slot_available(client, &slot));
		assert_int_equal(slot, i);
		http_start(client, slot, bytes_of(bodies[i]), NULL);
	}
	assert_false(http_slot_available(client, &slot));
	for (size_t i = 0; i < 4; i++) {
		assert_true(http_wait(client, TIMEOUT_MS, &answer));
		assert_int_equal(answer.outcome, OUTCOME_OK);
		assert_false(answered[answer.slot]);
		answered[answer.slot] = true;
		assert_body(&answer, bodies[answer.slot]);
		/* Finished is not free: its body is still being read. */
		assert_false(http_slot_available(client, &slot));
	}
	assert_false(http_wait(client, TIMEOUT_MS, &answer));
	http_release(client, 2);
	assert_true(http_slot_available(client, &slot));
	assert_int_equal(slot, 2);
	server_finish(&server);
	http_close(client);
}

#define LONG_ANSWER ((size_t)40 * 1024) /* two of them fit the kernel */

static char long_answer[LONG_ANSWER + 1];

/* One way for each: told, what the server has done; go, what it may do. */
struct steps {
	int told[2];
	int go[2];
};

static void steps_open(struct steps *steps)
{
	memset(long_answer, 'x', LONG_ANSWER);
	assert_int_equal(pipe2(steps->told, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(steps->go, O_CLOEXEC), 0);
}

static void steps_close(const struct steps *steps)
{
	for (int i = 0; i < 2; i++) {
		(void)close(steps->told[i]);
		(void)close(steps->go[i]);
	}
}

static void tell(const struct steps *steps)
{
	server_require(write(steps->told[1], "", 1) == 1);
}

static void wait_until_may_go(const struct steps *steps)
{
	char byte;

	server_require(read(steps->go[0], &byte, 1) == 1);
}

/* All requests are there before the first two are answered. Both answers lie whole in the kernel
 * before either is read. */
static void answer_the_first_two(int listener, struct peer *peers, int count,
				 const struct steps *steps)
{
	for (int i = 0; i < count; i++) {
		peers[i] = server_accept(listener);
		peer_read_request(&peers[i], head, body);
	}
	tell(steps);
	wait_until_may_go(steps);
	for (int i = 0; i < 2; i++)
		peer_answer(&peers[i], "200 OK", "", long_answer);
	tell(steps);
}

static void answer_two_at_length(int listener, void *context)
{
	struct peer peers[2];

	answer_the_first_two(listener, peers, 2, context);
}

struct listening {
	size_t limit;
	size_t taken;
};

static bool listen_to(void *context, const char *text, size_t length, struct buffer *kept)
{
	struct listening *listening = context;

	(void)text;
	(void)kept;
	listening->taken += length;
	return listening->taken <= listening->limit;
}

static void start_listening(struct http_client *client, struct listening *listening, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct http_filter filter = {.take = listen_to, .context = &listening[i]};
		size_t slot;

		assert_true(http_slot_available(client, &slot));
		assert_int_equal(slot, i);
		http_start(client, slot, bytes_of("{}"), &filter);
	}
}

static void wait_for_step(struct http_client *client, struct steps *steps)
{
	const struct http_interruption interruption = {
		.fd = steps->told[0], .has_come = pipe_has_byte, .context = &steps->told[0]};
	struct http_answer answer;

	assert_false(http_wait_beside(client, &interruption, TIMEOUT_MS, &answer));
}

/* The server takes its next step while the client reads nothing. */
static void let_step(const struct steps *steps)
{
	struct pollfd told = {.fd = steps->told[0], .events = POLLIN};
	char byte;

	assert_int_equal(write(steps->go[1], "", 1), 1);
	assert_int_equal(poll(&told, 1, TIMEOUT_MS), 1);
	assert_int_equal(read(steps->told[0], &byte, 1), 1);
}

static void take_two_at_length(struct listening listening[2], struct http_answer answers[2])
{
	struct steps steps;
	struct server server;
	struct http_client *client;

	steps_open(&steps);
	server_start(&server, answer_two_at_length, &steps);
	client = plain_client(&server);
	start_listening(client, listening, 2);
	wait_for_step(client, &steps);
	let_step(&steps);
	assert_true(http_wait(client, TIMEOUT_MS, &answers[0]));
	assert_int_equal(listening[1 - answers[0].slot].taken, 0);
	assert_true(http_wait(client, TIMEOUT_MS, &answers[1]));
	server_finish(&server);
	http_close(client);
	steps_close(&steps);
}

static void long_answers_are_taken_one_after_the_other(void **state)
{
	struct listening listening[] = {{.limit = LONG_ANSWER}, {.limit = LONG_ANSWER}};
	struct http_answer answers[2];

	(void)state;
	take_two_at_length(listening, answers);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(answers[i].outcome, OUTCOME_OK);
		assert_int_equal(listening[i].taken, LONG_ANSWER);
	}
}

/* Also when what is too much had waited for its turn. */
static void a_long_answer_that_is_too_large_is_refused_in_its_turn(void **state)
{
	const size_t limits[] = {0, LONG_ANSWER / 2, LONG_ANSWER - 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(limits); i++) {
		struct listening listening[] = {{.limit = limits[i]}, {.limit = limits[i]}};
		struct http_answer answers[2];

		take_two_at_length(listening, answers);
		for (int j = 0; j < 2; j++)
			assert_failure(&answers[j], OUTCOME_REJECTED, ERROR_KIND_RANGE_TOO_LARGE);
	}
}

static void answer_a_third_later(int listener, void *context)
{
	struct peer peers[3];

	answer_the_first_two(listener, peers, 3, context);
	wait_until_may_go(context);
	peer_answer(&peers[2], "200 OK", "", "[]");
	tell(context);
}

/* Also when the turn was free at the moment that the third came. */
static void who_has_waited_longest_is_next(void **state)
{
	struct listening listening[] = {
		{.limit = LONG_ANSWER}, {.limit = LONG_ANSWER}, {.limit = LONG_ANSWER}};
	struct steps steps;
	struct server server;
	struct http_client *client;
	struct http_answer answers[3];

	(void)state;
	steps_open(&steps);
	server_start(&server, answer_a_third_later, &steps);
	client = plain_client(&server);
	start_listening(client, listening, 3);
	wait_for_step(client, &steps);
	let_step(&steps);
	assert_true(http_wait(client, TIMEOUT_MS, &answers[0]));
	let_step(&steps);
	assert_true(http_wait(client, TIMEOUT_MS, &answers[1]));
	assert_true(http_wait(client, TIMEOUT_MS, &answers[2]));
	assert_int_equal(listening[answers[2].slot].taken, 2);
	server_finish(&server);
	http_close(client);
	steps_close(&steps);
}

/* The one begins and falls silent until the other has come whole. */
static void fall_silent_within_an_answer(int listener, void *context)
{
	struct peer first = server_accept(listener);
	struct peer second;

	peer_read_request(&first, head, body);
	second = server_accept(listener);
	peer_read_request(&second, head, body);
	peer_write_text(&first, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[");
	peer_answer(&second, "200 OK", "", long_answer);
	wait_until_may_go(context);
	peer_write_text(&first, "]");
	peer_close(&first);
	peer_close(&second);
}

static void who_falls_silent_holds_up_nobody(void **state)
{
	struct listening listening[] = {{.limit = LONG_ANSWER}, {.limit = LONG_ANSWER}};
	struct steps steps;
	struct server server;
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	steps_open(&steps);
	server_start(&server, fall_silent_within_an_answer, &steps);
	client = plain_client(&server);
	start_listening(client, listening, 2);
	assert_true(http_wait(client, TIMEOUT_MS, &answer));
	assert_int_equal(answer.outcome, OUTCOME_OK);
	assert_int_equal(listening[answer.slot].taken, LONG_ANSWER);
	assert_int_equal(write(steps.go[1], "", 1), 1);
	assert_true(http_wait(client, TIMEOUT_MS, &answer));
	assert_int_equal(answer.outcome, OUTCOME_OK);
	assert_int_equal(listening[answer.slot].taken, 2);
	server_finish(&server);
	http_close(client);
	steps_close(&steps);
}

static void nothing_under_way_is_not_waited_for(void **state)
{
	struct http_client *client = client_for("http", "127.0.0.1", 1, "", TIMEOUT_MS);
	struct http_answer answer = {.slot = 77};

	(void)state;
	assert_false(http_wait(client, INT64_MAX, &answer));
	assert_int_equal(answer.slot, 77);
	http_close(client);
}

struct answer_script {
	const char *status;
	const char *headers;
	size_t body_length;
	bool chunked;
};

static void answer_with_length(int listener, void *context)
{
	const struct answer_script *script = context;
	struct peer peer = server_accept(listener);
	char chunk[32];

	peer_read_request(&peer, head, body);
	memset(body, 'x', script->body_length);
	body[script->body_length] = '\0';
	if (!script->chunked) {
		peer_answer(&peer, script->status, script->headers, body);
		return;
	}
	peer_write_text(&peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	(void)snprintf(chunk, sizeof(chunk), "%zx\r\n", script->body_length);
	peer_write_text(&peer, chunk);
	peer_write_text(&peer, body);
	peer_write_text(&peer, "\r\n0\r\n\r\n");
}

static void an_answer_of_just_the_limit_is_taken(void **state)
{
	struct answer_script script = {.status = "200 OK", .headers = "", .body_length = 1000};
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	for (int i = 0; i < 2; i++) {
		script.chunked = i == 1;
		ask_once(answer_with_length, &script, &client, &answer);
		assert_int_equal(answer.outcome, OUTCOME_OK);
		assert_int_equal(answer.body.length, 1000);
		http_close(client);
	}
}

static void an_answer_over_the_limit_is_refused_announced_or_not(void **state)
{
	struct answer_script script = {.status = "200 OK", .headers = "", .body_length = 1001};
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	for (int i = 0; i < 2; i++) {
		script.chunked = i == 1;
		ask_once(answer_with_length, &script, &client, &answer);
		assert_failure(&answer, OUTCOME_REJECTED, ERROR_KIND_RANGE_TOO_LARGE);
		assert_int_equal(answer.body.length, 0);
		http_close(client);
	}
}

/* The refused answer costs its connection. */
static void answer_too_much_then_little(int listener, void *context)
{
	struct answer_script script = {.status = "200 OK", .headers = "", .body_length = 5000};
	struct peer peer;

	(void)context;
	answer_with_length(listener, &script);
	peer = server_accept(listener);
	peer_read_request(&peer, head, body);
	peer_answer(&peer, "200 OK", "", "[]");
	peer_close(&peer);
}

static void a_slot_whose_answer_was_refused_can_be_used_again(void **state)
{
	struct server server;
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	server_start(&server, answer_too_much_then_little, NULL);
	client = plain_client(&server);
	assert_true(http_post(client, bytes_of("{}"), &answer));
	assert_failure(&answer, OUTCOME_REJECTED, ERROR_KIND_RANGE_TOO_LARGE);
	http_release(client, answer.slot);
	assert_true(http_post(client, bytes_of("{}"), &answer));
	assert_int_equal(answer.outcome, OUTCOME_OK);
	assert_body(&answer, "[]");
	server_finish(&server);
	http_close(client);
}

static void assert_status(const char *status, const char *headers, enum outcome outcome,
			  enum error_kind kind, int64_t retry_after_ms)
{
	struct answer_script script = {.status = status, .headers = headers, .body_length = 20};
	struct http_client *client;
	struct http_answer answer;

	ask_once(answer_with_length, &script, &client, &answer);
	assert_failure(&answer, outcome, kind);
	assert_int_equal(answer.status, strtol(status, NULL, 10));
	assert_int_equal(answer.error.retry_after_ms, retry_after_ms);
	/* Providers put their JSON-RPC errors there. */
	assert_int_equal(answer.body.length, 20);
	http_close(client);
}

static void a_status_says_whether_to_ask_again(void **state)
{
	(void)state;
	assert_status("400 Bad Request", "", OUTCOME_REJECTED, ERROR_KIND_MALFORMED, 0);
	assert_status("401 Unauthorized", "", OUTCOME_REJECTED, ERROR_KIND_MALFORMED, 0);
	assert_status("404 Not Found", "Retry-After: 9\r\n", OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
		      0);
	assert_status("408 Request Timeout", "", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, 0);
	assert_status("500 Oops", "Content-Type: text/html\r\n", OUTCOME_RETRY,
		      ERROR_KIND_UNREACHABLE, 0);
	assert_status("502 Bad Gateway", "", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, 0);
	assert_status("503 Busy", "Retry-After: 2\r\n", OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
		      2000);
}

static void too_many_requests_says_how_long_to_wait(void **state)
{
	(void)state;
	assert_status("429 Slow", "", OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED, 0);
	assert_status("429 Slow", "Retry-After: 7\r\n", OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED,
		      7000);
	assert_status("429 Slow", "Retry-After: soon\r\n", OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED,
		      0);
	assert_status("429 Slow", "Retry-After: -5\r\n", OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED, 0);
	assert_status("429 Slow", "Retry-After: 99999999\r\n", OUTCOME_RETRY,
		      ERROR_KIND_RATE_LIMITED, INT64_C(86400000));
	assert_status("429 Slow", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", OUTCOME_RETRY,
		      ERROR_KIND_RATE_LIMITED, 0);
}

static void too_many_requests_may_name_a_date(void **state)
{
	char header[80];
	time_t later = (time_t)(clock_wall_ms() / 1000) + 3600;
	struct tm parts;
	struct answer_script script = {.status = "429 Slow", .headers = header, .body_length = 2};
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	assert_non_null(gmtime_r(&later, &parts));
	assert_true(strftime(header, sizeof(header), "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n",
			     &parts) > 0);
	ask_once(answer_with_length, &script, &client, &answer);
	assert_failure(&answer, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED);
	/* One more: the library's time() may still be in the second before. */
	assert_in_range(answer.error.retry_after_ms, 3500 * 1000, 3601 * 1000);
	http_close(client);
}

static void limit_twice(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	peer_answer(&peer, "429 Slow", "Retry-After: 30\r\n", "{}");
	peer_read_request(&peer, head, body);
	peer_answer(&peer, "429 Slow", "", "{}");
}

static void what_one_answer_asked_for_does_not_count_for_the_next(void **state)
{
	struct server server;
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	server_start(&server, limit_twice, NULL);
	client = plain_client(&server);
	assert_true(http_post(client, bytes_of("{}"), &answer));
	assert_int_equal(answer.error.retry_after_ms, 30000);
	http_release(client, answer.slot);
	assert_true(http_post(client, bytes_of("{}"), &answer));
	assert_int_equal(answer.error.retry_after_ms, 0);
	server_finish(&server);
	http_close(client);
}

static void redirect_to_itself(int listener, void *context)
{
	struct peer peer = server_accept(listener);
	char more;

	(void)context;
	peer_read_request(&peer, head, body);
	peer_answer(&peer, "302 Found", "Location: /other\r\n", "");
	/* The client closes without another request. */
	server_require(peer_read(&peer, &more, 1) == 0);
}

static void a_redirect_is_refused_and_not_followed(void **state)
{
	struct server server;
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	server_start(&server, redirect_to_itself, NULL);
	client = plain_client(&server);
	assert_true(http_post(client, bytes_of("{}"), &answer));
	assert_failure(&answer, OUTCOME_REJECTED, ERROR_KIND_MALFORMED);
	assert_int_equal(answer.status, 302);
	http_close(client);
	server_finish(&server);
}

static void reset_after_the_request(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	peer_reset(&peer);
}

static void close_after_the_request(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	peer_close(&peer);
}

/* Complete JSON, but the server had promised more. */
static void close_within_the_answer(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	peer_write_text(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"result\":[]}");
	peer_close(&peer);
}

static void answer_something_else(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	peer_write_text(&peer, "SSH-2.0-OpenSSH_9.2\r\n");
	peer_close(&peer);
}

static void a_lost_connection_may_be_tried_again(void **state)
{
	server_script *const scripts[] = {reset_after_the_request, close_after_the_request,
					  close_within_the_answer, answer_something_else};
	struct http_client *client;
	struct http_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(scripts); i++) {
		ask_once(scripts[i], NULL, &client, &answer);
		assert_failure(&answer, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE);
		assert_int_equal(answer.body.length, 0);
		http_close(client);
	}
}

static void a_server_that_is_not_there_may_be_tried_again(void **state)
{
	struct http_client *client = client_for("http", "user:SECRETKEY@127.0.0.1", 1, "", 2000);
	struct http_answer answer;

	(void)state;
	assert_true(http_post(client, bytes_of("{}"), &answer));
	assert_failure(&answer, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE);
	assert_int_equal(answer.status, 0);
	http_close(client);
}

static void read_and_say_nothing(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	peer_wait_for_end(&peer);
}

static void a_request_without_an_answer_ends_at_its_time(void **state)
{
	struct server server;
	struct http_client *client;
	struct http_answer answer;
	int64_t start_ms;

	(void)state;
	server_start(&server, read_and_say_nothing, NULL);
	client = client_for("http", "127.0.0.1", server.port, "", 200);
	start_ms = clock_monotonic_ms();
	assert_true(http_post(client, bytes_of("{}"), &answer));
	assert_true(clock_monotonic_ms() - start_ms >= 195);
	assert_failure(&answer, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE);
	http_close(client);
	server_finish(&server);
}

static void waiting_ends_at_its_time_and_the_request_goes_on(void **state)
{
	struct server server;
	struct http_client *client;
	struct http_answer answer;
	size_t slot;

	(void)state;
	server_start(&server, read_and_say_nothing, NULL);
	client = plain_client(&server);
	assert_true(http_slot_available(client, &slot));
	http_start(client, slot, bytes_of("{}"), NULL);
	assert_false(http_wait(client, 20, &answer));
	assert_false(http_wait(client, 0, &answer));
	assert_false(http_wait(client, -1, &answer));
	/* Still under way: giving it back cancels it, and the server sees the connection end. */
	http_release(client, slot);
	assert_false(http_wait(client, INT64_MAX, &answer));
	http_close(client);
	server_finish(&server);
}

struct tls_script {
	struct identity identity;
	int maximum_version;
	bool accepted;
};

static void serve_tls(int listener, void *context)
{
	const struct tls_script *script = context;
	struct peer peer;
	bool shaken =
		server_accept_tls(listener, &script->identity, script->maximum_version, &peer);

	if (!script->accepted) {
		/* TLS 1.3: the server believes it is done before the client has looked. What counts
		 * is that no request came. */
		server_require(!shaken || peer_read(&peer, body, 1) <= 0);
		return;
	}
	server_require(shaken);
	server_require(SSL_get_servername(peer.ssl, TLSEXT_NAMETYPE_host_name) != NULL);
	server_require(
		strcmp(SSL_get_servername(peer.ssl, TLSEXT_NAMETYPE_host_name), "localhost") == 0);
	peer_read_request(&peer, head, body);
	peer_answer(&peer, "200 OK", "", "{}");
	peer_close(&peer);
}

static void assert_tls(struct tls_script *script, const char *ca_file)
{
	struct server server;
	struct http_client *client;
	struct http_answer answer;

	server_start(&server, serve_tls, script);
	client = client_for("https", "localhost", server.port, ca_file, TIMEOUT_MS);
	assert_true(http_post(client, bytes_of("{}"), &answer));
	if (script->accepted)
		assert_int_equal(answer.outcome, OUTCOME_OK);
	else
		assert_failure(&answer, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE);
	http_close(client);
	server_finish(&server);
	identity_free(&script->identity);
}

static void only_the_right_certificate_is_trusted(void **state)
{
	struct identity authority = identity_new("Test CA", NULL, 86400);
	struct identity stranger = identity_new("Other CA", NULL, 86400);
	char ca_file[32];
	struct tls_script right = {identity_new("localhost", &authority, 86400), 0, true};
	struct tls_script older = {identity_new("localhost", &authority, 86400), TLS1_2_VERSION,
				   true};
	struct tls_script too_old = {identity_new("localhost", &authority, 86400), TLS1_1_VERSION,
				     false};
	struct tls_script other_name = {identity_new("localhost.example", &authority, 86400), 0,
					false};
	struct tls_script expired = {identity_new("localhost", &authority, -3600), 0, false};
	struct tls_script untrusted = {identity_new("localhost", &stranger, 86400), 0, false};
	struct tls_script own = {identity_new("localhost", NULL, 86400), 0, false};
	struct tls_script system = {identity_new("localhost", &authority, 86400), 0, false};

	(void)state;
	identity_write(&authority, ca_file);
	assert_tls(&right, ca_file);
	assert_tls(&older, ca_file);
	assert_tls(&too_old, ca_file);
	assert_tls(&other_name, ca_file);
	assert_tls(&expired, ca_file);
	assert_tls(&untrusted, ca_file);
	assert_tls(&own, ca_file);
	assert_tls(&system, "");
	assert_int_equal(unlink(ca_file), 0);
	identity_free(&authority);
	identity_free(&stranger);
}

static void stop_the_client(int listener, void *context)
{
	struct peer peer = server_accept(listener);

	(void)context;
	peer_read_request(&peer, head, body);
	server_require(kill(getppid(), SIGTERM) == 0);
	peer_wait_for_end(&peer);
}

/* In a process of its own: being told to stop is for ever. */
static void stopped_while_waiting(int listener, void *context)
{
	static char name[] = "http_test";
	static char *arguments[] = {name, NULL};
	const struct process_usage usage = {.program = "http_test", .summary = "", .details = ""};
	struct process_arguments parsed;
	struct server server;
	struct http_client *client;
	struct http_answer answer;
	size_t slot;
	int status;

	(void)listener;
	(void)context;
	process_start(&usage, 0, 1, arguments, &parsed);
	server_start(&server, stop_the_client, NULL);
	client = plain_client(&server);
	server_require(!http_post(client, bytes_of("{}"), &answer));
	server_require(process_stopping());
	server_require(http_slot_available(client, &slot));
	http_close(client);
	server_require(waitpid(server.pid, &status, 0) == server.pid);
	server_require(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_process_that_is_to_stop_does_not_wait_for_the_answer(void **state)
{
	struct server stopped;

	(void)state;
	server_start(&stopped, stopped_while_waiting, NULL);
	server_finish(&stopped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_json_posted_and_its_answer_comes_whole),
		cmocka_unit_test(a_request_is_given_up_for_what_counts_more),
		cmocka_unit_test(the_proxy_of_the_environment_is_ignored),
		cmocka_unit_test(a_large_request_arrives_whole),
		cmocka_unit_test(a_second_request_uses_the_same_connection),
		cmocka_unit_test(a_connection_that_is_distrusted_is_used_once_more),
		cmocka_unit_test(four_requests_run_at_once_and_each_gets_its_answer),
		cmocka_unit_test(long_answers_are_taken_one_after_the_other),
		cmocka_unit_test(a_long_answer_that_is_too_large_is_refused_in_its_turn),
		cmocka_unit_test(who_has_waited_longest_is_next),
		cmocka_unit_test(who_falls_silent_holds_up_nobody),
		cmocka_unit_test(nothing_under_way_is_not_waited_for),
		cmocka_unit_test(an_answer_of_just_the_limit_is_taken),
		cmocka_unit_test(an_answer_over_the_limit_is_refused_announced_or_not),
		cmocka_unit_test(a_slot_whose_answer_was_refused_can_be_used_again),
		cmocka_unit_test(a_status_says_whether_to_ask_again),
		cmocka_unit_test(too_many_requests_says_how_long_to_wait),
		cmocka_unit_test(too_many_requests_may_name_a_date),
		cmocka_unit_test(what_one_answer_asked_for_does_not_count_for_the_next),
		cmocka_unit_test(a_redirect_is_refused_and_not_followed),
		cmocka_unit_test(a_lost_connection_may_be_tried_again),
		cmocka_unit_test(a_server_that_is_not_there_may_be_tried_again),
		cmocka_unit_test(a_request_without_an_answer_ends_at_its_time),
		cmocka_unit_test(waiting_ends_at_its_time_and_the_request_goes_on),
		cmocka_unit_test(only_the_right_certificate_is_trusted),
		cmocka_unit_test(a_process_that_is_to_stop_does_not_wait_for_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
