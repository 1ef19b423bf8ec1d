/*
 * What this ledger is of: chain, genesis, orderbook, owners. Whoever first knows a value records
 * it, everybody after must agree, so that one file never mixes two chains or two books. Holds all
 * SQL of table ledger.
 */
#include "store/store.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FACT_COUNT 4
/* The addresses with commas between, and a NUL. */
#define FACT_TEXT_SIZE (CONFIG_MAX_ADDRESSES * EVM_ADDRESS_TEXT_SIZE)

static const char find_sql[] = "SELECT value FROM ledger WHERE name = :name";

static const char insert_sql[] = "INSERT INTO ledger (name, value) VALUES (:name, :value)";

struct fact {
	const char *name; /* NULL: not given */
	char value[FACT_TEXT_SIZE];
	bool recorded;
};

static void format_owners(const struct config_addresses *owners, char *text)
{
	size_t length = 0;

	invariant(owners->count > 0 && owners->count <= CONFIG_MAX_ADDRESSES);
	for (size_t i = 0; i < owners->count; i++) {
		struct evm_address_text address = evm_address_text(&owners->items[i]);

		if (i > 0)
			text[length++] = ',';
		memcpy(text + length, address.text, EVM_ADDRESS_TEXT_SIZE - 1);
		length += EVM_ADDRESS_TEXT_SIZE - 1;
	}
	text[length] = '\0';
}

static void collect(const struct store_identity *identity, struct fact facts[FACT_COUNT])
{
	memset(facts, 0, FACT_COUNT * sizeof(facts[0]));
	if (identity->chain_id != NULL) {
		facts[0].name = "chain_id";
		(void)snprintf(facts[0].value, FACT_TEXT_SIZE, "%" PRIu64, *identity->chain_id);
	}
	if (identity->genesis_hash != NULL) {
		facts[1].name = "genesis_hash";
		(void)snprintf(facts[1].value, FACT_TEXT_SIZE, "%s",
			       evm_word_text(identity->genesis_hash).text);
	}
	if (identity->orderbook != NULL) {
		facts[2].name = "orderbook";
		(void)snprintf(facts[2].value, FACT_TEXT_SIZE, "%s",
			       evm_address_text(identity->orderbook).text);
	}
	if (identity->owners != NULL) {
		facts[3].name = "order_owner";
		format_owners(identity->owners, facts[3].value);
	}
}

static void require_agreement(struct store *store, struct statement *find, struct fact *fact)
{
	const char *recorded;

	statement_bind_text(find, ":name", fact->name);
	fact->recorded = statement_row(find);
	if (fact->recorded) {
		recorded = statement_text(find, "value");
		if (strcmp(recorded, fact->value) != 0)
			fatal(EXIT_CODE_NEEDS_PERSON,
			      "the database is the ledger of %s %s, this program is set to %s %s: "
			      "it was "
			      "not touched, set another DATABASE_PATH or correct the setting "
			      "database=%s",
			      fact->name, recorded, fact->name, fact->value, store->path.text);
	}
	statement_reset(find);
}

/*
 * Whether all that is given is recorded; ends the process when something given is not what is
 * recorded.
 */
static bool all_recorded(struct store *store, struct fact facts[FACT_COUNT])
{
	struct statement find;
	bool all = true;

	statement_prepare(&find, store, find_sql);
	for (size_t i = 0; i < FACT_COUNT; i++) {
		if (facts[i].name == NULL)
			continue;
		require_agreement(store, &find, &facts[i]);
		all = all && facts[i].recorded;
	}
	statement_finalize(&find);
	return all;
}

static void record_missing(struct store *store, const struct fact facts[FACT_COUNT])
{
	struct statement insert;
	int changed;

	statement_prepare(&insert, store, insert_sql);
	for (size_t i = 0; i < FACT_COUNT; i++) {
		if (facts[i].name == NULL || facts[i].recorded)
			continue;
		statement_bind_text(&insert, ":name", facts[i].name);
		statement_bind_text(&insert, ":value", facts[i].value);
		changed = statement_execute(&insert);
		invariant(changed == 1);
		log_info("ledger recorded %s=%s", facts[i].name, facts[i].value);
	}
	statement_finalize(&insert);
}

void store_identify(struct store *store, const struct store_identity *identity)
{
	struct fact facts[FACT_COUNT];

	collect(identity, facts);
	/* Nearly always all is there, and no lock is needed. */
	if (all_recorded(store, facts))
		return;
	if (!store_begin(store))
		fatal(EXIT_CODE_TRY_AGAIN,
		      "told to stop before it was known what the database is of database=%s",
		      store->path.text);
	/* Another program may have recorded something meanwhile. */
	if (!all_recorded(store, facts))
		record_missing(store, facts);
	store_commit(store);
}
