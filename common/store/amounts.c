/* Amounts as canonical text in columns. */
#include "store/amounts.h"

#include "base/log.h"

#include <string.h>

void statement_bind_shares(struct statement *statement, const char *name, struct shares value)
{
	struct decimal_text text = shares_text(value);

	statement_bind_text(statement, name, text.text);
}

void statement_bind_usd(struct statement *statement, const char *name, struct usd value)
{
	struct decimal_text text = usd_text(value);

	statement_bind_text(statement, name, text.text);
}

struct shares statement_shares(struct statement *statement, const char *column)
{
	const char *text = statement_text(statement, column);
	struct shares value;

	if (text == NULL || !shares_parse(text, &value))
		fatal(EXIT_CODE_BUG, "column %s is not an amount value=%s", column,
		      text != NULL ? text : "NULL");
	return value;
}

struct usd statement_usd(struct statement *statement, const char *column)
{
	const char *text = statement_text(statement, column);
	struct usd value;

	if (text == NULL || !usd_parse(text, &value))
		fatal(EXIT_CODE_BUG, "column %s is not an amount value=%s", column,
		      text != NULL ? text : "NULL");
	return value;
}

void statement_copy_text(struct statement *statement, const char *column, char *text, size_t size)
{
	const char *value = statement_text(statement, column);
	size_t length = value != NULL ? strlen(value) : 0;

	invariant(length < size);
	if (length > 0)
		memcpy(text, value, length);
	text[length] = '\0';
}
