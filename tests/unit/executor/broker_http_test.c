/*
 * The broker's HTTP against a scripted broker, in plain TCP and in TLS: above all, that an order
 * arrives at most once, and that nothing but its own answer is taken for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/process.h"
#include "executor/broker_http.h"
#include "executor/broker_http_head.h"
#include "tests/unit/chain/scripted_server.h"

#define TIMEOUT_MS 10000

static char head[SERVER_TEXT_SIZE];
static char body[SERVER_TEXT_SIZE];

/* What a script knows besides its listener. */
struct setting {
	bool secure;
	struct identity identity;
	int done[2]; /* a pipe by which the server says that it has done something */
};

static const struct broker_http_request a_read = {.method = "GET", .path = "/account"};
static const struct broker_http_request another_read = {.method = "GET", .path = "/position"};
static const struct broker_http_request an_order = {
	.method = "POST",
	.path = "/orders",
	.content_type = "application/json",
	.body = {.data = (const uint8_t *)"{}", .length = 2},
	.is_order = true,
};

/* The server's side */

static struct peer take_connection(int listener, const struct setting *setting)
{
	struct peer peer;

	if (!setting->secure)
		return server_accept(listener);
	server_require(server_accept_tls(listener, &setting->identity, 0, &peer));
	return peer;
}

static void say_done(const struct setting *setting)
{
	server_require(write(setting->done[1], "", 1) == 1);
}

static void expect_read(const struct peer *peer, const char *path)
{
	server_require(peer != NULL);
	peer_read_head(peer, head);
	server_require(strncmp(head, "GET /", 5) == 0);
	server_require(strncmp(head + 4, path, strlen(path)) == 0);
}

static void expect_order(const struct peer *peer)
{
	peer_read_request(peer, head, body);
	server_require(strncmp(head, "POST /orders ", 13) == 0);
	server_require(strcmp(body, "{}") == 0);
}

static void answer_read(const struct peer *peer)
{
	expect_read(peer, "/account ");
	peer_answer(peer, "200 OK", "", "{}");
}

/* Whatever connections come: the first request over them is the read that ends the script. */
static void expect_no_order(int listener, const struct setting *setting)
{
	struct peer peer;

	for (;;) {
		char first;

		peer = take_connection(listener, setting);
		if (peer_read(&peer, &first, 1) == 1) {
			server_require(first == 'G');
			break;
		}
		peer_close(&peer);
	}
	peer_read_head(&peer, head);
	peer_answer(&peer, "200 OK", "", "{}");
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

/* The client's side */

static struct broker_http *open_client(const struct setting *setting, int port, char ca_file[32])
{
	char url[64];
	const struct broker_http_options options = {
		.base_url = url, .ca_file = ca_file, .timeout_ms = TIMEOUT_MS};

	ca_file[0] = '\0';
	if (setting->secure)
		identity_write(&setting->identity, ca_file);
	(void)snprintf(url, sizeof(url), "%s:%d/",
		       setting->secure ? "https://localhost" : "http://127.0.0.1", port);
	return broker_http_open(&options);
}

/* How the order of a test comes to be sent, and what is demanded of its outcome. */
typedef void client_part(struct broker_http *http, const struct setting *setting);

static void run_with(server_script *script, client_part *part, bool secure)
{
	struct setting setting = {.secure = secure};
	struct server server;
	struct broker_http *http;
	char ca_file[32];

	if (secure)
		setting.identity = identity_new("localhost", NULL, 86400);
	assert_int_equal(pipe(setting.done), 0);
	server_start(&server, script, &setting);
	http = open_client(&setting, server.port, ca_file);
	part(http, &setting);
	broker_http_close(http);
	server_finish(&server);
	(void)close(setting.done[0]);
	(void)close(setting.done[1]);
	if (secure) {
		(void)unlink(ca_file);
		identity_free(&setting.identity);
	}
}

static void run_both(server_script *script, client_part *part)
{
	run_with(script, part, false);
	run_with(script, part, true);
}

static void wait_until_done(const struct setting *setting)
{
	char byte;

	assert_int_equal(read(setting->done[0], &byte, 1), 1);
}

static void assert_outcome(struct broker_http *http, const struct broker_http_request *request,
			   enum outcome expected)
{
	struct broker_http_answer answer = {.status = 0};
	struct error error = {.kind = ERROR_KIND_NONE};

	assert_int_equal(broker_http_call(http, request, &answer, &error), expected);
	if (expected == OUTCOME_OK)
		assert_int_equal(answer.status, request->is_order ? 201 : 200);
	else
		assert_true(error.text[0] != '\0');
}

static void read_and_order(struct broker_http *http, const struct setting *setting)
{
	(void)setting;
	assert_outcome(http, &a_read, OUTCOME_OK);
	assert_outcome(http, &an_order, OUTCOME_OK);
}

/* The tests */

static void order_on_the_same_connection(int listener, void *context)
{
	struct peer peer = take_connection(listener, context);

	answer_read(&peer);
	expect_order(&peer);
	peer_answer(&peer, "201 Created", "Location: /orders/7\r\n", "");
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void an_order_goes_over_the_connection_that_was_read_from(void **state)
{
	(void)state;
	run_both(order_on_the_same_connection, read_and_order);
}

static void close_instead_of_answering(int listener, void *context)
{
	struct peer peer = take_connection(listener, context);

	answer_read(&peer);
	expect_order(&peer);
	peer_close(&peer);
	expect_no_order(listener, context);
}

static void reset_instead_of_answering(int listener, void *context)
{
	struct peer peer = take_connection(listener, context);

	answer_read(&peer);
	expect_order(&peer);
	peer_reset(&peer);
	expect_no_order(listener, context);
}

static void break_within_the_answer(int listener, void *context)
{
	struct peer peer = take_connection(listener, context);

	answer_read(&peer);
	expect_order(&peer);
	peer_write_text(&peer, "HTTP/1.1 201 Crea");
	peer_reset(&peer);
	expect_no_order(listener, context);
}

static void close_a_fresh_one(int listener, void *context)
{
	struct peer peer = take_connection(listener, context);

	expect_order(&peer);
	peer_close(&peer);
	expect_no_order(listener, context);
}

static void read_order_unknown_read(struct broker_http *http, const struct setting *setting)
{
	(void)setting;
	assert_outcome(http, &a_read, OUTCOME_OK);
	assert_outcome(http, &an_order, OUTCOME_UNKNOWN);
	assert_outcome(http, &a_read, OUTCOME_OK);
}

static void order_unknown_read(struct broker_http *http, const struct setting *setting)
{
	(void)setting;
	assert_outcome(http, &an_order, OUTCOME_UNKNOWN);
	assert_outcome(http, &a_read, OUTCOME_OK);
}

static void an_order_is_sent_once_whatever_becomes_of_the_connection(void **state)
{
	(void)state;
	run_both(close_instead_of_answering, read_order_unknown_read);
	run_both(reset_instead_of_answering, read_order_unknown_read);
	run_both(break_within_the_answer, read_order_unknown_read);
	run_both(close_a_fresh_one, order_unknown_read);
}

/* The connection ends before the order; then the order must come, once, over another. */
static void close_after_the_read(int listener, void *context)
{
	struct peer peer = take_connection(listener, context);

	answer_read(&peer);
	peer_close(&peer);
	say_done(context);
	peer = take_connection(listener, context);
	expect_order(&peer);
	peer_answer(&peer, "201 Created", "", "");
	peer_wait_for_end(&peer);
	peer_close(&peer);
}

static void read_wait_order(struct broker_http *http, const struct setting *setting)
{
	assert_outcome(http, &a_read, OUTCOME_OK);
	wait_until_done(setting);
	assert_outcome(http, &an_order, OUTCOME_OK);
}

static void a_connection_that_has_ended_is_not_used_for_an_order(void **state)
{
	(void)state;
	run_both(close_after_the_read, read_wait_order);
}

/* A second answer to one question, the kind that would say that the order was refused. */
static void answer_twice(int listener, void *context)
{
	struct peer first = take_connection(listener, context);
	struct peer second;

	expect_read(&first, "/account ");
	peer_answer(&first, "200 OK", "", "{}");
	peer_answer(&first, "404 Not Found", "", "{\"code\":40410000}");
	say_done(context);
	second = take_connection(listener, context);
	expect_order(&second);
	peer_answer(&second, "201 Created", "", "");
	peer_wait_for_end(&second);
	peer_close(&second);
	peer_close(&first);
}

static void what_nobody_asked_for_is_not_taken_for_the_answer_to_an_order(void **state)
{
	(void)state;
	run_both(answer_twice, read_wait_order);
}

static void be_nobody_known(int listener, void *context)
{
	struct setting *setting = context;
	const struct identity other = identity_new("localhost", NULL, 86400);
	struct peer peer;

	setting->identity = other;
	server_require(!server_accept_tls(listener, &setting->identity, 0, &peer));
}

static void order_cannot_go(struct broker_http *http, const struct setting *setting)
{
	(void)setting;
	assert_outcome(http, &an_order, OUTCOME_RETRY);
}

static void an_order_surely_was_not_sent_when_no_connection_came_about(void **state)
{
	struct setting nobody = {.secure = false};
	char ca_file[32];
	struct broker_http *http = open_client(&nobody, 1, ca_file);

	(void)state;
	order_cannot_go(http, &nobody);
	broker_http_close(http);
	run_with(be_nobody_known, order_cannot_go, true);
}

/* Neither is answered before both are there; twice, over the same two connections. */
static void answer_two_at_a_time(int listener, void *context)
{
	struct peer peers[] = {take_connection(listener, context),
			       take_connection(listener, context)};

	for (size_t turn = 0; turn < 2; turn++) {
		char heads[2][64];

		for (size_t i = 0; i < 2; i++) {
			peer_read_head(&peers[i], head);
			(void)snprintf(heads[i], sizeof(heads[i]), "%.40s", head);
		}
		for (size_t i = 0; i < 2; i++)
			peer_answer(&peers[i], "200 OK", "",
				    strncmp(heads[i], "GET /account ", 13) == 0 ? "account"
										: "position");
	}
	for (size_t i = 0; i < 2; i++) {
		peer_wait_for_end(&peers[i]);
		peer_close(&peers[i]);
	}
}

static void read_two_twice(struct broker_http *http, const struct setting *setting)
{
	const struct broker_http_request requests[] = {a_read, another_read};

	(void)setting;
	for (size_t turn = 0; turn < 2; turn++) {
		struct broker_http_answer answers[2];

		assert_int_equal(broker_http_read_all(http, requests, 2, answers, NULL),
				 OUTCOME_OK);
		assert_int_equal(answers[0].body.length, strlen("account"));
		assert_memory_equal(answers[0].body.data, "account", strlen("account"));
		assert_int_equal(answers[1].body.length, strlen("position"));
		assert_memory_equal(answers[1].body.data, "position", strlen("position"));
	}
}

/* In TLS one thread of a server cannot shake hands with two at once: plain is enough for this. */
static void two_reads_run_at_the_same_time_and_each_gets_its_answer(void **state)
{
	(void)state;
	run_with(answer_two_at_a_time, read_two_twice, false);
}

static void limit_one_of_two(int listener, void *context)
{
	struct peer peers[] = {take_connection(listener, context),
			       take_connection(listener, context)};

	for (size_t i = 0; i < 2; i++) {
		bool is_account;

		peer_read_head(&peers[i], head);
		is_account = strncmp(head, "GET /account ", 13) == 0;
		peer_answer(&peers[i], is_account ? "200 OK" : "429 Too Many Requests",
			    is_account ? "" : "Retry-After: 30\r\n", "{}");
	}
	for (size_t i = 0; i < 2; i++) {
		peer_wait_for_end(&peers[i]);
		peer_close(&peers[i]);
	}
}

static void are_limited(struct broker_http *http, const struct setting *setting)
{
	const struct broker_http_request requests[] = {a_read, another_read};
	struct broker_http_answer answers[2];
	struct error error = {.kind = ERROR_KIND_NONE};

	(void)setting;
	assert_int_equal(broker_http_read_all(http, requests, 2, answers, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_RATE_LIMITED);
	assert_in_range(error.retry_after_ms, 25000, 30000);
	assert_outcome(http, &an_order, OUTCOME_RETRY);
	assert_int_equal(broker_http_read_all(http, requests, 2, answers, &error), OUTCOME_RETRY);
}

static void one_of_two_that_is_too_many_silences_all(void **state)
{
	(void)state;
	run_with(limit_one_of_two, are_limited, false);
}

static void stop_the_client_then_answer(int listener, void *context)
{
	struct peer peer = take_connection(listener, context);

	expect_order(&peer);
	server_require(kill(getppid(), SIGTERM) == 0);
	peer_answer(&peer, "201 Created", "", "");
	peer_wait_for_end(&peer);
}

/* In a process of its own: being told to stop is for ever. */
static void stopped_while_ordering(int listener, void *context)
{
	static char name[] = "broker_http_test";
	static char *arguments[] = {name, NULL};
	const struct process_usage usage = {.program = name, .summary = "", .details = ""};
	struct setting setting = {.secure = false};
	struct broker_http_answer answer = {.status = 0};
	struct process_arguments parsed;
	struct server server;
	struct broker_http *http;
	char ca_file[32];
	int status;

	(void)listener;
	(void)context;
	process_start(&usage, 0, 1, arguments, &parsed);
	server_start(&server, stop_the_client_then_answer, &setting);
	http = open_client(&setting, server.port, ca_file);
	server_require(broker_http_call(http, &an_order, &answer, NULL) == OUTCOME_OK);
	server_require(answer.status == 201 && process_stopping());
	server_require(broker_http_call(http, &a_read, &answer, NULL) == OUTCOME_RETRY);
	broker_http_close(http);
	server_require(waitpid(server.pid, &status, 0) == server.pid);
	server_require(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void an_order_is_waited_for_when_the_process_is_to_stop(void **state)
{
	struct server stopped;

	(void)state;
	server_start(&stopped, stopped_while_ordering, NULL);
	server_finish(&stopped);
}

static struct broker_http_head head_of(const char *const *lines)
{
	struct broker_http_head made = {.location = ""};

	for (; *lines != NULL; lines++)
		broker_http_head_read(&made, *lines, strlen(*lines));
	return made;
}

#define HEAD_OF(...) head_of((const char *const[]){__VA_ARGS__, NULL})

static void the_location_is_taken_when_it_fits(void **state)
{
	struct broker_http_head read = HEAD_OF("location:  https://b/orders/12 \r\n");
	char longer[BROKER_LOCATION_SIZE + 32];

	(void)state;
	assert_string_equal(read.location, "https://b/orders/12");
	(void)memset(longer, 'x', sizeof(longer));
	memcpy(longer, "Location: ", 10);
	read = (struct broker_http_head){.location = ""};
	broker_http_head_read(&read, longer, sizeof(longer));
	assert_string_equal(read.location, "");
}

static void a_pause_is_as_long_as_the_broker_says_and_never_too_long(void **state)
{
	struct broker_http_head head_read = HEAD_OF("Retry-After: 7\r\n");

	(void)state;
	assert_int_equal(broker_http_head_pause_ms(&head_read, 429), 7000);
	assert_int_equal(broker_http_head_pause_ms(&head_read, 200), 0);
	head_read = HEAD_OF("Retry-After: soon\r\n");
	assert_int_equal(broker_http_head_pause_ms(&head_read, 429), 5000);
	head_read = HEAD_OF("Date: Mon, 05 Jan 2026 15:00:00 GMT\r\n",
			    "X-RateLimit-Remaining: 0\r\n", "X-RateLimit-Reset: 1767625220\r\n");
	assert_int_equal(broker_http_head_pause_ms(&head_read, 200), 20000);
	assert_int_equal(broker_http_head_pause_ms(&head_read, 429), 20000);
	head_read = HEAD_OF("Date: Mon, 05 Jan 2026 15:00:00 GMT\r\n",
			    "X-RateLimit-Remaining: 0\r\n", "X-RateLimit-Reset: 1867625220\r\n");
	assert_int_equal(broker_http_head_pause_ms(&head_read, 200), 300000);
	head_read = HEAD_OF("X-RateLimit-Remaining: 1\r\n", "X-RateLimit-Reset: 1867625220\r\n");
	assert_int_equal(broker_http_head_pause_ms(&head_read, 200), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_goes_over_the_connection_that_was_read_from),
		cmocka_unit_test(an_order_is_sent_once_whatever_becomes_of_the_connection),
		cmocka_unit_test(a_connection_that_has_ended_is_not_used_for_an_order),
		cmocka_unit_test(what_nobody_asked_for_is_not_taken_for_the_answer_to_an_order),
		cmocka_unit_test(an_order_surely_was_not_sent_when_no_connection_came_about),
		cmocka_unit_test(two_reads_run_at_the_same_time_and_each_gets_its_answer),
		cmocka_unit_test(one_of_two_that_is_too_many_silences_all),
		cmocka_unit_test(an_order_is_waited_for_when_the_process_is_to_stop),
		cmocka_unit_test(the_location_is_taken_when_it_fits),
		cmocka_unit_test(a_pause_is_as_long_as_the_broker_says_and_never_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
