/* See schwab_redirect.h. */
#include "executor/schwab_redirect.h"

#include "net/percent.h"

#include <stdbool.h>
#include <string.h>

/* The value of one parameter of the query; false when there is none, or none that is readable. */
static bool parameter(const char *query, const char *name, char *text, size_t size)
{
	size_t name_length = strlen(name);

	while (*query != '\0') {
		size_t length = strcspn(query, "&#");

		if (length > name_length && strncmp(query, name, name_length) == 0 &&
		    query[name_length] == '=')
			return percent_decode(query + name_length + 1, length - name_length - 1,
					      text, size);
		query += length;
		if (*query != '\0')
			query++;
	}
	return false;
}

enum outcome schwab_redirect_code(const char *redirect, const char *state, char *code,
				  struct error *error)
{
	const char *query = strchr(redirect, '?');
	char word[128];

	query = query == NULL ? redirect : query + 1;
	if (parameter(query, "error", word, sizeof(word)))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "Schwab did not grant the login: %s", word);
	if (parameter(query, "state", word, sizeof(word)) && strcmp(word, state) != 0)
		return error_set(
			error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
			"this address ends another login than the one just begun: open the "
			"new address");
	if (!parameter(query, "code", code, SCHWAB_CODE_SIZE))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "there is no code in it: paste the whole address that the browser "
				 "shows at the end");
	return OUTCOME_OK;
}
