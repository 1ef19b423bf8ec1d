/* See range_tasks.h. */
#include "backfiller/range_tasks.h"

#include "base/log.h"

#define RANGE_BACKOFF_BASE_MS	 250
#define RANGE_BACKOFF_MAXIMUM_MS 60000

void range_tasks_init(struct range_tasks *tasks, const struct range_tasks_options *options)
{
	tasks->options = *options;
	for (size_t i = 0; i < RANGE_TASKS_MAXIMUM; i++) {
		tasks->items[i] = (struct range_task){.state = RANGE_TASK_FREE};
		range_reader_init(&tasks->items[i].reader, options->orderbook, options->ingest,
				  options->bloom);
	}
}

void range_tasks_free(struct range_tasks *tasks)
{
	for (size_t i = 0; i < RANGE_TASKS_MAXIMUM; i++)
		range_reader_clear(&tasks->items[i].reader);
}

size_t range_tasks_count(const struct range_tasks *tasks)
{
	size_t count = 0;

	for (size_t i = 0; i < RANGE_TASKS_MAXIMUM; i++) {
		if (tasks->items[i].state != RANGE_TASK_FREE)
			count++;
	}
	return count;
}

size_t range_tasks_ranges(const struct range_tasks *tasks, struct block_range *taken)
{
	size_t count = 0;

	for (size_t i = 0; i < RANGE_TASKS_MAXIMUM; i++) {
		if (tasks->items[i].state != RANGE_TASK_FREE)
			taken[count++] = tasks->items[i].whole;
	}
	return count;
}

static void start_attempt(struct range_tasks *tasks, struct range_task *task,
			  struct block_range part)
{
	const struct range_reading reading = {
		.linked = part.first >= *tasks->options.linked_from,
		.accept_incomplete = task->attempt >= tasks->options.attempts_maximum,
		/* What failed may have failed for being a batch. */
		.takes_batches = task->attempt == 1 ? tasks->options.takes_batches : NULL,
	};

	range_reader_start(&task->reader, part, &reading);
	task->state = RANGE_TASK_WAITING;
}

static void start_part(struct range_tasks *tasks, struct range_task *task)
{
	task->attempt = 1;
	task->due_ms = 0;
	backoff_init(&task->backoff, RANGE_BACKOFF_BASE_MS, RANGE_BACKOFF_MAXIMUM_MS);
	start_attempt(tasks, task, range_plan_clip(tasks->options.plan, task->whole));
}

struct range_task *range_tasks_add(struct range_tasks *tasks, struct block_range whole)
{
	for (size_t i = 0; i < RANGE_TASKS_MAXIMUM; i++) {
		struct range_task *task = &tasks->items[i];

		if (task->state != RANGE_TASK_FREE)
			continue;
		task->whole = whole;
		task->expectation = (struct range_expectation){.session_id = 0};
		start_part(tasks, task);
		return task;
	}
	return NULL;
}

struct range_task *range_tasks_of_slot(struct range_tasks *tasks, size_t http_slot)
{
	for (size_t i = 0; i < RANGE_TASKS_MAXIMUM; i++) {
		struct range_task *task = &tasks->items[i];

		if (task->state == RANGE_TASK_ASKING && task->http_slot == http_slot)
			return task;
	}
	return NULL;
}

struct range_task *range_tasks_due(struct range_tasks *tasks, int64_t now_ms, bool only_unfailed)
{
	struct range_task *lowest = NULL;

	for (size_t i = 0; i < RANGE_TASKS_MAXIMUM; i++) {
		struct range_task *task = &tasks->items[i];

		if (task->state != RANGE_TASK_WAITING || task->due_ms > now_ms)
			continue;
		if (only_unfailed && task->attempt > 1)
			continue;
		if (lowest == NULL || task->whole.first < lowest->whole.first)
			lowest = task;
	}
	return lowest;
}

int64_t range_tasks_next_due_ms(const struct range_tasks *tasks)
{
	int64_t due_ms = INT64_MAX;

	for (size_t i = 0; i < RANGE_TASKS_MAXIMUM; i++) {
		const struct range_task *task = &tasks->items[i];

		if (task->state == RANGE_TASK_WAITING && task->due_ms < due_ms)
			due_ms = task->due_ms;
	}
	return due_ms;
}

void range_tasks_ask_on(struct range_task *task)
{
	task->state = RANGE_TASK_WAITING;
	task->due_ms = 0;
}

void range_tasks_next_part(struct range_tasks *tasks, struct range_task *task)
{
	int64_t read_to = task->reader.range.last;

	if (read_to < task->whole.last) {
		task->whole.first = read_to + 1;
		start_part(tasks, task);
		return;
	}
	range_tasks_give_back(task);
}

void range_tasks_give_back(struct range_task *task)
{
	range_reader_clear(&task->reader);
	task->state = RANGE_TASK_FREE;
}

void range_tasks_split(struct range_tasks *tasks, struct range_task *task)
{
	struct block_range part = range_plan_clip(tasks->options.plan, task->whole);

	invariant(part.last < task->reader.range.last);
	task->due_ms = 0;
	start_attempt(tasks, task, part);
}

bool range_tasks_retry(struct range_tasks *tasks, struct range_task *task, int64_t retry_after_ms,
		       int64_t now_ms)
{
	struct block_range part = range_plan_clip(tasks->options.plan, task->whole);

	if (!tasks->options.for_ever && task->attempt >= tasks->options.attempts_maximum)
		return false;
	if (part.last > task->reader.range.last)
		part.last = task->reader.range.last;
	task->attempt++;
	task->due_ms = now_ms + backoff_next_ms(&task->backoff, retry_after_ms);
	start_attempt(tasks, task, part);
	return true;
}
