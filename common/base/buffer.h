/*
 * The only thing that grows. A maximum is given at init and never exceeded; all maxima stand here
 * with their reason. Out of memory is fatal (EXIT_CODE_TRY_AGAIN): callers have no path for it.
 */
#ifndef BALLAST_BASE_BUFFER_H
#define BALLAST_BASE_BUFFER_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A provider's full eth_getLogs answer: public limits are 10,000 logs of a few KB. */
#define BUFFER_MAX_HTTP_ANSWER ((size_t)32 * 1024 * 1024)
/* A request of ours: one call with at most a few hundred parameters. */
#define BUFFER_MAX_HTTP_REQUEST ((size_t)64 * 1024)
/* One WebSocket message: a single log; real ones have at most 9 KB of data, twice that as hex. */
#define BUFFER_MAX_WEBSOCKET_MESSAGE ((size_t)8 * 1024 * 1024)
/* The head of the answer to a WebSocket upgrade; web servers stop at 8 to 16 KiB themselves. */
#define BUFFER_MAX_WEBSOCKET_HEAD ((size_t)16 * 1024)
/* The data of all logs of one answer, as bytes (half of the hex it came as). */
#define BUFFER_MAX_LOG_DATA ((size_t)16 * 1024 * 1024)
/* One event as JSON: two logs' raw data as hex, and the decoded fields. */
#define BUFFER_MAX_EVENT_JSON ((size_t)40 * 1024 * 1024)
/* A configuration file. */
#define BUFFER_MAX_CONFIG ((size_t)256 * 1024)

struct buffer {
	uint8_t *bytes; /* always followed by a NUL that does not count, once anything was added */
	size_t length;
	size_t capacity;
	size_t maximum;
};

/* A view into bytes that somebody else owns. */
struct bytes {
	const uint8_t *data;
	size_t length;
};

void buffer_init(struct buffer *buffer, size_t maximum);
void buffer_free(struct buffer *buffer);
/* Keeps the memory for the next use. */
void buffer_clear(struct buffer *buffer);

/* False, and nothing added, when the maximum would be exceeded. */
MUST_USE bool buffer_append(struct buffer *buffer, const void *data, size_t length);
MUST_USE bool buffer_append_text(struct buffer *buffer, const char *text);
MUST_USE bool buffer_append_format(struct buffer *buffer, const char *format, ...)
	PRINTF_LIKE(2, 3);

/*
 * Makes the buffer longer by length bytes and gives where they begin, for who writes them at once.
 * NULL, and nothing changed, when the maximum would be exceeded. buffer_shorten takes back.
 */
uint8_t *buffer_extend(struct buffer *buffer, size_t length);
/* Drops what stands behind the first length bytes; length <= buffer->length. */
void buffer_shorten(struct buffer *buffer, size_t length);

/* The contents as a C string ("" when empty). Valid until the buffer changes. */
const char *buffer_text(const struct buffer *buffer);

/* Drops the first length bytes; length <= buffer->length. */
void buffer_consume(struct buffer *buffer, size_t length);

/* The door to malloc for the few things that are not bytes: zeroed, never NULL, released by
 * memory_free. */
void *memory_allocate(size_t count, size_t size);
/* For libraries that bring their own idea of what they need: not zeroed, never NULL. */
void *memory_obtain(size_t size);
/* The same for a block from memory_obtain, or NULL, that is to become as long as that. */
void *memory_resize(void *memory, size_t size);
/* Grows an array to count elements; the new ones are zero. */
void *memory_grow(void *array, size_t old_count, size_t count, size_t size);
void memory_free(void *memory);

/*
 * From now on memory is overwritten before it is given back: for the process that holds secrets,
 * whose copies pass through JSON, HTTP and configuration buffers. Never taken back.
 */
void memory_wipe_from_now_on(void);

#endif
