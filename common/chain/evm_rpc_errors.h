/*
 * What providers mean by their errors. The words differ by vendor and version; each pattern has its
 * source beside it in evm_rpc_errors.c.
 */
#ifndef BALLAST_CHAIN_EVM_RPC_ERRORS_H
#define BALLAST_CHAIN_EVM_RPC_ERRORS_H

#include "base/outcome.h"

#include <stdint.h>

/* code and message of a JSON-RPC error object; gives the outcome and kind described in evm_rpc.h.
 */
enum outcome evm_rpc_classify_error(int64_t code, const char *message, enum error_kind *kind);

#endif
