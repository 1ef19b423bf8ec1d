/* Which tokens hold which events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "processor/held_tokens.h"

static struct evm_address address_of(size_t number)
{
	struct evm_address address = {{0}};

	address.bytes[0] = (uint8_t)(number >> 8);
	address.bytes[1] = (uint8_t)number;
	return address;
}

static bool touches(const struct held_tokens *held, size_t number)
{
	const struct event_tokens tokens = {.addresses = {address_of(9999), address_of(number)},
					    .count = 2};

	return held_tokens_touch(held, &tokens);
}

static void only_events_of_a_held_token_are_held(void **state)
{
	const struct event_tokens none = {.count = 0};
	const struct evm_address seven = address_of(7);
	struct held_tokens held;

	(void)state;
	held_tokens_init(&held);
	assert_false(touches(&held, 7));
	held_tokens_add(&held, &seven);
	assert_true(touches(&held, 7));
	assert_false(touches(&held, 8));
	assert_false(held_tokens_touch(&held, &none));
}

static void the_same_token_a_thousand_times_is_one(void **state)
{
	const struct evm_address seven = address_of(7);
	struct held_tokens held;

	(void)state;
	held_tokens_init(&held);
	for (int i = 0; i < 1000; i++)
		held_tokens_add(&held, &seven);
	assert_true(touches(&held, 7));
	assert_false(touches(&held, 8));
}

static void with_more_than_can_be_told_apart_everything_is_held(void **state)
{
	struct evm_address address;
	struct held_tokens held;

	(void)state;
	held_tokens_init(&held);
	for (size_t i = 0; i < HELD_TOKENS_MAXIMUM; i++) {
		address = address_of(i);
		held_tokens_add(&held, &address);
	}
	assert_false(touches(&held, 5000));
	address = address_of(HELD_TOKENS_MAXIMUM);
	held_tokens_add(&held, &address);
	assert_true(touches(&held, 5000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_events_of_a_held_token_are_held),
		cmocka_unit_test(the_same_token_a_thousand_times_is_one),
		cmocka_unit_test(with_more_than_can_be_told_apart_everything_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
