/* The only file that asks the system for memory. */
#include "base/buffer.h"

#include "base/log.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256

static bool wiping;

void memory_wipe_from_now_on(void)
{
	wiping = true;
}

void *memory_allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (memory == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory count=%zu size=%zu", count, size);
	return memory;
}

void *memory_obtain(size_t size)
{
	void *memory = malloc(size > 0 ? size : 1);

	if (memory == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory size=%zu", size);
	return memory;
}

void *memory_resize(void *memory, size_t size)
{
	size_t kept = memory == NULL ? 0 : malloc_usable_size(memory);
	void *resized = memory_obtain(size);

	if (kept > size)
		kept = size;
	if (kept > 0)
		memcpy(resized, memory, kept);
	memory_free(memory);
	return resized;
}

void *memory_grow(void *array, size_t old_count, size_t count, size_t size)
{
	void *grown;

	invariant(count >= old_count && size > 0);
	if (wiping) {
		/* realloc may leave the old block behind as it is. */
		grown = memory_allocate(count, size);
		if (old_count > 0)
			memcpy(grown, array, old_count * size);
		memory_free(array);
		return grown;
	}
	grown = reallocarray(array, count, size);
	if (grown == NULL)
		fatal(EXIT_CODE_TRY_AGAIN, "out of memory count=%zu size=%zu", count, size);
	memset((uint8_t *)grown + old_count * size, 0, (count - old_count) * size);
	return grown;
}

void memory_free(void *memory)
{
	if (wiping && memory != NULL)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

void buffer_init(struct buffer *buffer, size_t maximum)
{
	invariant(maximum < SIZE_MAX / 4);
	*buffer = (struct buffer){.maximum = maximum};
}

void buffer_free(struct buffer *buffer)
{
	memory_free(buffer->bytes);
	*buffer = (struct buffer){.maximum = buffer->maximum};
}

void buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	if (buffer->bytes != NULL)
		buffer->bytes[0] = '\0';
}

/* Room for length more bytes and the NUL; false beyond the maximum. */
static bool make_room(struct buffer *buffer, size_t length)
{
	size_t needed;
	size_t capacity = buffer->capacity == 0 ? FIRST_CAPACITY : buffer->capacity;

	if (length > buffer->maximum - buffer->length)
		return false;
	needed = buffer->length + length + 1;
	if (needed <= buffer->capacity)
		return true;
	while (capacity < needed)
		capacity *= 2;
	buffer->bytes = memory_grow(buffer->bytes, buffer->capacity, capacity, 1);
	buffer->capacity = capacity;
	return true;
}

uint8_t *buffer_extend(struct buffer *buffer, size_t length)
{
	size_t before = buffer->length;

	if (!make_room(buffer, length))
		return NULL;
	buffer->length += length;
	buffer->bytes[buffer->length] = '\0';
	return buffer->bytes + before;
}

void buffer_shorten(struct buffer *buffer, size_t length)
{
	invariant(length <= buffer->length);
	buffer->length = length;
	if (buffer->bytes != NULL)
		buffer->bytes[length] = '\0';
}

bool buffer_append(struct buffer *buffer, const void *data, size_t length)
{
	uint8_t *added = buffer_extend(buffer, length);

	if (added == NULL)
		return false;
	if (length > 0)
		memcpy(added, data, length);
	return true;
}

bool buffer_append_text(struct buffer *buffer, const char *text)
{
	return buffer_append(buffer, text, strlen(text));
}

bool buffer_append_format(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	invariant(length >= 0);
	if (!make_room(buffer, (size_t)length))
		return false;
	va_start(arguments, format);
	(void)vsnprintf((char *)buffer->bytes + buffer->length, (size_t)length + 1, format,
			arguments);
	va_end(arguments);
	buffer->length += (size_t)length;
	return true;
}

const char *buffer_text(const struct buffer *buffer)
{
	return buffer->bytes == NULL ? "" : (const char *)buffer->bytes;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
	invariant(length <= buffer->length);
	if (length == 0)
		return;
	memmove(buffer->bytes, buffer->bytes + length, buffer->length - length);
	buffer->length -= length;
	buffer->bytes[buffer->length] = '\0';
}
