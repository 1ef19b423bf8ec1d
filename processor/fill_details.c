/* See fill_details.h. */
#include "processor/fill_details.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>

/* With their backoff about three minutes; what is not known then will not be. */
#define MOST_FAILURES 10

/* Trades that wait to be asked about again, each by itself; what is behind them waits, too. */
#define MOST_WAITING 64

/* Of all its questions: one transaction is asked about at a time. Not an address, nor a digest. */
static const struct evm_word dialogue_key = {{2}};

void fill_details_open(struct fill_details *fills, struct store *store, struct asked_node *node,
		       const struct fill_details_settings *settings)
{
	*fills = (struct fill_details){.store = store, .node = node, .settings = *settings};
	trade_details_open(&fills->details, store);
	price_feeds_open(&fills->feeds, store);
	evm_logs_init(&fills->logs);
	unanswered_init(&fills->waiting, node);
}

void fill_details_close(struct fill_details *fills)
{
	unanswered_free(&fills->waiting);
	evm_logs_free(&fills->logs);
	price_feeds_close(&fills->feeds);
	trade_details_close(&fills->details);
}

static enum outcome ask_receipt(struct fill_details *fills, const struct evm_word *tx_hash,
				struct fill_facts *facts, struct error *error)
{
	struct evm_receipt receipt;
	enum outcome outcome =
		evm_node_receipt(&fills->node->node, tx_hash, &receipt, &fills->logs, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	/* A quantity is at most 63 bits: evm_json.h. */
	facts->gas = (struct trade_gas){
		.used = (int64_t)receipt.gas_used,
		.has_price = receipt.has_gas_price,
		.price_wei = receipt.has_gas_price ? (int64_t)receipt.gas_price_wei : 0,
		.has_l1_fee = receipt.has_l1_fee,
		.l1_fee_wei = receipt.has_l1_fee ? (int64_t)receipt.l1_fee_wei : 0,
	};
	facts->block_hash = receipt.block_hash;
	return OUTCOME_OK;
}

/* A node that offers no traces is no failure: then there are no prices. */
static enum outcome ask_prices(struct fill_details *fills, const struct evm_word *tx_hash,
			       struct fill_facts *facts, struct error *error)
{
	enum outcome outcome;

	(void)error_set(&facts->no_prices, OUTCOME_REJECTED, ERROR_KIND_NONE, "%s",
			fills->settings.wants_prices ? "the node offers no traces"
						     : "prices are not asked for");
	if (!fills->settings.wants_prices || fills->has_no_traces)
		return OUTCOME_OK;
	outcome = evm_node_prices(&fills->node->node, tx_hash, &fills->settings.oracle,
				  &facts->prices, error);
	facts->has_prices = outcome == OUTCOME_OK;
	if (outcome != OUTCOME_REJECTED || error->kind != ERROR_KIND_RPC)
		return outcome;
	log_info("the node offers no traces: no prices at the fill reason=%s", error->text);
	fills->has_no_traces = true;
	facts->no_prices = *error;
	return OUTCOME_OK;
}

enum outcome fill_details_ask(struct fill_details *fills, const struct evm_word *tx_hash,
			      struct fill_facts *facts, struct error *error)
{
	enum outcome outcome = asked_node_begin(fills->node, &dialogue_key, true, error);

	*facts = (struct fill_facts){.has_prices = false};
	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = ask_receipt(fills, tx_hash, facts, error);
	if (outcome == OUTCOME_OK)
		outcome = ask_prices(fills, tx_hash, facts, error);
	asked_node_end(fills->node, outcome, error);
	return outcome;
}

/*
 * The ticker's price among those that were read. A ticker without a feed learns the first one that
 * is nobody's, if the transaction's fills are of this ticker alone: else it could be another's.
 */
static const struct pyth_price *choose_price(struct fill_details *fills,
					     const struct undetailed_trade *trade,
					     const struct pyth_prices *prices)
{
	struct symbol other;
	struct evm_word feed;
	bool known = price_feeds_find(&fills->feeds, &trade->base_symbol, &feed);
	bool may_learn = !known && trade_details_tickers(&fills->details, &trade->tx_hash) == 1;

	for (size_t i = 0; i < prices->count; i++) {
		const struct pyth_price *price = &prices->items[i];

		if (known && evm_word_equal(&price->feed, &feed))
			return price;
		if (!may_learn || price_feeds_symbol(&fills->feeds, &price->feed, &other))
			continue;
		price_feeds_learn(&fills->feeds, &trade->base_symbol, &price->feed);
		log_info("price feed learned symbol=%s feed=%s", trade->base_symbol.text,
			 evm_word_text(&price->feed).text);
		return price;
	}
	return NULL;
}

static void set_found(struct fill_details *fills, const struct undetailed_trade *trade,
		      const struct fill_facts *facts)
{
	const struct pyth_price *chosen = choose_price(fills, trade, &facts->prices);
	struct trade_price price = {.published_s = 0};
	struct trade_detail detail = {.gas = &facts->gas};

	if (chosen != NULL) {
		price = (struct trade_price){
			.feed = chosen->feed,
			.price = chosen->price,
			.confidence = chosen->confidence,
			.published_s = chosen->published_s,
		};
		detail.price = &price;
	} else {
		detail.error = facts->has_prices ? "the order read no price of the ticker's feed"
						 : facts->no_prices.text;
	}
	trade_details_set(&fills->details, trade->id, &detail);
	log_info("fill details trade_id=%" PRId64 " symbol=%s oracle_price=%s gas_used=%" PRId64,
		 trade->id, trade->base_symbol.text,
		 chosen == NULL ? "none" : usd_text(price.price).text, facts->gas.used);
}

/* Nothing is known, and will not be. */
static bool settle_without(struct fill_details *fills, const struct undetailed_trade *trade,
			   const char *why)
{
	const struct trade_detail nothing = {.error = why};

	if (!store_begin(fills->store))
		return false;
	trade_details_set(&fills->details, trade->id, &nothing);
	store_commit_untold(fills->store);
	unanswered_remove(&fills->waiting, &trade->tx_hash);
	log_warn("fill details given up trade_id=%" PRId64 " reason=%s", trade->id, why);
	return true;
}

/* True when another trade may be asked about at once: the fault was not the node's. */
static bool note_failure(struct fill_details *fills, const struct undetailed_trade *trade,
			 const struct error *error)
{
	struct error noted = *error;
	const struct question *question;

	fills->is_asking = error->kind == ERROR_KIND_UNDER_WAY;
	if (fills->is_asking)
		return false;
	/* A node that has pruned it is like one that does not answer: to be asked again, as often
	 * as any. */
	if (error->kind == ERROR_KIND_ABSENT)
		noted.kind = ERROR_KIND_RPC;
	question = unanswered_note_failure(&fills->waiting, &trade->tx_hash, OUTCOME_RETRY, &noted);
	if (question->failures >= MOST_FAILURES)
		return settle_without(fills, trade, error->text);
	log_info("fill details not known yet: nothing waits for them trade_id=%" PRId64
		 " kind=%s wait_ms=%" PRId64 " reason=%s",
		 trade->id, error_kind_name(error->kind), question->due_ms - clock_monotonic_ms(),
		 error->text);
	return error->kind != ERROR_KIND_UNREACHABLE;
}

/* One question for a transaction, however many fills it has: those of the same one stand together.
 */
static void set_found_of_transaction(struct fill_details *fills,
				     const struct undetailed_trade *first,
				     const struct fill_facts *facts)
{
	struct undetailed_trade trade = *first;

	do {
		set_found(fills, &trade, facts);
	} while (trade_details_next(&fills->details, trade.id, &trade) && !trade.removed &&
		 evm_word_equal(&trade.tx_hash, &first->tx_hash) &&
		 evm_word_equal(&trade.block_hash, &first->block_hash));
}

static bool settle(struct fill_details *fills, const struct undetailed_trade *trade)
{
	struct fill_facts facts;
	struct error error;

	if (trade->removed)
		return settle_without(fills, trade, "its block left the chain");
	if (fill_details_ask(fills, &trade->tx_hash, &facts, &error) != OUTCOME_OK)
		return note_failure(fills, trade, &error);
	if (!evm_word_equal(&facts.block_hash, &trade->block_hash)) {
		(void)error_set(&error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				"the node has the transaction in another block");
		return note_failure(fills, trade, &error);
	}
	if (!store_begin(fills->store))
		return false;
	set_found_of_transaction(fills, trade, &facts);
	store_commit_untold(fills->store);
	unanswered_remove(&fills->waiting, &trade->tx_hash);
	return true;
}

bool fill_details_step(struct fill_details *fills)
{
	struct undetailed_trade trade;
	int64_t after_id = 0;

	fills->is_asking = false;
	unanswered_begin_pass(&fills->waiting);
	for (int i = 0; i < MOST_WAITING; i++) {
		if (!trade_details_next(&fills->details, after_id, &trade))
			break;
		if (unanswered_may_ask(&fills->waiting, &trade.tx_hash))
			return settle(fills, &trade);
		after_id = trade.id;
	}
	return false;
}

int64_t fill_details_wait_ms(struct fill_details *fills)
{
	struct undetailed_trade trade;
	int64_t wait_ms = unanswered_wait_ms(&fills->waiting);

	if (fills->is_asking)
		return -1;
	if (!trade_details_next(&fills->details, 0, &trade))
		return -1;
	return wait_ms < 0 ? 0 : wait_ms;
}
