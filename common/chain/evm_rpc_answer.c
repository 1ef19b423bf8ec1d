/* Answers of evm_rpc.h, each judged whole. */
#include "base/hex.h"
#include "chain/evm_json.h"

#include <inttypes.h>
#include <string.h>

static enum outcome malformed(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "%s", what);
}

/* The envelope: one object with our id and exactly one of result and error. */
static enum outcome open_envelope(const json_t *root, uint64_t id, const json_t **result,
				  struct error *error)
{
	const json_t *problem = json_object_get(root, "error");
	const json_t *found = json_object_get(root, "result");
	uint64_t found_id;

	if (!json_is_object(root))
		return malformed(error, "an answer that is not an object");
	/* Some nodes send "error":null beside a result. */
	if (problem != NULL && json_is_null(problem))
		problem = NULL;
	if (problem != NULL && found != NULL && !json_is_null(found))
		return malformed(error, "an answer with both result and error");
	if (problem != NULL) {
		/* A request that could not be parsed is answered with id null. */
		const json_t *error_id = json_object_get(root, "id");

		if (!json_is_null(error_id) && error_id != NULL &&
		    (!evm_json_id(error_id, &found_id) || found_id != id))
			return malformed(error, "an error under another id");
		return evm_json_judge_error(problem, error);
	}
	if (!evm_json_id(json_object_get(root, "id"), &found_id) || found_id != id)
		return malformed(error, "an answer under another id");
	if (found == NULL)
		return malformed(error, "an answer without result or error");
	*result = found;
	return OUTCOME_OK;
}

typedef enum outcome read_result_fn(const json_t *result, void *context, struct error *error);

/* Parses, opens the envelope, hands the result to read, and frees it all. */
static enum outcome judge(struct bytes text, uint64_t id, read_result_fn *read, void *context,
			  struct error *error)
{
	json_t *root = evm_json_parse((const char *)text.data, text.length, error);
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

static struct bytes as_bytes(const char *text, size_t length)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = length};
}

static enum outcome read_quantity(const json_t *result, void *context, struct error *error)
{
	if (!evm_json_quantity(result, context))
		return malformed(error, "a result that is not a quantity");
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_quantity(const char *text, size_t length, uint64_t id,
				     uint64_t *quantity, struct error *error)
{
	return judge(as_bytes(text, length), id, read_quantity, quantity, error);
}

static enum outcome read_block(const json_t *result, void *context, struct error *error)
{
	if (json_is_null(result))
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
				 "the node does not have the block");
	if (!evm_json_block(result, context))
		return malformed(error, "a block with a missing or malformed field");
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_block(const char *text, size_t length, uint64_t id,
				  struct evm_block *block, struct error *error)
{
	return judge(as_bytes(text, length), id, read_block, block, error);
}

enum outcome evm_rpc_answer_block_at(const char *text, size_t length, uint64_t id,
				     uint64_t block_number, struct evm_block *block,
				     struct error *error)
{
	struct evm_block read = {.number = 0};
	enum outcome outcome = evm_rpc_answer_block(text, length, id, &read, error);

	if (outcome != OUTCOME_OK)
		return outcome;
	if (read.number != block_number)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "asked for block %" PRIu64 ", got block %" PRIu64, block_number,
				 read.number);
	*block = read;
	return OUTCOME_OK;
}

static enum outcome read_data(const json_t *result, void *context, struct error *error)
{
	const char *text = json_string_value(result);

	if (text == NULL || !hex_parse_data(text, context))
		return malformed(error, "a result that is not data");
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_data(const char *text, size_t length, uint64_t id, struct buffer *data,
				 struct error *error)
{
	return judge(as_bytes(text, length), id, read_data, data, error);
}

static enum outcome read_subscription(const json_t *result, void *context, struct error *error)
{
	struct evm_subscription_id *subscription = context;
	const char *text = json_string_value(result);
	size_t length = text == NULL ? 0 : strlen(text);

	if (length == 0 || length >= sizeof(subscription->text))
		return malformed(error, "a result that is not a subscription id");
	memcpy(subscription->text, text, length + 1);
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_subscribe(const char *text, size_t length, uint64_t id,
				      struct evm_subscription_id *subscription, struct error *error)
{
	return judge(as_bytes(text, length), id, read_subscription, subscription, error);
}

/* What was asked for, to compare each log with. */
struct logs_question {
	const struct evm_address *address;
	const struct evm_word *topic_choices;
	size_t topic_count;
	uint64_t first_block;
	uint64_t last_block;
	struct evm_logs *logs;
};

static bool topic_was_asked(const struct logs_question *question, const struct evm_log *log)
{
	for (size_t i = 0; i < question->topic_count; i++) {
		if (log->topic_count > 0 &&
		    evm_word_equal(&log->topics[0], &question->topic_choices[i]))
			return true;
	}
	return false;
}

static enum outcome judge_log(const struct logs_question *question, const struct evm_log *log,
			      struct error *error)
{
	if (log->removed)
		return malformed(error, "a removed log among those that stand");
	if (!evm_address_equal(&log->address, question->address))
		return malformed(error, "a log of another address");
	if (!topic_was_asked(question, log))
		return malformed(error, "a log with a topic that was not asked for");
	if (log->block_number < question->first_block || log->block_number > question->last_block)
		return malformed(error, "a log outside the asked range");
	return OUTCOME_OK;
}

static bool has_duplicates(const struct evm_logs *logs)
{
	for (size_t i = 1; i < logs->count; i++) {
		if (logs->items[i - 1].block_number == logs->items[i].block_number &&
		    logs->items[i - 1].log_index == logs->items[i].log_index)
			return true;
	}
	return false;
}

static enum outcome read_logs(const json_t *result, void *context, struct error *error)
{
	const struct logs_question *question = context;
	struct evm_logs *logs = question->logs;

	if (!json_is_array(result))
		return malformed(error, "a result that is not a list of logs");
	for (size_t i = 0; i < json_array_size(result); i++) {
		enum outcome outcome;

		if (!evm_json_log(json_array_get(result, i), logs))
			return malformed(error, "a log with a missing or malformed field");
		outcome = judge_log(question, &logs->items[logs->count - 1], error);
		if (outcome != OUTCOME_OK)
			return outcome;
	}
	evm_logs_sort(logs);
	if (has_duplicates(logs))
		return malformed(error, "the same log twice");
	return OUTCOME_OK;
}

enum outcome evm_rpc_answer_logs(const char *text, size_t length, uint64_t id,
				 const struct evm_address *address,
				 const struct evm_word *topic_choices, size_t topic_count,
				 uint64_t first_block, uint64_t last_block, struct evm_logs *logs,
				 struct error *error)
{
	struct logs_question question = {
		.address = address,
		.topic_choices = topic_choices,
		.topic_count = topic_count,
		.first_block = first_block,
		.last_block = last_block,
		.logs = logs,
	};
	enum outcome outcome;

	evm_logs_clear(logs);
	outcome = judge(as_bytes(text, length), id, read_logs, &question, error);
	if (outcome != OUTCOME_OK)
		evm_logs_clear(logs);
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
	const struct logs_question topics = {.topic_choices = filter->topic_choices,
					     .topic_count = filter->topic_count};

	return evm_address_equal(&log->address, filter->address) && topic_was_asked(&topics, log);
}

/* Every log is judged, ours are kept. */
static enum outcome read_receipt(const json_t *receipt, const struct receipts_question *question,
				 struct error *error)
{
	const json_t *list = json_object_get(receipt, "logs");
	struct evm_logs *logs = question->logs;

	if (!json_is_array(list))
		return malformed(error, "a receipt without a list of logs");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const struct evm_log *log;

		if (!evm_json_log(json_array_get(list, i), logs))
			return malformed(error,
					 "a receipt's log with a missing or malformed field");
		log = &logs->items[logs->count - 1];
		if (!is_of_block(question->filter, log))
			return malformed(error, "a receipt's log of another block");
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
		return malformed(error, "a result that is not a list of receipts");
	for (size_t i = 0; i < json_array_size(result); i++) {
		enum outcome outcome = read_receipt(json_array_get(result, i), question, error);

		if (outcome != OUTCOME_OK)
			return outcome;
	}
	evm_logs_sort(question->logs);
	if (has_duplicates(question->logs))
		return malformed(error, "the same log twice");
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
	outcome = judge(as_bytes(text, length), id, read_receipts, &question, error);
	if (outcome != OUTCOME_OK)
		evm_logs_clear(logs);
	return outcome;
}
