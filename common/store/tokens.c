/* All SQL of table tokens. What a contract said first stays: a token that renames itself does not
 * rename our trades. */
#include "store/tokens.h"

#include "base/log.h"

static const char find_sql[] = "SELECT symbol, decimals FROM tokens WHERE address = :address";

static const char insert_sql[] = "INSERT INTO tokens (address, symbol, decimals)"
				 " VALUES (:address, :symbol, :decimals)"
				 " ON CONFLICT (address) DO NOTHING";

void tokens_open(struct tokens *tokens, struct store *store)
{
	*tokens = (struct tokens){.store = store};
	statement_prepare(&tokens->find, store, find_sql);
	statement_prepare(&tokens->insert, store, insert_sql);
}

void tokens_close(struct tokens *tokens)
{
	statement_finalize(&tokens->find);
	statement_finalize(&tokens->insert);
}

bool tokens_find(struct tokens *tokens, const struct evm_address *address, struct token *token)
{
	struct token found = {.address = *address};
	const char *symbol;
	int64_t decimals;
	bool readable;

	statement_bind_text(&tokens->find, ":address", evm_address_text(address).text);
	if (!statement_row(&tokens->find))
		return false;
	symbol = statement_text(&tokens->find, "symbol");
	decimals = statement_int64(&tokens->find, "decimals");
	readable = symbol != NULL && symbol_set(&found.symbol, symbol);
	invariant(readable);
	invariant(decimals >= 0 && decimals <= UINT8_MAX);
	found.decimals = (uint8_t)decimals;
	statement_reset(&tokens->find);
	*token = found;
	return true;
}

void tokens_insert(struct tokens *tokens, const struct token *token)
{
	statement_bind_text(&tokens->insert, ":address", evm_address_text(&token->address).text);
	statement_bind_text(&tokens->insert, ":symbol", token->symbol.text);
	statement_bind_int64(&tokens->insert, ":decimals", token->decimals);
	(void)statement_execute(&tokens->insert);
}
