/*
 * JSON of a node into structs, by jansson. The one header of common/ that shows json_t: only the
 * evm_rpc_*.c files include it. Every reader is strict: a missing, null or odd field makes the
 * whole thing false.
 */
#ifndef BALLAST_CHAIN_EVM_JSON_H
#define BALLAST_CHAIN_EVM_JSON_H

#include "base/compiler.h"
#include "base/outcome.h"
#include "chain/evm_log.h"
#include "chain/evm_rpc.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deeper than any answer we ask for; a parser that recurses must not be led deeper. */
#define EVM_JSON_MAX_DEPTH 32

/* Parses; the caller json_decrefs. NULL with error set: not JSON, too deep, a key twice. */
json_t *evm_json_parse(const char *text, size_t length, struct error *error);
json_t *evm_json_parse_to_depth(struct bytes bytes, size_t depth, struct error *error);

/* An id of ours: a number, or digits in a string. */
MUST_USE bool evm_json_id(const json_t *value, uint64_t *id);

/* A hex quantity of at most 63 bits. */
MUST_USE bool evm_json_quantity(const json_t *value, uint64_t *quantity);
MUST_USE bool evm_json_word(const json_t *value, struct evm_word *word);

MUST_USE bool evm_json_block(const json_t *value, struct evm_block *block);

/* Appends one log to logs. */
MUST_USE bool evm_json_log(const json_t *value, struct evm_logs *logs);
/* The same; data: the text that belongs under "data". Of NULL: it lacks. */
MUST_USE bool evm_json_log_with_data(const json_t *value, struct bytes data, struct evm_logs *logs);

/*
 * A JSON-RPC error object: classified, with its words fit for the log. REJECTED MALFORMED when it
 * is none.
 */
enum outcome evm_json_judge_error(const json_t *problem, struct error *error);

#endif
