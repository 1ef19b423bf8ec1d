/* Logs wait until their event is complete, whatever order they come in and however often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "listener/waiting_logs.h"

#include <string.h>

#define TAKE  0
#define CLEAR 1
#define AFTER 2

static const struct bytes no_data = {.data = NULL, .length = 0};

static struct evm_log a_log(size_t topic, uint8_t tx, uint64_t log_index)
{
	struct evm_log log = {
		.topic_count = 1,
		.block_number = 10,
		.log_index = log_index,
		.has_block_timestamp = true,
		.block_timestamp = 1000,
	};

	log.topics[0] = orderbook_topics[topic];
	log.tx_hash.bytes[0] = tx;
	log.block_hash.bytes[0] = 0xb0;
	return log;
}

static void add(struct waiting_logs *waiting, size_t topic, uint8_t tx, uint64_t log_index)
{
	struct evm_log log = a_log(topic, tx, log_index);

	assert_true(waiting_logs_add(waiting, &log, no_data));
	waiting_logs_sort(waiting);
}

static size_t count_complete(struct waiting_logs *waiting, const struct head_times *times)
{
	struct waiting_event event;
	size_t cursor = 0;
	size_t count = 0;

	waiting_logs_sort(waiting);
	while (waiting_logs_next_complete(waiting, times, &cursor, &event))
		count++;
	return count;
}

static int set_up(void **state)
{
	static struct waiting_logs waiting;

	waiting_logs_init(&waiting);
	*state = &waiting;
	return 0;
}

static int tear_down(void **state)
{
	waiting_logs_free(*state);
	return 0;
}

static void a_take_is_complete_by_itself(void **state)
{
	struct waiting_logs *waiting = *state;
	struct head_times times = {.count = 0};

	add(waiting, TAKE, 1, 0);
	assert_int_equal(count_complete(waiting, &times), 1);
	waiting_logs_sweep(waiting, &times);
	assert_int_equal(waiting->logs.count, 0);
}

static void a_clear_waits_for_its_after_clear_even_when_that_comes_first(void **state)
{
	struct waiting_logs *waiting = *state;
	struct head_times times = {.count = 0};

	add(waiting, AFTER, 1, 3);
	assert_int_equal(count_complete(waiting, &times), 0);
	add(waiting, CLEAR, 1, 0);
	assert_int_equal(count_complete(waiting, &times), 1);
	waiting_logs_sweep(waiting, &times);
	assert_int_equal(waiting->logs.count, 0);
}

static void two_clears_of_one_transaction_each_take_their_own(void **state)
{
	struct waiting_logs *waiting = *state;
	struct head_times times = {.count = 0};
	struct waiting_event event;
	size_t cursor = 0;

	add(waiting, AFTER, 1, 7);
	add(waiting, CLEAR, 1, 4);
	add(waiting, CLEAR, 1, 0);
	waiting_logs_sort(waiting);
	assert_true(waiting_logs_next_complete(waiting, &times, &cursor, &event));
	assert_int_equal(event.occurrence.log->log_index, 4);
	assert_int_equal(event.occurrence.after_clear->log_index, 7);
	assert_false(waiting_logs_next_complete(waiting, &times, &cursor, &event));
	waiting_logs_sweep(waiting, &times);
	assert_int_equal(waiting->logs.count, 1);
	add(waiting, AFTER, 1, 3);
	assert_int_equal(count_complete(waiting, &times), 1);
}

static void an_after_clear_of_another_transaction_completes_nothing(void **state)
{
	struct waiting_logs *waiting = *state;
	struct head_times times = {.count = 0};

	add(waiting, CLEAR, 1, 0);
	add(waiting, AFTER, 2, 3);
	assert_int_equal(count_complete(waiting, &times), 0);
}

static void an_after_clear_of_the_same_transaction_in_another_block_completes_nothing(void **state)
{
	struct waiting_logs *waiting = *state;
	struct head_times times = {.count = 0};
	struct evm_log after = a_log(AFTER, 1, 3);

	add(waiting, CLEAR, 1, 0);
	after.block_hash.bytes[0] = 0xb1;
	assert_true(waiting_logs_add(waiting, &after, no_data));
	assert_int_equal(count_complete(waiting, &times), 0);
}

static void the_same_log_twice_is_one(void **state)
{
	struct waiting_logs *waiting = *state;

	add(waiting, TAKE, 1, 0);
	add(waiting, TAKE, 1, 0);
	assert_int_equal(waiting->logs.count, 1);
}

static void a_log_without_a_time_waits_for_its_head(void **state)
{
	struct waiting_logs *waiting = *state;
	struct head_times times = {.count = 0};
	struct evm_log log = a_log(TAKE, 1, 0);
	struct evm_block head = {.number = 10, .timestamp = 4242};
	struct waiting_event event;
	size_t cursor = 0;

	log.has_block_timestamp = false;
	assert_true(waiting_logs_add(waiting, &log, no_data));
	assert_int_equal(count_complete(waiting, &times), 0);
	head.hash.bytes[0] = 0xb1;
	head_times_add(&times, &head);
	assert_int_equal(count_complete(waiting, &times), 0);
	head.hash.bytes[0] = 0xb0;
	head_times_add(&times, &head);
	assert_true(waiting_logs_next_complete(waiting, &times, &cursor, &event));
	assert_int_equal(event.block_timestamp, 4242);
}

static void a_dropped_block_takes_only_its_own_logs_along(void **state)
{
	struct waiting_logs *waiting = *state;
	struct evm_log other = a_log(TAKE, 2, 5);
	struct evm_word hash = a_log(TAKE, 1, 0).block_hash;

	add(waiting, CLEAR, 1, 0);
	other.block_hash.bytes[0] = 0xb1;
	assert_true(waiting_logs_add(waiting, &other, no_data));
	waiting_logs_drop_block(waiting, &hash);
	assert_int_equal(waiting->logs.count, 1);
	assert_int_equal(waiting->logs.items[0].log_index, 5);
}

static void data_survives_a_sweep(void **state)
{
	struct waiting_logs *waiting = *state;
	struct head_times times = {.count = 0};
	struct evm_log clear = a_log(CLEAR, 1, 0);
	const uint8_t first[] = {1, 2, 3};
	struct bytes kept;

	add(waiting, TAKE, 2, 9);
	assert_true(waiting_logs_add(waiting, &clear,
				     (struct bytes){.data = first, .length = sizeof(first)}));
	waiting_logs_sort(waiting);
	waiting_logs_sweep(waiting, &times);
	assert_int_equal(waiting->logs.count, 1);
	kept = evm_logs_data(&waiting->logs, &waiting->logs.items[0]);
	assert_int_equal(kept.length, sizeof(first));
	assert_memory_equal(kept.data, first, sizeof(first));
}

static void the_ring_of_head_times_forgets_the_oldest(void **state)
{
	struct head_times times = {.count = 0};
	struct evm_block head = {.timestamp = 1};
	uint64_t timestamp;

	(void)state;
	for (uint8_t i = 0; i <= HEAD_TIMES_KEPT; i++) {
		head.hash.bytes[0] = i;
		head_times_add(&times, &head);
	}
	head.hash.bytes[0] = 0;
	assert_false(head_times_find(&times, &head.hash, &timestamp));
	head.hash.bytes[0] = 1;
	assert_true(head_times_find(&times, &head.hash, &timestamp));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_take_is_complete_by_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_clear_waits_for_its_after_clear_even_when_that_comes_first, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(two_clears_of_one_transaction_each_take_their_own,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_after_clear_of_another_transaction_completes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_after_clear_of_the_same_transaction_in_another_block_completes_nothing,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_log_twice_is_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_log_without_a_time_waits_for_its_head, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_dropped_block_takes_only_its_own_logs_along,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(data_survives_a_sweep, set_up, tear_down),
		cmocka_unit_test(the_ring_of_head_times_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
