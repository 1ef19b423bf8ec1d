/* Hashes as text in columns. */
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
