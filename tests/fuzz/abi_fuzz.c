/*
 * Raw log data through abi.h, the orderbook's events and their JSON.
 *
 *	0      bit 0 a clear, bit 1 with its AfterClear, bit 2 the rest is the JSON text itself,
 *	       bit 3 the second generation
 *	1..2   length of the event's data, big-endian
 *	3..    the data, behind it the AfterClear's
 */
#include "fuzz/fuzz.h"

#include "chain/abi.h"
#include "chain/orderbook_float.h"
#include "chain/orderbook_json.h"

#include <jansson.h>
#include <string.h>

#define FLAG_CLEAR 1
#define FLAG_AFTER 2
#define FLAG_JSON  4
#define FLAG_FLOAT 8

/* Of the three topics of a generation, those of the second stand behind those of the first. */
#define GENERATION_TOPICS 3

/* Head words of the largest tuple, and some more. */
#define WORDS 10

static bool is_inside(struct bytes inner, struct bytes outer)
{
	return inner.data >= outer.data && inner.length <= outer.length &&
	       (size_t)(inner.data - outer.data) <= outer.length - inner.length;
}

static void check_small(const struct abi_tuple *tuple, size_t index)
{
	struct evm_word word;
	struct evm_address address;
	struct evm_word expected = {{0}};
	uint8_t byte;
	uint64_t number;
	uint64_t narrow;
	bool is_there = abi_word(tuple, index, &word);

	fuzz_require(is_there == (index < tuple->bytes.length / EVM_WORD_SIZE));
	if (abi_address(tuple, index, &address)) {
		memcpy(expected.bytes + 12, address.bytes, sizeof(address.bytes));
		fuzz_require(is_there && evm_word_equal(&expected, &word));
	}
	if (abi_uint64(tuple, index, &number))
		fuzz_require(is_there && evm_word_to_uint64(&word, &narrow) && narrow == number);
	if (abi_uint8(tuple, index, &byte))
		fuzz_require(abi_uint64(tuple, index, &number) && number == byte);
}

static void check_dynamic(const struct abi_tuple *tuple, size_t index)
{
	struct abi_tuple inner;
	struct abi_array array;
	struct bytes bytes;
	struct evm_word last;

	if (abi_dynamic_tuple(tuple, index, &inner))
		fuzz_require(is_inside(inner.bytes, tuple->bytes));
	if (abi_bytes(tuple, index, &bytes))
		fuzz_require(is_inside(bytes, tuple->bytes));
	if (!abi_array(tuple, index, 3, &array))
		return;
	fuzz_require(is_inside(array.elements.bytes, tuple->bytes));
	fuzz_require(array.count <= array.elements.bytes.length / (3u * EVM_WORD_SIZE));
	if (array.count > 0)
		fuzz_require(abi_word(&array.elements, 3 * array.count - 1, &last));
}

/* Every reader at every place, and one level down. */
static void check_readers(struct bytes data, int depth)
{
	struct abi_tuple tuple = abi_data(data);
	struct abi_tuple inner;

	for (size_t i = 0; i < WORDS; i++) {
		check_small(&tuple, i);
		check_dynamic(&tuple, i);
		if (depth > 0 && abi_dynamic_tuple(&tuple, i, &inner))
			check_readers(inner.bytes, depth - 1);
	}
	check_small(&tuple, SIZE_MAX);
	check_small(&tuple, SIZE_MAX / EVM_WORD_SIZE);
}

static bool same_leg(const struct orderbook_leg *a, const struct orderbook_leg *b)
{
	return evm_address_equal(&a->token, &b->token) && a->decimals == b->decimals &&
	       a->is_float == b->is_float && evm_word_equal(&a->vault_id, &b->vault_id) &&
	       evm_word_equal(&a->amount, &b->amount);
}

static bool same_event(const struct orderbook_event *a, const struct orderbook_event *b)
{
	if (a->type != b->type || a->fill_count != b->fill_count ||
	    !evm_address_equal(&a->sender, &b->sender))
		return false;
	for (size_t i = 0; i < a->fill_count; i++) {
		if (!evm_address_equal(&a->fills[i].owner, &b->fills[i].owner) ||
		    !same_leg(&a->fills[i].input, &b->fills[i].input) ||
		    !same_leg(&a->fills[i].output, &b->fills[i].output))
			return false;
	}
	return true;
}

/* Amounts stand at fixed words, whatever the order looks like. */
static void check_amounts(const struct orderbook_event *event, struct bytes data,
			  struct bytes after)
{
	const struct orderbook_fill *fills = event->fills;
	const bool take = !orderbook_type_is_clear(event->type);
	const uint8_t *words = take ? data.data : after.data;

	fuzz_require(event->fill_count == (take ? 1 : 2));
	fuzz_require(memcmp(data.data + 12, event->sender.bytes, EVM_ADDRESS_SIZE) == 0);
	if (take) {
		fuzz_require(memcmp(words + 64, fills[0].output.amount.bytes, 32) == 0);
		fuzz_require(memcmp(words + 96, fills[0].input.amount.bytes, 32) == 0);
		return;
	}
	fuzz_require(memcmp(words + 32, fills[0].output.amount.bytes, 32) == 0);
	fuzz_require(memcmp(words + 64, fills[1].output.amount.bytes, 32) == 0);
	fuzz_require(memcmp(words + 96, fills[0].input.amount.bytes, 32) == 0);
	fuzz_require(memcmp(words + 128, fills[1].input.amount.bytes, 32) == 0);
}

/* The IO that the event names is one of the order's list, and what the leg says. */
static void check_leg(const struct abi_tuple *order, size_t list, uint64_t index,
		      const struct orderbook_leg *leg)
{
	const size_t words = leg->is_float ? 2 : 3;
	const size_t first = words * (size_t)index;
	struct abi_array ios;
	struct evm_address token;
	struct evm_word vault_id;

	fuzz_require(abi_array(order, list, words, &ios) && index < ios.count);
	fuzz_require(abi_address(&ios.elements, first, &token));
	fuzz_require(abi_word(&ios.elements, first + words - 1, &vault_id));
	fuzz_require(evm_address_equal(&token, &leg->token));
	fuzz_require(evm_word_equal(&vault_id, &leg->vault_id));
}

/* order_word of tuple is the order, indexes_word and the next one choose its input and output. */
static void check_fill(const struct abi_tuple *tuple, size_t order_word, size_t indexes_word,
		       const struct orderbook_fill *fill)
{
	struct abi_tuple order;
	uint64_t input;
	uint64_t output;

	fuzz_require(abi_dynamic_tuple(tuple, order_word, &order));
	fuzz_require(abi_uint64(tuple, indexes_word, &input));
	fuzz_require(abi_uint64(tuple, indexes_word + 1, &output));
	check_leg(&order, 2, input, &fill->input);
	check_leg(&order, 3, output, &fill->output);
}

static void check_fills(const struct orderbook_event *event, struct bytes data)
{
	struct abi_tuple tuple = abi_data(data);
	struct abi_tuple config;

	if (orderbook_type_is_clear(event->type)) {
		check_fill(&tuple, 1, 3, &event->fills[0]);
		check_fill(&tuple, 2, 5, &event->fills[1]);
		return;
	}
	fuzz_require(abi_dynamic_tuple(&tuple, 1, &config));
	check_fill(&config, 0, 1, &event->fills[0]);
}

/* An event of one of its owners is ours; what can be decoded and is of nobody we know is not. */
static void check_touches(const struct orderbook_event *event, struct bytes data)
{
	struct config_addresses owners = {.count = 0};

	fuzz_require(!orderbook_touches(event->type, data, &owners));
	owners.count = 1;
	for (size_t i = 0; i < event->fill_count; i++) {
		owners.items[0] = event->fills[i].owner;
		fuzz_require(orderbook_touches(event->type, data, &owners));
	}
}

static void check_text(const json_t *object, const char *key, const char *expected)
{
	const char *text = json_string_value(json_object_get(object, key));

	fuzz_require(text != NULL && strcmp(text, expected) == 0);
}

static void check_json_float(const json_t *object, const struct orderbook_leg *leg)
{
	struct shares tokens;

	check_text(object, "float_word", evm_word_text(&leg->amount).text);
	check_text(object, "vault_id", evm_word_text(&leg->vault_id).text);
	if (orderbook_float_to_shares(&leg->amount, &tokens))
		check_text(object, "tokens", shares_text(tokens).text);
	else
		fuzz_require(json_is_null(json_object_get(object, "tokens")));
}

static void check_json_leg(const json_t *object, const struct orderbook_leg *leg)
{
	check_text(object, "token", evm_address_text(&leg->token).text);
	if (leg->is_float) {
		check_json_float(object, leg);
		return;
	}
	check_text(object, "vault_id", evm_uint256_text(&leg->vault_id).text);
	check_text(object, "amount", evm_uint256_text(&leg->amount).text);
	fuzz_require(json_integer_value(json_object_get(object, "decimals")) == leg->decimals);
}

/* What stands there for people says the same as the event; NULL: that it could not be decoded. */
static void check_json_for_people(const char *text, const struct orderbook_event *event)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *fills = json_object_get(root, "fills");

	fuzz_require(root != NULL);
	fuzz_require((json_object_get(root, "decode_error") == NULL) == (event != NULL));
	fuzz_require(json_array_size(fills) == (event == NULL ? 0 : event->fill_count));
	for (size_t i = 0; i < json_array_size(fills); i++) {
		const json_t *fill = json_array_get(fills, i);

		check_text(fill, "owner", evm_address_text(&event->fills[i].owner).text);
		check_json_leg(json_object_get(fill, "input"), &event->fills[i].input);
		check_json_leg(json_object_get(fill, "output"), &event->fills[i].output);
	}
	if (event != NULL)
		check_text(root, "sender", evm_address_text(&event->sender).text);
	json_decref(root);
}

/* Written as JSON and read back; expected is NULL when the data cannot be decoded. */
static void check_json(const struct evm_logs *logs, const struct orderbook_event *expected)
{
	struct orderbook_occurrence occurrence;
	struct orderbook_event back;
	struct buffer json;
	struct error error = {.kind = ERROR_KIND_NONE};
	size_t cursor = 0;
	enum outcome outcome;

	fuzz_require(orderbook_next_occurrence(logs, &cursor, &occurrence));
	fuzz_require(cursor == 1 && occurrence.log == &logs->items[0]);
	buffer_init(&json, BUFFER_MAX_EVENT_JSON);
	fuzz_require(orderbook_json_write(logs, &occurrence, &json));
	check_json_for_people(buffer_text(&json), expected);
	outcome = orderbook_json_decode(buffer_text(&json), &back, &error);
	fuzz_require((outcome == OUTCOME_OK) == (expected != NULL));
	if (expected != NULL)
		fuzz_require(same_event(&back, expected));
	else
		fuzz_check_error(outcome, &error);
	buffer_free(&json);
	fuzz_require(!orderbook_next_occurrence(logs, &cursor, &occurrence));
}

/* Whatever the word: no sign, no size and no exponent leads anywhere but to a number or a no. */
static void check_float(const struct evm_word *word)
{
	struct shares tokens = {77};
	struct usd dollars = {77};
	struct evm_word raw;
	bool fits = orderbook_float_to_shares(word, &tokens);

	fuzz_require(fits == orderbook_float_to_usd(word, &dollars));
	fuzz_require(tokens.units == dollars.units);
	fuzz_require(fits || tokens.units == 77);
	if (orderbook_float_is_negative(word))
		fuzz_require(!fits && orderbook_float_text(word).text[0] == '-');
	if (fits) {
		struct shares again;

		/* Raw units of 18 decimals are the same number. */
		fuzz_require(
			!shares_is_negative(tokens) && orderbook_float_to_token(word, 18, &raw) &&
			shares_from_token(&raw, 18, &again) && shares_compare(again, tokens) == 0);
	}
}

static void check_floats(struct bytes data)
{
	struct abi_tuple words = abi_data(data);
	struct evm_word word;

	for (size_t i = 0; abi_word(&words, i, &word); i++)
		check_float(&word);
}

static void add_log(struct evm_logs *logs, size_t topic, struct bytes data)
{
	struct evm_log log = {.topic_count = 1, .block_number = 5, .log_index = logs->count};

	log.topics[0] = orderbook_topics[topic];
	fuzz_require(evm_logs_add(logs, &log, data));
}

static void check_event(uint8_t flags, struct bytes data, struct bytes after)
{
	const bool clear = (flags & FLAG_CLEAR) != 0;
	const bool with_after = clear && (flags & FLAG_AFTER) != 0;
	const size_t topics = (flags & FLAG_FLOAT) != 0 ? GENERATION_TOPICS : 0;
	enum orderbook_event_type type = ORDERBOOK_TAKE_ORDER_V2;
	struct orderbook_event event = {.fill_count = 77};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct evm_logs logs;
	enum outcome outcome;

	fuzz_require(orderbook_event_type_of(&orderbook_topics[topics + (clear ? 1 : 0)], &type));
	outcome = orderbook_decode(type, data, after, &event, &error);
	if (outcome == OUTCOME_OK) {
		check_amounts(&event, data, after);
		check_fills(&event, data);
		check_touches(&event, data);
	} else {
		fuzz_check_error(outcome, &error);
		fuzz_require(outcome == OUTCOME_REJECTED && event.fill_count == 77);
	}
	evm_logs_init(&logs);
	add_log(&logs, topics + (clear ? 1 : 0), data);
	if (with_after)
		add_log(&logs, topics + 2, after);
	check_json(&logs, outcome == OUTCOME_OK && (!clear || with_after) ? &event : NULL);
	evm_logs_free(&logs);
}

static void check_json_text(struct bytes bytes)
{
	char *text = fuzz_text(bytes);
	struct orderbook_event event = {.fill_count = 77};
	struct error error = {.kind = ERROR_KIND_NONE};
	enum outcome outcome = orderbook_json_decode(text, &event, &error);

	if (outcome == OUTCOME_OK)
		fuzz_require(event.fill_count == 1 || event.fill_count == 2);
	else
		fuzz_require(event.fill_count == 77);
	if (outcome != OUTCOME_OK)
		fuzz_check_error(outcome, &error);
	memory_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = {.data = data, .length = size};
	uint8_t flags = fuzz_take_byte(&rest);
	size_t length;
	struct bytes event;

	if ((flags & FLAG_JSON) != 0) {
		check_json_text(rest);
		return 0;
	}
	length = (size_t)fuzz_take_byte(&rest) << 8;
	length |= fuzz_take_byte(&rest);
	event = fuzz_take(&rest, length);
	check_readers(event, 1);
	check_floats(event);
	check_event(flags, event, rest);
	return 0;
}
