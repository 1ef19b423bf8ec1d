/* See evm_logs_stream.h. */
#include "chain/evm_logs_stream.h"

#include "chain/evm_json.h"
#include "chain/evm_rpc_private.h"

#include <string.h>

/* Of an answer without its logs: an envelope, and two bytes for each log. */
#define REST_MAXIMUM ((size_t)1 << 20)

static enum outcome judge_log(const struct evm_logs_question *question, const struct evm_log *log,
			      struct error *error)
{
	if (log->removed)
		return evm_rpc_malformed(error, "a removed log among those that stand");
	if (!evm_address_equal(&log->address, question->address))
		return evm_rpc_malformed(error, "a log of another address");
	if (!evm_log_has_topic(log, question->topic_choices, question->topic_count))
		return evm_rpc_malformed(error, "a log with a topic that was not asked for");
	if (log->block_number < question->first_block || log->block_number > question->last_block)
		return evm_rpc_malformed(error, "a log outside the asked range");
	return OUTCOME_OK;
}

static enum outcome read_log(struct evm_logs_stream *stream, struct bytes text, const char *data,
			     struct error *error)
{
	const struct bytes digits = {.data = (const uint8_t *)data, .length = strlen(data)};
	json_t *value = evm_json_parse((const char *)text.data, text.length, error);
	bool is_log;

	if (value == NULL)
		return OUTCOME_REJECTED;
	is_log = evm_json_log_with_data(value, digits, stream->logs);
	json_decref(value);
	if (!is_log)
		return evm_rpc_malformed(error, "a log with a missing or malformed field");
	return judge_log(&stream->options.question, &stream->logs->items[stream->logs->count - 1],
			 error);
}

static void take_log(void *context, struct bytes text, const char *data)
{
	struct evm_logs_stream *stream = context;
	const struct evm_logs_stream_options *options = &stream->options;
	struct evm_logs *logs = stream->logs;

	if (stream->outcome != OUTCOME_OK || stream->too_large)
		return;
	stream->outcome = read_log(stream, text, data, &stream->error);
	if (stream->outcome != OUTCOME_OK)
		return;
	if (options->keeps_data != NULL &&
	    !options->keeps_data(options->context, logs, &logs->items[logs->count - 1]))
		evm_logs_drop_data(logs);
	stream->too_large =
		(options->maximum_logs > 0 && logs->count > options->maximum_logs) ||
		(options->maximum_bytes > 0 && logs->data.length > options->maximum_bytes);
}

void evm_logs_stream_init(struct evm_logs_stream *stream, struct evm_logs *logs)
{
	*stream = (struct evm_logs_stream){.logs = logs};
	json_elements_init(&stream->elements, BUFFER_MAX_HTTP_ANSWER, take_log, stream);
}

void evm_logs_stream_free(struct evm_logs_stream *stream)
{
	json_elements_free(&stream->elements);
}

void evm_logs_stream_begin(struct evm_logs_stream *stream,
			   const struct evm_logs_stream_options *options)
{
	evm_logs_clear(stream->logs);
	json_elements_clear(&stream->elements);
	stream->options = *options;
	stream->too_large = false;
	stream->outcome = OUTCOME_OK;
}

bool evm_logs_stream_feed(struct evm_logs_stream *stream, const char *text, size_t length,
			  struct buffer *rest)
{
	return json_elements_feed(&stream->elements, text, length, rest) &&
	       rest->length <= REST_MAXIMUM && !stream->too_large;
}

/* What stands in the list for the logs that were taken out, and nothing else. */
static enum outcome read_rest(const json_t *result, void *context, struct error *error)
{
	const struct evm_logs_stream *stream = context;

	if (!json_is_array(result))
		return evm_rpc_malformed(error, "a result that is not a list of logs");
	for (size_t i = 0; i < json_array_size(result); i++) {
		const json_t *place = json_array_get(result, i);

		if (!json_is_integer(place) || json_integer_value(place) != 0)
			return evm_rpc_malformed(error, "a list with something that is no log");
	}
	if (json_array_size(result) != stream->elements.taken)
		return evm_rpc_malformed(error, "a list with something that is no log");
	if (stream->outcome == OUTCOME_OK && stream->too_large)
		return error_set(error, OUTCOME_RETRY, ERROR_KIND_RANGE_TOO_LARGE,
				 "more logs than fit");
	if (stream->outcome != OUTCOME_OK && error != NULL)
		*error = stream->error;
	return stream->outcome;
}

enum outcome evm_logs_stream_end(struct evm_logs_stream *stream, struct bytes rest, uint64_t id,
				 struct error *error)
{
	struct evm_logs *logs = stream->logs;
	enum outcome outcome = evm_rpc_judge(rest, id, read_rest, stream, error);

	if (outcome == OUTCOME_OK) {
		evm_logs_sort(logs);
		if (evm_logs_has_duplicates(logs))
			outcome = evm_rpc_malformed(error, "the same log twice");
	}
	if (outcome != OUTCOME_OK)
		evm_logs_clear(logs);
	return outcome;
}
