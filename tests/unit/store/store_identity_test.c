/* What a ledger is of: recorded once, agreed with ever after. */
#include "test_store.h"

#include "base/log.h"

/* What a program says of itself, for identity tests; each pointer may be NULL. */
struct claim {
	const char *path;
	struct store_identity identity;
};

static void identify(void *context)
{
	const struct claim *claim = context;
	struct store store;

	store_open(&store, claim->path);
	store_identify(&store, &claim->identity);
	store_close(&store);
}

static const uint64_t chain_one = 8453;
static const uint64_t chain_two = UINT64_MAX;
static const struct evm_word genesis_one = {{0x11, 0xff}};
static const struct evm_word genesis_two = {{0x11, 0xfe}};
static const struct evm_address book_one = {{0xab}};
static const struct evm_address book_two = {{0xac}};
static const struct config_addresses owners_one = {.items = {{{1}}, {{2}}}, .count = 2};
static const struct config_addresses owners_two = {.items = {{{1}}, {{3}}}, .count = 2};
static const struct config_addresses owners_less = {.items = {{{1}}}, .count = 1};

static int64_t ledger_rows(const char *path)
{
	struct store store;
	int64_t rows;

	store_open(&store, path);
	rows = test_store_int64(&store, "SELECT count(*) AS n FROM ledger", "n");
	store_close(&store);
	return rows;
}

static void each_identity_is_recorded_when_first_known_and_then_agreed_with(void **state)
{
	struct test_file file;
	struct claim claim;
	struct store store;

	(void)state;
	test_file_create(&file);
	claim = (struct claim){.path = file.path};
	identify(&claim);
	assert_int_equal(ledger_rows(file.path), 0);
	claim.identity.orderbook = &book_one;
	identify(&claim);
	assert_int_equal(ledger_rows(file.path), 1);
	claim.identity = (struct store_identity){.chain_id = &chain_one, .owners = &owners_one};
	identify(&claim);
	assert_int_equal(ledger_rows(file.path), 3);
	claim.identity.genesis_hash = &genesis_one;
	claim.identity.orderbook = &book_one;
	identify(&claim);
	identify(&claim);
	assert_int_equal(ledger_rows(file.path), 4);

	store_open(&store, file.path);
	assert_int_equal(
		test_store_int64(
			&store,
			"SELECT count(*) AS n FROM ledger WHERE (name, value) IN (VALUES"
			" ('chain_id', '8453'),"
			" ('genesis_hash', '0x11ff' || substr('" /* 30 bytes of zero */
			"000000000000000000000000000000000000000000000000000000000000', 1, 60)),"
			" ('orderbook', '0xab00000000000000000000000000000000000000'),"
			" ('order_owner', '0x0100000000000000000000000000000000000000,"
			"0x0200000000000000000000000000000000000000'))",
			"n"),
		4);
	store_close(&store);
	test_file_remove(&file);
}

static void every_contradiction_in_identity_is_refused_and_nothing_written(void **state)
{
	static const struct {
		struct store_identity identity;
		const char *words;
	} contradictions[] = {
		{{.chain_id = &chain_two},
		 "ledger of chain_id 8453, this program is set to "
		 "chain_id 18446744073709551615"},
		{{.genesis_hash = &genesis_two}, "ledger of genesis_hash 0x11ff"},
		{{.orderbook = &book_two}, "ledger of orderbook 0xab"},
		{{.owners = &owners_two}, "ledger of order_owner 0x01"},
		{{.owners = &owners_less}, "ledger of order_owner 0x01"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(contradictions); i++) {
		struct test_file file;
		struct claim claim;
		struct test_child child;

		test_file_create(&file);
		/*
		 * Only the contradicted value is known: the other three would be new, and must not
		 * come in.
		 */
		claim = (struct claim){.path = file.path};
		if (contradictions[i].identity.chain_id != NULL)
			claim.identity.chain_id = &chain_one;
		if (contradictions[i].identity.genesis_hash != NULL)
			claim.identity.genesis_hash = &genesis_one;
		if (contradictions[i].identity.orderbook != NULL)
			claim.identity.orderbook = &book_one;
		if (contradictions[i].identity.owners != NULL)
			claim.identity.owners = &owners_one;
		identify(&claim);
		claim.identity = (struct store_identity){.chain_id = &chain_one,
							 .genesis_hash = &genesis_one,
							 .orderbook = &book_one,
							 .owners = &owners_one};
		if (contradictions[i].identity.chain_id != NULL)
			claim.identity.chain_id = contradictions[i].identity.chain_id;
		if (contradictions[i].identity.genesis_hash != NULL)
			claim.identity.genesis_hash = contradictions[i].identity.genesis_hash;
		if (contradictions[i].identity.orderbook != NULL)
			claim.identity.orderbook = contradictions[i].identity.orderbook;
		if (contradictions[i].identity.owners != NULL)
			claim.identity.owners = contradictions[i].identity.owners;
		child = test_child_run(identify, &claim);
		test_child_assert(&child, EXIT_CODE_NEEDS_PERSON, contradictions[i].words);
		assert_int_equal(ledger_rows(file.path), 1);
		test_file_remove(&file);
	}
}

static void as_many_owners_as_there_may_be_have_an_identity(void **state)
{
	struct test_store test;
	struct config_addresses owners = {.count = CONFIG_MAX_ADDRESSES};

	(void)state;
	for (size_t i = 0; i < owners.count; i++)
		owners.items[i].bytes[0] = (uint8_t)i;
	test_store_open(&test);
	store_identify(&test.store, &(struct store_identity){.owners = &owners});
	store_identify(&test.store, &(struct store_identity){.owners = &owners});
	assert_int_equal(
		test_store_int64(&test.store, "SELECT length(value) AS n FROM ledger", "n"),
		CONFIG_MAX_ADDRESSES * EVM_ADDRESS_TEXT_SIZE - 1);
	test_store_close(&test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_identity_is_recorded_when_first_known_and_then_agreed_with),
		cmocka_unit_test(every_contradiction_in_identity_is_refused_and_nothing_written),
		cmocka_unit_test(as_many_owners_as_there_may_be_have_an_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
