/* SHA-256, which names bytes that are kept elsewhere. Source: FIPS 180-4; computed by libcrypto. */
#ifndef BALLAST_BASE_SHA256_H
#define BALLAST_BASE_SHA256_H

#include "base/buffer.h"

/* 64 lower-case digits and a NUL. */
#define SHA256_TEXT_SIZE 65

struct sha256_text {
	char text[SHA256_TEXT_SIZE];
};

struct sha256_text sha256_text_of(struct bytes bytes);

#endif
