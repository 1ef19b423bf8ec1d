/* Lists of logs: their data stays theirs while the list grows, and their order is the chain's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "chain/evm_log.h"

#include <stdlib.h>
#include <string.h>

static struct bytes text_bytes(const char *text)
{
	return (struct bytes){.data = (const uint8_t *)text, .length = strlen(text)};
}

static void add(struct evm_logs *logs, uint64_t block_number, uint64_t log_index)
{
	struct evm_log log = {.block_number = block_number, .log_index = log_index};

	assert_true(evm_logs_add(logs, &log, text_bytes("x")));
}

static void every_log_keeps_its_data_while_the_list_grows(void **state)
{
	struct evm_logs logs;

	(void)state;
	evm_logs_init(&logs);
	for (uint64_t i = 0; i < 1000; i++) {
		struct evm_log log = {.log_index = i};

		assert_true(evm_logs_add(
			&logs, &log, (struct bytes){.data = (const uint8_t *)&i, .length = i % 9}));
	}
	assert_int_equal(logs.count, 1000);
	for (uint64_t i = 0; i < 1000; i++) {
		struct bytes data = evm_logs_data(&logs, &logs.items[i]);

		assert_int_equal(data.length, i % 9);
		assert_memory_equal(data.data, &i, data.length);
	}
	evm_logs_free(&logs);
}

static void a_log_without_data_has_an_empty_view(void **state)
{
	struct evm_logs logs;
	struct evm_log log = {.log_index = 1};

	(void)state;
	evm_logs_init(&logs);
	evm_logs_push(&logs, &log);
	assert_int_equal(evm_logs_data(&logs, &logs.items[0]).length, 0);
	assert_non_null(evm_logs_data(&logs, &logs.items[0]).data);
	evm_logs_free(&logs);
}

static void the_order_is_by_block_and_then_by_log_index(void **state)
{
	static const uint64_t expected[][2] = {{1, 0}, {1, 2},	{2, 0},
					       {2, 1}, {2, 10}, {UINT64_C(1) << 40, 0}};
	struct evm_logs logs;

	(void)state;
	evm_logs_init(&logs);
	add(&logs, 2, 10);
	add(&logs, 1, 2);
	add(&logs, UINT64_C(1) << 40, 0);
	add(&logs, 2, 1);
	add(&logs, 1, 0);
	add(&logs, 2, 0);
	evm_logs_sort(&logs);
	for (size_t i = 0; i < logs.count; i++) {
		assert_int_equal(logs.items[i].block_number, expected[i][0]);
		assert_int_equal(logs.items[i].log_index, expected[i][1]);
	}
	evm_logs_free(&logs);
}

static void an_empty_list_can_be_sorted_cleared_and_freed_twice(void **state)
{
	struct evm_logs logs;

	(void)state;
	evm_logs_init(&logs);
	evm_logs_sort(&logs);
	evm_logs_clear(&logs);
	evm_logs_free(&logs);
	evm_logs_free(&logs);
	assert_int_equal(logs.count, 0);
}

static void a_cleared_list_begins_anew(void **state)
{
	struct evm_logs logs;

	(void)state;
	evm_logs_init(&logs);
	add(&logs, 1, 1);
	evm_logs_clear(&logs);
	assert_int_equal(logs.count, 0);
	assert_int_equal(logs.data.length, 0);
	add(&logs, 2, 2);
	assert_int_equal(logs.items[0].block_number, 2);
	assert_int_equal(logs.items[0].data_offset, 0);
	evm_logs_free(&logs);
}

static void data_beyond_the_maximum_is_refused_and_nothing_added(void **state)
{
	uint8_t *large = calloc(BUFFER_MAX_LOG_DATA, 1);
	struct evm_log log = {.log_index = 1};
	struct evm_logs logs;

	(void)state;
	assert_non_null(large);
	evm_logs_init(&logs);
	assert_true(evm_logs_add(&logs, &log,
				 (struct bytes){.data = large, .length = BUFFER_MAX_LOG_DATA}));
	assert_false(evm_logs_add(&logs, &log, text_bytes("x")));
	assert_int_equal(logs.count, 1);
	assert_int_equal(logs.data.length, BUFFER_MAX_LOG_DATA);
	evm_logs_free(&logs);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_log_keeps_its_data_while_the_list_grows),
		cmocka_unit_test(a_log_without_data_has_an_empty_view),
		cmocka_unit_test(the_order_is_by_block_and_then_by_log_index),
		cmocka_unit_test(an_empty_list_can_be_sorted_cleared_and_freed_twice),
		cmocka_unit_test(a_cleared_list_begins_anew),
		cmocka_unit_test(data_beyond_the_maximum_is_refused_and_nothing_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
