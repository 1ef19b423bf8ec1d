/* A log as the node gives it, and lists of them in chain order. */
#ifndef BALLAST_CHAIN_EVM_LOG_H
#define BALLAST_CHAIN_EVM_LOG_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/evm_types.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVM_LOG_MAX_TOPICS 4

struct evm_log {
	struct evm_address address;
	struct evm_word topics[EVM_LOG_MAX_TOPICS];
	size_t topic_count;
	uint64_t block_number;
	struct evm_word block_hash;
	struct evm_word tx_hash;
	uint64_t log_index;
	bool removed;
	bool has_block_timestamp; /* newer nodes send it; the header has it always */
	uint64_t block_timestamp; /* seconds since 1970 */
	size_t data_offset;	  /* into the list's data */
	size_t data_length;
	bool data_dropped; /* evm_logs_drop_data */
};

/* Owns: items and data, until evm_logs_free. */
struct evm_logs {
	struct evm_log *items;
	size_t count;
	size_t capacity;
	struct buffer data;
};

void evm_logs_init(struct evm_logs *logs);
/* Gives the memory back; the list is empty and may be used again. */
void evm_logs_free(struct evm_logs *logs);
void evm_logs_clear(struct evm_logs *logs);

/* The log's data. Valid until the list changes. */
struct bytes evm_logs_data(const struct evm_logs *logs, const struct evm_log *log);

/* Adds a copy of log with data as its data. False: BUFFER_MAX_LOG_DATA reached. */
MUST_USE bool evm_logs_add(struct evm_logs *logs, const struct evm_log *log, struct bytes data);

/* Adds a log whose data stands at data_offset in logs->data already. */
void evm_logs_push(struct evm_logs *logs, const struct evm_log *log);

/* Takes back the log that was added last, and its data. */
void evm_logs_pop(struct evm_logs *logs);

/* Forgets the data of the log that was added last: of no concern to the reader, and long. */
void evm_logs_drop_data(struct evm_logs *logs);

/* topics[0] is one of these. */
bool evm_log_has_topic(const struct evm_log *log, const struct evm_word *choices, size_t count);

/* Ascending (block_number, log_index). */
void evm_logs_sort(struct evm_logs *logs);

/* Some place is taken twice, in a sorted list. */
bool evm_logs_has_duplicates(const struct evm_logs *logs);

/* The log in that place of a sorted list; NULL: none. */
const struct evm_log *evm_logs_find(const struct evm_logs *logs, uint64_t block_number,
				    uint64_t log_index);

/* How many logs of that block the sorted list has; *first is the index of the first. */
size_t evm_logs_of_block(const struct evm_logs *logs, uint64_t block_number, size_t *first);

/* The two sorted lists have the same logs of that block, byte for byte (but for dropped data). */
bool evm_logs_agree(const struct evm_logs *a, const struct evm_logs *b, uint64_t block_number);

/*
 * Puts the logs of `block_logs` in the place of those that the sorted list has of that block.
 * False: BUFFER_MAX_LOG_DATA reached, and the list is of no use any more.
 */
MUST_USE bool evm_logs_replace_block(struct evm_logs *logs, uint64_t block_number,
				     const struct evm_logs *block_logs);

#endif
