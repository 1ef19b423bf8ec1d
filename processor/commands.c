/* See commands.h. */
#include "processor/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "chain/evm_node.h"
#include "ingest/chain_identity.h"
#include "ingest/event_ingest.h"
#include "processor/fill_details.h"
#include "store/instance_lock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MS_A_SECOND 1000

static struct evm_word parse_word(const char *text, const char *what)
{
	struct evm_word word;

	if (!evm_word_parse(text, &word))
		fatal(EXIT_CODE_USAGE, "%s is 0x and 64 hex digits", what);
	return word;
}

NORETURN static void end_unanswered(const struct error *error)
{
	fatal(EXIT_CODE_UNAVAILABLE, "the node did not answer kind=%s reason=%s",
	      error_kind_name(error->kind), error->text);
}

static void print_facts(struct fill_details *fills, const struct fill_facts *facts)
{
	printf("block %s\ngas used %" PRId64, evm_word_text(&facts->block_hash).text,
	       facts->gas.used);
	if (facts->gas.has_price)
		printf(", at %" PRId64 " wei", facts->gas.price_wei);
	if (facts->gas.has_l1_fee)
		printf(", L1 fee %" PRId64 " wei", facts->gas.l1_fee_wei);
	printf("\n");
	if (!facts->has_prices)
		printf("no prices: %s\n", facts->no_prices.text);
	else if (facts->prices.count == 0)
		printf("no price was read of %s\n", evm_address_text(&fills->settings.oracle).text);
	for (size_t i = 0; i < facts->prices.count; i++) {
		const struct pyth_price *price = &facts->prices.items[i];
		struct symbol symbol;
		bool known = price_feeds_symbol(&fills->feeds, &price->feed, &symbol);

		printf("price %s +- %s published %s feed %s (%s)\n", usd_text(price->price).text,
		       usd_text(price->confidence).text,
		       clock_text_of_ms(price->published_s * MS_A_SECOND).text,
		       evm_word_text(&price->feed).text, known ? symbol.text : "no ticker's");
	}
}

static int run_price(const struct processor_config *config, const char *const *words, bool *applies)
{
	const struct evm_word tx_hash = parse_word(words[1], "TX_HASH");
	struct fill_details_settings settings = processor_config_fill_details(config);
	static struct asked_node node;
	static struct fill_details fills;
	static struct fill_facts facts;
	struct store store;
	struct error error;

	*applies = false;
	settings.wants_prices = true;
	store_open(&store, config->database_path.text);
	asked_node_open_waiting(&node, &store, &config->chain);
	fill_details_open(&fills, &store, &node, &settings);
	if (fill_details_ask(&fills, &tx_hash, &facts, &error) != OUTCOME_OK)
		end_unanswered(&error);
	print_facts(&fills, &facts);
	fill_details_close(&fills);
	asked_node_close(&node);
	store_close(&store);
	return 0;
}

static int run_feed(const struct processor_config *config, const char *const *words, bool *applies)
{
	const struct evm_word feed = parse_word(words[2], "FEED");
	struct price_feeds feeds;
	struct symbol symbol;
	struct store store;

	*applies = false;
	if (!symbol_set(&symbol, words[1]))
		fatal(EXIT_CODE_USAGE, "TICKER is 1 to %d printable characters", SYMBOL_SIZE - 1);
	store_open(&store, config->database_path.text);
	price_feeds_open(&feeds, &store);
	if (!store_begin(&store))
		fatal(EXIT_CODE_TRY_AGAIN, "stopped before the feed was written");
	price_feeds_set(&feeds, &symbol, &feed);
	store_commit(&store);
	price_feeds_close(&feeds);
	store_close(&store);
	printf("%s: prices of feed %s from now on\n", symbol.text, evm_word_text(&feed).text);
	return 0;
}

/* A transaction as the node has it. */
struct transaction {
	struct evm_receipt receipt;
	struct evm_block block;
	struct evm_logs logs; /* of our orderbook */
};

static void read_transaction(const struct chain_settings *chain, struct store *store,
			     const struct evm_word *tx_hash, struct transaction *transaction)
{
	struct chain_identity identity;
	struct evm_logs all;
	struct evm_node node;
	struct error error;
	enum outcome outcome;

	evm_logs_init(&all);
	evm_node_open(&node, chain);
	outcome = chain_identity_read(&node, chain, &identity, &error);
	if (outcome == OUTCOME_OK)
		outcome = evm_node_receipt(&node, tx_hash, &transaction->receipt, &all, &error);
	if (outcome == OUTCOME_OK)
		outcome = evm_node_block(&node, transaction->receipt.block_number,
					 &transaction->block, &error);
	if (outcome == OUTCOME_OK &&
	    !evm_word_equal(&transaction->block.hash, &transaction->receipt.block_hash))
		outcome = error_set(&error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				    "the transaction's block is not the chain's");
	if (outcome != OUTCOME_OK)
		end_unanswered(&error);
	chain_identity_record(store, &identity, chain);
	for (size_t i = 0; i < all.count; i++) {
		bool fits = !evm_address_equal(&all.items[i].address, &chain->orderbook) ||
			    evm_logs_add(&transaction->logs, &all.items[i],
					 evm_logs_data(&all, &all.items[i]));

		invariant(fits);
	}
	evm_node_close(&node);
	evm_logs_free(&all);
}

/* How many events of our owners the transaction has; those that the queue lacks are added. */
static int queue_events(const struct chain_settings *chain, struct store *store,
			const struct transaction *transaction)
{
	struct orderbook_occurrence occurrence;
	struct event_ingest ingest;
	struct event_queue events;
	size_t cursor = 0;
	int count = 0;

	event_queue_open(&events, store);
	event_ingest_init(&ingest, &events, &chain->owners, EVENT_SOURCE_BACKFILLER,
			  chain->deployment_block);
	if (!store_begin(store))
		fatal(EXIT_CODE_TRY_AGAIN, "stopped before the events were queued");
	while (orderbook_next_occurrence(&transaction->logs, &cursor, &occurrence)) {
		if (!event_ingest_wants(&ingest, &transaction->logs, &occurrence))
			continue;
		(void)event_ingest_append(&ingest, &transaction->logs, &occurrence,
					  transaction->block.timestamp);
		count++;
	}
	store_commit(store);
	event_ingest_free(&ingest);
	event_queue_close(&events);
	return count;
}

static int run_apply(const struct processor_config *config, const char *const *words, bool *applies)
{
	const struct evm_word tx_hash = parse_word(words[1], "TX_HASH");
	struct transaction transaction = {.block = {.number = 0}};
	struct instance_lock lock;
	struct store store;
	int count;

	store_open(&store, config->database_path.text);
	evm_logs_init(&transaction.logs);
	read_transaction(&config->chain, &store, &tx_hash, &transaction);
	count = queue_events(&config->chain, &store, &transaction);
	evm_logs_free(&transaction.logs);
	store_close(&store);
	if (count == 0)
		printf("no event of an owner's order in this transaction\n");
	instance_lock_open(&lock, config->database_path.text);
	*applies = count > 0 && !instance_lock_is_held(&lock, INSTANCE_LOCK_PROCESSOR);
	instance_lock_close(&lock);
	if (count == 0 || *applies)
		return 0;
	printf("the processor that runs applies what is new\n");
	return command_tell_applied(config, words[1]);
}

int command_tell_applied(const struct processor_config *config, const char *tx_hash)
{
	const struct evm_word word = parse_word(tx_hash, "TX_HASH");
	struct event_fate fate = {.log_index = -1};
	struct event_queue events;
	struct store store;

	store_open_read_only(&store, config->database_path.text);
	event_queue_open(&events, &store);
	while (event_queue_next_fate(&events, &word, fate.log_index, &fate))
		printf("block %" PRId64 " log %" PRId64 " %s: %s%s%s\n", fate.block_number,
		       fate.log_index, fate.event_type.text,
		       fate.outcome.text[0] == '\0'
			       ? "waits (for coverage up to its block, or what its tokens are)"
			       : fate.outcome.text,
		       fate.error.text[0] == '\0' ? "" : ": ", fate.error.text);
	event_queue_close(&events);
	store_close(&store);
	return 0;
}

struct command {
	const char *name;
	int words; /* besides the name */
	const char *usage;
	int (*run)(const struct processor_config *config, const char *const *words, bool *applies);
};

static const struct command commands[] = {
	{"price", 1, "price TX_HASH", run_price},
	{"apply", 1, "apply TX_HASH", run_apply},
	{"feed", 2, "feed TICKER FEED", run_feed},
};

int command_run(const struct processor_config *config, const char *const *words, int word_count,
		bool *applies)
{
	for (size_t i = 0; i < ARRAY_LENGTH(commands); i++) {
		if (strcmp(words[0], commands[i].name) != 0)
			continue;
		if (word_count - 1 != commands[i].words)
			fatal(EXIT_CODE_USAGE, "usage: processor %s", commands[i].usage);
		return commands[i].run(config, words, applies);
	}
	fatal(EXIT_CODE_USAGE, "no command %s: price, apply or feed", words[0]);
}
