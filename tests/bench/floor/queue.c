/*
 * A full queue, as the backfiller leaves it: events in a block each, all covered, their tokens
 * known. Of a database that is there already: so many events more.
 *
 *	floor-queue DATABASE EVENTS SAMPLES
 *
 * SAMPLES: "orderbook 0x..", "owner 0x..", then "token 0x.. SYMBOL DECIMALS" and "take 0x..", a
 * line each (lib/samples.py).
 */
#include "base/config.h"
#include "base/hex.h"
#include "base/log.h"
#include "ingest/event_ingest.h"
#include "store/block_coverage.h"
#include "store/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAXIMUM 256
#define EVENTS_A_COMMIT 1000

struct queue {
	struct store store;
	struct event_queue events;
	struct event_ingest ingest;
	struct config_addresses owners;
	struct evm_address orderbook;
	struct evm_logs samples; /* one log each */
};

static void require(bool good, const char *what)
{
	if (!good)
		fatal(EXIT_CODE_BUG, "queue: %s", what);
}

static void add_sample(struct queue *queue, const char *hex)
{
	struct evm_log log = {.topics = {orderbook_topics[0]}, .topic_count = 1};
	struct buffer data;

	buffer_init(&data, BUFFER_MAX_LOG_DATA);
	log.address = queue->orderbook;
	require(hex_parse_data(hex, &data) && evm_logs_add(&queue->samples, &log,
							   (struct bytes){data.bytes, data.length}),
		"a sample");
	buffer_free(&data);
}

static void add_token(struct queue *queue, struct tokens *tokens, const char *line)
{
	struct token token = {.decimals = 0};
	char address[EVM_ADDRESS_TEXT_SIZE];
	char symbol[32];
	unsigned int decimals;

	(void)queue;
	require(sscanf(line, "token %42s %31s %u", address, symbol, &decimals) == 3 &&
			evm_address_parse(address, &token.address) &&
			symbol_set(&token.symbol, symbol),
		"a token");
	token.decimals = (uint8_t)decimals;
	tokens_insert(tokens, &token);
}

static void read_samples(struct queue *queue, const char *path)
{
	FILE *file = fopen(path, "r");
	struct tokens tokens;
	char *line = NULL;
	size_t size = 0;

	require(file != NULL, "the samples cannot be read");
	tokens_open(&tokens, &queue->store);
	require(store_begin(&queue->store), "a transaction");
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "orderbook ", 10) == 0)
			require(evm_address_parse(line + 10, &queue->orderbook), "orderbook");
		else if (strncmp(line, "owner ", 6) == 0)
			require(evm_address_parse(line + 6, &queue->owners.items[0]), "owner");
		else if (strncmp(line, "token ", 6) == 0)
			add_token(queue, &tokens, line);
		else if (strncmp(line, "take ", 5) == 0)
			add_sample(queue, line + 5);
	}
	store_commit(&queue->store);
	tokens_close(&tokens);
	free(line);
	(void)fclose(file);
	require(queue->samples.count > 0, "no samples");
}

/* Always the same, and no rhythm in it. */
static size_t choose(int64_t event, size_t count)
{
	uint64_t mixed = (uint64_t)event * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)((mixed >> 32) % count);
}

static void append(struct queue *queue, int64_t event)
{
	struct evm_log *log = &queue->samples.items[choose(event, queue->samples.count)];
	const struct orderbook_occurrence occurrence = {.type = ORDERBOOK_TAKE_ORDER_V2,
							.log = log};
	enum event_append appended;

	log->block_number = (uint64_t)event;
	for (size_t i = 0; i < 8; i++) {
		log->block_hash.bytes[24 + i] = (uint8_t)(event >> (56 - 8 * i));
		/* Real hashes come in no order. */
		log->tx_hash.bytes[i] =
			(uint8_t)((uint64_t)event * UINT64_C(0x9e3779b97f4a7c15) >> (56 - 8 * i));
	}
	appended = event_ingest_append(&queue->ingest, &queue->samples, &occurrence,
				       1700000000 + 2 * (uint64_t)event);
	require(appended == EVENT_ADDED, "an event that was there already");
}

static int64_t last_event(struct queue *queue)
{
	struct statement last;
	int64_t event = 0;

	statement_prepare(&last, &queue->store,
			  "SELECT block_number FROM event_queue ORDER BY id DESC LIMIT 1");
	if (statement_row(&last))
		event = statement_int64(&last, "block_number");
	statement_reset(&last);
	statement_finalize(&last);
	return event;
}

static void fill(struct queue *queue, int64_t events)
{
	struct block_coverage coverage;
	int64_t event = last_event(queue) + 1;
	int64_t last = event + events - 1;

	block_coverage_open(&coverage, &queue->store);
	while (event <= last) {
		require(store_begin(&queue->store), "a transaction");
		for (int i = 0; i < EVENTS_A_COMMIT && event <= last; i++)
			append(queue, event++);
		block_coverage_add(&coverage, (struct block_range){1, event - 1});
		store_commit(&queue->store);
	}
	block_coverage_close(&coverage);
}

int main(int argc, char **argv)
{
	static struct queue queue = {.owners = {.count = 1}};

	if (argc != 4)
		return EXIT_CODE_USAGE;
	log_start("floor-queue", LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	store_open(&queue.store, argv[1]);
	event_queue_open(&queue.events, &queue.store);
	event_ingest_init(&queue.ingest, &queue.events, &queue.owners, EVENT_SOURCE_BACKFILLER, 0);
	evm_logs_init(&queue.samples);
	read_samples(&queue, argv[3]);
	fill(&queue, strtoll(argv[2], NULL, 10));
	evm_logs_free(&queue.samples);
	event_ingest_free(&queue.ingest);
	event_queue_close(&queue.events);
	store_close(&queue.store);
	return 0;
}
