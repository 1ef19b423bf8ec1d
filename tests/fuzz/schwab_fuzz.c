/*
 * What Schwab answers, through every reader of it. The first byte says which; the rest is the
 * answer.
 */
#include "fuzz/fuzz.h"

#include "executor/broker_json.h"
#include "executor/schwab_answers.h"
#include "executor/schwab_redirect.h"

#include <string.h>

static void check_order(void *context, const struct schwab_order *order)
{
	struct broker_report report;
	struct error error;

	(void)context;
	fuzz_require(order->id[0] != '\0' && strspn(order->id, "0123456789") == strlen(order->id));
	fuzz_require(!shares_is_negative(order->filled_shares));
	if (schwab_report(order, &report, &error) != OUTCOME_OK)
		return;
	if (report.state == BROKER_ORDER_FILLED)
		fuzz_require(shares_compare(report.filled_shares, order->quantity) >= 0);
	if (report.state != BROKER_ORDER_OPEN)
		fuzz_require(shares_compare(report.filled_shares, order->leg_shares) == 0);
}

static void order(struct bytes text)
{
	struct schwab_order read;
	struct error error;

	if (schwab_read_order(text, &read, &error) == OUTCOME_OK)
		check_order(NULL, &read);
}

static void orders(struct bytes text)
{
	struct error error;
	int64_t count = -1;

	if (schwab_read_orders(text, check_order, NULL, &count, &error) == OUTCOME_OK)
		fuzz_require(count >= 0);
}

static void account(struct bytes text)
{
	const struct symbol symbol = {.text = "AAPL"};
	struct account_state state;
	char description[64];
	char hash[SCHWAB_HASH_SIZE];
	struct error error;

	(void)schwab_read_account(text, &symbol, &state, description, sizeof(description), &error);
	if (schwab_read_account_hash(text, "12345678", hash, sizeof(hash), &error) == OUTCOME_OK)
		fuzz_require(strspn(hash, "0123456789abcdefABCDEF") == strlen(hash));
}

static void market(struct bytes text)
{
	const int64_t now_ms = 1795789800000; /* 2026-11-27, in the session */
	struct broker_market read;
	struct error error;

	if (schwab_read_market(text, now_ms, &read, &error) == OUTCOME_OK)
		fuzz_require(read.changes_in_ms > 0);
}

static void tokens(struct bytes text)
{
	static struct schwab_tokens read;
	static const long statuses[] = {200, 400, 401, 403, 500};
	struct error error;

	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		enum outcome outcome = schwab_read_tokens(statuses[i], text, &read, &error);

		if (outcome == OUTCOME_OK)
			fuzz_require(statuses[i] == 200 && read.access[0] != '\0' &&
				     read.refresh[0] != '\0' && read.expires_in_s <= 1800);
	}
}

static void refusal(struct bytes text)
{
	static const long statuses[] = {400, 401, 403, 404, 422, 408, 500, 302};
	struct error error;

	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		enum outcome outcome = schwab_judge_refusal(statuses[i], text, &error);

		fuzz_require(outcome != OUTCOME_OK);
		if (statuses[i] >= 500 || statuses[i] == 408 || statuses[i] < 400)
			fuzz_require(outcome == OUTCOME_UNKNOWN);
	}
}

/* Text from outside that is no JSON: a Location, a redirect, a time. */
static void words(struct bytes text)
{
	char word[1024];
	char id[21];
	static char code[SCHWAB_CODE_SIZE];
	struct error error;
	int64_t wall_ms;

	if (text.length >= sizeof(word) || memchr(text.data, '\0', text.length) != NULL)
		return;
	memcpy(word, text.data, text.length);
	word[text.length] = '\0';
	if (schwab_order_id_of(word, id, sizeof(id)))
		fuzz_require(id[0] != '\0' && strspn(id, "0123456789") == strlen(id));
	if (schwab_redirect_code(word, "state", code, &error) == OUTCOME_OK)
		fuzz_require(code[0] != '\0' && strpbrk(code, "\r\n ") == NULL);
	(void)broker_time_parse(word, &wall_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct bytes text) = {order,  orders,  account, market,
							     tokens, refusal, words};

	if (size == 0)
		return 0;
	readers[data[0] % ARRAY_LENGTH(readers)](
		(struct bytes){.data = data + 1, .length = size - 1});
	return 0;
}
