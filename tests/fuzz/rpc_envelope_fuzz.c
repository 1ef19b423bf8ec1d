/*
 * One JSON-RPC message through every reader of answers and notifications, and its bytes as the
 * words of an error. The input is the answer to the request with id 7.
 */
#include "fuzz/fuzz.h"

#include "base/clock.h"
#include "chain/pyth_trace.h"
#include "chain/evm_rpc.h"
#include "chain/evm_rpc_errors.h"

#include <jansson.h>
#include <string.h>

#define ID 7

/* What the readers said of one text. */
struct verdicts {
	enum outcome quantity, block, data, subscribe;
};

/* JSON by jansson alone, with our id and no error. */
static void check_envelope(struct bytes text)
{
	json_t *root =
		json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, NULL);
	const json_t *id = json_object_get(root, "id");
	const json_t *problem = json_object_get(root, "error");
	const json_t *result = json_object_get(root, "result");

	fuzz_require(json_is_object(root));
	fuzz_require(json_integer_value(id) == ID ||
		     (json_is_string(id) &&
		      strspn(json_string_value(id), "0") == strlen(json_string_value(id)) - 1));
	fuzz_require(problem == NULL || json_is_null(problem));
	fuzz_require(result != NULL && !json_is_null(result));
	json_decref(root);
}

/* Nothing that could be a provider's key: a long run is a hex number. */
static void check_has_no_key(const char *text)
{
	static const char key_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789_-";
	static const char hex_digits[] = "0123456789abcdefABCDEF";

	while (*text != '\0') {
		size_t run = strspn(text, key_bytes);

		if (run >= 20)
			fuzz_require(strncmp(text, "0x", 2) == 0 &&
				     strspn(text + 2, hex_digits) == run - 2);
		text += run == 0 ? 1 : run;
	}
}

static void check_verdict(enum outcome outcome, const struct error *error)
{
	if (outcome != OUTCOME_OK) {
		fuzz_check_error(outcome, error);
		check_has_no_key(error->text);
	}
	if (outcome == OUTCOME_RETRY)
		fuzz_require(error->kind == ERROR_KIND_RPC ||
			     error->kind == ERROR_KIND_RATE_LIMITED ||
			     error->kind == ERROR_KIND_RANGE_TOO_LARGE ||
			     error->kind == ERROR_KIND_BEHIND || error->kind == ERROR_KIND_ABSENT);
	if (outcome == OUTCOME_REJECTED)
		fuzz_require(error->kind == ERROR_KIND_MALFORMED || error->kind == ERROR_KIND_RPC);
}

static enum outcome check_quantity(struct bytes text, uint64_t id)
{
	struct error error = {.kind = ERROR_KIND_NONE};
	uint64_t quantity = UINT64_MAX;
	enum outcome outcome = evm_rpc_answer_quantity((const char *)text.data, text.length, id,
						       &quantity, &error);

	check_verdict(outcome, &error);
	fuzz_require(outcome == OUTCOME_OK ? quantity <= INT64_MAX : quantity == UINT64_MAX);
	return outcome;
}

static enum outcome check_block(struct bytes text, uint64_t id)
{
	struct error error = {.kind = ERROR_KIND_NONE};
	struct evm_block block = {.number = UINT64_MAX, .timestamp = UINT64_MAX};
	enum outcome outcome =
		evm_rpc_answer_block((const char *)text.data, text.length, id, &block, &error);

	check_verdict(outcome, &error);
	if (outcome == OUTCOME_OK)
		fuzz_require(block.number <= INT64_MAX && block.timestamp <= INT64_MAX);
	else
		fuzz_require(block.number == UINT64_MAX && block.timestamp == UINT64_MAX);
	return outcome;
}

static enum outcome check_data(struct bytes text, uint64_t id)
{
	struct error error = {.kind = ERROR_KIND_NONE};
	struct buffer data;
	enum outcome outcome;

	buffer_init(&data, BUFFER_MAX_LOG_DATA);
	outcome = evm_rpc_answer_data((const char *)text.data, text.length, id, &data, &error);
	check_verdict(outcome, &error);
	fuzz_require(outcome == OUTCOME_OK || data.length == 0);
	fuzz_require(data.length <= text.length / 2);
	buffer_free(&data);
	return outcome;
}

static enum outcome check_subscribe(struct bytes text, uint64_t id)
{
	struct error error = {.kind = ERROR_KIND_NONE};
	struct evm_subscription_id subscription = {.text = "before"};
	enum outcome outcome = evm_rpc_answer_subscribe((const char *)text.data, text.length, id,
							&subscription, &error);
	const char *end = memchr(subscription.text, '\0', sizeof(subscription.text));

	check_verdict(outcome, &error);
	fuzz_require(end != NULL && end > subscription.text);
	fuzz_require(outcome == OUTCOME_OK || strcmp(subscription.text, "before") == 0);
	return outcome;
}

/* A transaction's receipt: nothing that stands elsewhere, or nothing at all. */
static void check_receipt(struct bytes text)
{
	const struct evm_word tx_hash = {{0}};
	struct evm_receipt receipt = {.gas_used = UINT64_MAX};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct evm_logs logs;
	enum outcome outcome;

	evm_logs_init(&logs);
	outcome = evm_rpc_answer_receipt(text, ID, &tx_hash, &receipt, &logs, &error);
	check_verdict(outcome, &error);
	fuzz_require(outcome == OUTCOME_OK ? receipt.gas_used <= INT64_MAX : logs.count == 0);
	for (size_t i = 0; i < logs.count; i++)
		fuzz_require(evm_word_equal(&logs.items[i].tx_hash, &tx_hash) &&
			     logs.items[i].block_number == receipt.block_number);
	evm_logs_free(&logs);
}

/* The prices in a trace: positive, and in a time that can be written. */
static void check_trace(struct bytes text)
{
	const struct evm_address oracle = {{0}};
	struct pyth_prices prices = {.count = 77};
	struct error error = {.kind = ERROR_KIND_NONE};
	enum outcome outcome = pyth_trace_answer(text, ID, &oracle, &prices, &error);

	check_verdict(outcome, &error);
	fuzz_require(outcome == OUTCOME_OK ? prices.count <= PYTH_PRICES_MAXIMUM
					   : prices.count == 77);
	for (size_t i = 0; outcome == OUTCOME_OK && i < prices.count; i++) {
		const struct pyth_price *price = &prices.items[i];

		fuzz_require(!usd_is_zero(price->price) && !usd_is_negative(price->price));
		fuzz_require(!usd_is_negative(price->confidence) && price->published_s >= 0);
		(void)clock_text_of_ms(price->published_s * 1000);
	}
}

static struct verdicts read_all(struct bytes text, uint64_t id)
{
	return (struct verdicts){
		.quantity = check_quantity(text, id),
		.block = check_block(text, id),
		.data = check_data(text, id),
		.subscribe = check_subscribe(text, id),
	};
}

static bool any_is_ok(const struct verdicts *verdicts)
{
	return verdicts->quantity == OUTCOME_OK || verdicts->block == OUTCOME_OK ||
	       verdicts->data == OUTCOME_OK || verdicts->subscribe == OUTCOME_OK;
}

static void check_answers(struct bytes text)
{
	struct verdicts ours = read_all(text, ID);
	struct verdicts of_another;

	check_receipt(text);
	check_trace(text);
	/* An object is no text: at most one of the two kinds of result can be meant. */
	fuzz_require(ours.block != OUTCOME_OK || ours.subscribe != OUTCOME_OK);
	/* A quantity is a text that could be a subscription's id. */
	fuzz_require(ours.quantity != OUTCOME_OK || ours.subscribe == OUTCOME_OK ||
		     text.length > EVM_SUBSCRIPTION_ID_SIZE);
	if (!any_is_ok(&ours))
		return;
	check_envelope(text);
	of_another = read_all(text, ID + 1);
	fuzz_require(!any_is_ok(&of_another));
}

static void check_notification(const struct evm_message *message)
{
	if (message->kind == EVM_MESSAGE_LOG) {
		const struct evm_log *log = message->logs.items;

		fuzz_require(message->logs.count == 1);
		fuzz_require(log->block_number <= INT64_MAX && log->log_index <= INT64_MAX);
		fuzz_require(log->topic_count <= EVM_LOG_MAX_TOPICS);
		fuzz_require(evm_logs_data(&message->logs, log).length == log->data_length);
	}
	if (message->kind == EVM_MESSAGE_HEAD)
		fuzz_require(message->block.number <= INT64_MAX &&
			     message->block.timestamp <= INT64_MAX);
	if (message->kind == EVM_MESSAGE_LOG || message->kind == EVM_MESSAGE_HEAD)
		fuzz_require(message->subscription.text[0] != '\0' &&
			     memchr(message->subscription.text, '\0',
				    sizeof(message->subscription.text)) != NULL);
}

/* Twice with the same struct, as the listener does. */
static void check_message(struct bytes text)
{
	struct evm_message message;
	struct error error = {.kind = ERROR_KIND_NONE};

	evm_message_init(&message);
	for (int i = 0; i < 2; i++) {
		enum outcome outcome = evm_rpc_read_message((const char *)text.data, text.length,
							    &message, &error);

		check_verdict(outcome, &error);
		if (outcome == OUTCOME_OK)
			check_notification(&message);
		else
			fuzz_require(error.kind == ERROR_KIND_MALFORMED);
		/* What is answered to another request is not given to anybody. */
		if (outcome == OUTCOME_OK && message.kind == EVM_MESSAGE_ANSWER)
			fuzz_require(message.id == ID || check_quantity(text, ID) != OUTCOME_OK);
	}
	evm_message_free(&message);
}

static void make_upper(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text >= 'a' && *text <= 'z')
			*text = (char)(*text - ('a' - 'A'));
	}
}

/* The same outcome in capitals, and never one that says that something may have happened. */
static void check_classification(int64_t code, char *words)
{
	enum error_kind kind = ERROR_KIND_NONE;
	enum error_kind upper_kind = ERROR_KIND_NONE;
	enum outcome outcome = evm_rpc_classify_error(code, words, &kind);

	fuzz_require(outcome == OUTCOME_RETRY || outcome == OUTCOME_REJECTED);
	fuzz_require(kind != ERROR_KIND_NONE && kind != ERROR_KIND_MALFORMED);
	fuzz_require(outcome == OUTCOME_RETRY || kind == ERROR_KIND_RPC);
	make_upper(words);
	fuzz_require(evm_rpc_classify_error(code, words, &upper_kind) == outcome);
	fuzz_require(upper_kind == kind);
}

static void check_words_for_people(const char *message)
{
	struct evm_rpc_words words = evm_rpc_words_for_people(message);

	fuzz_require(memchr(words.text, '\0', sizeof(words.text)) != NULL);
	fuzz_require(strlen(words.text) <= strlen(message));
	check_has_no_key(words.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Those that mean something, and some that do not. */
	static const int64_t codes[] = {-1,	3,	429,	-32000,	  -32005, -32012,
					-32014, -32020, -32097, -32600,	  -32601, -32602,
					-32603, -32614, 0,	INT64_MIN};
	struct bytes text = {.data = data, .length = size};
	struct bytes rest = text;
	char *words = fuzz_text(text);
	int64_t code;

	check_answers(text);
	check_message(text);
	check_words_for_people(words);
	memory_free(words);

	/* The first byte chooses a code. */
	code = codes[fuzz_take_byte(&rest) % ARRAY_LENGTH(codes)];
	words = fuzz_text(rest);
	check_classification(code, words);
	memory_free(words);
	return 0;
}
