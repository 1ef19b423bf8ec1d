/* See outcome.h. */
#include "base/outcome.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum outcome error_set(struct error *error, enum outcome outcome, enum error_kind kind,
		       const char *format, ...)
{
	va_list arguments;

	invariant(outcome != OUTCOME_OK);
	if (error == NULL)
		return outcome;
	error->kind = kind;
	error->retry_after_ms = 0;
	va_start(arguments, format);
	/* A text that is too long is cut: it is for people. */
	(void)vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return outcome;
}

const char *error_kind_name(enum error_kind kind)
{
	switch (kind) {
	case ERROR_KIND_NONE:
		return "other";
	case ERROR_KIND_UNREACHABLE:
		return "unreachable";
	case ERROR_KIND_RPC:
		return "rpc";
	case ERROR_KIND_RATE_LIMITED:
		return "rate limited";
	case ERROR_KIND_RANGE_TOO_LARGE:
		return "range too large";
	case ERROR_KIND_MALFORMED:
		return "malformed answer";
	case ERROR_KIND_BEHIND:
		return "node behind";
	case ERROR_KIND_ABSENT:
		return "not at the node";
	case ERROR_KIND_UNDER_WAY:
		return "under way";
	case ERROR_KIND_INVALID:
		return "invalid";
	}
	invariant_unreachable("a known kind");
}
