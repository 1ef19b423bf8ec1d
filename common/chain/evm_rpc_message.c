/* What comes over a subscribed connection. */
#include "chain/evm_json.h"
#include "chain/evm_rpc_private.h"

#include <string.h>

void evm_message_init(struct evm_message *message)
{
	*message = (struct evm_message){.kind = EVM_MESSAGE_OTHER};
	evm_logs_init(&message->logs);
}

void evm_message_free(struct evm_message *message)
{
	evm_logs_free(&message->logs);
}

static enum outcome read_notification(const json_t *params, struct evm_message *message,
				      struct error *error)
{
	const char *subscription = json_string_value(json_object_get(params, "subscription"));
	const json_t *result = json_object_get(params, "result");
	size_t length = subscription == NULL ? 0 : strlen(subscription);

	if (length == 0 || length >= sizeof(message->subscription.text) || !json_is_object(result))
		return evm_rpc_malformed(error, "a notification without subscription and result");
	memcpy(message->subscription.text, subscription, length + 1);
	if (json_object_get(result, "topics") != NULL) {
		evm_logs_clear(&message->logs);
		if (!evm_json_log(result, &message->logs))
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

static enum outcome read_message(const json_t *root, struct evm_message *message,
				 struct error *error)
{
	const char *method = json_string_value(json_object_get(root, "method"));

	if (method != NULL && strcmp(method, "eth_subscription") == 0)
		return read_notification(json_object_get(root, "params"), message, error);
	if (method == NULL && evm_json_id(json_object_get(root, "id"), &message->id))
		message->kind = EVM_MESSAGE_ANSWER;
	else
		message->kind = EVM_MESSAGE_OTHER;
	return OUTCOME_OK;
}

enum outcome evm_rpc_read_message(const char *text, size_t length, struct evm_message *message,
				  struct error *error)
{
	json_t *root = evm_json_parse(text, length, error);
	enum outcome outcome;

	if (root == NULL)
		return OUTCOME_REJECTED;
	outcome = read_message(root, message, error);
	json_decref(root);
	return outcome;
}
