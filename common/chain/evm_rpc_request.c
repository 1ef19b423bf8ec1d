/* Requests of evm_rpc.h. All are small: none can exceed a request buffer's maximum. */
#include "chain/evm_rpc.h"

#include "base/hex.h"
#include "base/log.h"

#include <inttypes.h>

static void begin_next(struct buffer *request, uint64_t id, const char *method)
{
	bool fits = buffer_append_format(
		request, "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"%s\",\"params\":[",
		id, method);

	invariant(fits);
}

static void begin(struct buffer *request, uint64_t id, const char *method)
{
	buffer_clear(request);
	begin_next(request, id, method);
}

static void add(struct buffer *request, const char *text)
{
	bool fits = buffer_append_text(request, text);

	invariant(fits);
}

static void end(struct buffer *request)
{
	add(request, "]}");
}

/* "address":..,"topics":[[..]] of a filter. */
static void add_filter(struct buffer *request, const struct evm_address *address,
		       const struct evm_word *topic_choices, size_t topic_count)
{
	add(request, "\"address\":\"");
	add(request, evm_address_text(address).text);
	add(request, "\",\"topics\":[[");
	for (size_t i = 0; i < topic_count; i++) {
		add(request, i == 0 ? "\"" : ",\"");
		add(request, evm_word_text(&topic_choices[i]).text);
		add(request, "\"");
	}
	add(request, "]]");
}

static void add_quantity(struct buffer *request, uint64_t value)
{
	bool fits = buffer_append_format(request, "\"0x%" PRIx64 "\"", value);

	invariant(fits);
}

void evm_rpc_request_chain_id(struct buffer *request, uint64_t id)
{
	begin(request, id, "eth_chainId");
	end(request);
}

void evm_rpc_request_block_number(struct buffer *request, uint64_t id)
{
	begin(request, id, "eth_blockNumber");
	end(request);
}

void evm_rpc_request_block(struct buffer *request, uint64_t id, uint64_t block_number)
{
	begin(request, id, "eth_getBlockByNumber");
	add_quantity(request, block_number);
	add(request, ",false");
	end(request);
}

void evm_rpc_request_blocks(struct buffer *request, uint64_t first_id,
			    const uint64_t *block_numbers, size_t count)
{
	buffer_clear(request);
	for (size_t i = 0; i < count; i++) {
		add(request, i == 0 ? "[" : ",");
		begin_next(request, first_id + i, "eth_getBlockByNumber");
		add_quantity(request, block_numbers[i]);
		add(request, ",false");
		end(request);
	}
	add(request, "]");
}

void evm_rpc_request_finalized_block(struct buffer *request, uint64_t id)
{
	begin(request, id, "eth_getBlockByNumber");
	add(request, "\"finalized\",false");
	end(request);
}

void evm_rpc_request_receipts(struct buffer *request, uint64_t id, uint64_t block_number)
{
	begin(request, id, "eth_getBlockReceipts");
	add_quantity(request, block_number);
	end(request);
}

void evm_rpc_request_logs(struct buffer *request, uint64_t id, const struct evm_address *address,
			  const struct evm_word *topic_choices, size_t topic_count,
			  uint64_t first_block, uint64_t last_block)
{
	begin(request, id, "eth_getLogs");
	add(request, "{\"fromBlock\":");
	add_quantity(request, first_block);
	add(request, ",\"toBlock\":");
	add_quantity(request, last_block);
	add(request, ",");
	add_filter(request, address, topic_choices, topic_count);
	add(request, "}");
	end(request);
}

void evm_rpc_request_logs_of_block(struct buffer *request, uint64_t id,
				   const struct evm_address *address,
				   const struct evm_word *topic_choices, size_t topic_count,
				   const struct evm_word *block_hash)
{
	begin(request, id, "eth_getLogs");
	add(request, "{\"blockHash\":\"");
	add(request, evm_word_text(block_hash).text);
	add(request, "\",");
	add_filter(request, address, topic_choices, topic_count);
	add(request, "}");
	end(request);
}

/* Up to the block, which is the caller's to add. */
static void begin_call(struct buffer *request, uint64_t id, const struct evm_address *to,
		       struct bytes call_data)
{
	bool fits;

	begin(request, id, "eth_call");
	add(request, "{\"to\":\"");
	add(request, evm_address_text(to).text);
	add(request, "\",\"data\":\"");
	fits = hex_append_data(request, call_data);
	invariant(fits);
	add(request, "\"},");
}

void evm_rpc_request_call(struct buffer *request, uint64_t id, const struct evm_address *to,
			  struct bytes call_data)
{
	begin_call(request, id, to, call_data);
	add(request, "\"latest\"");
	end(request);
}

void evm_rpc_request_call_at_hash(struct buffer *request, uint64_t id, const struct evm_call *call)
{
	begin_call(request, id, &call->to, call->data);
	add(request, "{\"blockHash\":\"");
	add(request, evm_word_text(&call->block_hash).text);
	add(request, "\"}");
	end(request);
}

void evm_rpc_request_call_at_number(struct buffer *request, uint64_t id,
				    const struct evm_call *call)
{
	begin_call(request, id, &call->to, call->data);
	add_quantity(request, call->block_number);
	end(request);
}

static void begin_about(struct buffer *request, uint64_t id, const char *method,
			const struct evm_word *tx_hash)
{
	begin(request, id, method);
	add(request, "\"");
	add(request, evm_word_text(tx_hash).text);
	add(request, "\"");
}

void evm_rpc_request_receipt(struct buffer *request, uint64_t id, const struct evm_word *tx_hash)
{
	begin_about(request, id, "eth_getTransactionReceipt", tx_hash);
	end(request);
}

void evm_rpc_request_trace(struct buffer *request, uint64_t id, const struct evm_word *tx_hash)
{
	begin_about(request, id, "debug_traceTransaction", tx_hash);
	add(request, ",{\"tracer\":\"callTracer\"}");
	end(request);
}

void evm_rpc_request_subscribe_heads(struct buffer *request, uint64_t id)
{
	begin(request, id, "eth_subscribe");
	add(request, "\"newHeads\"");
	end(request);
}

void evm_rpc_request_subscribe_logs(struct buffer *request, uint64_t id,
				    const struct evm_address *address,
				    const struct evm_word *topic_choices, size_t topic_count)
{
	begin(request, id, "eth_subscribe");
	add(request, "\"logs\",{");
	add_filter(request, address, topic_choices, topic_count);
	add(request, "}");
	end(request);
}
