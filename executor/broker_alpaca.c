/*
 * See broker_alpaca.h. Source for paths, members and codes: Alpaca's OpenAPI document (see
 * alpaca_answers.h); for "client_order_id must be unique" (422, code 40010001): what its paper
 * service answers.
 */
#include "executor/broker_alpaca.h"

#include "base/log.h"
#include "executor/alpaca_answers.h"
#include "executor/broker_http.h"
#include "executor/broker_json.h"
#include "executor/locked_memory.h"
#include "executor/order_allowance.h"

#include <stdio.h>
#include <string.h>

#define NAME		  "alpaca"
#define MAXIMUM_BODY	  ((size_t)4096)
#define ACCOUNT_PATH	  "/v2/account"
#define PATH_SIZE	  512
#define HEADER_SIZE	  1200
#define STATUS_OK	  200
#define STATUS_NOT_FOUND  404
#define CODE_NOT_FOUND	  40410000
#define LONGEST_CLIENT_ID 48

/* In locked memory, as a whole. */
struct alpaca_headers {
	char key[HEADER_SIZE];
	char secret[HEADER_SIZE];
};

struct alpaca {
	struct broker_operations operations; /* ours, with the configured absence */
	struct broker_http *http;
	struct alpaca_headers *headers;
	char account_number[BROKER_ACCOUNT_NUMBER_SIZE];
	bool allow_short;
};

static void sign(const struct alpaca *alpaca, struct broker_http_request *request)
{
	request->authorization = alpaca->headers->key;
	request->second_header = alpaca->headers->secret;
}

/* A read: OK with any status, else RETRY. */
static enum outcome ask(struct alpaca *alpaca, const char *path, struct broker_http_answer *answer,
			struct error *error)
{
	struct broker_http_request request = {.method = "GET", .path = path};

	sign(alpaca, &request);
	return broker_http_call(alpaca->http, &request, answer, error) == OUTCOME_OK
		       ? OUTCOME_OK
		       : OUTCOME_RETRY;
}

static enum outcome unexpected(const struct broker_http_answer *answer, const char *what,
			       struct error *error)
{
	char words[120];

	broker_words(answer->body, words, sizeof(words));
	return error_set(error, OUTCOME_RETRY,
			 answer->status == 401 ? ERROR_KIND_INVALID : ERROR_KIND_UNREACHABLE,
			 "alpaca: %s: HTTP %ld %s", what, answer->status, words);
}

/* Alpaca's own "there is no such thing", not some gateway's. */
static bool says_not_found(const struct broker_http_answer *answer)
{
	struct alpaca_error said;

	return answer->status == STATUS_NOT_FOUND && alpaca_read_error(answer->body, &said) &&
	       said.code == CODE_NOT_FOUND;
}

static enum outcome judge_account(const struct broker_http_answer *answer,
				  struct alpaca_account *account, struct error *error)
{
	if (answer->status == 401 || answer->status == 403)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "alpaca refuses the key (HTTP %ld): check ALPACA_API_KEY, "
				 "ALPACA_API_SECRET and TRADING_MODE (paper and live have "
				 "different keys)",
				 answer->status);
	if (answer->status != STATUS_OK)
		return unexpected(answer, "account", error);
	return alpaca_read_account(answer->body, account, error) == OUTCOME_OK ? OUTCOME_OK
									       : OUTCOME_RETRY;
}

static enum outcome alpaca_account(void *context, struct broker_account *account,
				   struct error *error)
{
	struct alpaca *alpaca = context;
	struct alpaca_account read = {.number = ""};
	struct broker_http_answer answer;
	enum outcome outcome = ask(alpaca, ACCOUNT_PATH, &answer, error);

	if (outcome == OUTCOME_OK)
		outcome = judge_account(&answer, &read, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	if (alpaca->account_number[0] != '\0' && strcmp(read.number, alpaca->account_number) != 0)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "the key is account %s's: set ALPACA_ACCOUNT_NUMBER, or the right "
				 "key",
				 read.number);
	memcpy(account->number, read.number, sizeof(account->number));
	(void)snprintf(account->description, sizeof(account->description), "%s%s, %s dollars",
		       read.status, read.blocked ? ", trading blocked" : "",
		       read.has_cash ? usd_text(read.cash).text : "unknown");
	return OUTCOME_OK;
}

static enum outcome alpaca_market(void *context, struct broker_market *market, struct error *error)
{
	struct broker_http_answer answer;

	if (ask(context, "/v2/clock", &answer, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	if (answer.status != STATUS_OK)
		return unexpected(&answer, "clock", error);
	return alpaca_read_clock(answer.body, market, error) == OUTCOME_OK ? OUTCOME_OK
									   : OUTCOME_RETRY;
}

/* What is held of the symbol; nothing when Alpaca knows no position. */
static enum outcome judge_position(const struct broker_http_answer *answer,
				   struct alpaca_position *position, struct error *error)
{
	if (says_not_found(answer)) {
		*position = (struct alpaca_position){0};
		return OUTCOME_OK;
	}
	if (answer->status != STATUS_OK)
		return unexpected(answer, "position", error);
	return alpaca_read_position(answer->body, position, error) == OUTCOME_OK ? OUTCOME_OK
										 : OUTCOME_RETRY;
}

/* The account and the position at the same time: an order waits for them. */
static enum outcome ask_both(struct alpaca *alpaca, const struct symbol *symbol,
			     struct broker_http_answer answers[2], struct error *error)
{
	char encoded[3 * SYMBOL_SIZE];
	char path[PATH_SIZE];
	struct broker_http_request requests[] = {{.method = "GET", .path = ACCOUNT_PATH},
						 {.method = "GET", .path = path}};
	bool fits = broker_http_encode(symbol->text, encoded, sizeof(encoded));
	int length = snprintf(path, sizeof(path), "/v2/positions/%s", encoded);

	invariant(fits && length > 0 && (size_t)length < sizeof(path));
	sign(alpaca, &requests[0]);
	sign(alpaca, &requests[1]);
	return broker_http_read_all(alpaca->http, requests, ARRAY_LENGTH(requests), answers, error);
}

static enum outcome alpaca_allowance(void *context, const struct broker_order *order,
				     struct broker_allowance *allowance, struct error *error)
{
	struct alpaca *alpaca = context;
	struct alpaca_account account = {.number = ""};
	struct alpaca_position position;
	struct broker_http_answer answers[2];
	struct account_state state;

	if (ask_both(alpaca, &order->symbol, answers, error) != OUTCOME_OK ||
	    judge_account(&answers[0], &account, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	if (strcmp(account.status, "ACTIVE") != 0 || account.blocked) {
		*allowance = (struct broker_allowance){.effect = ORDER_EFFECT_LONG};
		(void)snprintf(allowance->reason, sizeof(allowance->reason),
			       "the account may not trade: status %s%s", account.status,
			       account.blocked ? ", blocked" : "");
		return OUTCOME_OK;
	}
	if (judge_position(&answers[1], &position, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	state = (struct account_state){
		.held = position.held,
		.available = position.available,
		.may_short = alpaca->allow_short && account.may_short,
		.has_cash = account.has_cash,
		.cash = account.cash,
	};
	*allowance = order_allowance(order, &state);
	return OUTCOME_OK;
}

static void write_order(const struct broker_order *order, struct buffer *body)
{
	invariant(strlen(order->client_order_id) <= LONGEST_CLIENT_ID);
	broker_json_write(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "symbol", order->symbol.text,
				    "qty", shares_text(order->shares).text, "side",
				    order->direction == DIRECTION_BUY ? "buy" : "sell", "type",
				    "market", "time_in_force", "day", "client_order_id",
				    order->client_order_id),
			  body);
}

/* Whether the order that Alpaca shows is the one that we sent; its quantity is taken as it is. */
static bool is_ours(const struct broker_order *sent, const struct alpaca_order *shown)
{
	return strcmp(shown->client_order_id, sent->client_order_id) == 0 &&
	       strcmp(shown->symbol, sent->symbol.text) == 0 && shown->direction == sent->direction;
}

static void accept_order(const struct alpaca_order *shown, struct broker_acceptance *acceptance)
{
	memcpy(acceptance->order_id, shown->id, sizeof(acceptance->order_id));
	acceptance->shares = shown->quantity;
}

static enum outcome alpaca_find(void *context, const struct broker_order *order,
				enum broker_search *search, struct broker_acceptance *acceptance,
				struct error *error)
{
	struct broker_http_answer answer;
	struct alpaca_order shown;
	char encoded[3 * CLIENT_ORDER_ID_SIZE];
	char path[PATH_SIZE];
	bool fits = broker_http_encode(order->client_order_id, encoded, sizeof(encoded));
	int length = snprintf(path, sizeof(path),
			      "/v2/orders:by_client_order_id?client_order_id=%s", encoded);

	invariant(fits && length > 0 && (size_t)length < sizeof(path));
	if (ask(context, path, &answer, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	if (says_not_found(&answer)) {
		*search = BROKER_SEARCH_ABSENT;
		return OUTCOME_OK;
	}
	if (answer.status != STATUS_OK)
		return unexpected(&answer, "order by client_order_id", error);
	if (alpaca_read_order(answer.body, &shown, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	*search = is_ours(order, &shown) ? BROKER_SEARCH_FOUND : BROKER_SEARCH_AMBIGUOUS;
	if (*search == BROKER_SEARCH_FOUND)
		accept_order(&shown, acceptance);
	return OUTCOME_OK;
}

/*
 * The order may be there already, from an attempt whose answer was lost and which came late: then
 * the refusal was of its twin (the same symbol has an open order). Asking by our id decides.
 */
static enum outcome confirm_refusal(struct alpaca *alpaca, const struct broker_order *order,
				    struct broker_acceptance *acceptance)
{
	enum broker_search search = BROKER_SEARCH_ABSENT;
	struct error why = {.kind = ERROR_KIND_NONE};

	if (alpaca_find(alpaca, order, &search, acceptance, &why) != OUTCOME_OK ||
	    search == BROKER_SEARCH_AMBIGUOUS)
		return OUTCOME_UNKNOWN;
	return search == BROKER_SEARCH_FOUND ? OUTCOME_OK : OUTCOME_REJECTED;
}

static enum outcome judge_submission(const struct broker_order *order,
				     const struct broker_http_answer *answer,
				     struct broker_acceptance *acceptance, struct error *error)
{
	struct alpaca_order shown;

	if (answer->status < 200 || answer->status > 299)
		return alpaca_judge_refusal(answer->status, answer->body, error);
	if (alpaca_read_order(answer->body, &shown, error) != OUTCOME_OK)
		return OUTCOME_UNKNOWN;
	if (!is_ours(order, &shown))
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_MALFORMED,
				 "alpaca accepted another order than was sent");
	accept_order(&shown, acceptance);
	return OUTCOME_OK;
}

static enum outcome alpaca_submit(void *context, const struct broker_order *order,
				  struct broker_acceptance *acceptance, struct error *error)
{
	struct alpaca *alpaca = context;
	struct broker_http_answer answer;
	struct buffer body;
	struct broker_http_request request = {.method = "POST",
					      .path = "/v2/orders",
					      .content_type = "application/json",
					      .is_order = true};
	enum outcome outcome;

	buffer_init(&body, MAXIMUM_BODY);
	write_order(order, &body);
	request.body = (struct bytes){.data = body.bytes, .length = body.length};
	sign(alpaca, &request);
	outcome = broker_http_call(alpaca->http, &request, &answer, error);
	buffer_free(&body);
	if (outcome == OUTCOME_OK)
		outcome = judge_submission(order, &answer, acceptance, error);
	if (outcome == OUTCOME_REJECTED)
		outcome = confirm_refusal(alpaca, order, acceptance);
	return outcome;
}

static enum outcome alpaca_report_order(void *context, const struct broker_order *order,
					struct broker_report *report, struct error *error)
{
	struct broker_http_answer answer;
	struct alpaca_order shown;
	char encoded[3 * ORDER_ID_SIZE];
	char path[PATH_SIZE];
	bool fits = broker_http_encode(order->order_id, encoded, sizeof(encoded));
	int length = snprintf(path, sizeof(path), "/v2/orders/%s", encoded);

	invariant(fits && length > 0 && (size_t)length < sizeof(path));
	if (ask(context, path, &answer, error) != OUTCOME_OK)
		return OUTCOME_RETRY;
	if (says_not_found(&answer))
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_NONE,
				 "alpaca does not know the order %s", order->order_id);
	if (answer.status != STATUS_OK)
		return unexpected(&answer, "order", error);
	if (alpaca_read_order(answer.body, &shown, error) != OUTCOME_OK)
		return OUTCOME_UNKNOWN;
	if (strcmp(shown.symbol, order->symbol.text) != 0 || shown.direction != order->direction)
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_MALFORMED,
				 "alpaca shows another order under %s", order->order_id);
	return alpaca_report(&shown, report, error);
}

static void alpaca_close(void *context)
{
	struct alpaca *alpaca = context;

	broker_http_close(alpaca->http);
	locked_memory_free(alpaca->headers);
	memory_free(alpaca);
}

static const struct broker_operations alpaca_operations = {
	.name = NAME,
	.absence = {.looks = 3, .proves_not_placed = true},
	.account = alpaca_account,
	.market = alpaca_market,
	.allowance = alpaca_allowance,
	.submit = alpaca_submit,
	.find = alpaca_find,
	.report = alpaca_report_order,
	.close = alpaca_close,
};

static void make_headers(struct alpaca *alpaca, const struct alpaca_options *options)
{
	int length;

	alpaca->headers = locked_memory_allocate(sizeof(*alpaca->headers));
	length = snprintf(alpaca->headers->key, sizeof(alpaca->headers->key), "APCA-API-KEY-ID: %s",
			  options->key);
	invariant(length > 0 && (size_t)length < sizeof(alpaca->headers->key));
	length = snprintf(alpaca->headers->secret, sizeof(alpaca->headers->secret),
			  "APCA-API-SECRET-KEY: %s", options->secret);
	invariant(length > 0 && (size_t)length < sizeof(alpaca->headers->secret));
}

void broker_alpaca_open(struct broker *broker, const struct alpaca_options *options)
{
	const struct broker_http_options http = {.base_url = options->base_url,
						 .ca_file = options->ca_file,
						 .timeout_ms = options->timeout_ms};
	struct alpaca *alpaca = memory_allocate(1, sizeof(*alpaca));
	int length = snprintf(alpaca->account_number, sizeof(alpaca->account_number), "%s",
			      options->account_number);

	invariant(length >= 0 && (size_t)length < sizeof(alpaca->account_number));
	alpaca->http = broker_http_open(&http);
	alpaca->allow_short = options->allow_short;
	alpaca->operations = alpaca_operations;
	alpaca->operations.absence.settles_after_ms = options->reconcile_ms;
	make_headers(alpaca, options);
	*broker = (struct broker){.operations = &alpaca->operations, .context = alpaca};
}
