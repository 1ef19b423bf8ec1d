/* See orderbook_events.h: the fills in an event's bytes. */
#include "chain/orderbook_events.h"

#include "chain/abi.h"

/* Head words. */
enum take_order_word { TAKE_SENDER, TAKE_CONFIG, TAKE_INPUT, TAKE_OUTPUT };
enum config_word { CONFIG_ORDER, CONFIG_INPUT_INDEX, CONFIG_OUTPUT_INDEX };
enum clear_word {
	CLEAR_SENDER,
	CLEAR_ALICE,
	CLEAR_BOB,
	CLEAR_ALICE_INPUT_INDEX,
	CLEAR_ALICE_OUTPUT_INDEX,
	CLEAR_BOB_INPUT_INDEX,
	CLEAR_BOB_OUTPUT_INDEX,
};
enum after_clear_word {
	AFTER_SENDER,
	AFTER_ALICE_OUTPUT,
	AFTER_BOB_OUTPUT,
	AFTER_ALICE_INPUT,
	AFTER_BOB_INPUT,
};
enum order_word { ORDER_OWNER, ORDER_EVALUABLE, ORDER_INPUTS, ORDER_OUTPUTS };
enum io_word { IO_TOKEN, IO_DECIMALS, IO_VAULT_ID, IO_WORDS };
enum float_io_word { FLOAT_IO_TOKEN, FLOAT_IO_VAULT_ID, FLOAT_IO_WORDS };

static enum outcome undecodable(struct error *error, const char *what)
{
	return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED, "undecodable: %s", what);
}

static bool read_io(const struct abi_tuple *io_words, size_t first, struct orderbook_leg *leg)
{
	return abi_address(io_words, first + IO_TOKEN, &leg->token) &&
	       abi_uint8(io_words, first + IO_DECIMALS, &leg->decimals) &&
	       abi_word(io_words, first + IO_VAULT_ID, &leg->vault_id);
}

static bool read_float_io(const struct abi_tuple *io_words, size_t first, struct orderbook_leg *leg)
{
	return abi_address(io_words, first + FLOAT_IO_TOKEN, &leg->token) &&
	       abi_word(io_words, first + FLOAT_IO_VAULT_ID, &leg->vault_id);
}

/* One IO of an order's list; the leg says of which generation it is. */
static enum outcome read_leg(const struct abi_tuple *order, enum order_word list, uint64_t index,
			     struct orderbook_leg *leg, struct error *error)
{
	const char *name = list == ORDER_INPUTS ? "validInputs" : "validOutputs";
	const size_t io_size = leg->is_float ? FLOAT_IO_WORDS : IO_WORDS;
	struct abi_array ios;
	size_t first;

	if (!abi_array(order, list, io_size, &ios))
		return undecodable(error, name);
	if (index >= ios.count)
		return error_set(error, OUTCOME_REJECTED, ERROR_KIND_MALFORMED,
				 "index out of range: %s[%llu] of %zu", name,
				 (unsigned long long)index, ios.count);
	first = (size_t)index * io_size;
	if (leg->is_float ? !read_float_io(&ios.elements, first, leg)
			  : !read_io(&ios.elements, first, leg))
		return undecodable(error, name);
	return OUTCOME_OK;
}

/* Which of its IOs an order used. */
struct io_choice {
	uint64_t input_index;
	uint64_t output_index;
};

/* Owner, tokens and vaults of an order's side; the amounts are the caller's to fill in. */
static enum outcome read_order(const struct abi_tuple *order, const struct io_choice *choice,
			       struct orderbook_fill *fill, struct error *error)
{
	enum outcome outcome;

	if (!abi_address(order, ORDER_OWNER, &fill->owner))
		return undecodable(error, "order owner");
	outcome = read_leg(order, ORDER_INPUTS, choice->input_index, &fill->input, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	return read_leg(order, ORDER_OUTPUTS, choice->output_index, &fill->output, error);
}

static bool read_choice(const struct abi_tuple *tuple, size_t input_word, size_t output_word,
			struct io_choice *choice)
{
	return abi_uint64(tuple, input_word, &choice->input_index) &&
	       abi_uint64(tuple, output_word, &choice->output_index);
}

static enum outcome decode_take_order(struct bytes data, struct orderbook_event *event,
				      struct error *error)
{
	struct orderbook_fill *fill = &event->fills[0];
	struct abi_tuple arguments = abi_data(data);
	struct abi_tuple config;
	struct abi_tuple order;
	struct io_choice choice;
	enum outcome outcome;

	event->fill_count = 1;
	if (!abi_address(&arguments, TAKE_SENDER, &event->sender))
		return undecodable(error, "sender");
	if (!abi_dynamic_tuple(&arguments, TAKE_CONFIG, &config) ||
	    !abi_dynamic_tuple(&config, CONFIG_ORDER, &order))
		return undecodable(error, "order");
	if (!read_choice(&config, CONFIG_INPUT_INDEX, CONFIG_OUTPUT_INDEX, &choice))
		return undecodable(error, "inputIOIndex or outputIOIndex");
	outcome = read_order(&order, &choice, fill, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	/* The event speaks from the taker's side: what the taker received left the order. */
	if (!abi_word(&arguments, TAKE_INPUT, &fill->output.amount) ||
	    !abi_word(&arguments, TAKE_OUTPUT, &fill->input.amount))
		return undecodable(error, "input or output");
	return OUTCOME_OK;
}

static enum outcome read_side(const struct abi_tuple *arguments, enum clear_word order_word,
			      enum clear_word input_index_word, struct orderbook_fill *fill,
			      struct error *error)
{
	struct abi_tuple order;
	struct io_choice choice;

	if (!abi_dynamic_tuple(arguments, order_word, &order))
		return undecodable(error, order_word == CLEAR_ALICE ? "alice" : "bob");
	if (!read_choice(arguments, input_index_word, input_index_word + 1, &choice))
		return undecodable(error, "clearConfig");
	return read_order(&order, &choice, fill, error);
}

static enum outcome decode_clear(struct bytes clear, struct bytes after_clear,
				 struct orderbook_event *event, struct error *error)
{
	struct orderbook_fill *alice = &event->fills[0];
	struct orderbook_fill *bob = &event->fills[1];
	struct abi_tuple arguments = abi_data(clear);
	struct abi_tuple amounts = abi_data(after_clear);
	enum outcome outcome;

	event->fill_count = 2;
	if (!abi_address(&arguments, CLEAR_SENDER, &event->sender))
		return undecodable(error, "sender");
	outcome = read_side(&arguments, CLEAR_ALICE, CLEAR_ALICE_INPUT_INDEX, alice, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	outcome = read_side(&arguments, CLEAR_BOB, CLEAR_BOB_INPUT_INDEX, bob, error);
	if (outcome != OUTCOME_OK)
		return outcome;
	if (!abi_word(&amounts, AFTER_ALICE_OUTPUT, &alice->output.amount) ||
	    !abi_word(&amounts, AFTER_BOB_OUTPUT, &bob->output.amount) ||
	    !abi_word(&amounts, AFTER_ALICE_INPUT, &alice->input.amount) ||
	    !abi_word(&amounts, AFTER_BOB_INPUT, &bob->input.amount))
		return undecodable(error, "AfterClear amounts");
	return OUTCOME_OK;
}

/* The layouts of the generations differ in nothing but the IOs and what an amount means. */
static struct orderbook_event blank_event(enum orderbook_event_type type)
{
	struct orderbook_event event = {.type = type};

	for (size_t i = 0; i < ORDERBOOK_MAX_FILLS; i++) {
		event.fills[i].input.is_float = orderbook_type_has_floats(type);
		event.fills[i].output.is_float = orderbook_type_has_floats(type);
	}
	return event;
}

enum outcome orderbook_decode(enum orderbook_event_type type, struct bytes data,
			      struct bytes after_clear, struct orderbook_event *event,
			      struct error *error)
{
	struct orderbook_event decoded = blank_event(type);
	enum outcome outcome = orderbook_type_is_clear(type)
				       ? decode_clear(data, after_clear, &decoded, error)
				       : decode_take_order(data, &decoded, error);

	if (outcome == OUTCOME_OK)
		*event = decoded;
	return outcome;
}

static bool owner_at(const struct abi_tuple *tuple, size_t order_word, struct evm_address *owner)
{
	struct abi_tuple order;

	return abi_dynamic_tuple(tuple, order_word, &order) &&
	       abi_address(&order, ORDER_OWNER, owner);
}

bool orderbook_touches(enum orderbook_event_type type, struct bytes data,
		       const struct config_addresses *owners)
{
	struct abi_tuple arguments = abi_data(data);
	struct abi_tuple config;
	struct evm_address owner;
	struct evm_address other;

	if (orderbook_type_is_clear(type))
		return !owner_at(&arguments, CLEAR_ALICE, &owner) ||
		       !owner_at(&arguments, CLEAR_BOB, &other) ||
		       config_addresses_contain(owners, &owner) ||
		       config_addresses_contain(owners, &other);
	return !abi_dynamic_tuple(&arguments, TAKE_CONFIG, &config) ||
	       !owner_at(&config, CONFIG_ORDER, &owner) || config_addresses_contain(owners, &owner);
}
