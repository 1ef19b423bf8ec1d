/*
 * JSON-RPC 2.0 to an EVM node: building requests and judging answers. Pure text in, structs out;
 * the bytes travel through http.h or websocket.h. Source: JSON-RPC 2.0 specification; Ethereum
 * execution-apis, eth namespace; shapes of provider errors as collected in evm_rpc_errors.c.
 *
 * Every *_answer function judges one whole answer: it must be JSON of limited depth, carry the
 * expected id, have exactly one of result and error, and each field its exact shape; otherwise it
 * is REJECTED with kind MALFORMED and nothing of it is used. An error object is classified: RETRY
 * with kind RATE_LIMITED, RANGE_TOO_LARGE, BEHIND, ABSENT or RPC (transient or unknown words), or
 * REJECTED with kind RPC where the node says the call itself can never succeed (execution reverted,
 * invalid params). Block numbers, log indices and timestamps above INT64_MAX are malformed: no
 * chain has them and the database could not hold them.
 */
#ifndef BALLAST_CHAIN_EVM_RPC_H
#define BALLAST_CHAIN_EVM_RPC_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/evm_types.h"
#include "base/outcome.h"
#include "chain/evm_log.h"
#include "chain/logs_bloom.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is read of a header. */
struct evm_block {
	uint64_t number;
	struct evm_word hash;
	struct evm_word parent_hash;
	uint64_t timestamp; /* seconds since 1970 */
	bool has_bloom;	    /* false: absent or odd; some chains have none */
	struct logs_bloom bloom;
};

/* What is read of a transaction's receipt. */
struct evm_receipt {
	struct evm_word block_hash;
	uint64_t block_number;
	uint64_t gas_used;
	bool has_gas_price;
	uint64_t gas_price_wei; /* effective */
	bool has_l1_fee;
	uint64_t l1_fee_wei; /* what a rollup pays for its data, beside the gas */
};

/* A call in the state after a block. */
struct evm_call {
	struct evm_address to;
	struct bytes data;
	struct evm_word block_hash;
	uint64_t block_number;
};

/* Every request below is appended to request (cleared first) as one JSON text. id: never reused by
 * a caller. */
void evm_rpc_request_chain_id(struct buffer *request, uint64_t id);
void evm_rpc_request_block_number(struct buffer *request, uint64_t id);
void evm_rpc_request_block(struct buffer *request, uint64_t id, uint64_t block_number);
/* several in one batch (JSON-RPC 2.0, section 6), under ids from first_id on; count > 0 */
void evm_rpc_request_blocks(struct buffer *request, uint64_t first_id,
			    const uint64_t *block_numbers, size_t count);
/* the newest block that the chain promises never to give up */
void evm_rpc_request_finalized_block(struct buffer *request, uint64_t id);
/* every receipt of a block, and so every log, from another index of the node than eth_getLogs */
void evm_rpc_request_receipts(struct buffer *request, uint64_t id, uint64_t block_number);
/* logs of address with topics[0] among topic_choices, blocks first..last */
void evm_rpc_request_logs(struct buffer *request, uint64_t id, const struct evm_address *address,
			  const struct evm_word *topic_choices, size_t topic_count,
			  uint64_t first_block, uint64_t last_block);
/* the same for the one block with that hash (EIP-234): a node without it must say so */
void evm_rpc_request_logs_of_block(struct buffer *request, uint64_t id,
				   const struct evm_address *address,
				   const struct evm_word *topic_choices, size_t topic_count,
				   const struct evm_word *block_hash);
void evm_rpc_request_call(struct buffer *request, uint64_t id, const struct evm_address *to,
			  struct bytes call_data);
/* the same in the state after a block: of that hash (EIP-1898), or of that number */
void evm_rpc_request_call_at_hash(struct buffer *request, uint64_t id, const struct evm_call *call);
void evm_rpc_request_call_at_number(struct buffer *request, uint64_t id,
				    const struct evm_call *call);
void evm_rpc_request_receipt(struct buffer *request, uint64_t id, const struct evm_word *tx_hash);
/* its calls, by geth's callTracer: debug_traceTransaction */
void evm_rpc_request_trace(struct buffer *request, uint64_t id, const struct evm_word *tx_hash);
void evm_rpc_request_subscribe_heads(struct buffer *request, uint64_t id);
void evm_rpc_request_subscribe_logs(struct buffer *request, uint64_t id,
				    const struct evm_address *address,
				    const struct evm_word *topic_choices, size_t topic_count);

/* Which logs of one block. */
struct evm_logs_filter {
	const struct evm_address *address;
	const struct evm_word *topic_choices;
	size_t topic_count;
	uint64_t block_number;
	struct evm_word block_hash;
};

MUST_USE enum outcome evm_rpc_answer_quantity(const char *text, size_t length, uint64_t id,
					      uint64_t *quantity, struct error *error);
/* RETRY with kind BEHIND when the node does not have the block (null). */
MUST_USE enum outcome evm_rpc_answer_block(const char *text, size_t length, uint64_t id,
					   struct evm_block *block, struct error *error);
/* The block of that number; another one is MALFORMED. */
MUST_USE enum outcome evm_rpc_answer_block_at(const char *text, size_t length, uint64_t id,
					      uint64_t block_number, struct evm_block *block,
					      struct error *error);
/*
 * The answer to a batch of them, in whatever order it has them: each must be there once, and is
 * judged alone; the first that is wrong decides. MALFORMED: no list of so many.
 */
MUST_USE enum outcome evm_rpc_answer_blocks(const char *text, size_t length, uint64_t first_id,
					    const uint64_t *block_numbers, size_t count,
					    struct evm_block *blocks, struct error *error);
/*
 * As it arrives: evm_logs_stream.h.
 * logs is cleared first and sorted on return. Refused whole: a log with a null or missing field, of
 * another address, with a topic that was not asked for, twice the same (block_number, log_index),
 * or (last_block >= first_block given) outside the asked range; or removed:true.
 */
MUST_USE enum outcome evm_rpc_answer_logs(const char *text, size_t length, uint64_t id,
					  const struct evm_address *address,
					  const struct evm_word *topic_choices, size_t topic_count,
					  uint64_t first_block, uint64_t last_block,
					  struct evm_logs *logs, struct error *error);
/*
 * The logs of a block's receipts that have that address and one of those topics: cleared first,
 * sorted. MALFORMED: a field that is missing or of another block than block_hash, a removed log,
 * the same log twice. receipts: how many there are. RETRY with kind BEHIND when the node does not
 * have the block.
 */
MUST_USE enum outcome evm_rpc_answer_receipts(const char *text, size_t length, uint64_t id,
					      const struct evm_logs_filter *filter,
					      struct evm_logs *logs, size_t *receipts,
					      struct error *error);
/* The bytes that eth_call returned, appended to data. */
MUST_USE enum outcome evm_rpc_answer_data(const char *text, size_t length, uint64_t id,
					  struct buffer *data, struct error *error);

/*
 * A transaction's receipt, and all its logs: cleared first, sorted. MALFORMED: a field that is
 * missing or of another transaction or block. RETRY with kind BEHIND when the node does not have
 * the transaction.
 */
MUST_USE enum outcome evm_rpc_answer_receipt(struct bytes text, uint64_t id,
					     const struct evm_word *tx_hash,
					     struct evm_receipt *receipt, struct evm_logs *logs,
					     struct error *error);

#define EVM_SUBSCRIPTION_ID_SIZE 80

struct evm_subscription_id {
	char text[EVM_SUBSCRIPTION_ID_SIZE];
};

MUST_USE enum outcome evm_rpc_answer_subscribe(const char *text, size_t length, uint64_t id,
					       struct evm_subscription_id *subscription,
					       struct error *error);

/* What a message on a subscribed connection is. */
enum evm_message_kind {
	EVM_MESSAGE_ANSWER, /* to the request with .id: judge it with the *_answer function */
	EVM_MESSAGE_LOG,    /* .log (its data in .logs.data) of .subscription */
	EVM_MESSAGE_HEAD,   /* .block of .subscription */
	EVM_MESSAGE_OTHER,  /* something else that is JSON: count it, go on */
};

struct evm_message {
	enum evm_message_kind kind;
	uint64_t id;
	struct evm_subscription_id subscription;
	struct evm_block block;
	struct evm_logs logs; /* exactly one log when kind is LOG. Owned; evm_message_free */
	struct buffer rest;   /* the reader's: the text without a log's data. Owned, too */
};

void evm_message_init(struct evm_message *message);
void evm_message_free(struct evm_message *message);

/*
 * Tells what one WebSocket message is and reads it if it is a notification. REJECTED with kind
 * MALFORMED: not JSON, or a notification with a field of the wrong shape (nothing of it may be
 * used).
 */
MUST_USE enum outcome evm_rpc_read_message(const char *text, size_t length,
					   struct evm_message *message, struct error *error);

#endif
