/* What grows, to its maximum and no further; and the wait that grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/backoff.h"
#include "base/buffer.h"

#include <string.h>

static void a_buffer_grows_to_its_maximum_and_not_beyond(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 5);
	assert_string_equal(buffer_text(&buffer), "");
	assert_true(buffer_append_text(&buffer, "abc"));
	assert_false(buffer_append_text(&buffer, "def"));
	assert_string_equal(buffer_text(&buffer), "abc");
	assert_true(buffer_append_format(&buffer, "%d", 45));
	assert_false(buffer_append_format(&buffer, "%d", 6));
	assert_string_equal(buffer_text(&buffer), "abc45");
	assert_true(buffer_append(&buffer, NULL, 0));
	buffer_consume(&buffer, 2);
	assert_string_equal(buffer_text(&buffer), "c45");
	buffer_consume(&buffer, 3);
	assert_int_equal(buffer.length, 0);
	buffer_clear(&buffer);
	assert_true(buffer_append_text(&buffer, "again"));
	buffer_free(&buffer);
	assert_true(buffer_append_text(&buffer, "used"));
	buffer_free(&buffer);
}

static void much_is_kept_byte_for_byte(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, (size_t)1 << 20);
	for (uint32_t i = 0; i < (1u << 18); i++)
		assert_true(buffer_append(&buffer, &i, sizeof(i)));
	assert_false(buffer_append(&buffer, "", 1));
	for (uint32_t i = 0; i < (1u << 18); i += 4099) {
		uint32_t read;

		memcpy(&read, buffer.bytes + i * sizeof(i), sizeof(read));
		assert_int_equal(read, i);
	}
	buffer_free(&buffer);
}

static void grown_memory_is_zero(void **state)
{
	uint32_t *array = memory_allocate(2, sizeof(*array));

	(void)state;
	array[0] = array[1] = 7;
	array = memory_grow(array, 2, 1000, sizeof(*array));
	assert_int_equal(array[1], 7);
	for (size_t i = 2; i < 1000; i++)
		assert_int_equal(array[i], 0);
	memory_free(array);
}

static void a_wait_grows_with_the_failures_within_its_bounds(void **state)
{
	struct backoff backoff;
	int64_t longest_ms = 0;

	(void)state;
	backoff_init(&backoff, 100, 5000);
	for (int64_t limit_ms = 100; limit_ms <= 1600; limit_ms *= 2)
		assert_in_range(backoff_next_ms(&backoff, 0), 1, limit_ms);
	for (int i = 0; i < 2000; i++) {
		int64_t wait_ms = backoff_next_ms(&backoff, 0);

		assert_in_range(wait_ms, 1, 5000);
		if (wait_ms > longest_ms)
			longest_ms = wait_ms;
	}
	assert_true(longest_ms > 2500);
	backoff_reset(&backoff);
	assert_in_range(backoff_next_ms(&backoff, 0), 1, 100);
}

static void what_the_peer_asks_for_is_kept_within_reason(void **state)
{
	struct backoff backoff;

	(void)state;
	backoff_init(&backoff, 100, 5000);
	assert_int_equal(backoff_next_ms(&backoff, 60000), 60000);
	assert_int_equal(backoff_next_ms(&backoff, INT64_MAX), 300000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_to_its_maximum_and_not_beyond),
		cmocka_unit_test(much_is_kept_byte_for_byte),
		cmocka_unit_test(grown_memory_is_zero),
		cmocka_unit_test(a_wait_grows_with_the_failures_within_its_bounds),
		cmocka_unit_test(what_the_peer_asks_for_is_kept_within_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
