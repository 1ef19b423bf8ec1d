/* See sha256.h. */
#include "base/sha256.h"

#include "base/hex.h"
#include "base/log.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define DIGEST_BYTES 32

struct sha256_text sha256_text_of(struct bytes bytes)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char prefixed[2 + SHA256_TEXT_SIZE];
	struct sha256_text text;
	unsigned int length = 0;

	/* libcrypto 3.0 whose start ran out of memory says so nowhere else, and crashes later. */
	if (OSSL_LIB_CTX_get0_global_default() == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory: libcrypto has not started");
	if (EVP_Digest(bytes.data, bytes.length, digest, &length, EVP_sha256(), NULL) != 1)
		fatal(EXIT_CODE_TRY_AGAIN, "libcrypto gives no SHA-256: out of memory?");
	invariant(length == DIGEST_BYTES);
	hex_format_fixed(digest, DIGEST_BYTES, prefixed);
	memcpy(text.text, prefixed + 2, sizeof(text.text));
	return text;
}
