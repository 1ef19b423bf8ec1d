/* See token_resolver.h. */
#include "processor/token_resolver.h"

#include "base/clock.h"
#include "base/log.h"
#include "chain/abi.h"

#include <inttypes.h>
#include <string.h>

/* First four bytes of keccak-256 of "symbol()" and "decimals()". Source: ERC-20. */
static const uint8_t symbol_selector[] = {0x95, 0xd8, 0x9b, 0x41};
static const uint8_t decimals_selector[] = {0x31, 0x3c, 0xe5, 0x67};

void token_resolver_open(struct token_resolver *resolver, struct store *store,
			 struct tokens *tokens, struct asked_node *node)
{
	*resolver = (struct token_resolver){.store = store, .tokens = tokens, .node = node};
	unanswered_init(&resolver->waiting, node);
}

void token_resolver_close(struct token_resolver *resolver)
{
	unanswered_free(&resolver->waiting);
}

static struct evm_word key_of(const struct evm_address *address)
{
	struct evm_word key = {{0}};

	memcpy(key.bytes + EVM_WORD_SIZE - EVM_ADDRESS_SIZE, address->bytes, EVM_ADDRESS_SIZE);
	return key;
}

/* A node's fault is no token's: what the node cannot answer properly now is asked again. */
static enum outcome blame_node(enum outcome outcome)
{
	return outcome == OUTCOME_OK ? OUTCOME_OK : OUTCOME_RETRY;
}

/* REJECTED only when the node says that the call can never succeed: the token reverted. */
static enum outcome call(struct token_resolver *resolver, const struct evm_address *address,
			 struct bytes selector, struct buffer *result, struct error *error)
{
	enum outcome outcome =
		evm_node_call(&resolver->node->node, address, selector, result, error);

	if (outcome == OUTCOME_REJECTED && error->kind == ERROR_KIND_RPC)
		return OUTCOME_REJECTED;
	if (outcome == OUTCOME_OK && result->length == 0)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_ABSENT,
				 "the node knows no contract at the token's address");
	return blame_node(outcome);
}

static struct abi_tuple tuple_of(const struct buffer *result)
{
	return abi_data((struct bytes){.data = result->bytes, .length = result->length});
}

static enum outcome read_symbol(const struct buffer *result, struct symbol *symbol,
				struct error *error)
{
	struct abi_tuple tuple = tuple_of(result);
	char text[SYMBOL_SIZE];
	struct bytes bytes;

	if (!abi_bytes(&tuple, 0, &bytes) || bytes.length >= sizeof(text))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "token: symbol() is not a string of 1 to %d bytes",
				 SYMBOL_SIZE - 1);
	memcpy(text, bytes.data, bytes.length);
	text[bytes.length] = '\0';
	if (strlen(text) != bytes.length || !symbol_set(symbol, text))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "token: symbol() is not 1 to %d printable ASCII characters",
				 SYMBOL_SIZE - 1);
	return OUTCOME_OK;
}

static enum outcome ask_symbol(struct token_resolver *resolver, const struct evm_address *address,
			       struct symbol *symbol, struct error *error)
{
	const struct bytes selector = {.data = symbol_selector, .length = sizeof(symbol_selector)};
	struct buffer result;
	enum outcome outcome;

	/* Three words, if the token is honest; whatever else it answers must be read to tell. */
	buffer_init(&result, BUFFER_MAX_HTTP_ANSWER);
	outcome = call(resolver, address, selector, &result, error);
	if (outcome == OUTCOME_OK)
		outcome = read_symbol(&result, symbol, error);
	buffer_free(&result);
	return outcome;
}

static enum outcome ask_decimals(struct token_resolver *resolver, const struct evm_address *address,
				 uint8_t *decimals, struct error *error)
{
	const struct bytes selector = {.data = decimals_selector,
				       .length = sizeof(decimals_selector)};
	struct abi_tuple tuple;
	struct buffer result;
	enum outcome outcome;

	buffer_init(&result, BUFFER_MAX_HTTP_ANSWER);
	outcome = call(resolver, address, selector, &result, error);
	tuple = tuple_of(&result);
	if (outcome == OUTCOME_OK && !abi_uint8(&tuple, 0, decimals))
		outcome = error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				    "token: decimals() is not a uint8");
	buffer_free(&result);
	return outcome;
}

static enum outcome ask(struct token_resolver *resolver, const struct evm_address *address,
			struct token *token, struct error *error)
{
	const struct evm_word key = key_of(address);
	enum outcome outcome = asked_node_begin(resolver->node, &key, false, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	token->address = *address;
	outcome = ask_symbol(resolver, address, &token->symbol, error);
	if (outcome == OUTCOME_OK)
		outcome = ask_decimals(resolver, address, &token->decimals, error);
	asked_node_end(resolver->node, outcome, error);
	return outcome;
}

static void store_token(struct token_resolver *resolver, const struct token *token)
{
	if (!store_begin(resolver->store))
		return;
	tokens_insert(resolver->tokens, token);
	store_commit_untold(resolver->store);
	log_info("token resolved address=%s symbol=%s decimals=%u",
		 evm_address_text(&token->address).text, token->symbol.text, token->decimals);
}

static void note_failure(struct token_resolver *resolver, const struct evm_address *address,
			 enum outcome outcome, const struct error *error)
{
	const struct evm_word key = key_of(address);
	const struct question *question =
		unanswered_note_failure(&resolver->waiting, &key, outcome, error);

	if (question->refused) {
		log_error("token refused address=%s reason=%s", evm_address_text(address).text,
			  error->text);
		return;
	}
	log_warn("token not known yet: its events wait, others go on address=%s kind=%s "
		 "wait_ms=%" PRId64 " reason=%s",
		 evm_address_text(address).text, error_kind_name(error->kind),
		 question->due_ms - clock_monotonic_ms(), error->text);
}

void token_resolver_begin_pass(struct token_resolver *resolver)
{
	unanswered_begin_pass(&resolver->waiting);
}

void token_resolver_resolve(struct token_resolver *resolver, const struct evm_address *address)
{
	const struct evm_word key = key_of(address);
	struct token token;
	struct error error;
	enum outcome outcome;

	if (tokens_find(resolver->tokens, address, &token) ||
	    !unanswered_may_ask(&resolver->waiting, &key))
		return;
	outcome = ask(resolver, address, &token, &error);
	if (outcome == OUTCOME_OK) {
		store_token(resolver, &token);
		unanswered_remove(&resolver->waiting, &key);
	} else if (error.kind != ERROR_KIND_UNDER_WAY) {
		note_failure(resolver, address, outcome, &error);
	}
}

enum outcome token_resolver_find(struct token_resolver *resolver, const struct evm_address *address,
				 struct token *token, struct error *error)
{
	const struct evm_word key = key_of(address);

	if (tokens_find(resolver->tokens, address, token))
		return OUTCOME_OK;
	return unanswered_why(&resolver->waiting, &key, "token", error);
}

int64_t token_resolver_wait_ms(const struct token_resolver *resolver)
{
	return unanswered_wait_ms(&resolver->waiting);
}
