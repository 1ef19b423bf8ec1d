/*
 * Exact amounts: a checked 128-bit integer of 10^-18 units, so that every token of up to 18
 * decimals and every broker's number has one exact form. Shares and dollars are different types:
 * adding one to the other does not compile. Only this file and the table modules look inside.
 *
 * Canonical text: optional '-', digits without leading zeros, and a fraction without trailing
 * zeros: "0", "0.3", "-12", "170141183460469231731.687303715884105727". Never an exponent.
 */
#ifndef BALLAST_BASE_DECIMAL_H
#define BALLAST_BASE_DECIMAL_H

#include "base/compiler.h"
#include "base/evm_types.h"

#include <stdbool.h>
#include <stdint.h>

#define DECIMAL_FRACTION_DIGITS 18
/* sign, 21 digits, point, 18 digits, NUL, rounded up */
#define DECIMAL_TEXT_SIZE 48

struct shares {
	int128 units;
};
struct usd {
	int128 units;
};
struct decimal_text {
	char text[DECIMAL_TEXT_SIZE];
};

struct decimal_text shares_text(struct shares value);
struct decimal_text usd_text(struct usd value);

/*
 * Decimal digits with optional '-' and point; leading zeros, trailing zeros of the fraction and a
 * bare fraction (".5") or bare point ("5.") are tolerated as input. False: anything else
 * (exponents, spaces, signs other than '-', empty), more than 18 significant fractional digits, or
 * more than 128 bits.
 */
MUST_USE bool shares_parse(const char *text, struct shares *value);
MUST_USE bool usd_parse(const char *text, struct usd *value);

/*
 * Raw token units of a token with that many decimals. Exact or false: false when it does not fit
 * into 127 bits of 10^-18, or when decimals > 18 and the value is not a multiple of 10^-18.
 */
MUST_USE bool shares_from_token(const struct evm_word *raw, uint8_t decimals, struct shares *value);
MUST_USE bool usd_from_token(const struct evm_word *raw, uint8_t decimals, struct usd *value);

/*
 * coefficient * 10^exponent whole shares or dollars, rounded towards zero at the 18th digit. False:
 * it does not fit into 127 bits of 10^-18.
 */
MUST_USE bool shares_from_scientific(const struct evm_word *coefficient, int32_t exponent,
				     struct shares *value);
MUST_USE bool usd_from_scientific(const struct evm_word *coefficient, int32_t exponent,
				  struct usd *value);

MUST_USE bool shares_from_integer(int64_t whole, struct shares *value);

/* False on overflow. */
MUST_USE bool shares_add(struct shares a, struct shares b, struct shares *sum);
MUST_USE bool shares_subtract(struct shares a, struct shares b, struct shares *difference);
MUST_USE bool usd_add(struct usd a, struct usd b, struct usd *sum);

MUST_USE bool usd_subtract(struct usd a, struct usd b, struct usd *difference);

bool usd_is_zero(struct usd value);
bool usd_is_negative(struct usd value);
/* -1, 0, 1 */
int usd_compare(struct usd a, struct usd b);

bool shares_is_zero(struct shares value);
bool shares_is_negative(struct shares value);
/* -1, 0, 1 */
int shares_compare(struct shares a, struct shares b);
struct shares shares_minimum(struct shares a, struct shares b);

/* The whole shares that so many dollars buy at that price: 0 and more. False: price is not
 * positive, or they do not fit. */
MUST_USE bool shares_affordable(struct usd cash, struct usd price, int64_t *whole);

/* The whole shares in |value|, rounded towards zero: 2.9 and -2.9 give 2. False above INT64_MAX. */
MUST_USE bool shares_whole(struct shares value, int64_t *whole);

/*
 * usdc / amount in dollars a share, rounded towards zero at the 18th digit. False when amount is
 * not positive, usdc is not positive, or the quotient does not fit or rounds to zero: there is no
 * price then.
 */
MUST_USE bool usd_price(struct usd usdc, struct shares amount, struct usd *price);

/* price * amount in dollars, rounded towards zero at the 18th digit; both not negative. False: does
 * not fit. */
MUST_USE bool usd_value(struct usd price, struct shares amount, struct usd *value);

/* whole * part / of in dollars, rounded towards zero at the 18th digit: what part of the shares is
 * worth. False unless 0 <= part <= of, of > 0 and whole >= 0. */
MUST_USE bool usd_part(struct usd whole, struct shares part, struct shares of, struct usd *value);

#endif
