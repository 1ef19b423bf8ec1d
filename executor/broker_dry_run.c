/*
 * The dry run. An order's fate is decided when it is submitted, by the script, and carried in its
 *order_id:
 *
 *	dry-run:<client_order_id>:fill
 *	dry-run:<client_order_id>:expire
 *	dry-run:<client_order_id>:partial:3
 */
#include "executor/broker_dry_run.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

#define ORDER_ID_PREFIX "dry-run:"
#define FATE_SIZE	64

struct dry_run {
	int64_t fill_delay_ms;
	struct config_text script;
	size_t script_offset; /* where the next order's word begins */
};

static bool fate_partial(const char *fate, struct shares *filled)
{
	static const char prefix[] = "partial:";

	return strncmp(fate, prefix, strlen(prefix)) == 0 &&
	       shares_parse(fate + strlen(prefix), filled) && !shares_is_negative(*filled);
}

static bool fate_is_known(const char *fate)
{
	static const char *const words[] = {"fill", "refuse", "unreachable", "lost", "expire"};
	struct shares filled;

	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		if (strcmp(fate, words[i]) == 0)
			return true;
	}
	return fate_partial(fate, &filled);
}

/* The script's next word; "fill" behind its end. */
static void next_fate(struct dry_run *dry_run, char *fate)
{
	const char *word = dry_run->script.text + dry_run->script_offset;
	size_t length = strcspn(word, ",");

	if (word[0] == '\0') {
		memcpy(fate, "fill", sizeof("fill"));
		return;
	}
	dry_run->script_offset += length + (word[length] == ',' ? 1 : 0);
	if (length >= FATE_SIZE)
		length = FATE_SIZE - 1; /* no word of ours is so long: it is refused as unknown */
	memcpy(fate, word, length);
	fate[length] = '\0';
}

static bool script_is_valid(struct dry_run *dry_run)
{
	char fate[FATE_SIZE];

	while (dry_run->script.text[dry_run->script_offset] != '\0') {
		next_fate(dry_run, fate);
		if (!fate_is_known(fate)) {
			log_error("DRY_RUN_SCRIPT: a word is none of fill, refuse, unreachable, "
				  "lost, expire, "
				  "partial:SHARES offset=%zu",
				  dry_run->script_offset);
			return false;
		}
	}
	dry_run->script_offset = 0;
	return true;
}

static enum outcome dry_run_submit(void *context, const struct broker_order *order,
				   struct broker_acceptance *acceptance, struct error *error)
{
	struct dry_run *dry_run = context;
	char fate[FATE_SIZE];
	int length;

	next_fate(dry_run, fate);
	if (strcmp(fate, "refuse") == 0)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "dry run: refused by DRY_RUN_SCRIPT");
	if (strcmp(fate, "unreachable") == 0)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_UNREACHABLE,
				 "dry run: unreachable by DRY_RUN_SCRIPT");
	if (strcmp(fate, "lost") == 0)
		return error_set(error, OUTCOME_UNKNOWN, ERROR_KIND_UNREACHABLE,
				 "dry run: answer lost by DRY_RUN_SCRIPT");
	length = snprintf(acceptance->order_id, sizeof(acceptance->order_id),
			  ORDER_ID_PREFIX "%s:%s", order->client_order_id, fate);
	invariant(length > 0 && (size_t)length < sizeof(acceptance->order_id));
	acceptance->shares = order->shares;
	return OUTCOME_OK;
}

static enum outcome dry_run_find(void *context, const struct broker_order *order,
				 enum broker_search *search, struct broker_acceptance *acceptance,
				 struct error *error)
{
	(void)context;
	(void)order;
	(void)acceptance;
	(void)error;
	*search = BROKER_SEARCH_ABSENT; /* it places nothing, so nothing was placed */
	return OUTCOME_OK;
}

static void report_filled(const struct broker_order *order, struct shares filled,
			  struct broker_report *report)
{
	report->filled_shares = filled;
	report->has_average_price = order->has_reference_price && !shares_is_zero(filled);
	if (report->has_average_price)
		report->average_price = order->reference_price;
}

static enum outcome dry_run_report(void *context, const struct broker_order *order,
				   struct broker_report *report, struct error *error)
{
	const struct dry_run *dry_run = context;
	struct broker_report made = {.state = BROKER_ORDER_FILLED};
	int64_t age_ms = clock_wall_ms() - order->submitted_at_ms;
	const char *fate = strrchr(order->order_id, ':');
	struct shares filled;

	(void)error;
	invariant(fate != NULL);
	/* A clock that was set back must not make an order wait longer than the delay. */
	if (age_ms >= 0 && age_ms < dry_run->fill_delay_ms) {
		made.state = BROKER_ORDER_OPEN;
		made.ask_again_ms = dry_run->fill_delay_ms - age_ms;
	} else if (strcmp(fate, ":fill") == 0) {
		report_filled(order, order->shares, &made);
	} else {
		/* ":expire", or the N of "partial:N" */
		if (!shares_parse(fate + 1, &filled))
			filled = (struct shares){0};
		made.state = BROKER_ORDER_ENDED;
		report_filled(order, shares_minimum(filled, order->shares), &made);
		(void)snprintf(made.reason, sizeof(made.reason),
			       "dry run: expired by DRY_RUN_SCRIPT");
	}
	*report = made;
	return OUTCOME_OK;
}

static void dry_run_close(void *context)
{
	memory_free(context);
}

static const struct broker_operations dry_run_operations = {
	.name = "dry-run",
	.absence = {.proves_not_placed = true},
	.submit = dry_run_submit,
	.find = dry_run_find,
	.report = dry_run_report,
	.close = dry_run_close,
};

bool broker_dry_run_open(struct broker *broker, const struct dry_run_options *options)
{
	struct dry_run *dry_run = memory_allocate(1, sizeof(*dry_run));
	int length;

	dry_run->fill_delay_ms = options->fill_delay_ms;
	length =
		snprintf(dry_run->script.text, sizeof(dry_run->script.text), "%s", options->script);
	invariant(length >= 0 && (size_t)length < sizeof(dry_run->script.text));
	if (!script_is_valid(dry_run)) {
		memory_free(dry_run);
		return false;
	}
	*broker = (struct broker){.operations = &dry_run_operations, .context = dry_run};
	return true;
}
