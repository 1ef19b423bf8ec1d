/* See evm_rpc_errors.h. The first pattern that fits decides, so the order is part of the meaning.
 */
#include "chain/evm_rpc_errors.h"

#include "base/compiler.h"

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

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
#define ABSENT	OUTCOME_RETRY, ERROR_KIND_ABSENT
#define REFUSED OUTCOME_REJECTED, ERROR_KIND_RPC

static const struct pattern patterns[] = {
	{ANY_CODE, "execution reverted", REFUSED},
	{3, "", REFUSED}, /* geth: the code of a revert */

	/* The node is not there yet. Before the ranges: their words overlap. */
	{ANY_CODE, "beyond current head", BEHIND}, /* geth, ethrex: block range extends beyond */
	{ANY_CODE, "blockoutofrange", BEHIND},	   /* anvil */
	{ANY_CODE, "not yet imported", BEHIND},	   /* head lag behind load balancers: -32014 */
	{ANY_CODE, "unknown block", BEHIND},	   /* geth, anvil */
	{ANY_CODE, "header not found", BEHIND},	   /* geth */
	{ANY_CODE, "header for hash not found", BEHIND}, /* Erigon */
	{-32014, "", BEHIND},

	/* The state of an old block was pruned. */
	{ANY_CODE, "missing trie node", ABSENT},      /* geth */
	{ANY_CODE, "historical state", ABSENT},	      /* geth: .. is not available; Erigon */
	{ANY_CODE, "state is not available", ABSENT}, /* geth: required historical .. */
	{ANY_CODE, "no state available", ABSENT},     /* Nethermind: .. for block */
	{ANY_CODE, "is pruned", ABSENT},	      /* reth: state at block .. is pruned */

	/* Rates. Before the ranges: both speak of limits, and -32005 stands for both. */
	{ANY_CODE, "rate limit", RATE},	       /* Infura and many others */
	{ANY_CODE, "ratelimit", RATE},	       /* the same as one word */
	{ANY_CODE, "rate exceeded", RATE},     /* Infura: project ID request rate exceeded */
	{ANY_CODE, "too many requests", RATE}, /* the words of HTTP 429 */
	{ANY_CODE, "request limit", RATE},     /* QuickNode: 15/second request limit reached */
	{ANY_CODE, "compute units", RATE},     /* Alchemy: exceeded its compute units per second */
	{ANY_CODE, "requests capacity", RATE}, /* Alchemy: exceeded its concurrent requests */
	{ANY_CODE, "capacity limit", RATE},    /* Alchemy: Monthly capacity limit exceeded */
	{ANY_CODE, "request count exceeded", RATE}, /* Infura: daily request count exceeded */
	{429, "", RATE},
	{-32097, "", RATE},

	{ANY_CODE, "query returned more than", LARGE},	/* Infura, Thirdweb, zkSync */
	{ANY_CODE, "exceeds limit of", LARGE},		/* Infura: range N exceeds limit of M */
	{ANY_CODE, "response size exceeded", LARGE},	/* Alchemy */
	{ANY_CODE, "block range should work", LARGE},	/* Alchemy */
	{ANY_CODE, "try with this block range", LARGE}, /* zkSync, Infura */
	{ANY_CODE, "requests with up to a", LARGE},	/* Alchemy: .. up to a 10 block range */
	{ANY_CODE, "query exceeds max", LARGE},		/* reth: results, block range */
	{ANY_CODE, "maximum block range", LARGE},	/* geth, publicnode: exceed maximum .. */
	{ANY_CODE, "max block range", LARGE},		/* Morph: larger than max block range */
	{ANY_CODE, "block range exceeds", LARGE},	/* Erigon: query block range exceeds */
	{ANY_CODE, "query returns too many", LARGE},	/* Erigon: logs */
	{ANY_CODE, "is limited to a", LARGE},		/* QuickNode: .. a 10,000 range */
	{ANY_CODE, "range limit", LARGE},		/* Tenderly, Thirdweb: bigger than .. */
	{ANY_CODE, "block range too", LARGE},		/* cdk-erigon: large; Candle: high */
	{ANY_CODE, "block range is too", LARGE},	/* Ankr, Polygon: large; others: wide */
	{ANY_CODE, "range too large", LARGE},		/* -32012: requested range too large */
	{ANY_CODE, "range is too large", LARGE},
	{ANY_CODE, "ranges over", LARGE},	  /* dRPC: .. N blocks are not supported */
	{ANY_CODE, "response too large", LARGE},  /* base.org: backend response too large */
	{ANY_CODE, "response is too big", LARGE}, /* jsonrpsee (reth and others): -32008 */
	{ANY_CODE, "too many results", LARGE},	  /* no vendor known, the meaning is clear */
	{ANY_CODE, "too many logs", LARGE},
	{ANY_CODE, "more than 10000", LARGE},
	{-32012, "", LARGE},
	{-32020, "", LARGE}, /* base.org */
	{-32614, "", LARGE}, /* QuickNode */
	{-32005, "", RATE},  /* EIP-1474: limit exceeded, and no words that say which */

	{-32601, "", REFUSED}, /* method not found */
	{-32602, "", REFUSED}, /* invalid params */
	{-32600, "", REFUSED}, /* invalid request */
};

static char lower(char byte)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	if (byte < 'A' || byte > 'Z')
		return byte;
	return letters[byte - 'A'];
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

/* A key of any provider is longer, a word of any sentence shorter. */
#define KEY_MINIMUM 20

static bool is_key_byte(char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

static size_t key_run(const char *text)
{
	size_t length = 0;

	while (is_key_byte(text[length]))
		length++;
	return length;
}

static bool is_hex_number(const char *text, size_t length)
{
	return strncmp(text, "0x", 2) == 0 &&
	       strspn(text + 2, "0123456789abcdefABCDEF") >= length - 2;
}

struct evm_rpc_words evm_rpc_words_for_people(const char *message)
{
	struct evm_rpc_words words = {.text = ""};
	size_t used = 0;

	while (*message != '\0' && used < sizeof(words.text) - 1) {
		size_t run = key_run(message);
		bool is_key = run >= KEY_MINIMUM && !is_hex_number(message, run);
		const char *piece = is_key ? "..." : message;
		size_t length = is_key ? strlen("...") : run + (run == 0 ? 1 : 0);

		if (length > sizeof(words.text) - 1 - used)
			length = sizeof(words.text) - 1 - used;
		memcpy(words.text + used, piece, length);
		used += length;
		message += run == 0 ? 1 : run;
	}
	words.text[used] = '\0';
	return words;
}
