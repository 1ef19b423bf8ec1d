/*
 * The answer to eth_getLogs, judged log by log as it arrives: however long it is, what is kept in
 * memory is one log's text and what the reader wants of the logs. What is refused, and how, stands
 * at evm_rpc_answer_logs, which is this with the whole text at once.
 */
#ifndef BALLAST_CHAIN_EVM_LOGS_STREAM_H
#define BALLAST_CHAIN_EVM_LOGS_STREAM_H

#include "base/compiler.h"
#include "base/outcome.h"
#include "chain/evm_log.h"
#include "chain/json_elements.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was asked for. */
struct evm_logs_question {
	const struct evm_address *address;
	const struct evm_word *topic_choices;
	size_t topic_count;
	uint64_t first_block;
	uint64_t last_block;
};

/* Whether the data of a log is to be kept. */
typedef bool evm_log_data_fn(void *context, const struct evm_logs *logs, const struct evm_log *log);

struct evm_logs_stream_options {
	struct evm_logs_question question;
	evm_log_data_fn *keeps_data; /* NULL: always */
	void *context;
	size_t maximum_logs;  /* more, .. */
	size_t maximum_bytes; /* .. or more of their data, is too large; 0: no such limit */
};

/* Owns: elements. logs is the caller's, and lives as long. */
struct evm_logs_stream {
	struct evm_logs_stream_options options;
	struct evm_logs *logs;
	struct json_elements elements;
	bool too_large;
	enum outcome outcome; /* of the logs so far; OK, or why of the first that is wrong */
	struct error error;
};

void evm_logs_stream_init(struct evm_logs_stream *stream, struct evm_logs *logs);
void evm_logs_stream_free(struct evm_logs_stream *stream);

/* Clears logs; an answer is to come. */
void evm_logs_stream_begin(struct evm_logs_stream *stream,
			   const struct evm_logs_stream_options *options);

/* The next bytes; what is no log is appended to rest. False: too large, and no more is wanted. */
MUST_USE bool evm_logs_stream_feed(struct evm_logs_stream *stream, const char *text, size_t length,
				   struct buffer *rest);

/* All has come: judges it. logs is sorted on OK, else cleared. */
MUST_USE enum outcome evm_logs_stream_end(struct evm_logs_stream *stream, struct bytes rest,
					  uint64_t id, struct error *error);

#endif
