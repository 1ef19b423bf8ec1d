/*
 * Sealing what must not be read from the database: XChaCha20-Poly1305 of libsodium, under a key of
 * 32 bytes that only the operator has. The text that is bound to it (associated data) must be the
 * same on opening, so that a sealed value cannot be moved to another row or keep company with other
 * times.
 */
#ifndef BALLAST_EXECUTOR_TOKEN_BOX_H
#define BALLAST_EXECUTOR_TOKEN_BOX_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_BOX_KEY_BYTES 32

struct token_box; /* in locked memory */

/*
 * From 64 hex digits, or from a file that has them and that only its owner can read. Exactly one of
 * the two is not "". NULL after logging what is wrong, never the digits.
 */
struct token_box *token_box_open(const char *hex_key, const char *key_file);
void token_box_close(struct token_box *box);

/* Hex of nonce, ciphertext and tag into sealed. False: does not fit. */
MUST_USE bool token_box_seal(const struct token_box *box, const char *bound, const char *secret,
			     char *sealed, size_t sealed_size);

/*
 * The reverse, into secret, which lies in locked memory. False: another key, another bound text,
 * damaged, or does not fit; secret is then "".
 */
MUST_USE bool token_box_unseal(const struct token_box *box, const char *bound, const char *sealed,
			       char *secret, size_t secret_size);

#endif
