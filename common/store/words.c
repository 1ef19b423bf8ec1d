/* Hashes, addresses and symbols as text in columns. */
#include "store/words.h"

#include "base/log.h"

void statement_bind_word(struct statement *statement, const char *name, const struct evm_word *word)
{
	statement_bind_text(statement, name, evm_word_text(word).text);
}

struct evm_word statement_word(struct statement *statement, const char *column)
{
	const char *text = statement_text(statement, column);
	struct evm_word word;
	bool parsed = text != NULL && evm_word_parse(text, &word);

	invariant(parsed);
	return word;
}

struct evm_address statement_address(struct statement *statement, const char *column)
{
	const char *text = statement_text(statement, column);
	struct evm_address address;
	bool parsed = text != NULL && evm_address_parse(text, &address);

	invariant(parsed);
	return address;
}

struct symbol statement_symbol(struct statement *statement, const char *column)
{
	const char *text = statement_text(statement, column);
	struct symbol symbol;
	bool fits = text != NULL && symbol_set(&symbol, text);

	invariant(fits);
	return symbol;
}
