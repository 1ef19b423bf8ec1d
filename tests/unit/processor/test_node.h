/*
 * A node of a test's own: a child process that says which chain it is on and what token and vault
 * contracts answer, to several questions at once. What it shall say next and how often it was asked
 * is in memory that both share. Included after cmocka.h.
 */
#ifndef BALLAST_TESTS_PROCESSOR_TEST_NODE_H
#define BALLAST_TESTS_PROCESSOR_TEST_NODE_H

#include "base/evm_types.h"
#include "base/settings.h"
#include "processor/asked_node.h"
#include "unit/chain/scripted_server.h"

#include <sys/mman.h>

#define TEST_NODE_TOKENS      8
#define TEST_NODE_ANSWER_SIZE 32768

/* What follows the id in an answer: "\"result\":\"0x..\"" or "\"error\":{..}". */
struct test_node_answer {
	char text[TEST_NODE_ANSWER_SIZE];
};

struct test_node_token {
	struct evm_address address;
	struct test_node_answer symbol;
	struct test_node_answer decimals;
	struct test_node_answer asset;	/* of a vault */
	struct test_node_answer assets; /* what its shares are worth, at the block's hash */
	struct test_node_answer assets_by_number;
	bool is_silent; /* never answered */
	int asked;	/* eth_calls to it */
};

struct test_node_words {
	struct test_node_token tokens[TEST_NODE_TOKENS];
	size_t token_count;
	const char *chain_id; /* a literal: it is there in the child too */
	bool is_broken;	      /* answers 500 to everything */
	bool is_babbling;     /* answers what is no JSON */
	int asked;	      /* requests */
};

struct test_node {
	struct server server;
	struct test_node_words *words;
};

static inline void test_node_result(struct test_node_answer *answer, const char *hex)
{
	(void)snprintf(answer->text, sizeof(answer->text), "\"result\":\"0x%s\"", hex);
}

static inline void test_node_error(struct test_node_answer *answer, int code, const char *message)
{
	(void)snprintf(answer->text, sizeof(answer->text),
		       "\"error\":{\"code\":%d,\"message\":\"%s\"}", code, message);
}

/* symbol() as Solidity encodes it: offset, length, bytes and padding. */
static inline void test_node_string(struct test_node_answer *answer, const char *bytes,
				    size_t length)
{
	static char hex[TEST_NODE_ANSWER_SIZE - 32];
	size_t padded = (length + 31) / 32 * 32;
	size_t used = (size_t)snprintf(hex, sizeof(hex), "%064x%064zx", 32, length);

	assert_true(used + 2 * padded < sizeof(hex));
	for (size_t i = 0; i < padded; i++)
		used += (size_t)snprintf(hex + used, sizeof(hex) - used, "%02x",
					 i < length ? (unsigned char)bytes[i] : 0u);
	test_node_result(answer, hex);
}

static inline struct test_node_token *test_node_token(struct test_node *node,
						      struct evm_address address,
						      const char *symbol, unsigned int decimals)
{
	struct test_node_token *token = &node->words->tokens[node->words->token_count];
	char hex[65];

	assert_true(node->words->token_count < TEST_NODE_TOKENS);
	token->address = address;
	test_node_string(&token->symbol, symbol, strlen(symbol));
	(void)snprintf(hex, sizeof(hex), "%064x", decimals);
	test_node_result(&token->decimals, hex);
	node->words->token_count++;
	return token;
}

static inline void test_node_word(struct test_node_answer *answer, uint64_t value)
{
	char hex[65];

	(void)snprintf(hex, sizeof(hex), "%064" PRIx64, value);
	test_node_result(answer, hex);
}

/* Whose shares are worth that many raw units of a token of 18 decimals, whatever their number. */
static inline struct test_node_token *test_node_vault(struct test_node *node,
						      struct evm_address address,
						      const char *symbol, struct evm_address asset,
						      uint64_t assets)
{
	struct test_node_token *token = test_node_token(node, address, symbol, 18);
	char hex[65];

	(void)snprintf(hex, sizeof(hex), "%024d%s", 0, evm_address_text(&asset).text + 2);
	test_node_result(&token->asset, hex);
	test_node_word(&token->assets, assets);
	token->assets_by_number = token->assets;
	return token;
}

static inline const char *test_node_answer_of(struct test_node_token *token, const char *body)
{
	if (strstr(body, "0x95d89b41") != NULL)
		return token->symbol.text;
	if (strstr(body, "0x38d52e0f") != NULL)
		return token->asset.text;
	if (strstr(body, "0x07a2d13a") != NULL)
		return strstr(body, "blockHash") != NULL ? token->assets.text
							 : token->assets_by_number.text;
	return token->decimals.text;
}

/* NULL: none. */
static inline const char *test_node_call_answer(struct test_node_words *words, const char *body)
{
	for (size_t i = 0; i < words->token_count; i++) {
		struct test_node_token *token = &words->tokens[i];

		if (strstr(body, evm_address_text(&token->address).text) == NULL)
			continue;
		token->asked++;
		return token->is_silent ? NULL : test_node_answer_of(token, body);
	}
	return "\"result\":\"0x\"";
}

static inline const char *test_node_answer_to(struct test_node_words *words, const char *body)
{
	static char chain_id[64];

	(void)snprintf(chain_id, sizeof(chain_id), "\"result\":\"%s\"", words->chain_id);
	if (strstr(body, "\"eth_chainId\"") != NULL)
		return chain_id;
	if (strstr(body, "\"eth_call\"") != NULL)
		return test_node_call_answer(words, body);
	return "\"result\":{\"number\":\"0x0\",\"hash\":"
	       "\"0x1111111111111111111111111111111111111111111111111111111111111111\","
	       "\"parentHash\":"
	       "\"0x0000000000000000000000000000000000000000000000000000000000000000\","
	       "\"timestamp\":\"0x0\"}";
}

/* One request; false: the client has closed. */
static inline bool test_node_serve(const struct peer *peer, void *context)
{
	static char head[SERVER_TEXT_SIZE];
	static char body[SERVER_TEXT_SIZE];
	static char answer[SERVER_TEXT_SIZE];
	struct test_node_words *words = context;
	const char *said;
	const char *id;

	if (peer_has_closed(peer))
		return false;
	peer_read_request(peer, head, body);
	words->asked++;
	id = strstr(body, "\"id\":");
	server_require(id != NULL);
	said = test_node_answer_to(words, body);
	if (said == NULL)
		return true;
	(void)snprintf(answer, sizeof(answer), "{\"jsonrpc\":\"2.0\",\"id\":%lu,%s}",
		       strtoul(id + strlen("\"id\":"), NULL, 10), said);
	if (words->is_broken)
		peer_answer(peer, "500 Internal Server Error", "", "");
	else
		peer_answer(peer, "200 OK", "", words->is_babbling ? "<html>" : answer);
	return true;
}

static inline void test_node_run(int listener, void *context)
{
	server_serve_all(listener, test_node_serve, context);
}

/* On chain 31337, with no tokens. */
static inline void test_node_start(struct test_node *node, struct chain_settings *settings)
{
	node->words = mmap(NULL, sizeof(*node->words), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(node->words != MAP_FAILED);
	node->words->chain_id = "0x7a69";
	server_start(&node->server, test_node_run, node->words);
	(void)snprintf(settings->http_url.text, sizeof(settings->http_url.text),
		       "http://127.0.0.1:%d/", node->server.port);
	settings->rpc_timeout_ms = 10000;
}

/* Waits for an answer that is under way; false: none is. */
static inline bool test_node_await(struct asked_node *asked)
{
	if (!asked_node_awaits_answer(asked))
		return false;
	asked_node_wait(asked, NULL, INT64_MAX);
	return true;
}

static inline void test_node_stop(struct test_node *node)
{
	int status;

	assert_int_equal(kill(node->server.pid, SIGKILL), 0);
	assert_int_equal(waitpid(node->server.pid, &status, 0), node->server.pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(munmap(node->words, sizeof(*node->words)), 0);
}

#endif
