/* Direction, amounts and refusals: the whole table of what can stand on the two sides of a fill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "processor/trade_decoder.h"

#include <string.h>

enum { USDC = 1, AAPL, NVDA, DOGE, BAD, WRAPPED };

static struct evm_address address_of(uint8_t number)
{
	struct evm_address address = {{0}};

	address.bytes[EVM_ADDRESS_SIZE - 1] = number;
	return address;
}

static const struct config_addresses *owners(void)
{
	static struct config_addresses two = {.count = 2};

	two.items[0] = address_of(101);
	two.items[1] = address_of(102);
	return &two;
}

static const struct symbol_map no_map = {.count = 0};

static struct token token_of(const struct evm_address *address)
{
	static const char *const symbols[] = {"USDC", "AAPL0x", "tNVDA", "DOGE", "BADs1", "wtTSLA"};
	static const uint8_t decimals[] = {6, 18, 18, 18, 8, 18};
	size_t place = address->bytes[EVM_ADDRESS_SIZE - 1] - 1u;
	struct token token = {.address = *address, .decimals = decimals[place]};

	assert_true(symbol_set(&token.symbol, symbols[place]));
	return token;
}

/* Wrapped shares are worth twice as many. */
static struct event_knowledge knowledge_of(const struct orderbook_event *event)
{
	struct event_knowledge known = {.symbols = &no_map};
	struct event_tokens tokens;

	trade_decoder_tokens(event, owners(), &tokens);
	for (size_t i = 0; i < tokens.count; i++)
		known.tokens[i] = token_of(&tokens.addresses[i]);
	trade_decoder_wrapped(event, owners(), &known);
	for (size_t i = 0; i < known.wrapped.count; i++) {
		struct shares amount;

		assert_true(shares_from_token(&known.wrapped.items[i].shares, 18, &amount) &&
			    shares_add(amount, amount, &known.wrapped.items[i].worth));
	}
	return known;
}

static struct orderbook_leg leg_of(uint8_t token, uint8_t decimals, uint64_t amount)
{
	struct orderbook_leg leg = {.token = address_of(token), .decimals = decimals};

	for (size_t i = 0; i < 8; i++)
		leg.amount.bytes[EVM_WORD_SIZE - 1 - i] = (uint8_t)(amount >> (8 * i));
	return leg;
}

/* coefficient * 10^exponent tokens, as the second generation says it. */
static struct orderbook_leg float_leg_of(uint8_t token, uint64_t coefficient, int32_t exponent)
{
	struct orderbook_leg leg = leg_of(token, 0, coefficient);

	leg.is_float = true;
	for (size_t i = 0; i < 4; i++)
		leg.amount.bytes[i] = (uint8_t)((uint32_t)exponent >> (24 - 8 * i));
	return leg;
}

static struct orderbook_event a_fill(uint8_t owner, struct orderbook_leg input,
				     struct orderbook_leg output)
{
	struct orderbook_event event = {.type = ORDERBOOK_TAKE_ORDER_V2, .fill_count = 1};

	event.fills[0].owner = address_of(owner);
	event.fills[0].input = input;
	event.fills[0].output = output;
	return event;
}

static struct decoded_trades decode(const struct orderbook_event *event)
{
	struct decoded_trades trades;
	struct error error;
	struct event_knowledge known = knowledge_of(event);

	if (trade_decoder_decode(event, owners(), &known, &trades, &error) != OUTCOME_OK)
		fail_msg("%s", error.text);
	return trades;
}

static void assert_refused(const struct orderbook_event *event, const char *words)
{
	struct decoded_trades trades = {.count = 77};
	struct error error;
	struct event_knowledge known = knowledge_of(event);

	assert_int_equal(trade_decoder_decode(event, owners(), &known, &trades, &error),
			 OUTCOME_REJECTED);
	assert_int_equal(trades.count, 77);
	if (strstr(error.text, words) == NULL)
		fail_msg("not \"%s\" in: %s", words, error.text);
}

static void usdc_into_the_order_is_a_sale(void **state)
{
	struct orderbook_event event =
		a_fill(101, leg_of(USDC, 6, 150250000), leg_of(AAPL, 18, 500000000000000000));
	struct decoded_trades trades = decode(&event);

	(void)state;
	assert_int_equal(trades.count, 1);
	assert_int_equal(trades.items[0].direction, DIRECTION_SELL);
	assert_string_equal(trades.items[0].symbol.text, "AAPL0x");
	assert_string_equal(trades.items[0].base_symbol.text, "AAPL");
	assert_string_equal(shares_text(trades.items[0].amount).text, "0.5");
	assert_string_equal(usd_text(trades.items[0].usdc_amount).text, "150.25");
	assert_string_equal(usd_text(trades.items[0].price_usdc).text, "300.5");
}

/* In whole tokens: the token's decimals say nothing about it. */
static void a_float_is_rounded_towards_zero_at_the_18th_digit(void **state)
{
	struct orderbook_event event = a_fill(101, float_leg_of(USDC, 15025, -2),
					      float_leg_of(AAPL, 5000000000000000009, -19));
	struct decoded_trades trades = decode(&event);

	(void)state;
	assert_int_equal(trades.count, 1);
	assert_int_equal(trades.items[0].direction, DIRECTION_SELL);
	assert_string_equal(shares_text(trades.items[0].amount).text, "0.5");
	assert_string_equal(usd_text(trades.items[0].usdc_amount).text, "150.25");
	assert_string_equal(usd_text(trades.items[0].price_usdc).text, "300.5");
}

static void a_float_too_small_to_be_seen_is_a_trade_of_nothing(void **state)
{
	struct orderbook_event event =
		a_fill(101, float_leg_of(USDC, 0, INT32_MAX), float_leg_of(AAPL, 1, INT32_MIN));
	struct decoded_trades trades = decode(&event);

	(void)state;
	assert_int_equal(trades.count, 1);
	assert_true(shares_is_zero(trades.items[0].amount));
	assert_false(trades.items[0].has_price);
}

static void a_float_that_cannot_be_booked_is_refused_as_it_stands(void **state)
{
	struct orderbook_event shares =
		a_fill(101, float_leg_of(USDC, 1, 0), float_leg_of(AAPL, 7, 12));
	struct orderbook_event dollars =
		a_fill(101, float_leg_of(USDC, 7, 300), float_leg_of(AAPL, 1, 0));
	struct orderbook_event negative =
		a_fill(101, float_leg_of(USDC, 1, 0), float_leg_of(AAPL, 5, -1));
	struct orderbook_event debt =
		a_fill(101, float_leg_of(USDC, 5, -1), float_leg_of(AAPL, 1, 0));

	(void)state;
	assert_refused(&shares, "amount out of range: 7e12 AAPL0x");
	assert_refused(&dollars, "amount out of range: 7e300 USDC");
	/* All ones in front of the coefficient: -2^64 + 5 */
	memset(negative.fills[0].output.amount.bytes + 4, 0xff, 20);
	assert_refused(&negative, "amount negative: -18446744073709551611e-1 AAPL0x");
	memset(debt.fills[0].input.amount.bytes + 4, 0xff, 20);
	assert_refused(&debt, "amount negative: -18446744073709551611e-1 USDC");
}

static void wrapped_shares_are_booked_at_what_they_are_worth(void **state)
{
	struct orderbook_event raw =
		a_fill(101, leg_of(USDC, 6, 900000000), leg_of(WRAPPED, 18, 1500000000000000000));
	struct orderbook_event floats =
		a_fill(101, float_leg_of(WRAPPED, 15, -1), float_leg_of(USDC, 9, 2));
	struct decoded_trades trades = decode(&raw);

	(void)state;
	assert_string_equal(trades.items[0].base_symbol.text, "TSLA");
	assert_string_equal(shares_text(trades.items[0].amount).text, "3");
	assert_true(trades.items[0].is_wrapped);
	assert_string_equal(shares_text(trades.items[0].token_amount).text, "1.5");
	assert_string_equal(usd_text(trades.items[0].price_usdc).text, "300");
	trades = decode(&floats);
	assert_int_equal(trades.items[0].direction, DIRECTION_BUY);
	assert_string_equal(shares_text(trades.items[0].amount).text, "3");
	assert_string_equal(shares_text(trades.items[0].token_amount).text, "1.5");
}

/* Not even asked about: no vault can say what it is worth. */
static void wrapped_shares_that_are_no_number_of_raw_units_are_refused(void **state)
{
	struct orderbook_event large =
		a_fill(101, float_leg_of(USDC, 1, 0), float_leg_of(WRAPPED, 1, 300));
	struct event_knowledge known = knowledge_of(&large);

	(void)state;
	assert_int_equal(known.wrapped.count, 0);
	assert_refused(&large, "amount out of range: 1e300 wtTSLA");
}

static void usdc_out_of_the_order_is_a_purchase(void **state)
{
	struct orderbook_event event =
		a_fill(102, leg_of(NVDA, 18, 2000000000000000001), leg_of(USDC, 6, 1));
	struct decoded_trades trades = decode(&event);

	(void)state;
	assert_int_equal(trades.count, 1);
	assert_int_equal(trades.items[0].direction, DIRECTION_BUY);
	assert_string_equal(trades.items[0].base_symbol.text, "NVDA");
	assert_string_equal(shares_text(trades.items[0].amount).text, "2.000000000000000001");
	assert_string_equal(usd_text(trades.items[0].usdc_amount).text, "0.000001");
}

static void equity_against_equity_is_a_sale_and_a_purchase_without_a_price(void **state)
{
	struct orderbook_event event = a_fill(101, leg_of(NVDA, 18, 7), leg_of(AAPL, 18, 9));
	struct decoded_trades trades = decode(&event);

	(void)state;
	assert_int_equal(trades.count, 2);
	assert_int_equal(trades.items[0].direction, DIRECTION_SELL);
	assert_string_equal(trades.items[0].base_symbol.text, "AAPL");
	assert_int_equal(trades.items[1].direction, DIRECTION_BUY);
	assert_string_equal(trades.items[1].base_symbol.text, "NVDA");
	for (size_t i = 0; i < 2; i++) {
		assert_false(trades.items[i].has_usdc);
		assert_false(trades.items[i].has_price);
	}
}

static void a_fill_without_dollars_or_without_shares_has_no_price(void **state)
{
	struct orderbook_event free_shares = a_fill(101, leg_of(USDC, 6, 0), leg_of(AAPL, 18, 1));
	struct orderbook_event no_shares = a_fill(101, leg_of(USDC, 6, 5), leg_of(AAPL, 18, 0));
	struct decoded_trades trades = decode(&free_shares);

	(void)state;
	assert_true(trades.items[0].has_usdc);
	assert_false(trades.items[0].has_price);
	trades = decode(&no_shares);
	assert_int_equal(trades.count, 1);
	assert_true(shares_is_zero(trades.items[0].amount));
	assert_false(trades.items[0].has_price);
}

static void strangers_have_no_trades_and_their_tokens_are_not_asked_for(void **state)
{
	struct orderbook_event event = a_fill(55, leg_of(99, 18, 1), leg_of(98, 18, 1));
	struct event_tokens tokens;

	(void)state;
	assert_int_equal(decode(&event).count, 0);
	trade_decoder_tokens(&event, owners(), &tokens);
	assert_int_equal(tokens.count, 0);
}

static void a_clear_between_two_of_our_owners_is_two_trades(void **state)
{
	struct orderbook_event event = a_fill(101, leg_of(USDC, 6, 100), leg_of(AAPL, 18, 1000));
	struct decoded_trades trades;
	struct event_tokens tokens;

	(void)state;
	event.type = ORDERBOOK_CLEAR_V2;
	event.fill_count = 2;
	event.fills[1].owner = address_of(102);
	event.fills[1].input = leg_of(AAPL, 18, 990);
	event.fills[1].output = leg_of(USDC, 6, 101);
	trades = decode(&event);
	assert_int_equal(trades.count, 2);
	assert_int_equal(trades.items[0].direction, DIRECTION_SELL);
	assert_int_equal(trades.items[1].direction, DIRECTION_BUY);
	assert_string_equal(shares_text(trades.items[1].amount).text, "0.00000000000000099");
	trade_decoder_tokens(&event, owners(), &tokens);
	assert_int_equal(tokens.count, 2);
}

static void one_owner_twice_on_one_side_is_refused(void **state)
{
	struct orderbook_event event = a_fill(101, leg_of(USDC, 6, 100), leg_of(AAPL, 18, 1000));

	(void)state;
	event.fill_count = 2;
	event.fills[1] = event.fills[0];
	assert_refused(&event, "twice");
}

static void pairs_we_cannot_read_are_refused_by_name(void **state)
{
	struct orderbook_event doge = a_fill(101, leg_of(USDC, 6, 1), leg_of(DOGE, 18, 1));
	struct orderbook_event dollars = a_fill(101, leg_of(USDC, 6, 1), leg_of(USDC, 6, 1));

	(void)state;
	assert_refused(&doge, "DOGE");
	assert_refused(&dollars, "USDC");
}

static void decimals_that_contradict_the_token_are_refused(void **state)
{
	struct orderbook_event event = a_fill(101, leg_of(USDC, 18, 1), leg_of(AAPL, 18, 1));
	struct orderbook_event other = a_fill(101, leg_of(USDC, 6, 1), leg_of(BAD, 18, 1));

	(void)state;
	assert_refused(&event, "decimals contradict");
	assert_refused(&other, "BADs1");
}

static void an_amount_beyond_all_shares_is_refused(void **state)
{
	struct orderbook_event event = a_fill(101, leg_of(USDC, 6, 1), leg_of(AAPL, 18, 1));

	(void)state;
	event.fills[0].output.amount.bytes[0] = 0x80;
	assert_refused(&event, "amount out of range");
	/* 1.3 * 10^15 shares fit 128 bits and are no fill all the same. */
	event.fills[0].output.amount.bytes[0] = 0;
	event.fills[0].output.amount.bytes[18] = 0x40;
	assert_refused(&event, "amount out of range");
	event = a_fill(101, leg_of(USDC, 6, 1), leg_of(AAPL, 18, 1));
	event.fills[0].input.amount.bytes[16] = 0x7f;
	assert_refused(&event, "USDC");
}

static void the_most_shares_a_fill_may_move_are_just_below_a_trillion(void **state)
{
	/* 10^30: a trillion shares of 18 decimals. */
	static const uint8_t trillion[] = {0x0c, 0x9f, 0x2c, 0x9c, 0xd0, 0x46, 0x74,
					   0xed, 0xea, 0x40, 0x00, 0x00, 0x00};
	struct orderbook_event event = a_fill(101, leg_of(USDC, 6, 1), leg_of(AAPL, 18, 1));
	uint8_t *amount = event.fills[0].output.amount.bytes;
	struct decoded_trades trades;

	(void)state;
	memcpy(amount + EVM_WORD_SIZE - sizeof(trillion), trillion, sizeof(trillion));
	assert_refused(&event, "amount out of range: 1000000000000000000000000000000 raw units");
	/* 0x3f ff ff ff below 0x40 00 00 00: one unit less. */
	amount[EVM_WORD_SIZE - 4] = 0x3f;
	memset(amount + EVM_WORD_SIZE - 3, 0xff, 3);
	trades = decode(&event);
	assert_string_equal(shares_text(trades.items[0].amount).text,
			    "999999999999.999999999999999999");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usdc_into_the_order_is_a_sale),
		cmocka_unit_test(a_float_is_rounded_towards_zero_at_the_18th_digit),
		cmocka_unit_test(a_float_too_small_to_be_seen_is_a_trade_of_nothing),
		cmocka_unit_test(a_float_that_cannot_be_booked_is_refused_as_it_stands),
		cmocka_unit_test(wrapped_shares_are_booked_at_what_they_are_worth),
		cmocka_unit_test(wrapped_shares_that_are_no_number_of_raw_units_are_refused),
		cmocka_unit_test(usdc_out_of_the_order_is_a_purchase),
		cmocka_unit_test(equity_against_equity_is_a_sale_and_a_purchase_without_a_price),
		cmocka_unit_test(a_fill_without_dollars_or_without_shares_has_no_price),
		cmocka_unit_test(strangers_have_no_trades_and_their_tokens_are_not_asked_for),
		cmocka_unit_test(a_clear_between_two_of_our_owners_is_two_trades),
		cmocka_unit_test(one_owner_twice_on_one_side_is_refused),
		cmocka_unit_test(pairs_we_cannot_read_are_refused_by_name),
		cmocka_unit_test(decimals_that_contradict_the_token_are_refused),
		cmocka_unit_test(an_amount_beyond_all_shares_is_refused),
		cmocka_unit_test(the_most_shares_a_fill_may_move_are_just_below_a_trillion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
