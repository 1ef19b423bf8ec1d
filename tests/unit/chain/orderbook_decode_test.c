/* The fills in an event's bytes: amounts on the right side, and data that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/orderbook_float.h"
#include "unit/chain/orderbook_logs.h"

#define LARGEST "115792089237316195423570985008687907853269984665640564039457584007913129639935"

/* A leg as text: what moved, of which token, from or to which vault. */
struct leg {
	uint16_t token;
	uint8_t decimals;
	const char *vault_id;
	const char *amount;
};

static void assert_leg(const struct orderbook_leg *leg, const struct leg *expected)
{
	struct evm_address token = address_of(expected->token);

	assert_memory_equal(&leg->token, &token, sizeof(token));
	assert_int_equal(leg->decimals, expected->decimals);
	assert_string_equal(evm_uint256_text(&leg->vault_id).text, expected->vault_id);
	assert_string_equal(evm_uint256_text(&leg->amount).text, expected->amount);
}

static void assert_owner(const struct orderbook_fill *fill, uint16_t owner)
{
	struct evm_address expected = address_of(owner);

	assert_memory_equal(&fill->owner, &expected, sizeof(expected));
}

static const struct bytes no_after_clear = {.data = NULL, .length = 0};

static bool has_floats(enum vector vector)
{
	return vector >= FLOAT_TAKE_SELL;
}

static enum orderbook_event_type take_type(enum vector vector)
{
	return has_floats(vector) ? ORDERBOOK_TAKE_ORDER_V3 : ORDERBOOK_TAKE_ORDER_V2;
}

static enum orderbook_event_type clear_type(enum vector vector)
{
	return has_floats(vector) ? ORDERBOOK_CLEAR_V3 : ORDERBOOK_CLEAR_V2;
}

static struct orderbook_event take(enum vector vector)
{
	struct orderbook_event event;
	struct buffer bytes;
	struct error error;

	buffer_init(&bytes, BUFFER_MAX_LOG_DATA);
	if (orderbook_decode(take_type(vector), read_vector(vector, &bytes), no_after_clear, &event,
			     &error) != OUTCOME_OK)
		fail_msg("%s", error.text);
	buffer_free(&bytes);
	assert_int_equal(event.type, take_type(vector));
	assert_int_equal(event.fill_count, 1);
	assert_int_equal(event.sender.bytes[19], SENDER);
	assert_owner(&event.fills[0], vector == TAKE_FOREIGN ? OTHER : OWNER);
	return event;
}

static struct orderbook_event clear(enum vector vector, enum vector after_vector)
{
	struct orderbook_event event;
	struct buffer bytes, after;
	struct error error;

	buffer_init(&bytes, BUFFER_MAX_LOG_DATA);
	buffer_init(&after, BUFFER_MAX_LOG_DATA);
	if (orderbook_decode(clear_type(vector), read_vector(vector, &bytes),
			     read_vector(after_vector, &after), &event, &error) != OUTCOME_OK)
		fail_msg("%s", error.text);
	buffer_free(&bytes);
	buffer_free(&after);
	assert_int_equal(event.type, clear_type(vector));
	assert_int_equal(event.fill_count, 2);
	assert_int_equal(event.sender.bytes[19], SENDER);
	return event;
}

/* The event's `input` is the taker's: it left the order. The wrong way round is a wrong hedge. */
static void what_the_taker_received_left_the_order(void **state)
{
	struct orderbook_event event = take(TAKE_SELL);

	(void)state;
	assert_leg(&event.fills[0].output, &(struct leg){AAPL, 18, "2", "600000000000000000"});
	assert_leg(&event.fills[0].input, &(struct leg){USDC, 6, "1", "138000000"});
}

static void the_indices_choose_token_decimals_and_vault(void **state)
{
	struct orderbook_event event = take(TAKE_BUY);

	(void)state;
	assert_leg(&event.fills[0].input, &(struct leg){AAPL, 18, "2", "2500000000000000000"});
	assert_leg(&event.fills[0].output, &(struct leg){USDC, 6, LARGEST, "577123456"});
}

static void amounts_may_be_nothing_one_wei_or_the_largest_word(void **state)
{
	struct orderbook_event event = take(TAKE_WEI);

	(void)state;
	assert_leg(&event.fills[0].output, &(struct leg){AAPL, 18, "2", "1"});
	assert_leg(&event.fills[0].input, &(struct leg){USDC, 6, "1", "0"});
	event = take(TAKE_ZERO);
	assert_leg(&event.fills[0].output, &(struct leg){AAPL, 18, "2", "0"});
	assert_leg(&event.fills[0].input, &(struct leg){USDC, 6, "1", "0"});
	event = take(TAKE_LARGEST);
	assert_leg(&event.fills[0].output, &(struct leg){AAPL, 18, "2", LARGEST});
	assert_string_equal(
		evm_uint256_text(&event.fills[0].input.amount).text,
		"115792089237316195423570985008687907853269984665640564039457584007913129639934");
}

static void a_stranger_s_order_is_decoded_like_any_other(void **state)
{
	struct orderbook_event event = take(TAKE_FOREIGN);

	(void)state;
	assert_leg(&event.fills[0].output, &(struct leg){NVDA, 18, "2", "3000000000000000000"});
	assert_leg(&event.fills[0].input, &(struct leg){USDC, 6, "1", "540000000"});
}

/* What alice gives and what bob receives differ by the bounty, which belongs to neither. */
static void each_side_of_a_clear_has_its_own_amounts(void **state)
{
	struct orderbook_event event = clear(CLEAR_BOUNTY, AFTER_BOUNTY);

	(void)state;
	assert_owner(&event.fills[0], OWNER);
	assert_leg(&event.fills[0].output, &(struct leg){AAPL, 18, "12", "1500000000000000000"});
	assert_leg(&event.fills[0].input, &(struct leg){USDC, 6, "11", "300000000"});
	assert_owner(&event.fills[1], OTHER);
	assert_leg(&event.fills[1].output, &(struct leg){USDC, 6, "22", "310000000"});
	assert_leg(&event.fills[1].input, &(struct leg){AAPL, 18, "21", "1400000000000000000"});
}

static void bob_may_be_the_owner(void **state)
{
	struct orderbook_event event = clear(CLEAR_BOB, AFTER_BOB);

	(void)state;
	assert_owner(&event.fills[0], OTHER);
	assert_leg(&event.fills[0].output, &(struct leg){NVDA, 18, "42", "2000000000000000000"});
	assert_leg(&event.fills[0].input, &(struct leg){USDC, 6, "41", "361500000"});
	assert_owner(&event.fills[1], OWNER);
	assert_leg(&event.fills[1].output, &(struct leg){USDC, 6, "52", "361500000"});
	assert_leg(&event.fills[1].input, &(struct leg){NVDA, 18, "51", "2000000000000000000"});
}

/* A leg of the second generation: the float's word and the vault's are kept as they are. */
static void assert_float_leg(const struct orderbook_leg *leg, uint16_t token, const char *amount,
			     const char *vault_id)
{
	struct evm_address expected = address_of(token);

	assert_memory_equal(&leg->token, &expected, sizeof(expected));
	assert_true(leg->is_float);
	assert_int_equal(leg->decimals, 0);
	assert_string_equal(orderbook_float_text(&leg->amount).text, amount);
	assert_string_equal(evm_uint256_text(&leg->vault_id).text, vault_id);
}

static void a_take_of_floats_speaks_from_the_taker_s_side_too(void **state)
{
	struct orderbook_event event = take(FLOAT_TAKE_SELL);

	(void)state;
	assert_float_leg(&event.fills[0].output, AAPL, "6e-1", "2");
	assert_float_leg(&event.fills[0].input, USDC, "138e0", "1");
	event = take(FLOAT_TAKE_BUY);
	assert_float_leg(&event.fills[0].input, AAPL, "25000000000000000001999e-22", "2");
	assert_float_leg(&event.fills[0].output, USDC, "577123456e-6", LARGEST);
	event = take(FLOAT_TAKE_NEGATIVE);
	assert_float_leg(&event.fills[0].output, AAPL, "-6e-1", "2");
}

static void a_clear_of_floats_has_each_side_s_own_amounts(void **state)
{
	struct orderbook_event event = clear(FLOAT_CLEAR_BOUNTY, FLOAT_AFTER_BOUNTY);

	(void)state;
	assert_owner(&event.fills[0], OWNER);
	assert_float_leg(&event.fills[0].output, AAPL, "15e-1", "32");
	assert_float_leg(&event.fills[0].input, USDC, "3e2", "31");
	assert_owner(&event.fills[1], OTHER);
	assert_float_leg(&event.fills[1].output, USDC, "31e1", "42");
	assert_float_leg(&event.fills[1].input, AAPL, "14e-1", "41");
}

static void assert_take_refused(enum vector vector, const char *words)
{
	struct orderbook_event event = {.fill_count = 77};
	struct error error = {.kind = ERROR_KIND_NONE};
	struct buffer bytes;

	buffer_init(&bytes, BUFFER_MAX_LOG_DATA);
	assert_int_equal(orderbook_decode(take_type(vector), read_vector(vector, &bytes),
					  no_after_clear, &event, &error),
			 OUTCOME_REJECTED);
	assert_int_equal(error.kind, ERROR_KIND_MALFORMED);
	assert_non_null(strstr(error.text, words));
	assert_int_equal(event.fill_count, 77);
	buffer_free(&bytes);
}

static void an_index_out_of_range_is_refused_with_index_and_count(void **state)
{
	(void)state;
	assert_take_refused(TAKE_INPUT_INDEX, "validInputs[1] of 1");
	assert_take_refused(TAKE_OUTPUT_INDEX, "outputIOIndex");
	assert_take_refused(FLOAT_TAKE_INPUT_INDEX, "validInputs[1] of 1");
}

static void put_uint64(uint8_t *word, uint64_t value)
{
	for (size_t i = 0; i < sizeof(value); i++)
		word[EVM_WORD_SIZE - 1 - i] = (uint8_t)(value >> 8 * i);
}

/* Each of the four indices of a clear is looked at, in the order of its own. */
static void every_index_of_a_clear_is_checked(void **state)
{
	static const char *const words[] = {"validInputs[9] of 1", "validOutputs[9] of 1",
					    "validInputs[9] of 2", "validOutputs[9] of 1"};
	struct buffer bytes, after;
	struct bytes after_clear;
	struct error error;

	(void)state;
	buffer_init(&bytes, BUFFER_MAX_LOG_DATA);
	buffer_init(&after, BUFFER_MAX_LOG_DATA);
	after_clear = read_vector(AFTER_BOUNTY, &after);
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		struct orderbook_event event = {.fill_count = 77};
		struct bytes data = read_vector(CLEAR_BOUNTY, &bytes);

		/* Behind sender and the offsets of alice and bob. */
		put_uint64(bytes.bytes + (3 + i) * EVM_WORD_SIZE, 9);
		assert_int_equal(
			orderbook_decode(ORDERBOOK_CLEAR_V2, data, after_clear, &event, &error),
			OUTCOME_REJECTED);
		assert_non_null(strstr(error.text, words[i]));
		assert_int_equal(event.fill_count, 77);
	}
	buffer_free(&bytes);
	buffer_free(&after);
}

/* One of our events as bytes, and the event that it is. */
struct subject {
	enum orderbook_event_type type;
	struct buffer bytes;
	struct buffer after_bytes;
	struct orderbook_event event;
};

static enum outcome decode_subject(const struct subject *subject, struct bytes data,
				   struct orderbook_event *event)
{
	struct error error;

	return orderbook_decode(subject->type, data,
				(struct bytes){.data = subject->after_bytes.bytes,
					       .length = subject->after_bytes.length},
				event, &error);
}

static void subject_open(struct subject *subject, enum vector vector)
{
	struct bytes data;

	memset(subject, 0, sizeof(*subject));
	subject->type =
		vector == CLEAR_BOUNTY || vector == CLEAR_BOB || vector == FLOAT_CLEAR_BOUNTY
			? clear_type(vector)
			: take_type(vector);
	buffer_init(&subject->bytes, BUFFER_MAX_LOG_DATA);
	buffer_init(&subject->after_bytes, BUFFER_MAX_LOG_DATA);
	(void)read_vector(AFTER_BOUNTY, &subject->after_bytes);
	data = read_vector(vector, &subject->bytes);
	assert_int_equal(decode_subject(subject, data, &subject->event), OUTCOME_OK);
}

static void subject_close(struct subject *subject)
{
	buffer_free(&subject->bytes);
	buffer_free(&subject->after_bytes);
}

static void assert_same_event(const struct orderbook_event *event,
			      const struct orderbook_event *expected)
{
	assert_int_equal(event->type, expected->type);
	assert_memory_equal(&event->sender, &expected->sender, sizeof(event->sender));
	assert_int_equal(event->fill_count, expected->fill_count);
	/* Bytes all through: a fill has no padding. */
	assert_memory_equal(event->fills, expected->fills,
			    expected->fill_count * sizeof(expected->fills[0]));
}

/* Decodes a copy of the subject with word in place of the one that begins at byte at. */
static enum outcome decode_with_word(const struct subject *subject, size_t at,
				     const struct evm_word *word, struct orderbook_event *event)
{
	struct bytes data = {.data = subject->bytes.bytes, .length = subject->bytes.length};
	uint8_t *copy = copy_exactly(data);
	enum outcome outcome;

	memcpy(copy + at, word->bytes, EVM_WORD_SIZE);
	data.data = copy;
	outcome = decode_subject(subject, data, event);
	free(copy);
	return outcome;
}

static const enum vector subjects[] = {TAKE_SELL,	TAKE_BUY,	CLEAR_BOUNTY,
				       FLOAT_TAKE_SELL, FLOAT_TAKE_BUY, FLOAT_CLEAR_BOUNTY};

/* Behind the last word that is read there is no more to lose: then the event is still the same. */
static void an_event_cut_anywhere_is_refused_or_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(subjects); i++) {
		struct subject subject;
		size_t refused = 0;

		subject_open(&subject, subjects[i]);
		for (size_t length = 0; length < subject.bytes.length; length++) {
			struct bytes cut = {.data = subject.bytes.bytes, .length = length};
			struct orderbook_event event;
			uint8_t *copy = copy_exactly(cut);

			cut.data = copy;
			memset(&event, 0, sizeof(event));
			if (decode_subject(&subject, cut, &event) == OUTCOME_OK)
				assert_same_event(&event, &subject.event);
			else
				refused++;
			free(copy);
		}
		/* All that a fill needs stands in no less than that. */
		assert_true(refused >= 20 * EVM_WORD_SIZE);
		subject_close(&subject);
	}
}

static void an_after_clear_cut_anywhere_is_refused(void **state)
{
	struct subject subject;

	(void)state;
	subject_open(&subject, CLEAR_BOUNTY);
	for (size_t length = 0; length < subject.after_bytes.length; length++) {
		struct orderbook_event event;
		struct error error;
		uint8_t *copy = copy_exactly(
			(struct bytes){.data = subject.after_bytes.bytes, .length = length});

		assert_int_equal(orderbook_decode(ORDERBOOK_CLEAR_V2,
						  (struct bytes){.data = subject.bytes.bytes,
								 .length = subject.bytes.length},
						  (struct bytes){.data = copy, .length = length},
						  &event, &error),
				 OUTCOME_REJECTED);
		free(copy);
	}
	subject_close(&subject);
}

static bool is_all_ones(const struct evm_word *word)
{
	for (size_t i = 0; i < EVM_WORD_SIZE; i++) {
		if (word->bytes[i] != 0xff)
			return false;
	}
	return true;
}

/* The number of words in which the legs differ; each may only be a vault or an amount of ones. */
static size_t leg_differences(const struct orderbook_leg *found, const struct orderbook_leg *right)
{
	size_t count = 0;

	assert_memory_equal(&found->token, &right->token, sizeof(found->token));
	assert_int_equal(found->decimals, right->decimals);
	if (!evm_word_equal(&found->vault_id, &right->vault_id)) {
		assert_true(is_all_ones(&found->vault_id));
		count++;
	}
	if (!evm_word_equal(&found->amount, &right->amount)) {
		assert_true(is_all_ones(&found->amount));
		count++;
	}
	return count;
}

static size_t differences(const struct orderbook_event *found, const struct orderbook_event *right)
{
	size_t count = 0;

	assert_memory_equal(&found->sender, &right->sender, sizeof(found->sender));
	assert_int_equal(found->fill_count, right->fill_count);
	for (size_t i = 0; i < right->fill_count; i++) {
		assert_memory_equal(&found->fills[i].owner, &right->fills[i].owner,
				    sizeof(found->fills[i].owner));
		count += leg_differences(&found->fills[i].input, &right->fills[i].input);
		count += leg_differences(&found->fills[i].output, &right->fills[i].output);
	}
	return count;
}

/*
 * A word of ones in place of any other: an address, an index, an offset, a count or the decimals
 * refuse it; a vault or an amount is it; elsewhere it changes nothing.
 */
static void a_word_of_ones_is_refused_or_is_the_value(void **state)
{
	struct evm_word ones;

	(void)state;
	memset(&ones, 0xff, sizeof(ones));
	for (size_t i = 0; i < ARRAY_LENGTH(subjects); i++) {
		struct subject subject;
		size_t changed = 0;

		subject_open(&subject, subjects[i]);
		for (size_t at = 0; at < subject.bytes.length; at += EVM_WORD_SIZE) {
			struct orderbook_event event;
			size_t count;

			if (decode_with_word(&subject, at, &ones, &event) != OUTCOME_OK)
				continue;
			count = differences(&event, &subject.event);
			assert_true(count <= 1);
			changed += count;
		}
		/*
		 * A take: two vaults and two amounts, but the largest vault of TAKE_BUY is of ones
		 * already. A clear: four vaults; its amounts stand elsewhere.
		 */
		assert_int_equal(changed,
				 subjects[i] == TAKE_BUY || subjects[i] == FLOAT_TAKE_BUY ? 3 : 4);
		subject_close(&subject);
	}
}

/* Numbers near every boundary in place of the word at byte at; how many were refused. */
static size_t lie_at(const struct subject *subject, size_t at)
{
	const uint64_t length = subject->bytes.length;
	const uint64_t lies[] = {
		0,
		1,
		31,
		32,
		length - 33,
		length - 32,
		length - 31,
		length - 1,
		length,
		length + 1,
		length / 32,
		length / 96,
		length - at,
		UINT64_MAX,
		UINT64_MAX - 31,
		UINT64_MAX - 32,
		UINT64_MAX / 32,
		UINT64_MAX / 32 + 1,
		UINT64_MAX / 96,
		UINT64_MAX / 96 + 1,
		UINT64_MAX - at,
		UINT64_MAX - at + 1,
		(uint64_t)1 << 63,
		(uint64_t)1 << 59,
	};
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++) {
		struct orderbook_event event = {.fill_count = 77};
		struct evm_word word = word_of(0);

		put_uint64(word.bytes, lies[i]);
		if (decode_with_word(subject, at, &word, &event) != OUTCOME_OK) {
			assert_int_equal(event.fill_count, 77);
			refused++;
		} else {
			assert_int_equal(event.fill_count, subject->event.fill_count);
		}
	}
	return refused;
}

/* Whatever a lie means, nothing outside the data is read. */
static void a_lie_in_any_word_reads_nothing_outside(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(subjects); i++) {
		struct subject subject;
		size_t refused = 0;

		subject_open(&subject, subjects[i]);
		for (size_t at = 0; at < subject.bytes.length; at += EVM_WORD_SIZE)
			refused += lie_at(&subject, at);
		assert_true(refused > 100);
		subject_close(&subject);
	}
}

/* Legal ABI that no compiler writes: both orders of a clear are one and the same bytes. */
static void offsets_may_overlap(void **state)
{
	struct subject subject;
	struct orderbook_event event;
	uint8_t *alice_offset;

	(void)state;
	subject_open(&subject, CLEAR_BOB);
	alice_offset = subject.bytes.bytes + EVM_WORD_SIZE;
	memcpy(alice_offset + EVM_WORD_SIZE, alice_offset, EVM_WORD_SIZE);
	assert_int_equal(decode_subject(&subject,
					(struct bytes){.data = subject.bytes.bytes,
						       .length = subject.bytes.length},
					&event),
			 OUTCOME_OK);
	assert_owner(&event.fills[0], OTHER);
	assert_owner(&event.fills[1], OTHER);
	subject_close(&subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_taker_received_left_the_order),
		cmocka_unit_test(the_indices_choose_token_decimals_and_vault),
		cmocka_unit_test(amounts_may_be_nothing_one_wei_or_the_largest_word),
		cmocka_unit_test(a_stranger_s_order_is_decoded_like_any_other),
		cmocka_unit_test(each_side_of_a_clear_has_its_own_amounts),
		cmocka_unit_test(bob_may_be_the_owner),
		cmocka_unit_test(a_take_of_floats_speaks_from_the_taker_s_side_too),
		cmocka_unit_test(a_clear_of_floats_has_each_side_s_own_amounts),
		cmocka_unit_test(an_index_out_of_range_is_refused_with_index_and_count),
		cmocka_unit_test(every_index_of_a_clear_is_checked),
		cmocka_unit_test(an_event_cut_anywhere_is_refused_or_the_same),
		cmocka_unit_test(an_after_clear_cut_anywhere_is_refused),
		cmocka_unit_test(a_word_of_ones_is_refused_or_is_the_value),
		cmocka_unit_test(a_lie_in_any_word_reads_nothing_outside),
		cmocka_unit_test(offsets_may_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
