/*
 * What Alpaca answers, through every reader of it. The first byte says which; the rest is the
 * answer.
 */
#include "fuzz/fuzz.h"

#include "executor/alpaca_answers.h"
#include "executor/broker_json.h"

#include <string.h>

static void order(struct bytes text)
{
	struct broker_report report;
	struct alpaca_order read;
	struct error error;

	if (alpaca_read_order(text, &read, &error) != OUTCOME_OK)
		return;
	fuzz_require(read.id[0] != '\0' && read.symbol[0] != '\0' && read.status[0] != '\0');
	fuzz_require(!shares_is_negative(read.filled_shares) && !shares_is_negative(read.quantity));
	if (alpaca_report(&read, &report, &error) != OUTCOME_OK)
		return;
	if (report.state == BROKER_ORDER_FILLED)
		fuzz_require(shares_compare(report.filled_shares, read.quantity) >= 0);
	if (report.state != BROKER_ORDER_OPEN && !shares_is_zero(report.filled_shares))
		fuzz_require(report.has_average_price && !usd_is_zero(report.average_price));
}

static void refusal(struct bytes text)
{
	static const long statuses[] = {400, 401, 403, 404, 422, 429, 500, 302};
	struct error error;

	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		enum outcome outcome = alpaca_judge_refusal(statuses[i], text, &error);

		fuzz_require(outcome != OUTCOME_OK);
		/* Only what Alpaca itself refuses in so many words is surely not placed. */
		if (statuses[i] >= 500 || statuses[i] < 400)
			fuzz_require(outcome == OUTCOME_UNKNOWN);
		fuzz_require(strlen(error.text) < sizeof(error.text));
	}
}

static void account(struct bytes text)
{
	struct alpaca_position position;
	struct alpaca_account read;
	struct broker_market market;
	struct error error;

	if (alpaca_read_account(text, &read, &error) == OUTCOME_OK)
		fuzz_require(read.status[0] != '\0');
	if (alpaca_read_clock(text, &market, &error) == OUTCOME_OK)
		fuzz_require(market.changes_in_ms > 0);
	(void)alpaca_read_position(text, &position, &error);
}

/* A number that was read and written again is the same number. */
static void number(struct bytes text)
{
	char word[200];
	struct decimal_plain plain;
	struct shares once;
	struct shares again;

	if (text.length >= sizeof(word) || memchr(text.data, '\0', text.length) != NULL)
		return;
	memcpy(word, text.data, text.length);
	word[text.length] = '\0';
	if (!broker_number_plain(word, false, &plain) || !shares_parse(plain.text, &once))
		return;
	fuzz_require(shares_parse(shares_text(once).text, &again));
	fuzz_require(shares_compare(once, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct bytes text) = {order, refusal, account, number};

	if (size == 0)
		return 0;
	readers[data[0] % ARRAY_LENGTH(readers)](
		(struct bytes){.data = data + 1, .length = size - 1});
	return 0;
}
