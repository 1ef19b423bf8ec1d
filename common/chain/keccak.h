/*
 * Keccak-256 as the chain uses it. Source: Keccak reference, version 3.0, with the padding of
 * before FIPS 202 (0x01, where SHA3-256 has 0x06). Debian 12's OpenSSL and libsodium have SHA-3
 * only.
 */
#ifndef BALLAST_CHAIN_KECCAK_H
#define BALLAST_CHAIN_KECCAK_H

#include "base/buffer.h"
#include "base/evm_types.h"

struct evm_word keccak_256(struct bytes message);

#endif
