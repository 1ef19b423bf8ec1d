/* Tokens by eth_call: what is kept, what is the token's fault, and what is the node's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "processor/token_resolver.h"
#include "unit/processor/test_node.h"
#include "unit/store/test_store.h"

struct fixture {
	struct test_store files;
	struct chain_settings settings;
	struct test_node node;
	struct asked_node asked;
	struct tokens tokens;
	struct token_resolver resolver;
};

static struct evm_address address_of(uint8_t number)
{
	struct evm_address address = {{0}};

	address.bytes[EVM_ADDRESS_SIZE - 1] = number;
	return address;
}

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.settings.orderbook = address_of(0x0b);
	fixture.settings.owners.items[0] = address_of(0xa1);
	fixture.settings.owners.count = 1;
	test_node_start(&fixture.node, &fixture.settings);
	test_store_open(&fixture.files);
	tokens_open(&fixture.tokens, &fixture.files.store);
	asked_node_open(&fixture.asked, &fixture.files.store, &fixture.settings);
	token_resolver_open(&fixture.resolver, &fixture.files.store, &fixture.tokens,
			    &fixture.asked);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	token_resolver_close(&fixture->resolver);
	asked_node_close(&fixture->asked);
	tokens_close(&fixture->tokens);
	test_store_close(&fixture->files);
	test_node_stop(&fixture->node);
	return 0;
}

static enum outcome resolve(struct fixture *fixture, uint8_t number, struct token *token,
			    struct error *error)
{
	struct evm_address address = address_of(number);

	token_resolver_begin_pass(&fixture->resolver);
	do
		token_resolver_resolve(&fixture->resolver, &address);
	while (test_node_await(&fixture->asked));
	return token_resolver_find(&fixture->resolver, &address, token, error);
}

static void assert_refused(struct fixture *fixture, uint8_t number, const char *words)
{
	struct token token;
	struct error error;

	assert_int_equal(resolve(fixture, number, &token, &error), OUTCOME_REJECTED);
	if (strstr(error.text, words) == NULL)
		fail_msg("not \"%s\" in: %s", words, error.text);
	assert_int_equal(token_resolver_wait_ms(&fixture->resolver), -1);
}

/* Asks now, however long the token was to wait. */
static void assert_waits(struct fixture *fixture, uint8_t number, enum error_kind kind)
{
	struct token token;
	struct error error;

	for (size_t i = 0; i < fixture->resolver.waiting.count; i++)
		fixture->resolver.waiting.items[i].due_ms = 0;
	assert_int_equal(resolve(fixture, number, &token, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, kind);
	assert_in_range(token_resolver_wait_ms(&fixture->resolver), 0, 30000);
}

static void an_answer_is_kept_and_never_asked_again(void **state)
{
	struct fixture *fixture = *state;
	struct test_node_token *said = test_node_token(&fixture->node, address_of(1), "tBRK.B", 18);
	struct token token;
	struct error error;

	assert_int_equal(resolve(fixture, 1, &token, &error), OUTCOME_OK);
	assert_string_equal(token.symbol.text, "tBRK.B");
	assert_int_equal(token.decimals, 18);
	assert_int_equal(said->asked, 2);
	assert_int_equal(resolve(fixture, 1, &token, &error), OUTCOME_OK);
	assert_int_equal(said->asked, 2);
	assert_int_equal(test_store_int64(&fixture->files.store,
					  "SELECT count(*) AS n FROM ledger WHERE name = 'chain_id'"
					  " AND value = '31337'",
					  "n"),
			 1);
}

static void what_the_contract_answers_wrongly_is_its_own_fault(void **state)
{
	static const char huge[12000] = {'A'};
	struct fixture *fixture = *state;
	struct test_node_token *said = test_node_token(&fixture->node, address_of(1), "AAPL0x", 18);

	test_node_error(&said->symbol, 3, "execution reverted");
	assert_refused(fixture, 1, "reverted");
	said = test_node_token(&fixture->node, address_of(2), "AAPL0x", 18);
	test_node_result(&said->symbol, "4141504c");
	assert_refused(fixture, 2, "symbol()");
	said = test_node_token(&fixture->node, address_of(3), "AAPL0x", 18);
	test_node_string(&said->symbol, huge, sizeof(huge));
	assert_refused(fixture, 3, "symbol()");
	said = test_node_token(&fixture->node, address_of(4), "AAPL0x", 256);
	assert_refused(fixture, 4, "decimals()");
}

/* It has traded: a node that knows no contract there lags behind, and only if it insists is
 * believed. */
static void an_empty_answer_is_asked_for_again_for_a_while(void **state)
{
	struct fixture *fixture = *state;
	struct evm_address address = address_of(5);
	struct token token;
	struct error error;

	assert_int_equal(resolve(fixture, 5, &token, &error), OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_ABSENT);
	(void)test_node_token(&fixture->node, address, "AAPL0x", 18);
	fixture->resolver.waiting.items[0].due_ms = 0;
	assert_int_equal(resolve(fixture, 5, &token, &error), OUTCOME_OK);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(resolve(fixture, 6, &token, &error), OUTCOME_RETRY);
		fixture->resolver.waiting.items[0].due_ms = 0;
	}
	assert_refused(fixture, 6, "no contract");
}

static void only_tokens_of_this_pass_are_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct evm_address address = address_of(1);
	struct token token;
	struct error error;

	assert_int_equal(token_resolver_find(&fixture->resolver, &address, &token, &error),
			 OUTCOME_RETRY);
	assert_int_equal(token_resolver_wait_ms(&fixture->resolver), 0);
	token_resolver_begin_pass(&fixture->resolver);
	assert_int_equal(token_resolver_wait_ms(&fixture->resolver), -1);
	assert_int_equal(token_resolver_find(&fixture->resolver, &address, &token, &error),
			 OUTCOME_RETRY);
	assert_int_equal(token_resolver_wait_ms(&fixture->resolver), 0);
}

static void symbols_that_lie_in_the_log_are_refused(void **state)
{
	struct fixture *fixture = *state;

	(void)test_node_token(&fixture->node, address_of(1), "", 18);
	(void)test_node_token(&fixture->node, address_of(2), "AAPL\nfatal", 18);
	(void)test_node_token(&fixture->node, address_of(3), "AAPL reason=none", 18);
	test_node_string(&test_node_token(&fixture->node, address_of(4), "", 18)->symbol, "AAPL\0x",
			 6);
	for (uint8_t i = 1; i <= 4; i++)
		assert_refused(fixture, i, "printable");
}

static void the_longest_symbol_fits_and_one_longer_does_not(void **state)
{
	struct fixture *fixture = *state;
	struct token token;
	struct error error;

	(void)test_node_token(&fixture->node, address_of(1), "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF",
			      255);
	(void)test_node_token(&fixture->node, address_of(2), "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG",
			      18);
	assert_int_equal(resolve(fixture, 1, &token, &error), OUTCOME_OK);
	assert_int_equal(token.decimals, 255);
	assert_refused(fixture, 2, "1 to 32");
}

static void what_the_node_answers_wrongly_is_no_tokens_fault(void **state)
{
	struct fixture *fixture = *state;
	struct test_node_token *said = test_node_token(&fixture->node, address_of(1), "AAPL0x", 18);
	struct token token;
	struct error error;

	fixture->node.words->is_babbling = true;
	assert_waits(fixture, 1, ERROR_KIND_MALFORMED);
	fixture->node.words->is_babbling = false;
	fixture->node.words->is_broken = true;
	assert_waits(fixture, 1, ERROR_KIND_UNREACHABLE);
	fixture->node.words->is_broken = false;
	test_node_error(&said->decimals, -32000, "header not found");
	assert_waits(fixture, 1, ERROR_KIND_BEHIND);
	/* The chain is known now: a call that is answered with nonsense. */
	(void)snprintf(said->decimals.text, sizeof(said->decimals.text), "\"result\":7");
	assert_waits(fixture, 1, ERROR_KIND_MALFORMED);
	test_node_result(&said->decimals,
			 "0000000000000000000000000000000000000000000000000000000000000012");
	fixture->resolver.waiting.items[0].due_ms = 0;
	assert_int_equal(resolve(fixture, 1, &token, &error), OUTCOME_OK);
	assert_int_equal(token_resolver_wait_ms(&fixture->resolver), -1);
}

static void a_token_never_asked_is_due_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct evm_address address = address_of(1);
	struct token token;
	struct error error;

	(void)test_node_token(&fixture->node, address, "AAPL0x", 18);
	assert_int_equal(token_resolver_wait_ms(&fixture->resolver), -1);
	assert_int_equal(token_resolver_find(&fixture->resolver, &address, &token, &error),
			 OUTCOME_RETRY);
	assert_int_equal(token_resolver_wait_ms(&fixture->resolver), 0);
	assert_int_equal(resolve(fixture, 1, &token, &error), OUTCOME_OK);
}

/* Six at once, with four dialogues: those that come too late are asked when there is room. */
static void many_tokens_are_asked_beside_each_other(void **state)
{
	struct fixture *fixture = *state;
	struct evm_address addresses[6];
	struct token token;
	struct error error;

	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
		addresses[i] = address_of((uint8_t)(i + 1));
		(void)test_node_token(&fixture->node, addresses[i], "AAPL0x", (unsigned int)i);
	}
	/* It must not hold up the others. */
	fixture->node.words->tokens[0].is_silent = true;
	token_resolver_begin_pass(&fixture->resolver);
	do {
		for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++)
			token_resolver_resolve(&fixture->resolver, &addresses[i]);
	} while (test_store_int64(&fixture->files.store, "SELECT count(*) AS n FROM tokens", "n") <
			 5 &&
		 test_node_await(&fixture->asked));
	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
		enum outcome expected = i == 0 ? OUTCOME_RETRY : OUTCOME_OK;

		assert_int_equal(
			token_resolver_find(&fixture->resolver, &addresses[i], &token, &error),
			expected);
		if (i == 0)
			assert_int_equal(error.kind, ERROR_KIND_UNDER_WAY);
		else
			assert_int_equal(token.decimals, i);
		assert_int_equal(fixture->node.words->tokens[i].asked, i == 0 ? 1 : 2);
	}
	/* Which chain it is was asked once: two requests. */
	assert_int_equal(fixture->node.words->asked, 2 + 1 + 5 * 2);
	assert_true(asked_node_awaits_answer(&fixture->asked));
	assert_int_equal(token_resolver_wait_ms(&fixture->resolver), -1);
}

static void ask_with_other_chain_id(void *context)
{
	struct fixture *fixture = context;
	struct evm_address address = address_of(1);
	struct store store;

	store_open(&store, fixture->files.file.path);
	fixture->settings.chain_id = 1;
	tokens_open(&fixture->tokens, &store);
	asked_node_open(&fixture->asked, &store, &fixture->settings);
	token_resolver_open(&fixture->resolver, &store, &fixture->tokens, &fixture->asked);
	token_resolver_begin_pass(&fixture->resolver);
	do
		token_resolver_resolve(&fixture->resolver, &address);
	while (test_node_await(&fixture->asked));
}

static void a_node_of_another_chain_is_not_believed(void **state)
{
	struct fixture *fixture = *state;
	struct test_node_token *said = test_node_token(&fixture->node, address_of(1), "AAPL0x", 18);
	struct test_child child = test_child_run(ask_with_other_chain_id, fixture);

	test_child_assert(&child, 78, "31337");
	assert_int_equal(said->asked, 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_answer_is_kept_and_never_asked_again),
		STORY(what_the_contract_answers_wrongly_is_its_own_fault),
		STORY(an_empty_answer_is_asked_for_again_for_a_while),
		STORY(only_tokens_of_this_pass_are_waited_for),
		STORY(symbols_that_lie_in_the_log_are_refused),
		STORY(the_longest_symbol_fits_and_one_longer_does_not),
		STORY(what_the_node_answers_wrongly_is_no_tokens_fault),
		STORY(a_token_never_asked_is_due_at_once),
		STORY(many_tokens_are_asked_beside_each_other),
		STORY(a_node_of_another_chain_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
