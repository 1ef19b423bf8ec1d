/* See evm_log.h. */
#include "chain/evm_log.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

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

void evm_logs_pop(struct evm_logs *logs)
{
	invariant(logs->count > 0);
	logs->count--;
	logs->data.length = logs->items[logs->count].data_offset;
}

void evm_logs_drop_data(struct evm_logs *logs)
{
	struct evm_log *log;

	invariant(logs->count > 0);
	log = &logs->items[logs->count - 1];
	buffer_shorten(&logs->data, log->data_offset);
	log->data_length = 0;
	log->data_dropped = true;
}

bool evm_log_has_topic(const struct evm_log *log, const struct evm_word *choices, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (log->topic_count > 0 && evm_word_equal(&log->topics[0], &choices[i]))
			return true;
	}
	return false;
}

bool evm_logs_has_duplicates(const struct evm_logs *logs)
{
	for (size_t i = 1; i < logs->count; i++) {
		if (compare_places(&logs->items[i - 1], &logs->items[i]) == 0)
			return true;
	}
	return false;
}

/* The index of the first log at or behind that place. */
static size_t first_at(const struct evm_logs *logs, uint64_t block_number, uint64_t log_index)
{
	const struct evm_log place = {.block_number = block_number, .log_index = log_index};
	size_t low = 0;
	size_t high = logs->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_places(&logs->items[middle], &place) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct evm_log *evm_logs_find(const struct evm_logs *logs, uint64_t block_number,
				    uint64_t log_index)
{
	size_t index = first_at(logs, block_number, log_index);
	const struct evm_log *log = index < logs->count ? &logs->items[index] : NULL;

	if (log == NULL || log->block_number != block_number || log->log_index != log_index)
		return NULL;
	return log;
}

size_t evm_logs_of_block(const struct evm_logs *logs, uint64_t block_number, size_t *first)
{
	size_t begin = first_at(logs, block_number, 0);
	size_t end = begin;

	while (end < logs->count && logs->items[end].block_number == block_number)
		end++;
	*first = begin;
	return end - begin;
}

static bool same_log(const struct evm_logs *a, const struct evm_log *left, const struct evm_logs *b,
		     const struct evm_log *right)
{
	struct bytes left_data = evm_logs_data(a, left);
	struct bytes right_data = evm_logs_data(b, right);

	if (left->log_index != right->log_index || left->topic_count != right->topic_count ||
	    !evm_word_equal(&left->tx_hash, &right->tx_hash) ||
	    !evm_word_equal(&left->block_hash, &right->block_hash) ||
	    !evm_address_equal(&left->address, &right->address))
		return false;
	if (!left->data_dropped && !right->data_dropped &&
	    (left_data.length != right_data.length ||
	     memcmp(left_data.data, right_data.data, left_data.length) != 0))
		return false;
	for (size_t i = 0; i < left->topic_count; i++) {
		if (!evm_word_equal(&left->topics[i], &right->topics[i]))
			return false;
	}
	return true;
}

bool evm_logs_agree(const struct evm_logs *a, const struct evm_logs *b, uint64_t block_number)
{
	size_t in_a;
	size_t in_b;
	size_t count = evm_logs_of_block(a, block_number, &in_a);

	if (count != evm_logs_of_block(b, block_number, &in_b))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!same_log(a, &a->items[in_a + i], b, &b->items[in_b + i]))
			return false;
	}
	return true;
}

bool evm_logs_replace_block(struct evm_logs *logs, uint64_t block_number,
			    const struct evm_logs *block_logs)
{
	size_t first;
	size_t count = evm_logs_of_block(logs, block_number, &first);
	size_t behind = logs->count - first - count;

	if (behind > 0)
		memmove(&logs->items[first], &logs->items[first + count],
			behind * sizeof(*logs->items));
	logs->count -= count;
	for (size_t i = 0; i < block_logs->count; i++) {
		const struct evm_log *log = &block_logs->items[i];

		if (!evm_logs_add(logs, log, evm_logs_data(block_logs, log)))
			return false;
	}
	evm_logs_sort(logs);
	return true;
}
