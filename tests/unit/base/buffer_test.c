/* What grows, to its maximum and no further. */
#include "unit/store/test_store.h"

#include "base/buffer.h"

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

static void a_maximum_of_nothing_takes_nothing(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 0);
	assert_false(buffer_append(&buffer, "a", 1));
	assert_false(buffer_append_format(&buffer, "%s", "a"));
	assert_true(buffer_append_text(&buffer, ""));
	assert_string_equal(buffer_text(&buffer), "");
	buffer_consume(&buffer, 0);
	buffer_free(&buffer);
}

static void a_buffer_is_made_longer_for_who_writes_and_shorter_again(void **state)
{
	struct buffer buffer;
	uint8_t *added;

	(void)state;
	buffer_init(&buffer, 6);
	buffer_shorten(&buffer, 0);
	assert_true(buffer_append_text(&buffer, "abc"));
	added = buffer_extend(&buffer, 3);
	assert_ptr_equal(added, buffer.bytes + 3);
	memcpy(added, "def", 3);
	assert_string_equal(buffer_text(&buffer), "abcdef");
	assert_null(buffer_extend(&buffer, 1));
	assert_string_equal(buffer_text(&buffer), "abcdef");
	buffer_shorten(&buffer, 2);
	assert_string_equal(buffer_text(&buffer), "ab");
	buffer_free(&buffer);
}

static void a_length_that_would_wrap_around_is_refused(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 100);
	assert_true(buffer_append_text(&buffer, "abc"));
	assert_false(buffer_append(&buffer, "x", SIZE_MAX));
	assert_false(buffer_append(&buffer, "x", SIZE_MAX - 2));
	assert_string_equal(buffer_text(&buffer), "abc");
	buffer_free(&buffer);
}

static void bytes_of_every_value_are_kept_and_followed_by_a_nul(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 600);
	/* The NUL needs a place of its own at the edge of the first capacity, 256. */
	for (size_t i = 0; i < 600; i++) {
		const uint8_t byte = (uint8_t)i;

		assert_true(buffer_append(&buffer, &byte, 1));
		assert_true(buffer.capacity > buffer.length);
		assert_int_equal(buffer.bytes[buffer.length], 0);
	}
	buffer_consume(&buffer, 88);
	assert_int_equal(buffer.length, 512);
	assert_int_equal(buffer.bytes[buffer.length], 0);
	for (size_t i = 0; i < 512; i++)
		assert_int_equal(buffer.bytes[i], (uint8_t)(i + 88));
	buffer_free(&buffer);
}

static void clearing_keeps_the_memory_and_the_maximum(void **state)
{
	struct buffer buffer;
	const uint8_t *before;

	(void)state;
	buffer_init(&buffer, 3);
	buffer_clear(&buffer);
	assert_string_equal(buffer_text(&buffer), "");
	assert_true(buffer_append_text(&buffer, "abc"));
	before = buffer.bytes;
	buffer_clear(&buffer);
	assert_string_equal(buffer_text(&buffer), "");
	assert_true(buffer_append_text(&buffer, "xyz"));
	assert_ptr_equal(buffer.bytes, before);
	assert_false(buffer_append_text(&buffer, "!"));
	buffer_free(&buffer);
	assert_null(buffer.bytes);
	assert_false(buffer_append_text(&buffer, "long"));
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

static void allocated_memory_is_zero(void **state)
{
	uint8_t *memory = memory_allocate(64, 64);

	(void)state;
	for (size_t i = 0; i < 4096; i++)
		assert_int_equal(memory[i], 0);
	memory_free(memory);
	memory_free(NULL);
}

/* AddressSanitizer would report the refusal of too much memory instead of returning NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* What a count times a size wraps to would be allocated with ease: 2 bytes. */
static void grow_beyond_all(void *context)
{
	memory_free(memory_grow(NULL, 0, *(const size_t *)context + 2, 2));
}

static void consume_too_much(void *context)
{
	struct buffer buffer;

	(void)context;
	buffer_init(&buffer, 10);
	if (buffer_append_text(&buffer, "abc"))
		buffer_consume(&buffer, 4);
}

static void shrink(void *context)
{
	(void)context;
	memory_free(memory_grow(NULL, 2, 1, 1));
}

static void what_no_caller_may_ask_for_ends_the_process(void **state)
{
	size_t count = SIZE_MAX / 2;
	void (*const misuses[])(void *) = {grow_beyond_all, consume_too_much, shrink};
	static const int exit_codes[] = {75, 70, 70};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(misuses); i++) {
		struct test_child child = test_child_run(misuses[i], &count);

		test_child_assert(&child, exit_codes[i], i == 0 ? "out of memory" : "invariant");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_to_its_maximum_and_not_beyond),
		cmocka_unit_test(a_maximum_of_nothing_takes_nothing),
		cmocka_unit_test(a_buffer_is_made_longer_for_who_writes_and_shorter_again),
		cmocka_unit_test(a_length_that_would_wrap_around_is_refused),
		cmocka_unit_test(bytes_of_every_value_are_kept_and_followed_by_a_nul),
		cmocka_unit_test(clearing_keeps_the_memory_and_the_maximum),
		cmocka_unit_test(much_is_kept_byte_for_byte),
		cmocka_unit_test(grown_memory_is_zero),
		cmocka_unit_test(allocated_memory_is_zero),
		cmocka_unit_test(what_no_caller_may_ask_for_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
