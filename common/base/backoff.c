/* See backoff.h. */
#include "base/backoff.h"

#include "base/log.h"

#include <sys/random.h>

#define RETRY_AFTER_MAXIMUM_MS 300000

void backoff_init(struct backoff *backoff, int64_t base_ms, int64_t maximum_ms)
{
	invariant(base_ms > 0 && maximum_ms > 0);
	*backoff = (struct backoff){.base_ms = base_ms, .maximum_ms = maximum_ms};
}

void backoff_reset(struct backoff *backoff)
{
	backoff->attempts = 0;
}

int64_t backoff_doubled_ms(int64_t base_ms, int64_t times, int64_t maximum_ms)
{
	int64_t wait_ms = base_ms;

	for (int64_t i = 0; i < times && wait_ms < maximum_ms; i++) {
		if (wait_ms > maximum_ms / 2)
			return maximum_ms;
		wait_ms *= 2;
	}
	return wait_ms < maximum_ms ? wait_ms : maximum_ms;
}

int64_t backoff_jitter_ms(int64_t maximum_ms)
{
	uint64_t random;

	invariant(maximum_ms > 0);
	invariant(getrandom(&random, sizeof(random), 0) == (ssize_t)sizeof(random));
	return (int64_t)(random % (uint64_t)maximum_ms);
}

int64_t backoff_next_ms(struct backoff *backoff, int64_t retry_after_ms)
{
	int64_t ceiling_ms =
		backoff_doubled_ms(backoff->base_ms, backoff->attempts, backoff->maximum_ms);
	int64_t wait_ms = 1 + backoff_jitter_ms(ceiling_ms);

	if (backoff->attempts < 1000)
		backoff->attempts++;
	if (retry_after_ms > RETRY_AFTER_MAXIMUM_MS)
		retry_after_ms = RETRY_AFTER_MAXIMUM_MS;
	return wait_ms > retry_after_ms ? wait_ms : retry_after_ms;
}
