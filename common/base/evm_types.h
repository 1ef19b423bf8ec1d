/* The fixed-size words of the chain. Copied freely, compared byte by byte. */
#ifndef BALLAST_BASE_EVM_TYPES_H
#define BALLAST_BASE_EVM_TYPES_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

#define EVM_ADDRESS_SIZE 20
#define EVM_WORD_SIZE	 32

/* "0x" and 40 digits; "0x" and 64 digits; and their NUL. */
#define EVM_ADDRESS_TEXT_SIZE 43
#define EVM_WORD_TEXT_SIZE    67
/* 2^256 - 1 has 78 decimal digits. */
#define EVM_UINT256_TEXT_SIZE 79

struct evm_address {
	uint8_t bytes[EVM_ADDRESS_SIZE];
};

/* A hash, a topic or an integer: 32 bytes, big-endian. */
struct evm_word {
	uint8_t bytes[EVM_WORD_SIZE];
};

struct evm_address_text {
	char text[EVM_ADDRESS_TEXT_SIZE];
};
struct evm_word_text {
	char text[EVM_WORD_TEXT_SIZE];
};
struct evm_uint256_text {
	char text[EVM_UINT256_TEXT_SIZE];
};

bool evm_address_equal(const struct evm_address *a, const struct evm_address *b);
bool evm_word_equal(const struct evm_word *a, const struct evm_word *b);

/* Lower-case, 0x-prefixed: the form in which they stand in the database. */
struct evm_address_text evm_address_text(const struct evm_address *address);
struct evm_word_text evm_word_text(const struct evm_word *word);
/* The word as an unsigned integer in decimal. */
struct evm_uint256_text evm_uint256_text(const struct evm_word *word);

/* Exactly 0x and 40 (64) hex digits of either case; anything else is false. */
MUST_USE bool evm_address_parse(const char *text, struct evm_address *address);
MUST_USE bool evm_word_parse(const char *text, struct evm_word *word);

/* False when the integer does not fit. */
MUST_USE bool evm_word_to_uint64(const struct evm_word *word, uint64_t *value);
MUST_USE bool evm_word_to_uint128(const struct evm_word *word, uint128 *value);

/*
 * The integer times 10^exponent in place, rounded towards zero. False, and the word is of no use
 * any more: more than 256 bits. Never more than 78 steps, whatever the exponent.
 */
MUST_USE bool evm_word_scale(struct evm_word *word, int64_t exponent);

/* Divides the integer in place by ten; the remainder. */
unsigned int evm_word_divide_by_ten(struct evm_word *word);

#endif
