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

#define EVM_RPC_WORDS_SIZE 181

struct evm_rpc_words {
	char text[EVM_RPC_WORDS_SIZE];
};

/*
 * The node's words as they may be logged: cut to fit, and every long run of letters and digits that
 * is no hex number becomes "...". Providers put keys into the URL, and some repeat it in an error.
 */
struct evm_rpc_words evm_rpc_words_for_people(const char *message);

#endif
