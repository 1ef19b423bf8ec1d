/* base/hex.h and base/evm_types.h: what is accepted prints as its own lower case. */
#include "fuzz/fuzz.h"

#include "base/evm_types.h"
#include "base/hex.h"

#include <stdio.h>
#include <string.h>

/* Lower case in place; digits and 'x' have none. */
static void make_lower(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + ('a' - 'A'));
	}
}

/* "0x" and hex digits only. */
static bool is_hex(const char *text)
{
	return strncmp(text, "0x", 2) == 0 &&
	       strspn(text + 2, "0123456789abcdefABCDEF") == strlen(text + 2);
}

static void check_quantity(const char *text, const char *lower)
{
	const char *digits = lower + 2;
	uint64_t value = 7;
	char printed[32];

	if (!hex_parse_quantity(text, &value)) {
		fuzz_require(value == 7);
		fuzz_require(!is_hex(text) || digits[0] == '\0' ||
			     strlen(digits + strspn(digits, "0")) > 16);
		return;
	}
	fuzz_require(is_hex(text) && digits[0] != '\0');
	while (digits[0] == '0' && digits[1] != '\0')
		digits++;
	(void)snprintf(printed, sizeof(printed), "%llx", (unsigned long long)value);
	fuzz_require(strcmp(printed, digits) == 0);
}

static void check_data(const char *text, const char *lower)
{
	struct buffer bytes;
	struct buffer printed;

	buffer_init(&bytes, 4096);
	buffer_init(&printed, 16384);
	fuzz_require(buffer_append_text(&bytes, "before"));
	if (hex_parse_data(text, &bytes)) {
		const struct bytes added = {.data = bytes.bytes + 6, .length = bytes.length - 6};

		fuzz_require(is_hex(text) && strlen(text) == 2 + 2 * added.length);
		fuzz_require(hex_append_data(&printed, added));
		fuzz_require(strcmp(buffer_text(&printed), lower) == 0);
	} else {
		fuzz_require(bytes.length == 6);
		fuzz_require(!is_hex(text) || strlen(text) % 2 != 0 || strlen(text) > 8000);
	}
	fuzz_require(strncmp(buffer_text(&bytes), "before", 6) == 0);
	buffer_free(&bytes);
	buffer_free(&printed);
}

/* A buffer that is too small: nothing is added, whatever the bytes. */
static void check_full_buffer(struct bytes bytes)
{
	struct buffer small;

	buffer_init(&small, 2 + 2 * bytes.length - (bytes.length > 0 ? 1 : 0));
	fuzz_require(hex_append_data(&small, bytes) == (bytes.length == 0));
	fuzz_require(small.length == (bytes.length == 0 ? 2 : 0));
	buffer_free(&small);
}

static void check_words(const char *text, const char *lower)
{
	struct evm_address address;
	struct evm_word word;
	bool is_address = is_hex(text) && strlen(text) == EVM_ADDRESS_TEXT_SIZE - 1;
	bool is_word = is_hex(text) && strlen(text) == EVM_WORD_TEXT_SIZE - 1;

	fuzz_require(evm_address_parse(text, &address) == is_address);
	fuzz_require(evm_word_parse(text, &word) == is_word);
	if (is_address)
		fuzz_require(strcmp(evm_address_text(&address).text, lower) == 0);
	if (is_word)
		fuzz_require(strcmp(evm_word_text(&word).text, lower) == 0);
}

/* Big-endian number * 10 + digit; false when it leaves 256 bits. */
static bool add_digit(struct evm_word *number, unsigned int digit)
{
	unsigned int carry = digit;

	for (size_t i = sizeof(number->bytes); i-- > 0;) {
		carry += number->bytes[i] * 10u;
		number->bytes[i] = (uint8_t)carry;
		carry >>= 8;
	}
	return carry == 0;
}

static void check_integer(const struct evm_word *word)
{
	struct evm_uint256_text text = evm_uint256_text(word);
	struct evm_word back = {{0}};
	uint64_t narrow;
	uint128 wide;

	fuzz_require(text.text[0] != '\0' && (text.text[0] != '0' || text.text[1] == '\0'));
	for (const char *digit = text.text; *digit != '\0'; digit++) {
		fuzz_require(*digit >= '0' && *digit <= '9');
		fuzz_require(add_digit(&back, (unsigned int)(*digit - '0')));
	}
	fuzz_require(evm_word_equal(&back, word));
	if (evm_word_to_uint128(word, &wide)) {
		bool fits = evm_word_to_uint64(word, &narrow);

		fuzz_require(fits == (wide <= UINT64_MAX) && (!fits || narrow == wide));
	} else {
		fuzz_require(!evm_word_to_uint64(word, &narrow) && strlen(text.text) >= 39);
	}
}

/* The input as raw bytes instead of text. */
static void check_bytes(struct bytes bytes)
{
	struct evm_word word = {{0}};
	struct evm_word back;

	check_full_buffer(bytes);
	if (bytes.length > 0)
		memcpy(word.bytes, bytes.data, bytes.length < 32 ? bytes.length : 32);
	check_integer(&word);
	fuzz_require(evm_word_parse(evm_word_text(&word).text, &back));
	fuzz_require(evm_word_equal(&word, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes input = {.data = data, .length = size};
	char *text = fuzz_text(input);
	char *lower = fuzz_text(input);

	make_lower(lower);
	check_quantity(text, lower);
	check_data(text, lower);
	check_words(text, lower);
	check_bytes(input);
	memory_free(text);
	memory_free(lower);
	return 0;
}
