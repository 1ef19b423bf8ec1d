/* A short array searched from the front: there are as many entries as symbols with an open order.
 */
#include "executor/order_timers.h"

#include "base/buffer.h"
#include "base/clock.h"

#define BACKOFF_BASE_MS	   1000
#define BACKOFF_MAXIMUM_MS 60000
#define POLL_FIRST_MS	   500
#define POLL_MAXIMUM_MS	   15000

void order_timers_init(struct order_timers *timers)
{
	*timers = (struct order_timers){.items = NULL};
}

void order_timers_free(struct order_timers *timers)
{
	memory_free(timers->items);
	*timers = (struct order_timers){.items = NULL};
}

static struct order_timer *find_timer(const struct order_timers *timers, int64_t execution_id)
{
	for (size_t i = 0; i < timers->count; i++) {
		if (timers->items[i].execution_id == execution_id)
			return &timers->items[i];
	}
	return NULL;
}

static struct order_timer *find_or_add_timer(struct order_timers *timers, int64_t execution_id)
{
	struct order_timer *timer = find_timer(timers, execution_id);
	size_t capacity = timers->capacity;

	if (timer != NULL)
		return timer;
	if (timers->count == capacity) {
		capacity = capacity == 0 ? 8 : 2 * capacity;
		timers->items = memory_grow(timers->items, timers->capacity, capacity,
					    sizeof(*timers->items));
		timers->capacity = capacity;
	}
	timer = &timers->items[timers->count++];
	*timer = (struct order_timer){.execution_id = execution_id};
	backoff_init(&timer->backoff, BACKOFF_BASE_MS, BACKOFF_MAXIMUM_MS);
	return timer;
}

bool order_timers_due(const struct order_timers *timers, int64_t execution_id)
{
	const struct order_timer *timer = find_timer(timers, execution_id);

	return timer == NULL || timer->due_ms <= clock_monotonic_ms();
}

void order_timers_wait(struct order_timers *timers, int64_t execution_id, int64_t wait_ms)
{
	find_or_add_timer(timers, execution_id)->due_ms = clock_monotonic_ms() + wait_ms;
}

int64_t order_timers_back_off(struct order_timers *timers, int64_t execution_id,
			      int64_t retry_after_ms)
{
	struct order_timer *timer = find_or_add_timer(timers, execution_id);
	int64_t wait_ms = backoff_next_ms(&timer->backoff, retry_after_ms);

	timer->due_ms = clock_monotonic_ms() + wait_ms;
	return wait_ms;
}

void order_timers_poll(struct order_timers *timers, int64_t execution_id)
{
	struct order_timer *timer = find_or_add_timer(timers, execution_id);
	int64_t wait_ms = POLL_FIRST_MS;

	for (int64_t i = 0; i < timer->polls && wait_ms < POLL_MAXIMUM_MS; i++)
		wait_ms *= 2;
	if (wait_ms > POLL_MAXIMUM_MS)
		wait_ms = POLL_MAXIMUM_MS;
	timer->polls++;
	timer->due_ms = clock_monotonic_ms() + wait_ms + backoff_jitter_ms(wait_ms / 3);
}

struct order_looks order_timers_look(struct order_timers *timers, int64_t execution_id)
{
	struct order_timer *timer = find_or_add_timer(timers, execution_id);
	int64_t now_ms = clock_monotonic_ms();

	if (timer->looks == 0)
		timer->looking_since_ms = now_ms;
	timer->looks++;
	return (struct order_looks){.count = timer->looks,
				    .during_ms = now_ms - timer->looking_since_ms};
}

void order_timers_settle(struct order_timers *timers, int64_t execution_id)
{
	struct order_timer *timer = find_timer(timers, execution_id);

	if (timer == NULL)
		return;
	timer->looks = 0;
	backoff_reset(&timer->backoff);
}

void order_timers_forget(struct order_timers *timers, int64_t execution_id)
{
	struct order_timer *timer = find_timer(timers, execution_id);

	if (timer != NULL)
		*timer = timers->items[--timers->count];
}

int64_t order_timers_next_ms(const struct order_timers *timers)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t next_ms = -1;

	for (size_t i = 0; i < timers->count; i++) {
		int64_t left_ms = timers->items[i].due_ms - now_ms;

		if (left_ms < 0)
			left_ms = 0;
		if (next_ms < 0 || left_ms < next_ms)
			next_ms = left_ms;
	}
	return next_ms;
}
