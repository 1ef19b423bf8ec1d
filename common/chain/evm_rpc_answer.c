/* Answers of evm_rpc.h, each judged whole. */
#include "base/hex.h"
#include "chain/evm_json.h"
#include "chain/evm_logs_stream.h"
#include "chain/evm_rpc_private.h"

#include <inttypes.h>
#include <string.h>

/* The envelope: one object with our id and exactly one of result and error. */
static enum outcome open_envelope(const json_t *root, uint64_t id, const json_t **result,
				  struct error *error)
{
	const json_t *problem = json_object_get(root, "error");
	const json_t *found = json_object_get(root, "result");
	uint64_t found_id;

	if (!json_is_object(root))
		return evm_rpc_malformed(error, "an answer that is not an object");
	/* Some nodes send "error":null beside a result. */
	if (problem != NULL && json_is_null(problem))
		problem = NULL;
	if (problem != NULL && found != NULL && !json_is_null(found))
		return evm_rpc_malformed(error, "an answer with both result and error");
	if (problem != NULL) {
		/* A request that could not be parsed is answered with id null. */
		const json_t *error_id = json_object_get(root, "id");

		if (!json_is_null(error_id) && error_id != NULL &&
		    (!evm_json_id(error_id, &found_id) || found_id != id))
			return evm_rpc_malformed(error, "an error under another id");
		return evm_json_judge_error(problem, error);
	}
	if (!evm_json_id(json_object_get(root, "id"), &found_id) || found_id != id)
		return evm_rpc_malformed(error, "an answer under another id");
	if (found == NULL)
		return evm_rpc_malformed(error, "an answer without result or error");
	*result = found;
	return OUTCOME_OK;
}

enum outcome evm_rpc_judge(struct bytes text, uint64_t id, evm_rpc_read_fn *read, void *context,
			   struct error *error)
{
	return evm_rpc_judge_to_depth(text, id, EVM_JSON_MAX_DEPTH, read, context, error);
}

enum outcome evm_rpc_judge_to_depth(struct bytes text, uint64_t id, size_t depth,
				    evm_rpc_read_fn *read, void *context, struct error *error)
{
	json_t *root = evm_json_parse_to_depth(text, depth, error);
	const json_t *result = NULL;
	enum outcome outcome;

	if (root == NULL)
		return OUTCOME_REJECTED;
	outcome = open_envelope(root, id, &result, error);
	if (outcome == OUTCOME_OK)
		outcome = read(result, context, error);
	json_decref(root);
	return outcome;
}

static enum outcome read_quantity(const json_t *result, void *context, struct error *error)
{
	if (!evm_json_quantity(result, context))
		return evm_rpc_malformed(error, "a result that is not a quantity");
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_quantity(const char *text, size_t length, uint64_t id,
				     uint64_t *quantity, struct error *error)
{
	return evm_rpc_judge(evm_rpc_bytes(text, length), id, read_quantity, quantity, error);
}

static enum outcome read_block(const json_t *result, void *context, struct error *error)
{
	if (json_is_null(result))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				 "the node does not have the block");
	if (!evm_json_block(result, context))
		return evm_rpc_malformed(error, "a block with a missing or malformed field");
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_block(const char *text, size_t length, uint64_t id,
				  struct evm_block *block, struct error *error)
{
	return evm_rpc_judge(evm_rpc_bytes(text, length), id, read_block, block, error);
}

/* The number must be the one that was asked for. */
static enum outcome judge_number(const struct evm_block *read, uint64_t block_number,
				 struct error *error)
{
	if (read->number != block_number)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "asked for block %" PRIu64 ", got block %" PRIu64, block_number,
				 read->number);
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_block_at(const char *text, size_t length, uint64_t id,
				     uint64_t block_number, struct evm_block *block,
				     struct error *error)
{
	struct evm_block read = {.number = 0};
	enum outcome outcome = evm_rpc_answer_block(text, length, id, &read, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = judge_number(&read, block_number, error);
	if (outcome == OUTCOME_OK)
		*block = read;
	return outcome;
}

/* The answer to one call of a batch. NULL: the batch has none, or several. */
static const json_t *find_answer(const json_t *batch, uint64_t id)
{
	const json_t *found = NULL;

	for (size_t i = 0; i < json_array_size(batch); i++) {
		const json_t *answer = json_array_get(batch, i);
		uint64_t answer_id;

		if (!evm_json_id(json_object_get(answer, "id"), &answer_id) || answer_id != id)
			continue;
		if (found != NULL)
			return NULL;
		found = answer;
	}
	return found;
}

static enum outcome read_batch_block(const json_t *batch, uint64_t id, uint64_t block_number,
				     struct evm_block *block, struct error *error)
{
	const json_t *answer = find_answer(batch, id);
	const json_t *result = NULL;
	enum outcome outcome;

	if (answer == NULL)
		return evm_rpc_malformed(error, "a batch without one answer to each call");
	outcome = open_envelope(answer, id, &result, error);
	if (outcome == OUTCOME_OK)
		outcome = read_block(result, block, error);
	return outcome == OUTCOME_OK ? judge_number(block, block_number, error) : outcome;
}

static enum outcome read_batch(const json_t *batch, uint64_t first_id,
			       const uint64_t *block_numbers, size_t count,
			       struct evm_block *blocks, struct error *error)
{
	enum outcome outcome = OUTCOME_OK;

	/* Who takes no batches answers with one object, which says why. */
	if (json_is_object(batch) && json_object_get(batch, "error") != NULL)
		return evm_json_judge_error(json_object_get(batch, "error"), error);
	if (!json_is_array(batch) || json_array_size(batch) != count)
		return evm_rpc_malformed(error, "a batch without one answer to each call");
	for (size_t i = 0; i < count && outcome == OUTCOME_OK; i++)
		outcome =
			read_batch_block(batch, first_id + i, block_numbers[i], &blocks[i], error);
	return outcome;
}

enum outcome evm_rpc_answer_blocks(const char *text, size_t length, uint64_t first_id,
				   const uint64_t *block_numbers, size_t count,
				   struct evm_block *blocks, struct error *error)
{
	json_t *batch = evm_json_parse(text, length, error);
	enum outcome outcome;

	if (batch == NULL)
		return OUTCOME_REJECTED;
	outcome = read_batch(batch, first_id, block_numbers, count, blocks, error);
	json_decref(batch);
	return outcome;
}

static enum outcome read_data(const json_t *result, void *context, struct error *error)
{
	const char *text = json_string_value(result);

	if (text == NULL || !hex_parse_data(text, context))
		return evm_rpc_malformed(error, "a result that is not data");
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_data(const char *text, size_t length, uint64_t id, struct buffer *data,
				 struct error *error)
{
	return evm_rpc_judge(evm_rpc_bytes(text, length), id, read_data, data, error);
}

static enum outcome read_subscription(const json_t *result, void *context, struct error *error)
{
	struct evm_subscription_id *subscription = context;
	const char *text = json_string_value(result);
	size_t length = text == NULL ? 0 : strlen(text);

	if (length == 0 || length >= sizeof(subscription->text))
		return evm_rpc_malformed(error, "a result that is not a subscription id");
	memcpy(subscription->text, text, length + 1);
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_subscribe(const char *text, size_t length, uint64_t id,
				      struct evm_subscription_id *subscription, struct error *error)
{
	return evm_rpc_judge(evm_rpc_bytes(text, length), id, read_subscription, subscription,
			     error);
}

/* rest: of the text, as evm_logs_stream leaves it. */
static enum outcome judge_whole(struct evm_logs_stream *stream, struct bytes text, uint64_t id,
				struct buffer *rest, struct error *error)
{
	if (!evm_logs_stream_feed(stream, (const char *)text.data, text.length, rest))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE,
				 "more logs than fit");
	return evm_logs_stream_end(stream, evm_rpc_bytes(buffer_text(rest), rest->length), id,
				   error);
}

enum outcome evm_rpc_answer_logs(const char *text, size_t length, uint64_t id,
				 const struct evm_address *address,
				 const struct evm_word *topic_choices, size_t topic_count,
				 uint64_t first_block, uint64_t last_block, struct evm_logs *logs,
				 struct error *error)
{
	const struct evm_logs_stream_options options = {
		.question = {.address = address,
			     .topic_choices = topic_choices,
			     .topic_count = topic_count,
			     .first_block = first_block,
			     .last_block = last_block},
	};
	struct evm_logs_stream stream;
	struct buffer rest;
	enum outcome outcome;

	evm_logs_stream_init(&stream, logs);
	evm_logs_stream_begin(&stream, &options);
	buffer_init(&rest, BUFFER_MAX_HTTP_ANSWER);
	outcome = judge_whole(&stream, evm_rpc_bytes(text, length), id, &rest, error);
	if (outcome != OUTCOME_OK)
		evm_logs_clear(logs);
	buffer_free(&rest);
	evm_logs_stream_free(&stream);
	return outcome;
}

/* What is read of receipts. */
struct receipts_question {
	const struct evm_logs_filter *filter;
	struct evm_logs *logs;
	size_t *receipts;
};

static bool is_of_block(const struct evm_logs_filter *filter, const struct evm_log *log)
{
	return log->block_number == filter->block_number &&
	       evm_word_equal(&log->block_hash, &filter->block_hash) && !log->removed;
}

static bool passes(const struct evm_logs_filter *filter, const struct evm_log *log)
{
	return evm_address_equal(&log->address, filter->address) &&
	       evm_log_has_topic(log, filter->topic_choices, filter->topic_count);
}

/* Every log is judged, ours are kept. */
static enum outcome read_receipt(const json_t *receipt, const struct receipts_question *question,
				 struct error *error)
{
	const json_t *list = json_object_get(receipt, "logs");
	struct evm_logs *logs = question->logs;

	if (!json_is_array(list))
		return evm_rpc_malformed(error, "a receipt without a list of logs");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const struct evm_log *log;

		if (!evm_json_log(json_array_get(list, i), logs))
			return evm_rpc_malformed(
				error, "a receipt's log with a missing or malformed field");
		log = &logs->items[logs->count - 1];
		if (!is_of_block(question->filter, log))
			return evm_rpc_malformed(error, "a receipt's log of another block");
		if (!passes(question->filter, log))
			evm_logs_pop(logs);
	}
	return OUTCOME_OK;
}

static enum outcome read_receipts(const json_t *result, void *context, struct error *error)
{
	const struct receipts_question *question = context;

	if (json_is_null(result))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				 "the node does not have the block's receipts");
	if (!json_is_array(result))
		return evm_rpc_malformed(error, "a result that is not a list of receipts");
	for (size_t i = 0; i < json_array_size(result); i++) {
		enum outcome outcome = read_receipt(json_array_get(result, i), question, error);

		if (outcome != OUTCOME_OK)
			return outcome;
	}
	evm_logs_sort(question->logs);
	if (evm_logs_has_duplicates(question->logs))
		return evm_rpc_malformed(error, "the same log twice");
	*question->receipts = json_array_size(result);
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_receipts(const char *text, size_t length, uint64_t id,
				     const struct evm_logs_filter *filter, struct evm_logs *logs,
				     size_t *receipts, struct error *error)
{
	struct receipts_question question = {.filter = filter, .logs = logs, .receipts = receipts};
	enum outcome outcome;

	evm_logs_clear(logs);
	outcome = evm_rpc_judge(evm_rpc_bytes(text, length), id, read_receipts, &question, error);
	if (outcome != OUTCOME_OK)
		evm_logs_clear(logs);
	return outcome;
}

struct receipt_question {
	const struct evm_word *tx_hash;
	struct evm_receipt receipt;
	struct evm_logs *logs;
};

/* What a chain without the field leaves out is not there; what is there must be a quantity. */
static bool read_optional_quantity(const json_t *value, bool *present, uint64_t *quantity)
{
	*present = value != NULL && !json_is_null(value);
	return !*present || evm_json_quantity(value, quantity);
}

static bool read_receipt_fields(const json_t *result, struct evm_receipt *receipt)
{
	return evm_json_word(json_object_get(result, "blockHash"), &receipt->block_hash) &&
	       evm_json_quantity(json_object_get(result, "blockNumber"), &receipt->block_number) &&
	       evm_json_quantity(json_object_get(result, "gasUsed"), &receipt->gas_used) &&
	       read_optional_quantity(json_object_get(result, "effectiveGasPrice"),
				      &receipt->has_gas_price, &receipt->gas_price_wei) &&
	       read_optional_quantity(json_object_get(result, "l1Fee"), &receipt->has_l1_fee,
				      &receipt->l1_fee_wei);
}

static enum outcome read_own_logs(const json_t *list, const struct receipt_question *question,
				  struct error *error)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const struct evm_log *log;

		if (!evm_json_log(json_array_get(list, i), question->logs))
			return evm_rpc_malformed(
				error, "a receipt's log with a missing or malformed field");
		log = &question->logs->items[question->logs->count - 1];
		if (log->removed || !evm_word_equal(&log->tx_hash, question->tx_hash) ||
		    !evm_word_equal(&log->block_hash, &question->receipt.block_hash) ||
		    log->block_number != question->receipt.block_number)
			return evm_rpc_malformed(error, "a receipt's log of another place");
	}
	evm_logs_sort(question->logs);
	if (evm_logs_has_duplicates(question->logs))
		return evm_rpc_malformed(error, "the same log twice");
	return OUTCOME_OK;
}

static enum outcome read_own_receipt(const json_t *result, void *context, struct error *error)
{
	struct receipt_question *question = context;
	const json_t *list = json_object_get(result, "logs");
	struct evm_word tx_hash;

	if (json_is_null(result))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				 "the node does not have the transaction");
	if (!evm_json_word(json_object_get(result, "transactionHash"), &tx_hash) ||
	    !evm_word_equal(&tx_hash, question->tx_hash))
		return evm_rpc_malformed(error, "a receipt of another transaction");
	if (!read_receipt_fields(result, &question->receipt) || !json_is_array(list))
		return evm_rpc_malformed(error, "a receipt with a missing or malformed field");
	return read_own_logs(list, question, error);
}

enum outcome evm_rpc_answer_receipt(struct bytes text, uint64_t id, const struct evm_word *tx_hash,
				    struct evm_receipt *receipt, struct evm_logs *logs,
				    struct error *error)
{
	struct receipt_question question = {.tx_hash = tx_hash, .logs = logs};
	enum outcome outcome;

	evm_logs_clear(logs);
	outcome = evm_rpc_judge(text, id, read_own_receipt, &question, error);
	if (outcome == OUTCOME_OK)
		*receipt = question.receipt;
	else
		evm_logs_clear(logs);
	return outcome;
}
