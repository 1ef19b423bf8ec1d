/* See wrapped_shares.h. */
#include "processor/wrapped_shares.h"

#include "base/clock.h"
#include "base/log.h"
#include "chain/abi.h"
#include "chain/keccak.h"

#include <inttypes.h>
#include <string.h>

#define SELECTOR_SIZE 4

/* First bytes of keccak-256 of "asset()", "convertToAssets(uint256)" (ERC-4626) and "decimals()".
 */
static const uint8_t asset_selector[] = {0x38, 0xd5, 0x2e, 0x0f};
static const uint8_t convert_selector[] = {0x07, 0xa2, 0xd1, 0x3a};
static const uint8_t decimals_selector[] = {0x31, 0x3c, 0xe5, 0x67};

void wrapped_shares_open(struct wrapped_shares *wrapped, struct store *store,
			 struct asked_node *node)
{
	*wrapped = (struct wrapped_shares){.store = store, .node = node};
	vaults_open(&wrapped->vaults, store);
	unanswered_init(&wrapped->waiting, node);
}

void wrapped_shares_close(struct wrapped_shares *wrapped)
{
	unanswered_free(&wrapped->waiting);
	vaults_close(&wrapped->vaults);
}

void wrapped_shares_begin_pass(struct wrapped_shares *wrapped)
{
	unanswered_begin_pass(&wrapped->waiting);
}

static struct vault_conversion conversion_of(const struct fill_block *block,
					     const struct wrapped_amount *amount)
{
	return (struct vault_conversion){
		.token = amount->token,
		.block_hash = block->hash,
		.shares = amount->shares,
		.block_number = block->number,
	};
}

/* Vault, block and amount in one word. */
static struct evm_word key_of(const struct vault_conversion *conversion)
{
	uint8_t bytes[EVM_ADDRESS_SIZE + 2 * EVM_WORD_SIZE];
	struct bytes all = {.data = bytes, .length = sizeof(bytes)};

	memcpy(bytes, conversion->token.bytes, EVM_ADDRESS_SIZE);
	memcpy(bytes + EVM_ADDRESS_SIZE, conversion->block_hash.bytes, EVM_WORD_SIZE);
	memcpy(bytes + EVM_ADDRESS_SIZE + EVM_WORD_SIZE, conversion->shares.bytes, EVM_WORD_SIZE);
	return keccak_256(all);
}

/* One call in the state after the fill's block; its first word. */
static enum outcome ask_word(struct evm_node *node, const struct evm_call *call, const char *what,
			     struct evm_word *word, struct error *error)
{
	struct buffer result;
	struct abi_tuple tuple;
	enum outcome outcome;

	/* A word, if the contract is honest; whatever else it answers must be read to tell. */
	buffer_init(&result, BUFFER_MAX_HTTP_ANSWER);
	outcome = evm_node_call_at(node, call, &result, error);
	tuple = abi_data((struct bytes){.data = result.bytes, .length = result.length});
	if (outcome == OUTCOME_REJECTED && error->kind != ERROR_KIND_RPC)
		outcome = OUTCOME_RETRY; /* the node's fault is not the vault's */
	else if (outcome == OUTCOME_OK && !abi_word(&tuple, 0, word))
		outcome = error_set(error, OUTCOME_RETRY, ERROR_KIND_ABSENT,
				    "%s of the vault gave no word", what);
	buffer_free(&result);
	return outcome;
}

static struct evm_call call_of(const struct vault_conversion *conversion, struct bytes data)
{
	return (struct evm_call){
		.to = conversion->token,
		.data = data,
		.block_hash = conversion->block_hash,
		.block_number = (uint64_t)conversion->block_number,
	};
}

/* What the vault holds, and its decimals. */
static enum outcome ask_vault(struct evm_node *node, const struct vault_conversion *conversion,
			      struct vault *vault, struct error *error)
{
	const struct bytes asset = {.data = asset_selector, .length = SELECTOR_SIZE};
	const struct bytes decimals = {.data = decimals_selector, .length = SELECTOR_SIZE};
	struct evm_call call = call_of(conversion, asset);
	struct abi_tuple answer;
	struct evm_word word = {{0}};
	enum outcome outcome = ask_word(node, &call, "asset()", &word, error);

	answer = abi_data((struct bytes){.data = word.bytes, .length = sizeof(word.bytes)});
	vault->token = conversion->token;
	if (outcome != OUTCOME_OK)
		return outcome;
	if (!abi_address(&answer, 0, &vault->asset))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "asset() of the vault is no address");
	call.to = vault->asset;
	call.data = decimals;
	outcome = ask_word(node, &call, "decimals() of the asset", &word, error);
	if (outcome == OUTCOME_OK && !abi_uint8(&answer, 0, &vault->asset_decimals))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "decimals() of the vault's asset is no uint8");
	return outcome;
}

static enum outcome ask_assets(struct evm_node *node, struct vault_conversion *conversion,
			       struct error *error)
{
	uint8_t data[SELECTOR_SIZE + EVM_WORD_SIZE];
	const struct bytes bytes = {.data = data, .length = sizeof(data)};
	const struct evm_call call = call_of(conversion, bytes);

	memcpy(data, convert_selector, SELECTOR_SIZE);
	memcpy(data + SELECTOR_SIZE, conversion->shares.bytes, EVM_WORD_SIZE);
	return ask_word(node, &call, "convertToAssets()", &conversion->assets, error);
}

static enum outcome ask(struct wrapped_shares *wrapped, struct vault *vault,
			struct vault_conversion *conversion, struct error *error)
{
	const struct evm_word key = key_of(conversion);
	struct evm_node *node = &wrapped->node->node;
	enum outcome outcome = asked_node_begin(wrapped->node, &key, false, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = ask_assets(node, conversion, error);
	/* Last: another dialogue may make it known meanwhile. */
	if (outcome == OUTCOME_OK && !vaults_find(&wrapped->vaults, &conversion->token, vault))
		outcome = ask_vault(node, conversion, vault, error);
	asked_node_end(wrapped->node, outcome, error);
	return outcome;
}

static void keep(struct wrapped_shares *wrapped, const struct vault *vault,
		 const struct vault_conversion *conversion)
{
	if (!store_begin(wrapped->store))
		return;
	vaults_insert(&wrapped->vaults, vault);
	vaults_insert_conversion(&wrapped->vaults, conversion);
	store_commit_untold(wrapped->store);
	log_info("wrapped shares converted token=%s block_number=%" PRId64
		 " shares=%s assets=%s asset_decimals=%u",
		 evm_address_text(&conversion->token).text, conversion->block_number,
		 evm_uint256_text(&conversion->shares).text,
		 evm_uint256_text(&conversion->assets).text, vault->asset_decimals);
}

/* Why, as the operator must read it: what is to be done is not in the node's words. */
static void explain(const struct vault_conversion *conversion, struct error *error)
{
	struct error told = *error;
	const char *advice = told.kind == ERROR_KIND_ABSENT
				     ? "; a node with the state of that block is needed"
				     : "";

	(void)error_set(error, OUTCOME_RETRY, told.kind,
			"wrapped shares: what they were worth in block %" PRId64
			" is not known: %.200s%s",
			conversion->block_number, told.text, advice);
	error->retry_after_ms = told.retry_after_ms;
}

static void note_failure(struct wrapped_shares *wrapped, const struct vault_conversion *conversion,
			 enum outcome outcome, struct error *error)
{
	const struct evm_word key = key_of(conversion);
	const struct question *question;

	explain(conversion, error);
	question = unanswered_note_failure(&wrapped->waiting, &key, outcome, error);
	if (question->refused) {
		log_error("wrapped shares refused token=%s reason=%s",
			  evm_address_text(&conversion->token).text, error->text);
		return;
	}
	log_warn("wrapped shares not known yet: their events wait, others go on token=%s "
		 "kind=%s wait_ms=%" PRId64 " reason=%s",
		 evm_address_text(&conversion->token).text, error_kind_name(error->kind),
		 question->due_ms - clock_monotonic_ms(), error->text);
}

static void resolve_one(struct wrapped_shares *wrapped, struct vault_conversion *conversion)
{
	const struct evm_word key = key_of(conversion);
	struct vault vault = {.asset_decimals = 0};
	struct error error;
	enum outcome outcome;

	if (vaults_find_conversion(&wrapped->vaults, conversion) ||
	    !unanswered_may_ask(&wrapped->waiting, &key))
		return;
	outcome = ask(wrapped, &vault, conversion, &error);
	if (outcome == OUTCOME_OK) {
		keep(wrapped, &vault, conversion);
		unanswered_remove(&wrapped->waiting, &key);
	} else if (error.kind != ERROR_KIND_UNDER_WAY) {
		note_failure(wrapped, conversion, outcome, &error);
	}
}

void wrapped_shares_resolve(struct wrapped_shares *wrapped, const struct fill_block *block,
			    const struct wrapped_amounts *amounts)
{
	for (size_t i = 0; i < amounts->count; i++) {
		struct vault_conversion conversion = conversion_of(block, &amounts->items[i]);

		resolve_one(wrapped, &conversion);
	}
}

static enum outcome find_one(struct wrapped_shares *wrapped, struct vault_conversion *conversion,
			     struct shares *worth, struct error *error)
{
	const struct evm_word key = key_of(conversion);
	struct vault vault;
	bool known = vaults_find_conversion(&wrapped->vaults, conversion);

	if (!known)
		return unanswered_why(&wrapped->waiting, &key, "wrapped shares", error);
	known = vaults_find(&wrapped->vaults, &conversion->token, &vault);
	invariant(known);
	if (!shares_from_scientific(&conversion->assets, -vault.asset_decimals, worth))
		return error_set(
			error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
			"wrapped shares: worth out of range: %s raw units with %u decimals",
			evm_uint256_text(&conversion->assets).text, vault.asset_decimals);
	return OUTCOME_OK;
}

enum outcome wrapped_shares_find(struct wrapped_shares *wrapped, const struct fill_block *block,
				 struct wrapped_amounts *amounts, struct error *error)
{
	enum outcome worst = OUTCOME_OK;

	for (size_t i = 0; i < amounts->count && worst != OUTCOME_REJECTED; i++) {
		struct vault_conversion conversion = conversion_of(block, &amounts->items[i]);
		enum outcome outcome =
			find_one(wrapped, &conversion, &amounts->items[i].worth, error);

		if (outcome != OUTCOME_OK)
			worst = outcome;
	}
	return worst;
}

int64_t wrapped_shares_wait_ms(const struct wrapped_shares *wrapped)
{
	return unanswered_wait_ms(&wrapped->waiting);
}
