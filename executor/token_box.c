/* See token_box.h. */
#include "executor/token_box.h"

#include "base/buffer.h"
#include "base/config.h"
#include "base/log.h"
#include "executor/locked_memory.h"

#include <sodium.h>
#include <string.h>

#define NONCE_BYTES ((size_t)crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
#define TAG_BYTES   ((size_t)crypto_aead_xchacha20poly1305_ietf_ABYTES)

/* A key in hex, and the line end after it. */
#define KEY_FILE_MAXIMUM ((size_t)256)

struct token_box {
	unsigned char key[TOKEN_BOX_KEY_BYTES];
};

static bool read_key(const char *hex, size_t length, struct token_box *box)
{
	size_t key_length = 0;

	return length == 2 * sizeof(box->key) &&
	       sodium_hex2bin(box->key, sizeof(box->key), hex, length, NULL, &key_length, NULL) ==
		       0 &&
	       key_length == sizeof(box->key);
}

static bool read_key_file(const char *path, struct token_box *box)
{
	struct buffer text;
	size_t length;
	bool good;

	buffer_init(&text, KEY_FILE_MAXIMUM);
	good = config_read_private_file(path, &text);
	if (good) {
		length = strcspn(buffer_text(&text), "\r\n");
		good = read_key(buffer_text(&text), length, box);
		if (!good)
			log_error("ENCRYPTION_KEY_FILE: must hold 64 hex digits (make one: openssl "
				  "rand -hex 32) path=%s",
				  path);
	}
	buffer_free(&text);
	return good;
}

struct token_box *token_box_open(const char *hex_key, const char *key_file)
{
	struct token_box *box = locked_memory_allocate(sizeof(*box));
	bool good = false;

	if ((hex_key[0] == '\0') == (key_file[0] == '\0')) {
		log_error("set one of ENCRYPTION_KEY and ENCRYPTION_KEY_FILE (64 hex digits; make "
			  "one: openssl rand -hex 32)");
	} else if (key_file[0] != '\0') {
		good = read_key_file(key_file, box);
	} else {
		good = read_key(hex_key, strlen(hex_key), box);
		if (!good)
			log_error("ENCRYPTION_KEY: must be 64 hex digits (make one: openssl rand "
				  "-hex 32)");
	}
	if (!good) {
		token_box_close(box);
		return NULL;
	}
	return box;
}

void token_box_close(struct token_box *box)
{
	locked_memory_free(box);
}

bool token_box_seal(const struct token_box *box, const char *bound, const char *secret,
		    char *sealed, size_t sealed_size)
{
	size_t length = strlen(secret);
	size_t total = NONCE_BYTES + length + TAG_BYTES;
	unsigned char *bytes;
	int result;

	if (sealed_size < 2 * total + 1)
		return false;
	bytes = memory_allocate(1, total);
	randombytes_buf(bytes, NONCE_BYTES);
	result = crypto_aead_xchacha20poly1305_ietf_encrypt(
		bytes + NONCE_BYTES, NULL, (const unsigned char *)secret, length,
		(const unsigned char *)bound, strlen(bound), NULL, bytes, box->key);
	invariant(result == 0);
	(void)sodium_bin2hex(sealed, sealed_size, bytes, total);
	memory_free(bytes);
	return true;
}

/* bytes: nonce, ciphertext, tag. */
static bool decrypt(const struct token_box *box, const char *bound, const unsigned char *bytes,
		    size_t total, char *secret, size_t secret_size)
{
	size_t length = total - NONCE_BYTES - TAG_BYTES;

	if (length >= secret_size)
		return false;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    (unsigned char *)secret, NULL, NULL, bytes + NONCE_BYTES, total - NONCE_BYTES,
		    (const unsigned char *)bound, strlen(bound), bytes, box->key) != 0) {
		secret[0] = '\0';
		return false;
	}
	secret[length] = '\0';
	return true;
}

bool token_box_unseal(const struct token_box *box, const char *bound, const char *sealed,
		      char *secret, size_t secret_size)
{
	size_t hex_length = strlen(sealed);
	size_t total = hex_length / 2;
	size_t read = 0;
	unsigned char *bytes;
	bool good;

	secret[0] = '\0';
	if (hex_length % 2 != 0 || total < NONCE_BYTES + TAG_BYTES)
		return false;
	bytes = memory_allocate(1, total);
	good = sodium_hex2bin(bytes, total, sealed, hex_length, NULL, &read, NULL) == 0 &&
	       read == total && decrypt(box, bound, bytes, total, secret, secret_size);
	memory_free(bytes);
	return good;
}
