/* See state.h. The parts with more than a query or two have files of their own. */
#include "monitor/state.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "store/broker_tokens.h"

#include <string.h>

static const char ledger_sql[] =
	"SELECT (SELECT value FROM ledger WHERE name = 'chain_id') AS chain_id,"
	" (SELECT value FROM ledger WHERE name = 'orderbook') AS orderbook,"
	" (SELECT value FROM ledger WHERE name = 'order_owner') AS order_owner";

static const char trading_sql[] =
	"SELECT value, reason, set_at FROM controls WHERE name = 'trading_halted'";

static const char latest_session_sql[] =
	"SELECT id, cutoff_block, cutoff_source, last_block, started_at, ended_at, end_reason"
	" FROM listener_sessions ORDER BY id DESC LIMIT 1";

static const char open_session_sql[] = "SELECT id FROM listener_sessions WHERE id ="
				       " (SELECT max(id) FROM listener_sessions)"
				       " AND ended_at IS NULL";

static const char login_sql[] =
	"SELECT broker, login_at FROM broker_tokens WHERE broker = 'schwab'";

void state_open(struct state *state, struct store *store, const struct reader_settings *settings,
		const struct pnl *pnl)
{
	memset(state, 0, sizeof(*state));
	state->store = store;
	state->settings = settings;
	state->pnl = pnl;
	statement_prepare(&state->ledger, store, ledger_sql);
	statement_prepare(&state->trading, store, trading_sql);
	statement_prepare(&state->latest_session, store, latest_session_sql);
	statement_prepare(&state->open_session, store, open_session_sql);
	statement_prepare(&state->login, store, login_sql);
	state_coverage_open(&state->coverage, store);
	state_events_open(&state->events, store);
	state_hedges_open(&state->hedges, store);
	latency_open(&state->latency, store);
}

void state_close(struct state *state)
{
	statement_finalize(&state->ledger);
	statement_finalize(&state->trading);
	statement_finalize(&state->latest_session);
	statement_finalize(&state->open_session);
	statement_finalize(&state->login);
	state_coverage_close(&state->coverage);
	state_events_close(&state->events);
	state_hedges_close(&state->hedges);
	latency_close(&state->latency);
}

void state_set_lock(struct state *state, const struct instance_lock *lock)
{
	state->lock = lock;
}

/* An older session that was never ended is nobody's: its listener is gone. */
static bool listener_is_open(struct state *state)
{
	int64_t id = 0;

	if (statement_row(&state->open_session))
		id = statement_int64(&state->open_session, "id");
	statement_reset(&state->open_session);
	return id > 0 && state->lock != NULL && instance_lock_session_is_held(state->lock, id);
}

bool state_listener_changed(struct state *state)
{
	const bool was_open = state->listener_open;

	state->listener_open = listener_is_open(state);
	return state->listener_open != was_open;
}

static void write_ledger(struct state *state, struct json *json)
{
	bool found = statement_row(&state->ledger);

	invariant(found);
	json_open_object(json, "ledger");
	json_text_column(json, &state->ledger, "chain_id");
	json_text_column(json, &state->ledger, "orderbook");
	json_text_column(json, &state->ledger, "order_owner");
	json_close_object(json);
	statement_reset(&state->ledger);
}

/* As the executor reads it: any value but '0' stops. */
static void write_trading(struct state *state, struct json *json)
{
	const bool found = statement_row(&state->trading);
	const bool halted = found && strcmp(statement_text(&state->trading, "value"), "0") != 0;

	json_open_object(json, "trading");
	json_boolean(json, "halted", halted);
	json_text(json, "reason", halted ? statement_text(&state->trading, "reason") : NULL);
	json_text(json, "set_at", found ? statement_text(&state->trading, "set_at") : NULL);
	json_close_object(json);
	statement_reset(&state->trading);
}

static void write_session(struct statement *session, struct json *json)
{
	json_open_object(json, "session");
	json_integer_column(json, session, "id");
	json_integer_column(json, session, "cutoff_block");
	json_text_column(json, session, "cutoff_source");
	json_integer_column(json, session, "last_block");
	json_text_column(json, session, "started_at");
	json_text_column(json, session, "ended_at");
	json_text_column(json, session, "end_reason");
	json_close_object(json);
}

static void write_listener(struct state *state, struct json *json)
{
	json_open_object(json, "listener");
	json_boolean(json, "open", listener_is_open(state));
	if (statement_row(&state->latest_session))
		write_session(&state->latest_session, json);
	else
		json_null(json, "session");
	json_close_object(json);
	statement_reset(&state->latest_session);
}

static void write_login(struct state *state, struct json *json)
{
	struct statement *login = &state->login;
	int64_t login_ms;

	if (!statement_row(login)) {
		json_null(json, "login");
		return;
	}
	json_open_object(json, "login");
	json_text_column(json, login, "broker");
	json_text_column(json, login, "login_at");
	if (clock_parse_text(statement_text(login, "login_at"), &login_ms))
		json_text(json, "ends_at", clock_text_of_ms(login_ms + BROKER_LOGIN_LIFE_MS).text);
	else
		json_null(json, "ends_at");
	json_close_object(json);
	statement_reset(login);
}

static void write_problems(const struct condition_list *list, struct json *json)
{
	json_open_array(json, "problems");
	for (size_t i = 0; i < list->count; i++) {
		json_open_object(json, NULL);
		json_text(json, "name", condition_name(list->items[i].kind));
		json_text(json, "subject", list->items[i].subject);
		json_text(json, "text", list->items[i].text);
		json_close_object(json);
	}
	json_close_array(json);
}

void state_write(struct state *state, const struct condition_list *list, struct json *json)
{
	const char *slash = strrchr(state->store->path.text, '/');

	json_open_object(json, NULL);
	json_text(json, "version", BALLAST_VERSION);
	json_text(json, "now", clock_now_text().text);
	json_text(json, "database", slash != NULL ? slash + 1 : state->store->path.text);
	write_ledger(state, json);
	write_trading(state, json);
	write_problems(list, json);
	write_listener(state, json);
	state_coverage_write(&state->coverage, state->settings->conditions.deployment_block, json);
	state_events_write(&state->events, json);
	state_hedges_write(&state->hedges, state->settings->conditions.threshold, json);
	latency_write(&state->latency, clock_monotonic_ms(), json);
	pnl_write_summary(state->pnl, json);
	write_login(state, json);
	json_close_object(json);
}
