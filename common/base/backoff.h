/* Exponential backoff with full jitter. Source: AWS Architecture Blog, "Exponential Backoff And
 * Jitter". */
#ifndef BALLAST_BASE_BACKOFF_H
#define BALLAST_BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t base_ms;
	int64_t maximum_ms;
	unsigned int attempts; /* failures since the last reset */
};

void backoff_init(struct backoff *backoff, int64_t base_ms, int64_t maximum_ms);
void backoff_reset(struct backoff *backoff);

/* base_ms doubled so many times, but maximum_ms at most: the same without jitter, for who is alone.
 */
int64_t backoff_doubled_ms(int64_t base_ms, int64_t times, int64_t maximum_ms);

/* Uniform in [0, maximum_ms). */
int64_t backoff_jitter_ms(int64_t maximum_ms);

/*
 * Counts a failure and returns how long to wait: uniform in [1, min(maximum, base * 2^attempts)],
 * but never less than retry_after_ms (what the peer asked for; 0 if nothing), which is itself
 * capped at five minutes.
 */
int64_t backoff_next_ms(struct backoff *backoff, int64_t retry_after_ms);

#endif
