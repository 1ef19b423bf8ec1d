/*
 * base/decimal.h against independent arithmetic: text by text, products and quotients in 256 bits.
 * Input: one byte of decimals, then text (a blank ends the first number), whose bytes are taken as
 * numbers as well.
 */
#include "fuzz/fuzz.h"

#include "base/decimal.h"

#include <stdio.h>
#include <string.h>

#define WHOLE ((uint128)1000000000000000000)

/* high * 2^128 + low */
struct wide {
	uint128 high;
	uint128 low;
};

static struct wide multiply(uint128 a, uint128 b)
{
	const uint128 half = UINT64_MAX;
	uint128 low = (a & half) * (b & half);
	uint128 middle = (a >> 64) * (b & half) + (low >> 64);
	uint128 other = (a & half) * (b >> 64) + (middle & half);

	return (struct wide){
		.high = (a >> 64) * (b >> 64) + (middle >> 64) + (other >> 64),
		.low = other << 64 | (low & half),
	};
}

static int compare(struct wide a, struct wide b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return (a.low > b.low) - (a.low < b.low);
}

#define LIMIT_DIGITS "170141183460469231731687303715884105728" /* 2^127 */

/* The sign, the digits before and behind the point without idle zeros. */
struct plain {
	bool negative;
	const char *whole, *fraction;
	size_t whole_length, fraction_length;
};

/* The grammar of decimal.h by the C library's means. */
static bool is_number(const char *text, struct plain *plain)
{
	static const char digits[] = "0123456789";
	size_t whole;
	size_t fraction = 0;

	plain->negative = *text == '-';
	text += plain->negative ? 1 : 0;
	whole = strspn(text, digits);
	plain->fraction = text + whole;
	if (text[whole] == '.') {
		plain->fraction++;
		fraction = strspn(plain->fraction, digits);
	}
	if (plain->fraction[fraction] != '\0' || whole + fraction == 0)
		return false;
	while (fraction > 0 && plain->fraction[fraction - 1] == '0')
		fraction--;
	while (whole > 0 && *text == '0') {
		text++;
		whole--;
	}
	plain->whole = text;
	plain->whole_length = whole;
	plain->fraction_length = fraction;
	return true;
}

/* Whether |number| * 10^18 is below 2^127, or just there and negative. */
static bool fits(const struct plain *plain)
{
	char units[64];
	size_t length = strlen(LIMIT_DIGITS);
	size_t digits = plain->whole_length + DECIMAL_FRACTION_DIGITS;
	int order;

	if (plain->fraction_length > DECIMAL_FRACTION_DIGITS || digits > length)
		return false;
	memset(units, '0', sizeof(units));
	memcpy(units + length - digits, plain->whole, plain->whole_length);
	memcpy(units + length - DECIMAL_FRACTION_DIGITS, plain->fraction, plain->fraction_length);
	order = memcmp(units, LIMIT_DIGITS, length);
	return order < 0 || (order == 0 && plain->negative);
}

static void print_canonical(const struct plain *plain, char *text, size_t size)
{
	bool zero = plain->whole_length + plain->fraction_length == 0;

	(void)snprintf(text, size, "%s%.*s%s%.*s", plain->negative && !zero ? "-" : "",
		       plain->whole_length == 0 ? 1 : (int)plain->whole_length,
		       plain->whole_length == 0 ? "0" : plain->whole,
		       plain->fraction_length == 0 ? "" : ".", (int)plain->fraction_length,
		       plain->fraction);
}

static void check_text(const char *text, struct shares *value)
{
	char canonical[DECIMAL_TEXT_SIZE];
	struct plain plain;
	struct shares parsed = {.units = 77};
	struct shares again;
	struct usd dollars;
	bool accepted = shares_parse(text, &parsed);

	fuzz_require(accepted == (is_number(text, &plain) && fits(&plain)));
	fuzz_require(usd_parse(text, &dollars) == accepted);
	if (!accepted) {
		fuzz_require(parsed.units == 77);
		return;
	}
	print_canonical(&plain, canonical, sizeof(canonical));
	fuzz_require(strcmp(shares_text(parsed).text, canonical) == 0);
	fuzz_require(strcmp(usd_text(dollars).text, canonical) == 0);
	fuzz_require(shares_parse(canonical, &again) && again.units == parsed.units);
	*value = parsed;
}

static void check_round_trip(struct shares value)
{
	struct decimal_text text = shares_text(value);
	struct shares parsed;
	int64_t whole;
	uint128 magnitude = value.units < 0 ? -(uint128)value.units : (uint128)value.units;

	check_text(text.text, &parsed);
	fuzz_require(shares_parse(text.text, &parsed) && parsed.units == value.units);
	fuzz_require(strcmp(shares_text(parsed).text, text.text) == 0);
	fuzz_require(shares_is_zero(value) == (strcmp(text.text, "0") == 0));
	fuzz_require(shares_is_negative(value) == (text.text[0] == '-'));
	if (shares_whole(value, &whole)) {
		fuzz_require(whole >= 0 && (uint128)whole * WHOLE <= magnitude);
		fuzz_require(magnitude - (uint128)whole * WHOLE < WHOLE);
	} else {
		fuzz_require(magnitude / WHOLE > INT64_MAX);
	}
}

static void check_sums(struct shares a, struct shares b)
{
	struct shares sum = {.units = 77};
	struct shares back;
	struct usd dollars;

	fuzz_require(shares_compare(a, b) == -shares_compare(b, a));
	fuzz_require((shares_compare(a, b) == 0) == (a.units == b.units));
	fuzz_require(shares_compare(shares_minimum(a, b), a) <= 0);
	fuzz_require(shares_compare(shares_minimum(a, b), b) <= 0);
	if (shares_add(a, b, &sum)) {
		fuzz_require(shares_subtract(sum, b, &back) && back.units == a.units);
		fuzz_require(shares_subtract(sum, a, &back) && back.units == b.units);
		fuzz_require(shares_compare(sum, a) == (b.units > 0) - (b.units < 0));
	} else {
		/* Only two of one sign can leave 128 bits. */
		fuzz_require(sum.units == 77 && (a.units < 0) == (b.units < 0));
	}
	fuzz_require(usd_add((struct usd){a.units}, (struct usd){b.units}, &dollars) ==
		     shares_add(a, b, &back));
	if (shares_subtract(a, b, &sum))
		fuzz_require(shares_add(sum, b, &back) && back.units == a.units);
	else
		fuzz_require((a.units < 0) != (b.units < 0));
}

/* price * amount <= usdc * 10^18 < (price + 1) * amount, or there is no such price. */
static void check_price(struct usd usdc, struct shares amount)
{
	struct usd price = {.units = 77};
	struct wide dividend;

	if (usdc.units <= 0 || amount.units <= 0) {
		fuzz_require(!usd_price(usdc, amount, &price) && price.units == 77);
		return;
	}
	dividend = multiply((uint128)usdc.units, WHOLE);
	if (usd_price(usdc, amount, &price)) {
		uint128 quotient = (uint128)price.units;

		fuzz_require(price.units > 0);
		fuzz_require(compare(multiply(quotient, (uint128)amount.units), dividend) <= 0);
		fuzz_require(compare(multiply(quotient + 1, (uint128)amount.units), dividend) > 0);
		return;
	}
	fuzz_require(price.units == 77);
	fuzz_require(compare(dividend, multiply((uint128)amount.units, 1)) < 0 ||
		     compare(dividend, multiply((uint128)amount.units, (uint128)1 << 127)) >= 0);
}

/* value * 10^18 <= price * amount < (value + 1) * 10^18, or it does not fit. */
static void check_value(struct usd price, struct shares amount)
{
	struct usd value = {.units = 77};
	struct wide product;

	if (price.units < 0 || amount.units < 0) {
		fuzz_require(!usd_value(price, amount, &value) && value.units == 77);
		return;
	}
	product = multiply((uint128)price.units, (uint128)amount.units);
	if (usd_value(price, amount, &value)) {
		fuzz_require(value.units >= 0);
		fuzz_require(compare(multiply((uint128)value.units, WHOLE), product) <= 0);
		fuzz_require(compare(multiply((uint128)value.units + 1, WHOLE), product) > 0);
		return;
	}
	fuzz_require(value.units == 77);
	fuzz_require(compare(product, multiply((uint128)1 << 127, WHOLE)) >= 0);
}

/* The raw integer's decimal text with a point put into it says the same. */
static void check_token(const struct evm_word *raw, uint8_t decimals)
{
	struct evm_uint256_text digits = evm_uint256_text(raw);
	size_t length = strlen(digits.text);
	size_t whole = length > decimals ? length - decimals : 0;
	char text[512];
	struct shares expected;
	struct shares amount = {.units = 77};
	struct usd dollars;
	bool fits_text;
	bool fits_token = shares_from_token(raw, decimals, &amount);

	/* printf prints at least one digit of a number, so there is none where none belongs. */
	if (length < decimals)
		(void)snprintf(text, sizeof(text), ".%0*d%s", (int)(decimals - length), 0,
			       digits.text);
	else
		(void)snprintf(text, sizeof(text), "%.*s.%s", (int)whole, digits.text,
			       digits.text + whole);
	fits_text = shares_parse(text, &expected);
	fuzz_require(fits_token == fits_text);
	fuzz_require(usd_from_token(raw, decimals, &dollars) == fits_token);
	fuzz_require(amount.units == (fits_token ? expected.units : 77));
	if (fits_token)
		fuzz_require(dollars.units == amount.units);
}

static void check_integer(int64_t whole)
{
	struct shares value;
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)whole);
	fuzz_require(shares_from_integer(whole, &value));
	fuzz_require(strcmp(shares_text(value).text, text) == 0);
}

static void check_pair(struct shares a, struct shares b)
{
	check_round_trip(a);
	check_sums(a, b);
	check_price((struct usd){a.units}, b);
	check_value((struct usd){a.units}, b);
	check_value((struct usd){b.units}, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = {.data = data, .length = size};
	uint8_t decimals = fuzz_take_byte(&rest);
	char *text = fuzz_text(rest);
	char *blank = strchr(text, ' ');
	struct shares a = {.units = 0};
	struct shares b = {.units = 0};
	struct evm_word raw = {{0}};
	size_t raw_length = rest.length < sizeof(raw.bytes) ? rest.length : sizeof(raw.bytes);

	if (blank != NULL)
		*blank = '\0';
	check_text(text, &a);
	if (blank != NULL)
		check_text(blank + 1, &b);
	check_pair(a, b);
	memory_free(text);

	if (raw_length > 0)
		memcpy(raw.bytes + sizeof(raw.bytes) - raw_length, rest.data, raw_length);
	check_token(&raw, decimals);
	memcpy(&a.units, raw.bytes, sizeof(a.units));
	memcpy(&b.units, raw.bytes + sizeof(a.units), sizeof(b.units));
	check_pair(a, b);
	check_integer((int64_t)a.units);
	return 0;
}
