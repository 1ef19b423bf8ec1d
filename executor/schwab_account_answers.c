/* See schwab_answers.h: accounts, market hours and tokens. */
#include "executor/schwab_answers.h"

#include "executor/broker_json.h"

#include <stdio.h>
#include <string.h>

static enum outcome malformed(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "schwab: %s", what);
}

static enum outcome find_hash(const json_t *accounts, const char *account_number, char *hash,
			      size_t size, struct error *error)
{
	const json_t *account;
	size_t i;

	if (!json_is_array(accounts))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_MALFORMED,
				 "schwab: account numbers that are not a list");
	json_array_foreach(accounts, i, account)
	{
		if (strcmp(broker_json_text(account, "accountNumber"), account_number) != 0)
			continue;
		if (broker_json_copy(account, "hashValue", hash, size) &&
		    strspn(hash, "0123456789ABCDEFabcdef") == strlen(hash))
			return OUTCOME_OK;
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_MALFORMED,
				 "schwab: an account without hashValue");
	}
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
			 "the login has no account %s (it has %zu others): set "
			 "SCHWAB_ACCOUNT_NUMBER",
			 account_number, json_array_size(accounts));
}

enum outcome schwab_read_account_hash(struct bytes text, const char *account_number, char *hash,
				      size_t size, struct error *error)
{
	json_t *root = broker_json_parse(text, "schwab: account numbers", error);
	enum outcome outcome;

	if (root == NULL)
		return OUTCOME_RETRY;
	outcome = find_hash(root, account_number, hash, size, error);
	json_decref(root);
	return outcome;
}

/* Long less short; what is not named is not held. */
static bool read_held(const json_t *positions, const char *symbol, struct shares *held)
{
	const json_t *position;
	size_t i;

	*held = (struct shares){0};
	json_array_foreach(positions, i, position)
	{
		struct shares long_shares = {0};
		struct shares short_shares = {0};

		if (!schwab_same_symbol(
			    broker_json_text(json_object_get(position, "instrument"), "symbol"),
			    symbol))
			continue;
		return broker_json_shares(position, "longQuantity", &long_shares) &&
		       broker_json_shares(position, "shortQuantity", &short_shares) &&
		       shares_subtract(long_shares, short_shares, held);
	}
	return true;
}

/* Cash accounts name what their cash buys; margin accounts what buys without borrowing. */
static bool read_cash(const json_t *account, struct usd *cash)
{
	static const char *const members[] = {"cashAvailableForTrading",
					      "availableFundsNonMarginableTrade",
					      "buyingPowerNonMarginableTrade"};
	const json_t *balances = json_object_get(account, "currentBalances");

	for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
		if (broker_json_usd(balances, members[i], cash))
			return true;
	}
	return false;
}

enum outcome schwab_read_account(struct bytes text, const struct symbol *symbol,
				 struct account_state *state, char *description, size_t size,
				 struct error *error)
{
	json_t *root = broker_json_parse(text, "schwab: account", error);
	const json_t *account = json_object_get(root, "securitiesAccount");
	struct account_state made = {.has_cash = false};
	char type[SCHWAB_WORD_SIZE] = "";
	bool good = json_is_object(account) &&
		    read_held(json_object_get(account, "positions"), symbol->text, &made.held);

	if (root == NULL)
		return OUTCOME_REJECTED;
	if (!broker_json_copy(account, "type", type, sizeof(type)))
		type[0] = '\0';
	made.available = made.held;
	made.may_short = strcmp(type, "MARGIN") == 0;
	made.has_cash = read_cash(account, &made.cash);
	(void)snprintf(description, size, "%s%s, %s dollars", type,
		       broker_json_is_true(account, "isClosingOnlyRestricted") ? ", closing only"
									       : "",
		       made.has_cash ? usd_text(made.cash).text : "unknown");
	json_decref(root);
	if (!good)
		return malformed(error, "an account without securitiesAccount and its quantities");
	*state = made;
	return OUTCOME_OK;
}

/* Until the day that was asked for is over at the latest, another one must be asked for. */
#define LONGEST_LOOK_MS (60 * 60 * (int64_t)1000)

static bool read_session(const json_t *day, int64_t *start_ms, int64_t *end_ms)
{
	const json_t *session = json_array_get(
		json_object_get(json_object_get(day, "sessionHours"), "regularMarket"), 0);

	return broker_time_parse(broker_json_text(session, "start"), start_ms) &&
	       broker_time_parse(broker_json_text(session, "end"), end_ms) && *start_ms < *end_ms;
}

static enum outcome read_day(const json_t *day, int64_t now_ms, struct broker_market *market,
			     struct error *error)
{
	const json_t *is_open = json_object_get(day, "isOpen");
	struct broker_market made = {.changes_in_ms = LONGEST_LOOK_MS};
	int64_t start_ms;
	int64_t end_ms;

	if (!json_is_boolean(is_open))
		return malformed(error, "market hours without isOpen");
	if (json_is_true(is_open)) {
		if (!read_session(day, &start_ms, &end_ms))
			return malformed(error, "an open day without regularMarket");
		made.open = now_ms >= start_ms && now_ms < end_ms;
		if (made.open)
			made.changes_in_ms = end_ms - now_ms;
		else if (now_ms < start_ms && start_ms - now_ms < LONGEST_LOOK_MS)
			made.changes_in_ms = start_ms - now_ms;
	}
	*market = made;
	return OUTCOME_OK;
}

/* The product under "equity" is named "EQ" on open days and "equity" on closed ones. */
enum outcome schwab_read_market(struct bytes text, int64_t now_ms, struct broker_market *market,
				struct error *error)
{
	json_t *root = broker_json_parse(text, "schwab: market hours", error);
	const json_t *products = json_object_get(root, "equity");
	void *first;
	enum outcome outcome;

	if (root == NULL)
		return OUTCOME_REJECTED;
	first = json_object_iter(json_object_get(root, "equity"));
	if (!json_is_object(products) || first == NULL)
		outcome = malformed(error, "market hours without equity");
	else
		outcome = read_day(json_object_iter_value(first), now_ms, market, error);
	json_decref(root);
	return outcome;
}

static enum outcome read_granted(const json_t *root, struct schwab_tokens *tokens,
				 struct error *error)
{
	struct shares seconds;
	int64_t whole = 0;

	if (!broker_json_copy(root, "access_token", tokens->access, sizeof(tokens->access)) ||
	    !broker_json_copy(root, "refresh_token", tokens->refresh, sizeof(tokens->refresh)))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_MALFORMED,
				 "schwab: a token answer without its tokens");
	/* 1800 is what is documented; a shorter life is believed, a longer one not needed. */
	if (!broker_json_shares(root, "expires_in", &seconds) || !shares_whole(seconds, &whole) ||
	    shares_is_negative(seconds) || whole > 1800)
		whole = 1800;
	tokens->expires_in_s = whole;
	return OUTCOME_OK;
}

enum outcome schwab_read_tokens(long status, struct bytes text, struct schwab_tokens *tokens,
				struct error *error)
{
	json_t *root = broker_json_parse(text, "schwab: token", NULL);
	char word[SCHWAB_WORD_SIZE];
	enum outcome outcome;

	if (status == 200) {
		outcome = read_granted(root, tokens, error);
	} else if ((status == 400 || status == 401) &&
		   broker_json_copy(root, "error", word, sizeof(word))) {
		/* Its error_description quotes a digest of the token: only the word is shown. */
		outcome = error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				    "schwab refuses the login (HTTP %ld %s)", status, word);
	} else {
		outcome = error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				    "schwab: the token endpoint answered HTTP %ld", status);
	}
	json_decref(root);
	return outcome;
}
