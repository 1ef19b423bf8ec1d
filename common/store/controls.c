/*
 * Table controls. A person may have written a row by hand: whatever stands there is read, nothing
 * is refused.
 */
#include "store/controls.h"

#include "base/log.h"

#include <string.h>

static const char find_sql[] = "SELECT value, reason FROM controls WHERE name = 'trading_halted'";

static const char set_sql[] =
	"INSERT INTO controls (name, value, reason) VALUES ('trading_halted', :value, :reason)"
	" ON CONFLICT (name) DO UPDATE SET value = excluded.value, reason = excluded.reason,"
	" set_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

void controls_open(struct controls *controls, struct store *store)
{
	controls->store = store;
	statement_prepare(&controls->find, store, find_sql);
	statement_prepare(&controls->set, store, set_sql);
}

void controls_close(struct controls *controls)
{
	statement_finalize(&controls->find);
	statement_finalize(&controls->set);
}

static struct control_reason shorten(const char *text)
{
	struct control_reason reason = {""};
	size_t length = strnlen(text, sizeof(reason.text));

	if (length == sizeof(reason.text)) {
		length--;
		/* Not in the middle of a UTF-8 character: back over its continuation bytes. */
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	if (length > 0)
		memcpy(reason.text, text, length);
	return reason;
}

bool controls_trading_halted(struct controls *controls, struct control_reason *reason)
{
	bool halted = false;

	if (statement_row(&controls->find)) {
		halted = strcmp(statement_text(&controls->find, "value"), "0") != 0;
		if (halted && reason != NULL)
			*reason = shorten(statement_text(&controls->find, "reason"));
	}
	statement_reset(&controls->find);
	return halted;
}

bool controls_trading_was_decided(struct controls *controls)
{
	bool found = statement_row(&controls->find);

	statement_reset(&controls->find);
	return found;
}

void controls_set_trading_halted(struct controls *controls, bool halted, const char *reason)
{
	struct control_reason short_reason = shorten(reason);
	int changed;

	statement_bind_text(&controls->set, ":value", halted ? "1" : "0");
	statement_bind_text(&controls->set, ":reason", short_reason.text);
	changed = statement_execute(&controls->set);
	invariant(changed == 1);
}
