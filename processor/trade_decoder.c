/* See trade_decoder.h. */
#include "processor/trade_decoder.h"

#include "base/log.h"
#include "chain/orderbook_float.h"
#include "processor/symbol_map.h"

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

/* One side of a fill with what its token says of itself. */
struct known_leg {
	const struct orderbook_leg *leg;
	const struct token *token;
	enum token_role role;
	struct symbol ticker;
};

static void know_leg(const struct orderbook_leg *leg, const struct token *known,
		     struct known_leg *side)
{
	/* The caller has resolved every token of the event. */
	while (!evm_address_equal(&known->address, &leg->token))
		known++;
	side->leg = leg;
	side->token = known;
	side->role = symbol_map_role(&known->symbol, &side->ticker);
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
			       struct error *error)
{
	enum outcome outcome;

	if (input->role == TOKEN_ROLE_OTHER || output->role == TOKEN_ROLE_OTHER ||
	    (input->role == TOKEN_ROLE_QUOTE && output->role == TOKEN_ROLE_QUOTE))
		return error_set(
			error, OUTCOME_REJECTED, ERROR_KIND_INVALID,
			"unknown token pair: input %s (%s) output %s (%s)",
			input->token->symbol.text, evm_address_text(&input->token->address).text,
			output->token->symbol.text, evm_address_text(&output->token->address).text);
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

static enum outcome add_trade(const struct orderbook_fill *fill, const struct known_leg *equity,
			      enum direction direction, struct decoded_trades *trades,
			      struct error *error)
{
	struct onchain_trade *trade = &trades->items[trades->count];

	invariant(trades->count < EVENT_MAX_TRADES);
	*trade = (struct onchain_trade){
		.order_owner = fill->owner,
		.symbol = equity->token->symbol,
		.base_symbol = equity->ticker,
		.direction = direction,
	};
	if (!read_amount(equity->leg, &trade->amount))
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

static enum outcome decode_fill(const struct orderbook_fill *fill, const struct token *known,
				struct decoded_trades *trades, struct error *error)
{
	struct known_leg input;
	struct known_leg output;
	enum outcome outcome;

	know_leg(&fill->input, known, &input);
	know_leg(&fill->output, known, &output);
	outcome = check_pair(&input, &output, error);
	if (outcome == OUTCOME_OK && output.role == TOKEN_ROLE_EQUITY)
		outcome = add_trade(fill, &output, DIRECTION_SELL, trades, error);
	if (outcome == OUTCOME_OK && input.role == TOKEN_ROLE_QUOTE)
		return add_usdc(&input, &trades->items[trades->count - 1], error);
	if (outcome == OUTCOME_OK)
		outcome = add_trade(fill, &input, DIRECTION_BUY, trades, error);
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
				  const struct config_addresses *owners, const struct token *known,
				  struct decoded_trades *trades, struct error *error)
{
	struct decoded_trades decoded = {.count = 0};

	for (size_t i = 0; i < event->fill_count; i++) {
		enum outcome outcome;

		if (!config_addresses_contain(owners, &event->fills[i].owner))
			continue;
		outcome = decode_fill(&event->fills[i], known, &decoded, error);
		if (outcome != OUTCOME_OK)
			return outcome;
	}
	if (check_distinct(&decoded, error) != OUTCOME_OK)
		return OUTCOME_REJECTED;
	*trades = decoded;
	return OUTCOME_OK;
}
