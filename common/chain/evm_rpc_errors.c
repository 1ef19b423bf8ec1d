/* See evm_rpc_errors.h. The first pattern that fits decides, so the order is part of the meaning.
 */
#include "chain/evm_rpc_errors.h"

#include "base/compiler.h"

#include <stddef.h>
#include <stdbool.h>

#define ANY_CODE 0

struct pattern {
	int64_t code;	   /* ANY_CODE: whatever the code */
	const char *words; /* somewhere in the message, in any case; "": whatever the words */
	enum outcome outcome;
	enum error_kind kind;
};

#define LARGE	OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE
#define RATE	OUTCOME_RETRY, ERROR_KIND_RATE_LIMITED
#define BEHIND	OUTCOME_RETRY, ERROR_KIND_BEHIND
#define REFUSED OUTCOME_REJECTED, ERROR_KIND_RPC

static const struct pattern patterns[] = {
	{ANY_CODE, "execution reverted", REFUSED},
	{3, "", REFUSED}, /* geth: the code of a revert */

	/* The node is not there yet. Before the ranges: their words overlap. */
	{ANY_CODE, "block range extends beyond current head", BEHIND}, /* geth */
	{ANY_CODE, "blockoutofrange", BEHIND},			       /* anvil */
	{ANY_CODE, "block not yet imported", BEHIND},		       /* -32014 */
	{ANY_CODE, "unknown block", BEHIND},			       /* geth, anvil */
	{ANY_CODE, "header not found", BEHIND},			       /* geth */
	{ANY_CODE, "header for hash not found", BEHIND},	       /* erigon */

	/* Rates. Before the ranges: both speak of limits, and -32005 stands for both. */
	{ANY_CODE, "rate limit", RATE},
	{ANY_CODE, "ratelimit", RATE},
	{ANY_CODE, "too many requests", RATE},
	{ANY_CODE, "request limit", RATE},
	{ANY_CODE, "compute units", RATE}, /* Alchemy */
	{ANY_CODE, "capacity limit", RATE},
	{ANY_CODE, "request rate", RATE}, /* Infura: project ID request rate exceeded */
	{429, "", RATE},
	{-32097, "", RATE},

	{ANY_CODE, "query returned more than", LARGE},	   /* Infura */
	{ANY_CODE, "exceeds limit of", LARGE},		   /* Infura: range N exceeds limit of */
	{ANY_CODE, "response size exceeded", LARGE},	   /* Alchemy */
	{ANY_CODE, "this block range should work", LARGE}, /* Alchemy */
	{ANY_CODE, "query exceeds max", LARGE},		   /* reth: results, block range */
	{ANY_CODE, "exceed maximum block range", LARGE},   /* geth */
	{ANY_CODE, "block range exceeds", LARGE},	   /* Erigon */
	{ANY_CODE, "query returns too many logs", LARGE},  /* Erigon */
	{ANY_CODE, "is limited to a", LARGE},		   /* QuickNode */
	{ANY_CODE, "range limit", LARGE},		   /* Tenderly: bigger than range limit */
	{ANY_CODE, "block range is larger", LARGE},
	{ANY_CODE, "block range too large", LARGE}, /* cdk-erigon */
	{ANY_CODE, "block range is too", LARGE},
	{ANY_CODE, "max block range", LARGE},
	{ANY_CODE, "maximum block range", LARGE},
	{ANY_CODE, "range too large", LARGE},
	{ANY_CODE, "requested range too large", LARGE}, /* -32012 */
	{ANY_CODE, "response too large", LARGE},	/* base.org */
	{ANY_CODE, "response is too big", LARGE},
	{ANY_CODE, "try with this block range", LARGE}, /* zkSync */
	{ANY_CODE, "too many results", LARGE},
	{ANY_CODE, "too many logs", LARGE},
	{ANY_CODE, "more than 10000", LARGE},
	{-32012, "", LARGE},
	{-32020, "", LARGE},
	{-32614, "", LARGE},
	{-32005, "", RATE}, /* "limit exceeded" without other words: EIP-1474 */

	{-32601, "", REFUSED}, /* method not found */
	{-32602, "", REFUSED}, /* invalid params */
	{-32600, "", REFUSED}, /* invalid request */
};

static char lower(char byte)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	return byte >= 'A' && byte <= 'Z' ? letters[byte - 'A'] : byte;
}

static bool contains(const char *message, const char *words)
{
	for (; *message != '\0'; message++) {
		size_t i = 0;

		while (words[i] != '\0' && lower(message[i]) == words[i])
			i++;
		if (words[i] == '\0')
			return true;
	}
	return words[0] == '\0';
}

enum outcome evm_rpc_classify_error(int64_t code, const char *message, enum error_kind *kind)
{
	for (size_t i = 0; i < ARRAY_LENGTH(patterns); i++) {
		const struct pattern *pattern = &patterns[i];

		if ((pattern->code == ANY_CODE || pattern->code == code) &&
		    contains(message, pattern->words)) {
			*kind = pattern->kind;
			return pattern->outcome;
		}
	}
	*kind = ERROR_KIND_RPC;
	return OUTCOME_RETRY;
}
