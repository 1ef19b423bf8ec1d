/* Hexadecimal text of JSON-RPC. Source: Ethereum JSON-RPC specification, "Hex value encoding". */
#ifndef BALLAST_BASE_HEX_H
#define BALLAST_BASE_HEX_H

#include "base/buffer.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * QUANTITY: "0x" and 1 to 16 hex digits. Leading zeros are tolerated (nodes do send them), an empty
 * "0x", a missing prefix, other characters and more than 64 bits are not.
 */
MUST_USE bool hex_parse_quantity(const char *text, uint64_t *value);

/* DATA: "0x" and an even number of digits of either case, "0x" being empty. Appends the bytes. */
MUST_USE bool hex_parse_data(const char *text, struct buffer *bytes);
/* The same of a text without an end of its own. */
MUST_USE bool hex_parse_data_of(struct bytes text, struct buffer *bytes);

/* Two digits of either case; what stands behind them is not looked at. */
MUST_USE bool hex_parse_byte(const char *digits, uint8_t *byte);

/* Exactly length bytes: "0x" and 2 * length digits. */
MUST_USE bool hex_parse_fixed(const char *text, uint8_t *bytes, size_t length);

/* Appends "0x" and lower-case digits. False when the buffer's maximum is reached. */
MUST_USE bool hex_append_data(struct buffer *text, struct bytes bytes);

/* Writes "0x", 2 * length lower-case digits and a NUL; text holds 2 * length + 3 bytes. */
void hex_format_fixed(const uint8_t *bytes, size_t length, char *text);

#endif
