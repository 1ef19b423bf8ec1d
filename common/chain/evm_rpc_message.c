/* What comes over a subscribed connection. */
#include "chain/evm_json.h"
#include "chain/evm_rpc_private.h"
#include "net/json_scan.h"

#include <string.h>

void evm_message_init(struct evm_message *message)
{
	*message = (struct evm_message){.kind = EVM_MESSAGE_OTHER};
	evm_logs_init(&message->logs);
	buffer_init(&message->rest, BUFFER_MAX_HTTP_ANSWER);
}

void evm_message_free(struct evm_message *message)
{
	evm_logs_free(&message->logs);
	buffer_free(&message->rest);
}

static bool find_member(struct bytes object, const char *name, struct bytes *value)
{
	struct json_member member = {.name = name};

	if (!json_scan_object(object, &member, 1) || member.value.data == NULL)
		return false;
	*value = member.value;
	return true;
}

/*
 * What stands under params.result.data: nearly all of a log's notification, and digits, which need
 * no tree of JSON. False: nothing, or not as plain text.
 */
static bool find_data(struct bytes text, struct bytes *data)
{
	struct bytes params, result, string;

	return find_member(text, "params", &params) && find_member(params, "result", &result) &&
	       find_member(result, "data", &string) && json_scan_plain_string(string, data);
}

static bool take_out(struct bytes text, struct bytes part, struct buffer *rest)
{
	const uint8_t *behind = part.data + part.length;

	buffer_clear(rest);
	return buffer_append(rest, text.data, (size_t)(part.data - text.data)) &&
	       buffer_append(rest, behind, (size_t)(text.data + text.length - behind));
}

/* data: what was taken out of it; NULL: nothing was. */
static enum outcome read_notification(const json_t *params, const struct bytes *data,
				      struct evm_message *message, struct error *error)
{
	const char *subscription = json_string_value(json_object_get(params, "subscription"));
	const json_t *result = json_object_get(params, "result");
	size_t length = subscription == NULL ? 0 : strlen(subscription);

	if (length == 0 || length >= sizeof(message->subscription.text) || !json_is_object(result))
		return evm_rpc_malformed(error, "a notification without subscription and result");
	memcpy(message->subscription.text, subscription, length + 1);
	if (json_object_get(result, "topics") != NULL) {
		evm_logs_clear(&message->logs);
		if (data != NULL ? !evm_json_log_with_data(result, *data, &message->logs)
				 : !evm_json_log(result, &message->logs))
			return evm_rpc_malformed(error, "a log with a missing or malformed field");
		message->kind = EVM_MESSAGE_LOG;
		return OUTCOME_OK;
	}
	if (json_object_get(result, "parentHash") != NULL) {
		if (!evm_json_block(result, &message->block))
			return evm_rpc_malformed(error, "a head with a missing or malformed field");
		message->kind = EVM_MESSAGE_HEAD;
		return OUTCOME_OK;
	}
	/* We subscribe to nothing else: a log or a head that lost the field it is known by. */
	return evm_rpc_malformed(error, "a notification that is neither a log nor a head");
}

static enum outcome read_message(const json_t *root, const struct bytes *data,
				 struct evm_message *message, struct error *error)
{
	const char *method = json_string_value(json_object_get(root, "method"));

	if (method != NULL && strcmp(method, "eth_subscription") == 0)
		return read_notification(json_object_get(root, "params"), data, message, error);
	if (method == NULL && evm_json_id(json_object_get(root, "id"), &message->id))
		message->kind = EVM_MESSAGE_ANSWER;
	else
		message->kind = EVM_MESSAGE_OTHER;
	return OUTCOME_OK;
}

enum outcome evm_rpc_read_message(const char *text, size_t length, struct evm_message *message,
				  struct error *error)
{
	const struct bytes all = {.data = (const uint8_t *)text, .length = length};
	struct bytes data;
	bool taken_out = find_data(all, &data) && take_out(all, data, &message->rest);
	json_t *root =
		taken_out ? evm_json_parse(buffer_text(&message->rest), message->rest.length, error)
			  : evm_json_parse(text, length, error);
	enum outcome outcome;

	if (root == NULL)
		return OUTCOME_REJECTED;
	outcome = read_message(root, taken_out ? &data : NULL, message, error);
	json_decref(root);
	return outcome;
}
