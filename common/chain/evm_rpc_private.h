/* What the evm_rpc_*.c files that judge answers have in common. For them only. */
#ifndef BALLAST_CHAIN_EVM_RPC_PRIVATE_H
#define BALLAST_CHAIN_EVM_RPC_PRIVATE_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

static inline enum outcome evm_rpc_malformed(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "%s", what);
}

static inline struct bytes evm_rpc_bytes(const char *text, size_t length)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = length};
}

typedef enum outcome evm_rpc_read_fn(const json_t *result, void *context, struct error *error);

/* Parses, opens the envelope, hands the result to read, and frees it all. */
MUST_USE enum outcome evm_rpc_judge_to_depth(struct bytes text, uint64_t id, size_t depth,
					     evm_rpc_read_fn *read, void *context,
					     struct error *error);
MUST_USE enum outcome evm_rpc_judge(struct bytes text, uint64_t id, evm_rpc_read_fn *read,
				    void *context, struct error *error);

#endif
