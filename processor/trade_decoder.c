/* See trade_decoder.h. */
#include "processor/trade_decoder.h"

#include "base/log.h"
#include "chain/orderbook_float.h"

static void add_token(struct event_tokens *tokens, const struct evm_address *address)
{
	for (size_t i = 0; i < tokens->count; i++) {
		if (evm_address_equal(&tokens->addresses[i], address))
			return;
	}
	invariant(tokens->count < EVENT_MAX_TOKENS);
	tokens->addresses[tokens->count++] = *address;
}

void trade_decoder_tokens(const struct orderbook_event *event,
			  const struct config_addresses *owners, struct event_tokens *tokens)
{
	tokens->count = 0;
	for (size_t i = 0; i < event->fill_count; i++) {
		const struct orderbook_fill *fill = &event->fills[i];

		if (!config_addresses_contain(owners, &fill->owner))
			continue;
		add_token(tokens, &fill->input.token);
		add_token(tokens, &fill->output.token);
	}
}

/* What is known, and what has come of it so far. */
struct event_reading {
	struct event_knowledge known;
	struct decoded_trades trades;
};

/* One side of a fill with what its token says of itself. */
struct known_leg {
	const struct orderbook_leg *leg;
	const struct token *token;
	enum token_role role;
	struct symbol ticker;
};

static void know_leg(const struct orderbook_leg *leg, const struct event_knowledge *known,
		     struct known_leg *side)
{
	const struct token *token = known->tokens;

	/* The caller has resolved every token of the event. */
	while (!evm_address_equal(&token->address, &leg->token))
		token++;
	side->leg = leg;
	side->token = token;
	side->role = symbol_map_role(known->symbols, token, &side->ticker);
}

static bool is_equity(const struct known_leg *side)
{
	return side->role == TOKEN_ROLE_EQUITY || side->role == TOKEN_ROLE_WRAPPED;
}

/* The raw units of a vault's shares that moved. */
static bool raw_shares(const struct known_leg *side, struct evm_word *raw)
{
	if (side->leg->is_float)
		return orderbook_float_to_token(&side->leg->amount, side->token->decimals, raw);
	*raw = side->leg->amount;
	return true;
}

static struct wrapped_amount *find_wrapped(struct wrapped_amounts *amounts,
					   const struct wrapped_amount *like)
{
	for (size_t i = 0; i < amounts->count; i++) {
		if (evm_address_equal(&amounts->items[i].token, &like->token) &&
		    evm_word_equal(&amounts->items[i].shares, &like->shares))
			return &amounts->items[i];
	}
	return NULL;
}

static void add_wrapped(struct event_knowledge *known, const struct orderbook_leg *leg)
{
	struct wrapped_amount amount = {.token = leg->token};
	struct known_leg side;

	know_leg(leg, known, &side);
	if (side.role != TOKEN_ROLE_WRAPPED || !raw_shares(&side, &amount.shares) ||
	    find_wrapped(&known->wrapped, &amount) != NULL)
		return;
	invariant(known->wrapped.count < EVENT_MAX_TOKENS);
	known->wrapped.items[known->wrapped.count++] = amount;
}

void trade_decoder_wrapped(const struct orderbook_event *event,
			   const struct config_addresses *owners, struct event_knowledge *known)
{
	known->wrapped.count = 0;
	for (size_t i = 0; i < event->fill_count; i++) {
		const struct orderbook_fill *fill = &event->fills[i];

		if (!config_addresses_contain(owners, &fill->owner))
			continue;
		add_wrapped(known, &fill->input);
		add_wrapped(known, &fill->output);
	}
}

/* A float has none to contradict. */
static enum outcome check_decimals(const struct known_leg *side, struct error *error)
{
	if (side->leg->is_float || side->leg->decimals == side->token->decimals)
		return OUTCOME_OK;
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
			 "decimals contradict: the order says %u, token %s (%s) says %u",
			 side->leg->decimals, side->token->symbol.text,
			 evm_address_text(&side->token->address).text, side->token->decimals);
}

static enum outcome check_pair(const struct known_leg *input, const struct known_leg *output,
			       bool required, struct error *error)
{
	enum outcome outcome;

	if (input->role == TOKEN_ROLE_OTHER || output->role == TOKEN_ROLE_OTHER ||
	    (input->role == TOKEN_ROLE_QUOTE && output->role == TOKEN_ROLE_QUOTE))
		return error_set(
			error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
			"unknown token pair: input %s (%s) output %s (%s)%s",
			input->token->symbol.text, evm_address_text(&input->token->address).text,
			output->token->symbol.text, evm_address_text(&output->token->address).text,
			required ? ", and REQUIRE_MAPPED_TOKENS is set" : "");
	outcome = check_decimals(input, error);
	return outcome == OUTCOME_OK ? check_decimals(output, error) : outcome;
}

/*
 * No company has issued as many. The bound keeps every sum of trades within 128 bits, and its whole
 * shares within 64: a token that lies about its amounts is quarantined and cannot stop the process.
 */
#define MAXIMUM_WHOLE_SHARES INT64_C(1000000000000)

static bool read_amount(const struct orderbook_leg *leg, struct shares *amount)
{
	int64_t whole;
	bool fits = leg->is_float ? orderbook_float_to_shares(&leg->amount, amount)
				  : shares_from_token(&leg->amount, leg->decimals, amount);

	return fits && shares_whole(*amount, &whole) && whole < MAXIMUM_WHOLE_SHARES;
}

/* An amount of shares: what was moved, or of a vault what that was worth. */
static bool read_worth(const struct known_leg *side, struct event_knowledge *known,
		       struct onchain_trade *trade)
{
	struct wrapped_amount like = {.token = side->leg->token};
	const struct wrapped_amount *found;
	int64_t whole;

	if (side->role != TOKEN_ROLE_WRAPPED)
		return read_amount(side->leg, &trade->amount);
	if (!read_amount(side->leg, &trade->token_amount) || !raw_shares(side, &like.shares))
		return false;
	found = find_wrapped(&known->wrapped, &like);
	invariant(found != NULL);
	trade->is_wrapped = true;
	trade->amount = found->worth;
	return shares_whole(trade->amount, &whole) && whole < MAXIMUM_WHOLE_SHARES;
}

/* Why an amount cannot be booked. */
static enum outcome refuse_amount(const struct known_leg *side, struct error *error)
{
	const struct orderbook_leg *leg = side->leg;
	const char *symbol = side->token->symbol.text;

	if (!leg->is_float)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
				 "amount out of range: %s raw units of %s with %u decimals",
				 evm_uint256_text(&leg->amount).text, symbol, leg->decimals);
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID, "amount %s: %s %s",
			 orderbook_float_is_negative(&leg->amount) ? "negative" : "out of range",
			 orderbook_float_text(&leg->amount).text, symbol);
}

static enum outcome add_trade(struct event_reading *reading, const struct orderbook_fill *fill,
			      const struct known_leg *equity, enum direction direction,
			      struct error *error)
{
	struct decoded_trades *trades = &reading->trades;
	struct onchain_trade *trade = &trades->items[trades->count];

	invariant(trades->count < EVENT_MAX_TRADES);
	*trade = (struct onchain_trade){
		.order_owner = fill->owner,
		.symbol = equity->token->symbol,
		.base_symbol = equity->ticker,
		.direction = direction,
	};
	if (!read_worth(equity, &reading->known, trade))
		return refuse_amount(equity, error);
	trades->count++;
	return OUTCOME_OK;
}

static enum outcome add_usdc(const struct known_leg *quote, struct onchain_trade *trade,
			     struct error *error)
{
	const struct orderbook_leg *leg = quote->leg;

	if (leg->is_float ? !orderbook_float_to_usd(&leg->amount, &trade->usdc_amount)
			  : !usd_from_token(&leg->amount, leg->decimals, &trade->usdc_amount))
		return refuse_amount(quote, error);
	trade->has_usdc = true;
	trade->has_price = usd_price(trade->usdc_amount, trade->amount, &trade->price_usdc);
	return OUTCOME_OK;
}

static enum outcome decode_fill(struct event_reading *reading, const struct orderbook_fill *fill,
				struct error *error)
{
	struct decoded_trades *trades = &reading->trades;
	struct known_leg input;
	struct known_leg output;
	enum outcome outcome;

	know_leg(&fill->input, &reading->known, &input);
	know_leg(&fill->output, &reading->known, &output);
	outcome = check_pair(&input, &output, reading->known.symbols->required, error);
	if (outcome == OUTCOME_OK && is_equity(&output))
		outcome = add_trade(reading, fill, &output, DIRECTION_SELL, error);
	if (outcome == OUTCOME_OK && input.role == TOKEN_ROLE_QUOTE)
		return add_usdc(&input, &trades->items[trades->count - 1], error);
	if (outcome == OUTCOME_OK)
		outcome = add_trade(reading, fill, &input, DIRECTION_BUY, error);
	if (outcome == OUTCOME_OK && output.role == TOKEN_ROLE_QUOTE)
		return add_usdc(&output, &trades->items[trades->count - 1], error);
	return outcome;
}

static bool same_side(const struct onchain_trade *a, const struct onchain_trade *b)
{
	return a->direction == b->direction && symbol_equal(&a->symbol, &b->symbol) &&
	       evm_address_equal(&a->order_owner, &b->order_owner);
}

/* The contract refuses to clear an owner against itself: two such trades cannot be, and could not
 * be told apart. */
static enum outcome check_distinct(const struct decoded_trades *trades, struct error *error)
{
	for (size_t i = 1; i < trades->count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (same_side(&trades->items[i], &trades->items[j]))
				return error_set(error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
						 "one owner twice on the same side of %s",
						 trades->items[i].symbol.text);
		}
	}
	return OUTCOME_OK;
}

enum outcome trade_decoder_decode(const struct orderbook_event *event,
				  const struct config_addresses *owners,
				  const struct event_knowledge *known,
				  struct decoded_trades *trades, struct error *error)
{
	struct event_reading reading = {.known = *known};

	for (size_t i = 0; i < event->fill_count; i++) {
		enum outcome outcome;

		if (!config_addresses_contain(owners, &event->fills[i].owner))
			continue;
		outcome = decode_fill(&reading, &event->fills[i], error);
		if (outcome != OUTCOME_OK)
			return outcome;
	}
	if (check_distinct(&reading.trades, error) != OUTCOME_OK)
		return OUTCOME_REJECTED;
	*trades = reading.trades;
	return OUTCOME_OK;
}
