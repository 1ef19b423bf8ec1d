/* See evm_json.h. */
#include "chain/evm_json.h"

#include "base/hex.h"
#include "chain/evm_rpc_errors.h"
#include "net/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* An error's message and details. */
#define WORDS_SIZE 1024

/* Brackets outside strings; enough to bound a parser's recursion before it begins. */
static bool is_too_deep(const char *text, size_t length, size_t maximum)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		char byte = text[i];

		if (in_string) {
			if (byte == '\\')
				i++;
			else if (byte == '"')
				in_string = false;
		} else if (byte == '"') {
			in_string = true;
		} else if (byte == '{' || byte == '[') {
			if (++depth > maximum)
				return true;
		} else if ((byte == '}' || byte == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

json_t *evm_json_parse(const char *text, size_t length, struct error *error)
{
	return evm_json_parse_to_depth(
		(struct bytes){.data = (const uint8_t *)text, .length = length}, EVM_JSON_MAX_DEPTH,
		error);
}

json_t *evm_json_parse_to_depth(struct bytes bytes, size_t depth, struct error *error)
{
	const char *text = (const char *)bytes.data;
	size_t length = bytes.length;
	json_error_t problem;
	json_t *root;

	if (is_too_deep(text, length, depth)) {
		(void)error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				"JSON deeper than %zu levels", depth);
		return NULL;
	}
	root = json_text_parse(text, length, &problem);
	if (root == NULL)
		(void)error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				"not JSON: %zu bytes, wrong at byte %d", length, problem.position);
	return root;
}

bool evm_json_id(const json_t *value, uint64_t *id)
{
	const char *text;
	uint64_t parsed = 0;

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*id = (uint64_t)json_integer_value(value);
		return true;
	}
	text = json_string_value(value);
	if (text == NULL || text[0] == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(parsed, 10, &parsed) ||
		    __builtin_add_overflow(parsed, (uint64_t)(*text - '0'), &parsed))
			return false;
	}
	*id = parsed;
	return true;
}

bool evm_json_quantity(const json_t *value, uint64_t *quantity)
{
	const char *text = json_string_value(value);
	uint64_t parsed;

	if (text == NULL || !hex_parse_quantity(text, &parsed) || parsed > INT64_MAX)
		return false;
	*quantity = parsed;
	return true;
}

bool evm_json_word(const json_t *value, struct evm_word *word)
{
	const char *text = json_string_value(value);

	return text != NULL && evm_word_parse(text, word);
}

static bool read_bloom(const json_t *value, struct logs_bloom *bloom)
{
	const char *text = json_string_value(value);

	return text != NULL && hex_parse_fixed(text, bloom->bytes, sizeof(bloom->bytes));
}

bool evm_json_block(const json_t *value, struct evm_block *block)
{
	struct evm_block parsed = {.number = 0};

	if (!evm_json_quantity(json_object_get(value, "number"), &parsed.number) ||
	    !evm_json_word(json_object_get(value, "hash"), &parsed.hash) ||
	    !evm_json_word(json_object_get(value, "parentHash"), &parsed.parent_hash) ||
	    !evm_json_quantity(json_object_get(value, "timestamp"), &parsed.timestamp))
		return false;
	parsed.has_bloom = read_bloom(json_object_get(value, "logsBloom"), &parsed.bloom);
	*block = parsed;
	return true;
}

static bool read_topics(const json_t *topics, struct evm_log *log)
{
	size_t count = json_array_size(topics);

	if (!json_is_array(topics) || count > EVM_LOG_MAX_TOPICS)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!evm_json_word(json_array_get(topics, i), &log->topics[i]))
			return false;
	}
	log->topic_count = count;
	return true;
}

/* Absent is false; anything but true and false is wrong. */
static bool read_removed(const json_t *value, struct evm_log *log)
{
	log->removed = json_is_true(value);
	return value == NULL || json_is_boolean(value);
}

static bool read_block_timestamp(const json_t *value, struct evm_log *log)
{
	log->has_block_timestamp = value != NULL && !json_is_null(value);
	return !log->has_block_timestamp || evm_json_quantity(value, &log->block_timestamp);
}

static bool read_data(struct bytes text, struct evm_log *log, struct evm_logs *logs)
{
	log->data_offset = logs->data.length;
	if (text.data == NULL || !hex_parse_data_of(text, &logs->data))
		return false;
	log->data_length = logs->data.length - log->data_offset;
	return true;
}

bool evm_json_log(const json_t *value, struct evm_logs *logs)
{
	const json_t *data = json_object_get(value, "data");
	const struct bytes text = {.data = (const uint8_t *)json_string_value(data),
				   .length = json_string_length(data)};

	return evm_json_log_with_data(value, text, logs);
}

bool evm_json_log_with_data(const json_t *value, struct bytes data, struct evm_logs *logs)
{
	const char *address = json_string_value(json_object_get(value, "address"));
	struct evm_log log = {.topic_count = 0};

	if (address == NULL || !evm_address_parse(address, &log.address) ||
	    !read_topics(json_object_get(value, "topics"), &log) ||
	    !evm_json_quantity(json_object_get(value, "blockNumber"), &log.block_number) ||
	    !evm_json_word(json_object_get(value, "blockHash"), &log.block_hash) ||
	    !evm_json_word(json_object_get(value, "transactionHash"), &log.tx_hash) ||
	    !evm_json_quantity(json_object_get(value, "logIndex"), &log.log_index) ||
	    !read_removed(json_object_get(value, "removed"), &log) ||
	    !read_block_timestamp(json_object_get(value, "blockTimestamp"), &log) ||
	    !read_data(data, &log, logs))
		return false;
	evm_logs_push(logs, &log);
	return true;
}

/*
 * Words beside the message; "" when there are none. Tenderly and Thirdweb say "invalid params" and
 * put what is wrong into data or data.payload. A revert's data is bytes, not words.
 */
static const char *details_of(const json_t *problem)
{
	const json_t *data = json_object_get(problem, "data");
	const char *text;

	if (json_is_object(data))
		data = json_object_get(data, "payload");
	text = json_string_value(data);
	return text == NULL || strncmp(text, "0x", 2) == 0 ? "" : text;
}

/* The node's own words are for people only: shortened, and the log escapes what cannot be printed.
 */
enum outcome evm_json_judge_error(const json_t *problem, struct error *error)
{
	const char *message = json_string_value(json_object_get(problem, "message"));
	const json_t *code = json_object_get(problem, "code");
	enum error_kind kind;
	enum outcome outcome;
	char words[WORDS_SIZE];

	if (!json_is_object(problem) || !json_is_integer(code) || message == NULL)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "an error without code and message");
	/* Both are cut where they are too long: no known words stand behind hundreds of others. */
	(void)snprintf(words, sizeof(words), "%.500s %.500s", message, details_of(problem));
	outcome = evm_rpc_classify_error(json_integer_value(code), words, &kind);
	return error_set(error, outcome, kind, "the node says: %s (code %" PRId64 ")",
			 evm_rpc_words_for_people(words).text, (int64_t)json_integer_value(code));
}
