/* All SQL of table tokens. What a contract said first stays: a token that renames itself does not
 * rename our trades. */
#include "store/tokens.h"

#include "base/log.h"
#include "store/words.h"

static const char find_sql[] =
	"SELECT address, symbol, decimals FROM tokens WHERE address = :address";

static const char all_sql[] = "SELECT address, symbol, decimals FROM tokens ORDER BY address";

static const char insert_sql[] = "INSERT INTO tokens (address, symbol, decimals)"
				 " VALUES (:address, :symbol, :decimals)"
				 " ON CONFLICT (address) DO NOTHING";

void tokens_open(struct tokens *tokens, struct store *store)
{
	*tokens = (struct tokens){.store = store};
	statement_prepare(&tokens->find, store, find_sql);
	statement_prepare(&tokens->all, store, all_sql);
	statement_prepare(&tokens->insert, store, insert_sql);
}

void tokens_close(struct tokens *tokens)
{
	statement_finalize(&tokens->find);
	statement_finalize(&tokens->all);
	statement_finalize(&tokens->insert);
}

static void read_row(struct statement *row, struct token *token)
{
	int64_t decimals = statement_int64(row, "decimals");

	invariant(decimals >= 0 && decimals <= UINT8_MAX);
	*token = (struct token){
		.address = statement_address(row, "address"),
		.symbol = statement_symbol(row, "symbol"),
		.decimals = (uint8_t)decimals,
	};
}

static bool find_row(struct tokens *tokens, const struct evm_address *address, struct token *token)
{
	statement_bind_text(&tokens->find, ":address", evm_address_text(address).text);
	if (!statement_row(&tokens->find))
		return false;
	read_row(&tokens->find, token);
	statement_reset(&tokens->find);
	return true;
}

bool tokens_find(struct tokens *tokens, const struct evm_address *address, struct token *token)
{
	struct token *place =
		&tokens->remembered[address->bytes[EVM_ADDRESS_SIZE - 1] % TOKENS_REMEMBERED];

	tokens->inserted = tokens->inserted && tokens->store->in_transaction;
	if (place->symbol.text[0] != '\0' && evm_address_equal(&place->address, address)) {
		*token = *place;
		return true;
	}
	if (!find_row(tokens, address, token))
		return false;
	if (!tokens->inserted)
		*place = *token;
	return true;
}

bool tokens_next(struct tokens *tokens, struct token *token)
{
	if (!statement_row(&tokens->all))
		return false;
	read_row(&tokens->all, token);
	return true;
}

void tokens_insert(struct tokens *tokens, const struct token *token)
{
	statement_bind_text(&tokens->insert, ":address", evm_address_text(&token->address).text);
	statement_bind_text(&tokens->insert, ":symbol", token->symbol.text);
	statement_bind_int64(&tokens->insert, ":decimals", token->decimals);
	(void)statement_execute(&tokens->insert);
	tokens->inserted = true;
}
