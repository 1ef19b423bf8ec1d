/*
 * The amounts of the second generation of orderbooks: a decimal float in one word.
 *
 *	exponent: 32 bits, signed | coefficient: 224 bits, signed	big-endian
 *
 * Its value is coefficient * 10^exponent, in whole tokens; one value has many forms (1e0, 10e-1),
 * and a coefficient of zero is zero under any exponent. Any 256 bits are a float: nothing here can
 * overflow. Source: Raindex contract, version 6 of the orderbook interface.
 */
#ifndef BALLAST_CHAIN_ORDERBOOK_FLOAT_H
#define BALLAST_CHAIN_ORDERBOOK_FLOAT_H

#include "base/compiler.h"
#include "base/decimal.h"
#include "base/evm_types.h"

#include <stdbool.h>

bool orderbook_float_is_negative(const struct evm_word *word);

/*
 * Rounded towards zero at the 18th digit: real amounts often have more. False: negative (even when
 * it would round to zero), or it does not fit.
 */
MUST_USE bool orderbook_float_to_shares(const struct evm_word *word, struct shares *value);
MUST_USE bool orderbook_float_to_usd(const struct evm_word *word, struct usd *value);

/*
 * Raw units of a token with that many decimals, rounded towards zero. False: negative, or more than
 * a word.
 */
MUST_USE bool orderbook_float_to_token(const struct evm_word *word, uint8_t decimals,
				       struct evm_word *raw);

/* '-', 68 digits, 'e', '-', 10 digits, NUL, rounded up */
#define ORDERBOOK_FLOAT_TEXT_SIZE 96

struct orderbook_float_text {
	char text[ORDERBOOK_FLOAT_TEXT_SIZE];
};

/* As it stands: "-15e-1", "0e7". */
struct orderbook_float_text orderbook_float_text(const struct evm_word *word);

#endif
