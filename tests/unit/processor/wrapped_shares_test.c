/* What a vault's shares were worth: asked once for a block and an amount, and whose fault it is
 * when there is no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "processor/wrapped_shares.h"
#include "unit/processor/test_node.h"
#include "unit/store/test_store.h"

struct fixture {
	struct test_store files;
	struct chain_settings settings;
	struct test_node node;
	struct asked_node asked;
	struct wrapped_shares wrapped;
	struct test_node_token *vault;
};

static struct evm_address address_of(uint8_t number)
{
	struct evm_address address = {{0}};

	address.bytes[EVM_ADDRESS_SIZE - 1] = number;
	return address;
}

/* The node's only block. */
static struct fill_block genesis(void)
{
	struct fill_block block = {.number = 0};

	memset(block.hash.bytes, 0x11, sizeof(block.hash.bytes));
	return block;
}

static struct wrapped_amounts amounts_of(uint8_t token, uint8_t shares)
{
	struct wrapped_amounts amounts = {.count = 1};

	amounts.items[0].token = address_of(token);
	amounts.items[0].shares.bytes[EVM_WORD_SIZE - 1] = shares;
	return amounts;
}

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	fixture.settings.orderbook = address_of(0x0b);
	fixture.settings.owners.items[0] = address_of(0xa1);
	fixture.settings.owners.count = 1;
	test_node_start(&fixture.node, &fixture.settings);
	(void)test_node_token(&fixture.node, address_of(1), "TSLA", 18);
	fixture.vault = test_node_vault(&fixture.node, address_of(2), "wtTSLA", address_of(1),
					UINT64_C(1500000000000000000));
	test_store_open(&fixture.files);
	asked_node_open(&fixture.asked, &fixture.files.store, &fixture.settings);
	wrapped_shares_open(&fixture.wrapped, &fixture.files.store, &fixture.asked);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	wrapped_shares_close(&fixture->wrapped);
	asked_node_close(&fixture->asked);
	test_store_close(&fixture->files);
	test_node_stop(&fixture->node);
	return 0;
}

/* Asks now, however long the question was to wait. */
static enum outcome worth_of(struct fixture *fixture, struct wrapped_amounts *amounts,
			     struct error *error)
{
	const struct fill_block block = genesis();

	for (size_t i = 0; i < fixture->wrapped.waiting.count; i++)
		fixture->wrapped.waiting.items[i].due_ms = 0;
	wrapped_shares_begin_pass(&fixture->wrapped);
	do
		wrapped_shares_resolve(&fixture->wrapped, &block, amounts);
	while (test_node_await(&fixture->asked));
	return wrapped_shares_find(&fixture->wrapped, &block, amounts, error);
}

static void assert_worth(struct fixture *fixture, uint8_t shares, const char *expected)
{
	struct wrapped_amounts amounts = amounts_of(2, shares);
	struct error error;

	assert_int_equal(worth_of(fixture, &amounts, &error), OUTCOME_OK);
	assert_string_equal(shares_text(amounts.items[0].worth).text, expected);
}

static void assert_fails(struct fixture *fixture, enum outcome outcome, enum error_kind kind,
			 const char *words)
{
	struct wrapped_amounts amounts = amounts_of(2, 1);
	struct error error;

	assert_int_equal(worth_of(fixture, &amounts, &error), outcome);
	assert_int_equal(error.kind, kind);
	if (strstr(error.text, words) == NULL)
		fail_msg("not \"%s\" in: %s", words, error.text);
}

static void a_worth_is_asked_once_for_a_block_and_an_amount(void **state)
{
	struct fixture *fixture = *state;

	assert_worth(fixture, 1, "1.5");
	assert_int_equal(fixture->vault->asked, 2); /* convertToAssets() and asset() */
	assert_worth(fixture, 1, "1.5");
	assert_int_equal(fixture->vault->asked, 2);
	test_node_word(&fixture->vault->assets, UINT64_C(3000000000000000000));
	assert_worth(fixture, 1, "1.5");
	assert_worth(fixture, 2, "3");
	/* What the vault holds is known. */
	assert_int_equal(fixture->vault->asked, 3);
}

static void the_worth_is_in_units_of_what_the_vault_holds(void **state)
{
	struct fixture *fixture = *state;

	test_node_word(&fixture->node.words->tokens[0].decimals, 6);
	test_node_word(&fixture->vault->assets, 2500001);
	assert_worth(fixture, 1, "2.500001");
}

static void a_node_that_cannot_ask_by_hash_is_asked_by_number(void **state)
{
	struct fixture *fixture = *state;

	test_node_error(&fixture->vault->assets, -32602, "invalid argument 1");
	test_node_word(&fixture->vault->assets_by_number, UINT64_C(2000000000000000000));
	assert_worth(fixture, 1, "2");
}

static void the_block_of_a_number_must_be_the_fills(void **state)
{
	struct fixture *fixture = *state;
	struct wrapped_amounts amounts = amounts_of(2, 1);
	struct fill_block block = genesis();
	struct error error;

	test_node_error(&fixture->vault->assets, -32602, "invalid argument 1");
	block.hash.bytes[0] = 0x12;
	wrapped_shares_begin_pass(&fixture->wrapped);
	do
		wrapped_shares_resolve(&fixture->wrapped, &block, &amounts);
	while (test_node_await(&fixture->asked));
	assert_int_equal(wrapped_shares_find(&fixture->wrapped, &block, &amounts, &error),
			 OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_BEHIND);
}

static void a_vault_that_reverts_is_refused(void **state)
{
	struct fixture *fixture = *state;

	test_node_error(&fixture->vault->assets, 3, "execution reverted");
	test_node_error(&fixture->vault->assets_by_number, 3, "execution reverted");
	assert_fails(fixture, OUTCOME_REJECTED, ERROR_KIND_RPC, "execution reverted");
	assert_int_equal(wrapped_shares_wait_ms(&fixture->wrapped), -1);
}

static void an_asset_that_is_no_address_is_refused(void **state)
{
	struct fixture *fixture = *state;

	test_node_result(&fixture->vault->asset,
			 "ff00000000000000000000000000000000000000000000000000000000000001");
	/* The node answered properly: it is the vault that is wrong. */
	assert_fails(fixture, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "no address");
}

static void a_worth_beyond_all_shares_is_refused(void **state)
{
	struct fixture *fixture = *state;

	test_node_result(&fixture->vault->assets,
			 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
	assert_fails(fixture, OUTCOME_REJECTED, ERROR_KIND_INVALID, "out of range");
}

/* No state of old blocks: which node is needed is said; after five answers it is believed. */
static void a_node_without_the_blocks_state_is_asked_again_for_a_while(void **state)
{
	struct fixture *fixture = *state;

	test_node_error(&fixture->vault->assets, -32000, "missing trie node");
	test_node_error(&fixture->vault->assets_by_number, -32000, "missing trie node");
	for (int i = 0; i < 4; i++) {
		assert_fails(fixture, OUTCOME_RETRY, ERROR_KIND_ABSENT, "state of that block");
		assert_in_range(wrapped_shares_wait_ms(&fixture->wrapped), 1, 30000);
	}
	assert_fails(fixture, OUTCOME_REJECTED, ERROR_KIND_ABSENT, "state of that block");
}

/* A backend that lags has the block in a moment, and a fill must not be set aside for that. */
static void a_node_that_does_not_have_the_block_yet_is_never_believed(void **state)
{
	struct fixture *fixture = *state;

	test_node_error(&fixture->vault->assets, -32000, "header not found");
	for (int i = 0; i < 12; i++)
		assert_fails(fixture, OUTCOME_RETRY, ERROR_KIND_BEHIND, "not known");
	test_node_word(&fixture->vault->assets, UINT64_C(1000000000000000000));
	assert_worth(fixture, 1, "1");
}

static void what_the_node_answers_wrongly_is_not_the_vaults_fault(void **state)
{
	struct fixture *fixture = *state;

	fixture->node.words->is_broken = true;
	assert_fails(fixture, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE, "500");
	fixture->node.words->is_broken = false;
	(void)snprintf(fixture->vault->assets.text, sizeof(fixture->vault->assets.text),
		       "\"result\":7");
	assert_fails(fixture, OUTCOME_RETRY, ERROR_KIND_MALFORMED, "not known");
	test_node_result(&fixture->vault->assets, "");
	assert_fails(fixture, OUTCOME_RETRY, ERROR_KIND_ABSENT, "no word");
	test_node_word(&fixture->vault->assets, UINT64_C(1000000000000000000));
	assert_worth(fixture, 1, "1");
}

/* The silent one is never answered; the others are, meanwhile. */
static void a_vault_that_hangs_holds_up_no_other(void **state)
{
	struct fixture *fixture = *state;
	struct wrapped_amounts silent = amounts_of(3, 1);
	struct wrapped_amounts amounts = amounts_of(2, 1);
	const struct fill_block block = genesis();
	struct error error;

	test_node_vault(&fixture->node, address_of(3), "wtAAPL", address_of(1), 1)->is_silent =
		true;
	wrapped_shares_begin_pass(&fixture->wrapped);
	do {
		wrapped_shares_resolve(&fixture->wrapped, &block, &silent);
		wrapped_shares_resolve(&fixture->wrapped, &block, &amounts);
	} while (wrapped_shares_find(&fixture->wrapped, &block, &amounts, &error) != OUTCOME_OK &&
		 test_node_await(&fixture->asked));
	assert_string_equal(shares_text(amounts.items[0].worth).text, "1.5");
	assert_int_equal(wrapped_shares_find(&fixture->wrapped, &block, &silent, &error),
			 OUTCOME_RETRY);
	assert_int_equal(error.kind, ERROR_KIND_UNDER_WAY);
	assert_true(asked_node_awaits_answer(&fixture->asked));
	assert_int_equal(wrapped_shares_wait_ms(&fixture->wrapped), -1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_worth_is_asked_once_for_a_block_and_an_amount),
		STORY(the_worth_is_in_units_of_what_the_vault_holds),
		STORY(a_node_that_cannot_ask_by_hash_is_asked_by_number),
		STORY(the_block_of_a_number_must_be_the_fills),
		STORY(a_vault_that_reverts_is_refused),
		STORY(an_asset_that_is_no_address_is_refused),
		STORY(a_worth_beyond_all_shares_is_refused),
		STORY(a_node_without_the_blocks_state_is_asked_again_for_a_while),
		STORY(a_node_that_does_not_have_the_block_yet_is_never_believed),
		STORY(what_the_node_answers_wrongly_is_not_the_vaults_fault),
		STORY(a_vault_that_hangs_holds_up_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
