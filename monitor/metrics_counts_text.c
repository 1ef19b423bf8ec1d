/* What metrics_counts.h has counted, as text. */
#include "monitor/metrics_counts.h"

#include "store/event_queue.h"

#include <inttypes.h>
#include <stdio.h>

static const struct metrics_labels *
side(struct metrics_labels *labels, const struct symbol_counts *symbol, enum direction direction)
{
	*labels = (struct metrics_labels){
		{{"symbol", symbol->symbol.text}, {"direction", direction_name(direction)}}};
	return labels;
}

static void write_events(const struct metrics_counts *counts, struct metrics_text *text)
{
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_events_found_total", "counter",
			    "Events that were queued, by who found them.");
	metrics_text_integer(text, metrics_label(&labels, "source", "listener"),
			     counts->found[EVENT_SOURCE_LISTENER]);
	metrics_text_integer(text, metrics_label(&labels, "source", "backfiller"),
			     counts->found[EVENT_SOURCE_BACKFILLER]);
	metrics_text_family(text, "ballast_events_processed_total", "counter",
			    "Events by what the processor first made of them.");
	metrics_text_integer(text, metrics_label(&labels, "outcome", "trade"),
			     counts->outcomes[EVENT_OUTCOME_TRADE]);
	metrics_text_integer(text, metrics_label(&labels, "outcome", "filtered"),
			     counts->outcomes[EVENT_OUTCOME_FILTERED]);
	metrics_text_integer(text, metrics_label(&labels, "outcome", "quarantined"),
			     counts->outcomes[EVENT_OUTCOME_QUARANTINED]);
}

static void write_fills(const struct metrics_counts *counts, struct metrics_text *text)
{
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_fills_total", "counter",
			    "Fills that were booked, by ticker and the side of the owner.");
	for (size_t i = 0; i < counts->symbol_count; i++) {
		const struct symbol_counts *symbol = &counts->symbols[i];

		metrics_text_integer(text, side(&labels, symbol, DIRECTION_BUY),
				     symbol->fills[DIRECTION_BUY]);
		metrics_text_integer(text, side(&labels, symbol, DIRECTION_SELL),
				     symbol->fills[DIRECTION_SELL]);
	}
	metrics_text_family(text, "ballast_fills_reversed_total", "counter",
			    "Fills that were taken back since their block left the chain.");
	for (size_t i = 0; i < counts->symbol_count; i++)
		metrics_text_integer(
			text, metrics_label(&labels, "symbol", counts->symbols[i].symbol.text),
			counts->symbols[i].reversed);
}

static void write_hedges(const struct metrics_counts *counts, struct metrics_text *text)
{
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_hedged_shares_total", "counter",
			    "Shares that orders have traded, by ticker and the side of the order.");
	for (size_t i = 0; i < counts->symbol_count; i++) {
		const struct symbol_counts *symbol = &counts->symbols[i];

		metrics_text_sample(text, "", side(&labels, symbol, DIRECTION_BUY),
				    shares_text(symbol->hedged[DIRECTION_BUY]).text);
		metrics_text_sample(text, "", side(&labels, symbol, DIRECTION_SELL),
				    shares_text(symbol->hedged[DIRECTION_SELL]).text);
	}
}

static void write_executions(const struct metrics_counts *counts, struct metrics_text *text)
{
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_executions_ended_total", "counter",
			    "Executions that have ended, by how.");
	metrics_text_integer(text, metrics_label(&labels, "status", "FILLED"), counts->ended[0]);
	metrics_text_integer(text, metrics_label(&labels, "status", "FAILED"), counts->ended[1]);
	if (counts->broker_count > 0)
		metrics_text_family(text, "ballast_orders_ended_total", "counter",
				    "Orders that went to a broker and have ended.");
	for (size_t i = 0; i < counts->broker_count; i++)
		metrics_text_integer(text,
				     metrics_label(&labels, "broker", counts->brokers[i].name),
				     counts->brokers[i].orders);
}

/* "0.005", as seconds; without the zeros at its end. */
static void write_bound(char *bound, size_t size, int64_t ms)
{
	int length = snprintf(bound, size, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);

	while (length > 2 && bound[length - 1] == '0' && bound[length - 2] != '.')
		bound[--length] = '\0';
}

static void write_latency(const struct latency_counts *latency, struct metrics_text *text)
{
	struct metrics_labels labels;
	int64_t cumulative = 0;
	char digits[24];

	metrics_text_family(text, "ballast_fill_to_order_seconds", "histogram",
			    "From the newest fill of a hedge in the queue until its order left.");
	for (size_t i = 0; i < LATENCY_BUCKETS - 1; i++) {
		char bound[24];

		cumulative += latency->buckets[i];
		write_bound(bound, sizeof(bound), metrics_latency_bound_ms(i));
		(void)snprintf(digits, sizeof(digits), "%" PRId64, cumulative);
		metrics_text_sample(text, "_bucket", metrics_label(&labels, "le", bound), digits);
	}
	(void)snprintf(digits, sizeof(digits), "%" PRId64, latency->count);
	metrics_text_sample(text, "_bucket", metrics_label(&labels, "le", "+Inf"), digits);
	metrics_text_seconds(text, "_sum", NULL, latency->sum_ms);
	metrics_text_sample(text, "_count", NULL, digits);
}

void metrics_counts_write(const struct metrics_counts *counts, struct metrics_text *text)
{
	if (!counts->complete)
		return;
	write_events(counts, text);
	write_executions(counts, text);
	if (counts->symbol_count > 0) {
		write_fills(counts, text);
		write_hedges(counts, text);
	}
	write_latency(&counts->latency, text);
}
