/* Questions to a scripted node, and what an HTTP answer means before its result is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_node.h"
#include "tests/unit/chain/scripted_server.h"

/* What the server expects to find in a request, and what it answers; {id} stands for the request's
 * id. */
struct exchange {
	const char *expected;
	const char *status;
	const char *answer;
};

struct script {
	const struct exchange *exchanges;
	size_t count;
};

static char head[SERVER_TEXT_SIZE];
static char body[SERVER_TEXT_SIZE];

static void answer_with_id(const struct peer *peer, const struct exchange *exchange)
{
	char answer[4096];
	const char *id = strstr(body, "\"id\":");
	const char *mark = strstr(exchange->answer, "{id}");

	server_require(id != NULL);
	if (mark == NULL) {
		peer_answer(peer, exchange->status, "", exchange->answer);
		return;
	}
	(void)snprintf(answer, sizeof(answer), "%.*s%lu%s", (int)(mark - exchange->answer),
		       exchange->answer, strtoul(id + strlen("\"id\":"), NULL, 10),
		       mark + strlen("{id}"));
	peer_answer(peer, exchange->status, "", answer);
}

/* After an answer that cannot be, the client begins a new connection sooner or later. */
static void follow_client(int listener, struct peer *peer)
{
	char byte;

	if (recv(peer->fd, &byte, 1, MSG_PEEK) > 0)
		return;
	peer_close(peer);
	*peer = server_accept(listener);
}

static void follow(int listener, void *context)
{
	const struct script *script = context;
	struct peer peer = server_accept(listener);

	for (size_t i = 0; i < script->count; i++) {
		if (i > 0)
			follow_client(listener, &peer);
		peer_read_request(&peer, head, body);
		server_require(strstr(body, script->exchanges[i].expected) != NULL);
		answer_with_id(&peer, &script->exchanges[i]);
	}
	peer_close(&peer);
}

static void open_node(struct server *server, const struct exchange *exchanges, size_t count,
		      struct evm_node *node)
{
	struct script script = {.exchanges = exchanges, .count = count};
	struct chain_settings settings = {.rpc_timeout_ms = 10000};

	server_start(server, follow, &script);
	(void)snprintf(settings.http_url.text, sizeof(settings.http_url.text),
		       "http://127.0.0.1:%d/", server->port);
	evm_node_open(node, &settings);
}

static void close_node(const struct server *server, struct evm_node *node)
{
	server_finish(server);
	evm_node_close(node);
}

static void every_question_gets_its_answer(void **state)
{
	static const struct exchange exchanges[] = {
		{"\"eth_chainId\"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"0x2105\"}"},
		{"\"eth_blockNumber\"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"0x1e240\"}"},
		{"\"0x7b\"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{\"number\":\"0x7b\",\"hash\":"
		 "\"0x1111111111111111111111111111111111111111111111111111111111111111\","
		 "\"parentHash\":"
		 "\"0x2222222222222222222222222222222222222222222222222222222222222222\","
		 "\"timestamp\":\"0x65\"}}"},
		{"\"eth_call\"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"0x0012\"}"},
	};
	const struct evm_address token = {.bytes = {0xaa}};
	const struct bytes call_data = {.data = (const uint8_t *)"\x31\x3c\xe5\x67", .length = 4};
	struct evm_block block;
	struct buffer result;
	struct evm_node node;
	struct server server;
	struct error error;
	uint64_t number = 0;

	(void)state;
	buffer_init(&result, 100);
	open_node(&server, exchanges, ARRAY_LENGTH(exchanges), &node);
	assert_int_equal(evm_node_chain_id(&node, &number, &error), OUTCOME_OK);
	assert_int_equal(number, 8453);
	assert_int_equal(evm_node_block_number(&node, &number, &error), OUTCOME_OK);
	assert_int_equal(number, 123456);
	assert_int_equal(evm_node_block(&node, 123, &block, &error), OUTCOME_OK);
	assert_int_equal(block.number, 123);
	assert_int_equal(block.hash.bytes[0], 0x11);
	assert_int_equal(block.parent_hash.bytes[31], 0x22);
	assert_int_equal(block.timestamp, 101);
	assert_int_equal(evm_node_call(&node, &token, call_data, &result, &error), OUTCOME_OK);
	assert_int_equal(result.length, 2);
	assert_memory_equal(result.bytes, "\x00\x12", 2);
	buffer_free(&result);
	close_node(&server, &node);
}

static void the_answer_to_an_earlier_question_is_refused(void **state)
{
	static const struct exchange exchanges[] = {
		{"\"eth_chainId\"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"0x1\"}"},
		{"\"eth_blockNumber\"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x5\"}"},
		{"\"eth_blockNumber\"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"0x6\"}"},
	};
	struct evm_node node;
	struct server server;
	struct error error;
	uint64_t number = 0;

	(void)state;
	open_node(&server, exchanges, ARRAY_LENGTH(exchanges), &node);
	assert_int_equal(evm_node_chain_id(&node, &number, &error), OUTCOME_OK);
	assert_int_equal(evm_node_block_number(&node, &number, &error), OUTCOME_REJECTED);
	assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	assert_int_equal(number, 1);
	/* The slot was given back: the next question is asked. */
	assert_int_equal(evm_node_block_number(&node, &number, &error), OUTCOME_OK);
	assert_int_equal(number, 6);
	close_node(&server, &node);
}

static void a_failed_question_leaves_the_way_free_for_the_next(void **state)
{
	static const struct exchange exchanges[] = {
		{"", "503 Busy", "<html>"},
		{"", "200 OK", "<html>"},
		{"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{\"code\":-32000,\"message\":"
		 "\"header not found\"}}"},
		{"", "200 OK", "{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":null}"},
		{"", "200 OK", ""},
		{"\"eth_chainId\"", "200 OK",
		 "{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"0x1\"}"},
	};
	struct evm_block block;
	struct evm_node node;
	struct server server;
	struct error error;
	uint64_t number = 0;

	(void)state;
	open_node(&server, exchanges, ARRAY_LENGTH(exchanges), &node);
	assert_int_equal(evm_node_block(&node, 1, &block, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_UNREACHABLE);
	assert_int_equal(evm_node_block(&node, 1, &block, &error), OUTCOME_REJECTED);
	assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	assert_int_equal(evm_node_block(&node, 1, &block, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_BEHIND);
	assert_int_equal(evm_node_block(&node, 1, &block, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_BEHIND);
	assert_int_equal(evm_node_block_number(&node, &number, &error), OUTCOME_REJECTED);
	assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	assert_int_equal(evm_node_chain_id(&node, &number, &error), OUTCOME_OK);
	close_node(&server, &node);
}

static void a_node_that_is_not_there_may_be_tried_again(void **state)
{
	const struct chain_settings settings = {.http_url = {.text = "http://127.0.0.1:1/KEY"},
						.rpc_timeout_ms = 2000};
	struct evm_node node;
	struct error error;
	uint64_t number = 77;

	(void)state;
	evm_node_open(&node, &settings);
	assert_int_equal(evm_node_chain_id(&node, &number, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_UNREACHABLE);
	assert_null(strstr(error.text, "KEY"));
	assert_int_equal(number, 77);
	evm_node_close(&node);
}

/* An HTTP answer as http.c makes it of a status and a body. */
static struct http_answer answer_of(long status, enum outcome outcome, enum error_kind kind,
				    const char *text)
{
	struct http_answer answer = {
		.status = status,
		.outcome = outcome,
		.body = {.data = (const uint8_t *)text, .length = strlen(text)},
		.error = {.kind = kind,
			  .retry_after_ms = outcome == OUTCOME_RETRY ? 3000 : 0,
			  .text = "HTTP"},
	};

	return answer;
}

static void assert_outcome(const struct http_answer *answer, enum outcome outcome,
			   enum error_kind kind)
{
	struct error error = {.kind = ERROR_KIND_NONE};

	assert_int_equal(evm_node_transport_outcome(answer, &error), outcome);
	assert_int_equal(error.kind, kind);
	if (outcome != OUTCOME_OK)
		assert_true(error.text[0] != '\0');
	/* Nobody has to want the reason. */
	assert_int_equal(evm_node_transport_outcome(answer, NULL), outcome);
}

static void a_good_status_leaves_the_body_to_be_judged(void **state)
{
	struct http_answer answer = answer_of(200, OUTCOME_OK, ERROR_KIND_NONE, "<html>");

	(void)state;
	assert_outcome(&answer, OUTCOME_OK, ERROR_KIND_NONE);
}

static void an_error_of_the_node_wins_over_the_status(void **state)
{
	static const char too_many_logs[] =
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32005,\"message\":"
		"\"query returned more than 10000 results\"}}";
	static const char reverted[] =
		"{\"error\":{\"code\":3,\"message\":\"execution reverted\"}}";
	struct http_answer answer =
		answer_of(400, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, too_many_logs);
	struct error error;

	(void)state;
	assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
	answer = answer_of(413, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, too_many_logs);
	assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
	answer = answer_of(503, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, too_many_logs);
	assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
	assert_int_equal(evm_node_transport_outcome(&answer, &error), OUTCOME_RETRY);
	assert_int_equal(error.retry_after_ms, 3000);
	answer = answer_of(500, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, reverted);
	assert_outcome(&answer, OUTCOME_REJECTED, ERROR_KIND_RPC);
}

static void too_many_requests_stays_that_whatever_the_body_says(void **state)
{
	struct http_answer answer =
		answer_of(429, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED,
			  "{\"error\":{\"code\":-32602,\"message\":\"invalid params\"}}");
	struct error error;

	(void)state;
	assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED);
	assert_int_equal(evm_node_transport_outcome(&answer, &error), OUTCOME_RETRY);
	assert_int_equal(error.retry_after_ms, 3000);
}

static void what_is_no_error_of_the_node_leaves_the_status(void **state)
{
	static const char *const bodies[] = {
		"",
		"<html>Bad Gateway</html>",
		"{",
		"[]",
		"null",
		"{}",
		"{\"error\":null}",
		"{\"error\":\"unauthorized\"}",
		"{\"error\":{}}",
		"{\"error\":{\"code\":\"3\",\"message\":\"execution reverted\"}}",
		"{\"error\":{\"code\":3,\"message\":null}}",
		"{\"error\":{\"code\":3}}",
		"{\"error\":{\"code\":3,\"message\":\"execution reverted\"}} and more",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(bodies); i++) {
		struct http_answer answer =
			answer_of(502, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, bodies[i]);

		assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE);
		answer = answer_of(404, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, bodies[i]);
		assert_outcome(&answer, OUTCOME_REJECTED, ERROR_KIND_MALFORMED);
	}
}

static void an_answer_that_is_too_large_asks_for_a_smaller_range(void **state)
{
	struct http_answer answer =
		answer_of(200, OUTCOME_REJECTED, ERROR_KIND_RANGE_TOO_LARGE, "");

	(void)state;
	assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
	answer = answer_of(413, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "<html>");
	assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE);
}

static void a_deep_or_endless_body_of_an_error_is_not_read(void **state)
{
	static char deep[60 * 1024];
	static char endless[70 * 1024];
	struct http_answer answer;

	(void)state;
	memset(deep, '[', sizeof(deep) - 1);
	answer = answer_of(500, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, deep);
	assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE);
	memset(endless, ' ', sizeof(endless) - 1);
	memcpy(endless, "{\"error\":{\"code\":3,\"message\":\"execution reverted\"}}", 51);
	answer = answer_of(500, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, endless);
	assert_outcome(&answer, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_question_gets_its_answer),
		cmocka_unit_test(the_answer_to_an_earlier_question_is_refused),
		cmocka_unit_test(a_failed_question_leaves_the_way_free_for_the_next),
		cmocka_unit_test(a_node_that_is_not_there_may_be_tried_again),
		cmocka_unit_test(a_good_status_leaves_the_body_to_be_judged),
		cmocka_unit_test(an_error_of_the_node_wins_over_the_status),
		cmocka_unit_test(too_many_requests_stays_that_whatever_the_body_says),
		cmocka_unit_test(what_is_no_error_of_the_node_leaves_the_status),
		cmocka_unit_test(an_answer_that_is_too_large_asks_for_a_smaller_range),
		cmocka_unit_test(a_deep_or_endless_body_of_an_error_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
