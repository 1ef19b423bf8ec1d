/* See waiting_logs.h. The list holds a few logs at a time; simple walks over all of it are fine. */
#include "listener/waiting_logs.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"

void waiting_logs_init(struct waiting_logs *waiting)
{
	evm_logs_init(&waiting->logs);
	evm_logs_init(&waiting->spare);
	waiting->marks = NULL;
	waiting->mark_capacity = 0;
	waiting->since_ms = 0;
}

void waiting_logs_free(struct waiting_logs *waiting)
{
	evm_logs_free(&waiting->logs);
	evm_logs_free(&waiting->spare);
	memory_free(waiting->marks);
	waiting->marks = NULL;
	waiting->mark_capacity = 0;
}

void waiting_logs_clear(struct waiting_logs *waiting)
{
	evm_logs_clear(&waiting->logs);
}

static bool same_log(const struct evm_log *a, const struct evm_log *b)
{
	return a->log_index == b->log_index && evm_word_equal(&a->block_hash, &b->block_hash);
}

bool waiting_logs_add(struct waiting_logs *waiting, const struct evm_log *log, struct bytes data)
{
	for (size_t i = 0; i < waiting->logs.count; i++) {
		if (same_log(&waiting->logs.items[i], log))
			return true;
	}
	if (waiting->logs.count == 0)
		waiting->since_ms = clock_monotonic_ms();
	return evm_logs_add(&waiting->logs, log, data);
}

void waiting_logs_sort(struct waiting_logs *waiting)
{
	evm_logs_sort(&waiting->logs);
}

static bool time_of(const struct evm_log *log, const struct head_times *times, uint64_t *timestamp)
{
	if (log->has_block_timestamp) {
		*timestamp = log->block_timestamp;
		return true;
	}
	return head_times_find(times, &log->block_hash, timestamp);
}

bool waiting_logs_next_complete(const struct waiting_logs *waiting, const struct head_times *times,
				size_t *cursor, struct waiting_event *event)
{
	while (orderbook_next_occurrence(&waiting->logs, cursor, &event->occurrence)) {
		const struct orderbook_occurrence *occurrence = &event->occurrence;

		if (!orderbook_occurrence_is_whole(occurrence))
			continue;
		if (time_of(occurrence->log, times, &event->block_timestamp))
			return true;
	}
	return false;
}

/* Marks, by place in the list, the logs that complete events consist of. */
static void mark_complete(struct waiting_logs *waiting, const struct head_times *times)
{
	struct waiting_event event;
	size_t cursor = 0;

	if (waiting->logs.count > waiting->mark_capacity) {
		waiting->marks = memory_grow(waiting->marks, waiting->mark_capacity,
					     waiting->logs.count, sizeof(*waiting->marks));
		waiting->mark_capacity = waiting->logs.count;
	}
	for (size_t i = 0; i < waiting->logs.count; i++)
		waiting->marks[i] = false;
	while (waiting_logs_next_complete(waiting, times, &cursor, &event)) {
		waiting->marks[event.occurrence.log - waiting->logs.items] = true;
		if (event.occurrence.after_clear != NULL)
			waiting->marks[event.occurrence.after_clear - waiting->logs.items] = true;
	}
}

static void keep(struct waiting_logs *waiting, const struct evm_log *log)
{
	/* The spare list has the same maximum and receives a part of what fitted before. */
	invariant(evm_logs_add(&waiting->spare, log, evm_logs_data(&waiting->logs, log)));
}

static void swap_in_spare(struct waiting_logs *waiting)
{
	struct evm_logs kept = waiting->spare;

	waiting->spare = waiting->logs;
	waiting->logs = kept;
	evm_logs_clear(&waiting->spare);
}

void waiting_logs_sweep(struct waiting_logs *waiting, const struct head_times *times)
{
	mark_complete(waiting, times);
	for (size_t i = 0; i < waiting->logs.count; i++) {
		if (!waiting->marks[i])
			keep(waiting, &waiting->logs.items[i]);
	}
	swap_in_spare(waiting);
}

void waiting_logs_drop_block(struct waiting_logs *waiting, const struct evm_word *block_hash)
{
	for (size_t i = 0; i < waiting->logs.count; i++) {
		const struct evm_log *log = &waiting->logs.items[i];

		if (!evm_word_equal(&log->block_hash, block_hash))
			keep(waiting, log);
	}
	swap_in_spare(waiting);
}
