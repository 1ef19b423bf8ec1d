/* See broker_schwab.h. Sources: see schwab_answers.h. */
#include "executor/broker_schwab.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "executor/broker_http.h"
#include "executor/broker_json.h"
#include "executor/schwab_answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME		 "schwab"
#define PATH_SIZE	 1024
#define MAXIMUM_BODY	 ((size_t)4096)
#define STATUS_OK	 200
#define STATUS_NOT_FOUND 404
#define DAY_MS		 (24 * 60 * 60 * (int64_t)1000)

/* New York is four or five hours behind UTC. In the hour of doubt the market is closed either way.
 */
#define NEW_YORK_BEHIND_MS (5 * 60 * 60 * (int64_t)1000)

/* What the order list gives at most, by the document. A full list may not be all. */
#define LONGEST_LIST 3000

/* A new order can be read about a second after it was accepted. */
static const int64_t read_back_after_ms[] = {0, 500, 1000, 2000};

struct schwab {
	struct broker_operations operations; /* ours, with the configured absence */
	struct broker_http *http;
	struct schwab_session *session;
	char account_number[BROKER_ACCOUNT_NUMBER_SIZE];
	char hash[SCHWAB_HASH_SIZE]; /* "" before it was asked for */
	bool allow_short;
};

static enum outcome call(struct schwab *schwab, const struct broker_http_request *wanted,
			 struct broker_http_answer *answer, struct error *error)
{
	struct broker_http_request request = *wanted;
	enum outcome outcome =
		schwab_session_header(schwab->session, &request.authorization, error);

	if (outcome == OUTCOME_OK)
		outcome = broker_http_call(schwab->http, &request, answer, error);
	if (outcome == OUTCOME_OK && answer->status == 401)
		schwab_session_distrust(schwab->session);
	return outcome;
}

/* A read: OK with a 200, else RETRY. Schwab may end an access token early: one new one is tried. */
static enum outcome ask(struct schwab *schwab, const char *path, struct broker_http_answer *answer,
			struct error *error)
{
	const struct broker_http_request request = {.method = "GET", .path = path};
	char words[120];

	if (call(schwab, &request, answer, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	if (answer->status == 401 && call(schwab, &request, answer, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	if (answer->status == STATUS_OK)
		return OUTCOME_OK;
	broker_words(answer->body, words, sizeof(words));
	return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
			 "schwab answered HTTP %ld: %s", answer->status, words);
}

/* Plain account numbers may stand in no path: a hash does, which is asked for once. */
static enum outcome know_hash(struct schwab *schwab, struct error *error)
{
	struct broker_http_answer answer;

	if (schwab->hash[0] != '\0')
		return OUTCOME_OK;
	if (ask(schwab, "/trader/v1/accounts/accountNumbers", &answer, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	return schwab_read_account_hash(answer.body, schwab->account_number, schwab->hash,
					sizeof(schwab->hash), error);
}

static void account_path(const struct schwab *schwab, const char *rest, char path[PATH_SIZE])
{
	int length = snprintf(path, PATH_SIZE, "/trader/v1/accounts/%s%s", schwab->hash, rest);

	invariant(length > 0 && length < PATH_SIZE);
}

static enum outcome ask_account(struct schwab *schwab, const struct symbol *symbol,
				struct account_state *state, char *description, size_t size,
				struct error *error)
{
	struct broker_http_answer answer;
	char path[PATH_SIZE];
	enum outcome outcome = know_hash(schwab, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	account_path(schwab, "?fields=positions", path);
	if (ask(schwab, path, &answer, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	return schwab_read_account(answer.body, symbol, state, description, size, error) ==
			       OUTCOME_OK
		       ? OUTCOME_OK
		       : OUTCOME_RETRY;
}

static enum outcome schwab_account(void *context, struct broker_account *account,
				   struct error *error)
{
	struct schwab *schwab = context;
	const struct symbol none = {.text = ""};
	struct account_state state;
	enum outcome outcome = ask_account(schwab, &none, &state, account->description,
					   sizeof(account->description), error);

	if (outcome != OUTCOME_OK)
		return outcome;
	memcpy(account->number, schwab->account_number, sizeof(account->number));
	return OUTCOME_OK;
}

static enum outcome schwab_market(void *context, struct broker_market *market, struct error *error)
{
	struct broker_http_answer answer;
	int64_t now_ms = clock_wall_ms();
	struct clock_text day = clock_text_of_ms(now_ms - NEW_YORK_BEHIND_MS);
	char path[PATH_SIZE];
	int length = snprintf(path, sizeof(path),
			      "/marketdata/v1/markets?markets=equity&date=%.10s", day.text);

	invariant(length > 0 && (size_t)length < sizeof(path));
	if (ask(context, path, &answer, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	return schwab_read_market(answer.body, now_ms, market, error) == OUTCOME_OK ? OUTCOME_OK
										    : OUTCOME_RETRY;
}

static enum outcome schwab_allowance(void *context, const struct broker_order *order,
				     struct broker_allowance *allowance, struct error *error)
{
	struct schwab *schwab = context;
	struct account_state state;
	char description[BROKER_TEXT_SIZE];

	if (ask_account(schwab, &order->symbol, &state, description, sizeof(description), error) !=
	    OUTCOME_OK)
		return OUTCOME_RETRY;
	state.may_short = state.may_short && schwab->allow_short;
	*allowance = order_allowance(order, &state);
	return OUTCOME_OK;
}

static void write_order(const struct broker_order *order, struct buffer *body)
{
	const char *instruction = schwab_instruction(order->direction, order->effect);
	int64_t quantity = 0;
	bool whole = shares_whole(order->shares, &quantity);

	invariant(whole && quantity > 0 && instruction != NULL);
	broker_json_write(json_pack("{s:s, s:s, s:s, s:s, s:[{s:s, s:I, s:{s:s, s:s}}]}",
				    "orderType", "MARKET", "session", "NORMAL", "duration", "DAY",
				    "orderStrategyType", "SINGLE", "orderLegCollection",
				    "instruction", instruction, "quantity", (json_int_t)quantity,
				    "instrument", "symbol", order->symbol.text, "assetType",
				    "EQUITY"),
			  body);
}

static enum outcome read_order(struct schwab *schwab, const char *order_id,
			       struct schwab_order *order, struct error *error)
{
	struct broker_http_answer answer = {.status = 0};
	char rest[64];
	char path[PATH_SIZE];
	int length = snprintf(rest, sizeof(rest), "/orders/%s", order_id);

	invariant(length > 0 && (size_t)length < sizeof(rest));
	account_path(schwab, rest, path);
	if (ask(schwab, path, &answer, error) != OUTCOME_OK)
		return answer.status == STATUS_NOT_FOUND ? OUTCOME_UNKNOWN : OUTCOME_RETRY;
	return schwab_read_order(answer.body, order, error) == OUTCOME_OK ? OUTCOME_OK
									  : OUTCOME_RETRY;
}

/* The Location may name another order than the one just placed: it is read and compared. */
static enum outcome read_back(struct schwab *schwab, const struct broker_order *sent,
			      const char *order_id, struct broker_acceptance *acceptance,
			      struct error *error)
{
	struct schwab_order order;
	enum outcome outcome = OUTCOME_RETRY;

	for (size_t i = 0; i < ARRAY_LENGTH(read_back_after_ms) && outcome != OUTCOME_OK; i++) {
		if (!process_sleep_ms(read_back_after_ms[i]))
			return OUTCOME_UNKNOWN;
		outcome = read_order(schwab, order_id, &order, error);
	}
	if (outcome != OUTCOME_OK)
		return OUTCOME_UNKNOWN;
	if (!schwab_order_matches(&order, sent) || strcmp(order.id, order_id) != 0)
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_MALFORMED,
				 "schwab names order %s, which is not the one that was sent",
				 order_id);
	memcpy(acceptance->order_id, order.id, sizeof(order.id));
	acceptance->shares = order.quantity;
	return OUTCOME_OK;
}

static enum outcome judge_submission(struct schwab *schwab, const struct broker_order *order,
				     const struct broker_http_answer *answer,
				     struct broker_acceptance *acceptance, struct error *error)
{
	char order_id[21];

	if (answer->status < 200 || answer->status > 299)
		return schwab_judge_refusal(answer->status, answer->body, error);
	if (!schwab_order_id_of(answer->location, order_id, sizeof(order_id)))
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_MALFORMED,
				 "schwab accepted the order and did not say which it is");
	if (order->known->is_known(order->known->context, order_id))
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_MALFORMED,
				 "schwab names order %s, which belongs to another execution",
				 order_id);
	return read_back(schwab, order, order_id, acceptance, error);
}

static enum outcome schwab_submit(void *context, const struct broker_order *order,
				  struct broker_acceptance *acceptance, struct error *error)
{
	struct schwab *schwab = context;
	struct broker_http_answer answer;
	char path[PATH_SIZE];
	struct broker_http_request request = {.method = "POST",
					      .path = path,
					      .content_type = "application/json",
					      .is_order = true};
	struct buffer body;
	enum outcome outcome;

	/* Nothing was sent: whatever is wrong with the account can be mended. */
	if (know_hash(schwab, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	account_path(schwab, "/orders", path);
	buffer_init(&body, MAXIMUM_BODY);
	write_order(order, &body);
	request.body = (struct bytes){.data = body.bytes, .length = body.length};
	outcome = call(schwab, &request, &answer, error);
	buffer_free(&body);
	if (outcome != OUTCOME_OK)
		return outcome;
	return judge_submission(schwab, order, &answer, acceptance, error);
}

/* What a look through the order list has found. */
struct search {
	const struct broker_order *sent;
	int64_t matches;
	struct schwab_order found;
};

static void compare(void *context, const struct schwab_order *order)
{
	struct search *search = context;
	const struct broker_known_orders *known = search->sent->known;

	if (!schwab_order_matches(order, search->sent) ||
	    known->is_known(known->context, order->id))
		return;
	search->matches++;
	search->found = *order;
}

/*
 * The times of day in the query are not respected by all of Schwab's servers: whole days around are
 * asked for, and each order is compared here.
 */
static void list_path(const struct schwab *schwab, const struct broker_order *order,
		      char path[PATH_SIZE])
{
	struct clock_text from = clock_text_of_ms(order->submitted_at_ms - DAY_MS);
	struct clock_text to = clock_text_of_ms(clock_wall_ms() + DAY_MS);
	char from_encoded[3 * CLOCK_TEXT_SIZE];
	char to_encoded[3 * CLOCK_TEXT_SIZE];
	char rest[PATH_SIZE / 2];
	bool fits = broker_http_encode(from.text, from_encoded, sizeof(from_encoded)) &&
		    broker_http_encode(to.text, to_encoded, sizeof(to_encoded));
	int length = snprintf(rest, sizeof(rest),
			      "/orders?fromEnteredTime=%s&toEnteredTime=%s&maxResults=%d",
			      from_encoded, to_encoded, LONGEST_LIST);

	invariant(fits && length > 0 && (size_t)length < sizeof(rest));
	account_path(schwab, rest, path);
}

static enum outcome schwab_find(void *context, const struct broker_order *order,
				enum broker_search *result, struct broker_acceptance *acceptance,
				struct error *error)
{
	struct schwab *schwab = context;
	struct search search = {.sent = order};
	struct broker_http_answer answer;
	char path[PATH_SIZE];
	int64_t count = 0;

	if (know_hash(schwab, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	list_path(schwab, order, path);
	if (ask(schwab, path, &answer, error) != OUTCOME_OK ||
	    schwab_read_orders(answer.body, compare, &search, &count, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	*result = BROKER_SEARCH_ABSENT;
	if (search.matches == 1) {
		*result = BROKER_SEARCH_FOUND;
		memcpy(acceptance->order_id, search.found.id, sizeof(search.found.id));
		acceptance->shares = search.found.quantity;
	} else if (search.matches > 1 || count >= LONGEST_LIST) {
		*result = BROKER_SEARCH_AMBIGUOUS;
	}
	return OUTCOME_OK;
}

static enum outcome schwab_report_order(void *context, const struct broker_order *sent,
					struct broker_report *report, struct error *error)
{
	struct schwab *schwab = context;
	struct schwab_order order;
	enum direction direction;
	enum outcome outcome;

	if (know_hash(schwab, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	outcome = read_order(schwab, sent->order_id, &order, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	if (strcmp(order.id, sent->order_id) != 0 ||
	    (order.symbol[0] != '\0' && !schwab_same_symbol(order.symbol, sent->symbol.text)) ||
	    (schwab_direction(order.instruction, &direction) && direction != sent->direction))
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_MALFORMED,
				 "schwab shows another order under %s", sent->order_id);
	return schwab_report(&order, report, error);
}

static void schwab_describe(void *context)
{
	struct schwab *schwab = context;

	schwab_session_describe(schwab->session);
}

static int64_t schwab_keep(void *context)
{
	struct schwab *schwab = context;

	return schwab_session_keep(schwab->session);
}

static void schwab_close(void *context)
{
	struct schwab *schwab = context;

	schwab_session_close(schwab->session);
	broker_http_close(schwab->http);
	memory_free(schwab);
}

static const struct broker_operations schwab_operations = {
	.name = NAME,
	.absence = {.looks = 2, .proves_not_placed = false},
	.account = schwab_account,
	.market = schwab_market,
	.allowance = schwab_allowance,
	.submit = schwab_submit,
	.find = schwab_find,
	.report = schwab_report_order,
	.describe = schwab_describe,
	.keep = schwab_keep,
	.close = schwab_close,
};

void broker_schwab_open(struct broker *broker, const struct schwab_options *options)
{
	const struct broker_http_options http = {.base_url = options->base_url,
						 .ca_file = options->ca_file,
						 .timeout_ms = options->timeout_ms};
	struct schwab *schwab = memory_allocate(1, sizeof(*schwab));
	int length = snprintf(schwab->account_number, sizeof(schwab->account_number), "%s",
			      options->account_number);

	invariant(length > 0 && (size_t)length < sizeof(schwab->account_number));
	schwab->http = broker_http_open(&http);
	schwab->session = schwab_session_open(&options->session, schwab->http);
	schwab->allow_short = options->allow_short;
	schwab->operations = schwab_operations;
	schwab->operations.absence.settles_after_ms = options->reconcile_ms;
	*broker = (struct broker){.operations = &schwab->operations, .context = schwab};
}

struct schwab_session *broker_schwab_session(const struct broker *broker)
{
	const struct schwab *schwab = broker->context;

	return schwab->session;
}
