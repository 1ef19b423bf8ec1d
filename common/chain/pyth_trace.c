/*
 * See pyth_trace.h. A contract's calls nest: the walk keeps its own way back, so that no depth of a
 * trace is a depth of the stack.
 */
#include "chain/pyth_trace.h"

#include "base/hex.h"
#include "chain/abi.h"
#include "chain/evm_json.h"
#include "chain/evm_rpc_private.h"

#include <string.h>

/* An object and a list for each call that is inside another, and the envelope. */
#define CALLS_DEPTH 128
#define JSON_DEPTH  (2 * CALLS_DEPTH + 4)

#define SELECTOR_SIZE 4
/* 9999-12-31, the last that a time's text can say. */
#define LAST_TIME INT64_C(253402300799)

/* First bytes of keccak-256 of getPriceNoOlderThan(bytes32,uint256), getPriceUnsafe(bytes32),
 * getEmaPriceNoOlderThan(bytes32,uint256) and getEmaPriceUnsafe(bytes32). */
static const uint8_t selectors[][SELECTOR_SIZE] = {
	{0xa4, 0xae, 0x35, 0xe0},
	{0x96, 0x83, 0x4a, 0xd3},
	{0x71, 0x1a, 0x2e, 0x28},
	{0x94, 0x74, 0xf4, 0x5b},
};

enum price_word { PRICE, CONFIDENCE, EXPONENT, PUBLISHED };

static bool is_price_call(struct bytes input)
{
	for (size_t i = 0; i < ARRAY_LENGTH(selectors); i++) {
		if (input.length >= SELECTOR_SIZE + EVM_WORD_SIZE &&
		    memcmp(input.data, selectors[i], SELECTOR_SIZE) == 0)
			return true;
	}
	return false;
}

static struct evm_word word_of(uint64_t value)
{
	struct evm_word word = {{0}};

	for (size_t i = 0; i < sizeof(value); i++)
		word.bytes[EVM_WORD_SIZE - 1 - i] = (uint8_t)(value >> 8 * i);
	return word;
}

/* value * 10^exponent dollars, if that is exact. */
static bool scale(uint64_t value, int64_t exponent, struct usd *usd)
{
	const struct evm_word word = word_of(value);

	return exponent >= -DECIMAL_FRACTION_DIGITS && exponent <= INT32_MAX &&
	       usd_from_scientific(&word, (int32_t)exponent, usd);
}

static bool read_price(struct bytes input, struct bytes output, struct pyth_price *price)
{
	const struct abi_tuple result = abi_data(output);
	int64_t value;
	uint64_t confidence;
	int64_t exponent;
	uint64_t published;

	if (!abi_int64(&result, PRICE, &value) || value <= 0 ||
	    !abi_uint64(&result, CONFIDENCE, &confidence) ||
	    !abi_int64(&result, EXPONENT, &exponent) ||
	    !abi_uint64(&result, PUBLISHED, &published) || published > (uint64_t)LAST_TIME ||
	    !scale((uint64_t)value, exponent, &price->price) ||
	    !scale(confidence, exponent, &price->confidence))
		return false;
	memcpy(price->feed.bytes, input.data + SELECTOR_SIZE, EVM_WORD_SIZE);
	price->published_s = (int64_t)published;
	return true;
}

struct trace_question {
	const struct evm_address *oracle;
	struct pyth_prices prices;
};

static bool is_to_oracle(const json_t *call, const struct evm_address *oracle)
{
	const char *text = json_string_value(json_object_get(call, "to"));
	struct evm_address to;

	return text != NULL && evm_address_parse(text, &to) && evm_address_equal(&to, oracle);
}

/* What of a call is too long for a buffer is no call that we know. */
static void take_call(struct trace_question *question, const json_t *call)
{
	const char *input_text = json_string_value(json_object_get(call, "input"));
	const char *output_text = json_string_value(json_object_get(call, "output"));
	struct pyth_prices *prices = &question->prices;
	struct buffer input;
	struct buffer output;
	struct bytes sent;
	struct bytes received;

	if (input_text == NULL || output_text == NULL || !is_to_oracle(call, question->oracle) ||
	    prices->count == PYTH_PRICES_MAXIMUM)
		return;
	buffer_init(&input, BUFFER_MAX_CONFIG);
	buffer_init(&output, BUFFER_MAX_CONFIG);
	if (hex_parse_data(input_text, &input) && hex_parse_data(output_text, &output)) {
		sent = (struct bytes){.data = input.bytes, .length = input.length};
		received = (struct bytes){.data = output.bytes, .length = output.length};
		if (is_price_call(sent) &&
		    read_price(sent, received, &prices->items[prices->count]))
			prices->count++;
	}
	buffer_free(&input);
	buffer_free(&output);
}

/* A call on the way from the outermost to the one in hand. */
struct step {
	const json_t *calls;
	size_t next;
};

static const json_t *calls_of(const json_t *call)
{
	return json_object_get(call, "error") == NULL ? json_object_get(call, "calls") : NULL;
}

static enum outcome read_trace(const json_t *result, void *context, struct error *error)
{
	struct trace_question *question = context;
	struct step way[CALLS_DEPTH + 1];
	size_t depth = 0;

	if (!json_is_object(result) || !json_is_string(json_object_get(result, "type")))
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "a trace that is not a call");
	way[0] = (struct step){.calls = calls_of(result)};
	for (;;) {
		struct step *step = &way[depth];
		const json_t *call = json_array_get(step->calls, step->next++);

		if (call == NULL && depth == 0)
			return OUTCOME_OK;
		if (call == NULL) {
			depth--;
			continue;
		}
		if (json_object_get(call, "error") == NULL)
			take_call(question, call);
		if (calls_of(call) != NULL && depth < CALLS_DEPTH)
			way[++depth] = (struct step){.calls = calls_of(call)};
	}
}

enum outcome pyth_trace_answer(struct bytes text, uint64_t id, const struct evm_address *oracle,
			       struct pyth_prices *prices, struct error *error)
{
	struct trace_question question = {.oracle = oracle};
	enum outcome outcome =
		evm_rpc_judge_to_depth(text, id, JSON_DEPTH, read_trace, &question, error);

	if (outcome == OUTCOME_OK)
		*prices = question.prices;
	return outcome;
}
