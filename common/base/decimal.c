/*
 * Exact amounts. Everything is an integer of 10^-18 units; every operation says when its result
 * does not fit.
 */
#include "base/decimal.h"

#include "base/log.h"

#include <string.h>

#define UNITS_PER_WHOLE	   ((int128)UNITS_PER_WHOLE_64)
#define UNITS_PER_WHOLE_64 UINT64_C(1000000000000000000)

static const int128 int128_maximum = (int128)(((uint128)1 << 127) - 1);

static struct decimal_text format_units(int128 units)
{
	struct decimal_text text;
	char digits[DECIMAL_TEXT_SIZE];
	size_t start = sizeof(digits);
	uint128 magnitude = units < 0 ? -(uint128)units : (uint128)units;
	uint128 whole = magnitude / UNITS_PER_WHOLE_64;
	/* In 64 bits, where a digit costs a multiplication, not a call. */
	uint64_t fraction = (uint64_t)(magnitude % UNITS_PER_WHOLE_64);
	bool is_whole = fraction == 0;

	for (int i = 0; i < DECIMAL_FRACTION_DIGITS && !is_whole; i++) {
		char digit = (char)('0' + (int)(fraction % 10));

		fraction /= 10;
		if (start != sizeof(digits) || digit != '0')
			digits[--start] = digit;
	}
	if (!is_whole)
		digits[--start] = '.';
	do {
		digits[--start] = (char)('0' + (int)(whole % 10));
		whole /= 10;
	} while (whole != 0);
	if (units < 0)
		digits[--start] = '-';
	memcpy(text.text, digits + start, sizeof(digits) - start);
	text.text[sizeof(digits) - start] = '\0';
	return text;
}

static bool add_digit(uint128 *magnitude, unsigned int digit)
{
	uint128 longer;

	if (__builtin_mul_overflow(*magnitude, (uint128)10, &longer) ||
	    __builtin_add_overflow(longer, (uint128)digit, &longer) || longer > (uint128)1 << 127)
		return false;
	*magnitude = longer;
	return true;
}

/* Digits of the fraction, of which at most 18 may be significant; fills up to 18. */
static bool parse_fraction(const char **text, uint128 *magnitude, bool *any)
{
	int count = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++) {
		*any = true;
		if (count == DECIMAL_FRACTION_DIGITS) {
			if (**text != '0')
				return false;
			continue;
		}
		if (!add_digit(magnitude, (unsigned int)(**text - '0')))
			return false;
		count++;
	}
	for (; count < DECIMAL_FRACTION_DIGITS; count++) {
		if (!add_digit(magnitude, 0))
			return false;
	}
	return true;
}

static bool parse_units(const char *text, int128 *units)
{
	bool negative = *text == '-';
	uint128 magnitude = 0;
	bool any = false;

	if (negative)
		text++;
	for (; *text >= '0' && *text <= '9'; text++) {
		any = true;
		if (!add_digit(&magnitude, (unsigned int)(*text - '0')))
			return false;
	}
	if (*text == '.')
		text++;
	else if (*text != '\0')
		return false;
	if (!parse_fraction(&text, &magnitude, &any) || *text != '\0' || !any)
		return false;
	/* -2^127 has no positive counterpart, and is a number all the same. */
	if (magnitude > (uint128)int128_maximum + (negative ? 1 : 0))
		return false;
	*units = negative ? (int128)(0 - magnitude) : (int128)magnitude;
	return true;
}

/* Raw units of a token with that many decimals, as 10^-18; exact or false. */
static bool units_from_token(const struct evm_word *raw, uint8_t decimals, int128 *units)
{
	struct evm_word scaled = *raw;
	int shift = DECIMAL_FRACTION_DIGITS - decimals;
	uint128 value;

	for (; shift < 0; shift++) {
		if (evm_word_divide_by_ten(&scaled) != 0)
			return false;
	}
	if (!evm_word_to_uint128(&scaled, &value))
		return false;
	for (; shift > 0; shift--) {
		if (!add_digit(&value, 0))
			return false;
	}
	if (value > (uint128)int128_maximum)
		return false;
	*units = (int128)value;
	return true;
}

static bool units_from_scientific(const struct evm_word *coefficient, int32_t exponent,
				  int128 *units)
{
	struct evm_word scaled = *coefficient;
	uint128 value;

	if (!evm_word_scale(&scaled, (int64_t)exponent + DECIMAL_FRACTION_DIGITS) ||
	    !evm_word_to_uint128(&scaled, &value) || value > (uint128)int128_maximum)
		return false;
	*units = (int128)value;
	return true;
}

struct decimal_text shares_text(struct shares value)
{
	return format_units(value.units);
}

struct decimal_text usd_text(struct usd value)
{
	return format_units(value.units);
}

bool shares_parse(const char *text, struct shares *value)
{
	return parse_units(text, &value->units);
}

bool usd_parse(const char *text, struct usd *value)
{
	return parse_units(text, &value->units);
}

bool shares_from_token(const struct evm_word *raw, uint8_t decimals, struct shares *value)
{
	return units_from_token(raw, decimals, &value->units);
}

bool usd_from_token(const struct evm_word *raw, uint8_t decimals, struct usd *value)
{
	return units_from_token(raw, decimals, &value->units);
}

bool shares_from_scientific(const struct evm_word *coefficient, int32_t exponent,
			    struct shares *value)
{
	return units_from_scientific(coefficient, exponent, &value->units);
}

bool usd_from_scientific(const struct evm_word *coefficient, int32_t exponent, struct usd *value)
{
	return units_from_scientific(coefficient, exponent, &value->units);
}

bool shares_from_integer(int64_t whole, struct shares *value)
{
	int128 units;

	if (__builtin_mul_overflow((int128)whole, UNITS_PER_WHOLE, &units))
		return false;
	value->units = units;
	return true;
}

bool shares_add(struct shares a, struct shares b, struct shares *sum)
{
	int128 units;

	if (__builtin_add_overflow(a.units, b.units, &units))
		return false;
	sum->units = units;
	return true;
}

bool shares_subtract(struct shares a, struct shares b, struct shares *difference)
{
	int128 units;

	if (__builtin_sub_overflow(a.units, b.units, &units))
		return false;
	difference->units = units;
	return true;
}

bool usd_add(struct usd a, struct usd b, struct usd *sum)
{
	int128 units;

	if (__builtin_add_overflow(a.units, b.units, &units))
		return false;
	sum->units = units;
	return true;
}

bool usd_subtract(struct usd a, struct usd b, struct usd *difference)
{
	int128 units;

	if (__builtin_sub_overflow(a.units, b.units, &units))
		return false;
	difference->units = units;
	return true;
}

bool usd_is_zero(struct usd value)
{
	return value.units == 0;
}

bool usd_is_negative(struct usd value)
{
	return value.units < 0;
}

int usd_compare(struct usd a, struct usd b)
{
	return (a.units > b.units) - (a.units < b.units);
}

bool shares_affordable(struct usd cash, struct usd price, int64_t *whole)
{
	int128 count;

	if (price.units <= 0)
		return false;
	count = cash.units <= 0 ? 0 : cash.units / price.units;
	if (count > INT64_MAX)
		return false;
	*whole = (int64_t)count;
	return true;
}

bool shares_is_zero(struct shares value)
{
	return value.units == 0;
}

bool shares_is_negative(struct shares value)
{
	return value.units < 0;
}

int shares_compare(struct shares a, struct shares b)
{
	return (a.units > b.units) - (a.units < b.units);
}

struct shares shares_minimum(struct shares a, struct shares b)
{
	return a.units < b.units ? a : b;
}

bool shares_whole(struct shares value, int64_t *whole)
{
	uint128 magnitude = value.units < 0 ? -(uint128)value.units : (uint128)value.units;
	uint128 rounded = magnitude / (uint128)UNITS_PER_WHOLE;

	if (rounded > INT64_MAX)
		return false;
	*whole = (int64_t)rounded;
	return true;
}

/* The next decimal digit of remainder / divisor: remainder * 10 as ten additions that never leave
 * 128 bits. */
static unsigned int next_digit(uint128 *remainder, uint128 divisor)
{
	uint128 sum = 0;
	unsigned int digit = 0;

	for (int i = 0; i < 10; i++) {
		sum += *remainder;
		if (sum >= divisor) {
			sum -= divisor;
			digit++;
		}
	}
	*remainder = sum;
	return digit;
}

bool usd_price(struct usd usdc, struct shares amount, struct usd *price)
{
	uint128 quotient;
	uint128 remainder;

	if (usdc.units <= 0 || amount.units <= 0)
		return false;
	quotient = (uint128)usdc.units / (uint128)amount.units;
	remainder = (uint128)usdc.units % (uint128)amount.units;
	for (int i = 0; i < DECIMAL_FRACTION_DIGITS; i++) {
		if (!add_digit(&quotient, next_digit(&remainder, (uint128)amount.units)))
			return false;
	}
	if (quotient == 0 || quotient > (uint128)int128_maximum)
		return false;
	price->units = (int128)quotient;
	return true;
}

/*
 * price * amount / 10^18 by the whole dollars and the rest of each:
 * (P + p) * (A + a) with P, A whole and p, a below one.
 */
bool usd_value(struct usd price, struct shares amount, struct usd *value)
{
	int128 price_whole = price.units / UNITS_PER_WHOLE;
	int128 price_rest = price.units % UNITS_PER_WHOLE;
	int128 amount_whole = amount.units / UNITS_PER_WHOLE;
	int128 amount_rest = amount.units % UNITS_PER_WHOLE;
	int128 whole;
	int128 sum;
	int128 part;

	if (price.units < 0 || amount.units < 0)
		return false;
	if (__builtin_mul_overflow(price_whole, amount_whole, &whole) ||
	    __builtin_mul_overflow(whole, UNITS_PER_WHOLE, &sum))
		return false;
	/* Each of these two is a whole number times less than 10^18 units: exact, and checked. */
	if (__builtin_mul_overflow(price_whole, amount_rest, &part) ||
	    __builtin_add_overflow(sum, part, &sum))
		return false;
	if (__builtin_mul_overflow(amount_whole, price_rest, &part) ||
	    __builtin_add_overflow(sum, part, &sum))
		return false;
	/* Below 10^36: only here anything is rounded. */
	part = price_rest * amount_rest / UNITS_PER_WHOLE;
	if (__builtin_add_overflow(sum, part, &sum))
		return false;
	value->units = sum;
	return true;
}

/*
 * Digit by binary digit of whole, as long division on paper: the product needs 254 bits, quotient
 * and remainder never more than 128.
 */
bool usd_part(struct usd whole, struct shares part, struct shares of, struct usd *value)
{
	const uint128 divisor = (uint128)of.units;
	uint128 quotient = 0;
	uint128 remainder = 0;

	if (whole.units < 0 || part.units < 0 || of.units <= 0 || part.units > of.units)
		return false;
	for (int bit = 126; bit >= 0; bit--) {
		quotient *= 2;
		remainder *= 2;
		if (remainder >= divisor) {
			remainder -= divisor;
			quotient++;
		}
		if (((uint128)whole.units >> bit & 1) != 0)
			remainder += (uint128)part.units;
		if (remainder >= divisor) {
			remainder -= divisor;
			quotient++;
		}
	}
	value->units = (int128)quotient;
	return true;
}
