/* See evm_log.h. */
#include "chain/evm_log.h"

#include "base/log.h"

#include <stdlib.h>

#define FIRST_CAPACITY 16

void evm_logs_init(struct evm_logs *logs)
{
	*logs = (struct evm_logs){.items = NULL};
	buffer_init(&logs->data, BUFFER_MAX_LOG_DATA);
}

void evm_logs_free(struct evm_logs *logs)
{
	memory_free(logs->items);
	buffer_free(&logs->data);
	logs->items = NULL;
	logs->count = 0;
	logs->capacity = 0;
}

void evm_logs_clear(struct evm_logs *logs)
{
	logs->count = 0;
	buffer_clear(&logs->data);
}

struct bytes evm_logs_data(const struct evm_logs *logs, const struct evm_log *log)
{
	invariant(log->data_offset <= logs->data.length &&
		  log->data_length <= logs->data.length - log->data_offset);
	if (log->data_length == 0)
		return (struct bytes){.data = (const uint8_t *)"", .length = 0};
	return (struct bytes){.data = logs->data.bytes + log->data_offset,
			      .length = log->data_length};
}

void evm_logs_push(struct evm_logs *logs, const struct evm_log *log)
{
	size_t capacity = logs->capacity == 0 ? FIRST_CAPACITY : 2 * logs->capacity;

	if (logs->count == logs->capacity) {
		logs->items =
			memory_grow(logs->items, logs->capacity, capacity, sizeof(*logs->items));
		logs->capacity = capacity;
	}
	logs->items[logs->count++] = *log;
}

bool evm_logs_add(struct evm_logs *logs, const struct evm_log *log, struct bytes data)
{
	struct evm_log added = *log;

	added.data_offset = logs->data.length;
	added.data_length = data.length;
	if (!buffer_append(&logs->data, data.data, data.length))
		return false;
	evm_logs_push(logs, &added);
	return true;
}

static int compare_places(const void *left, const void *right)
{
	const struct evm_log *a = left;
	const struct evm_log *b = right;

	if (a->block_number != b->block_number)
		return a->block_number < b->block_number ? -1 : 1;
	return (a->log_index > b->log_index) - (a->log_index < b->log_index);
}

void evm_logs_sort(struct evm_logs *logs)
{
	if (logs->count > 1)
		qsort(logs->items, logs->count, sizeof(*logs->items), compare_places);
}
