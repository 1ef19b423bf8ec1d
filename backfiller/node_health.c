/* See node_health.h. */
#include "backfiller/node_health.h"

#define NODE_BACKOFF_BASE_MS	250
#define NODE_BACKOFF_MAXIMUM_MS 60000

void node_health_init(struct node_health *health)
{
	*health = (struct node_health){.failures = 0};
	backoff_init(&health->backoff, NODE_BACKOFF_BASE_MS, NODE_BACKOFF_MAXIMUM_MS);
}

void node_health_answered(struct node_health *health)
{
	backoff_reset(&health->backoff);
	health->failures = 0;
}

static bool is_about_the_node(enum error_kind kind)
{
	switch (kind) {
	case ERROR_KIND_UNREACHABLE:
	case ERROR_KIND_RATE_LIMITED:
		return true;
	case ERROR_KIND_NONE:
	case ERROR_KIND_RPC:
	case ERROR_KIND_RANGE_TOO_LARGE:
	case ERROR_KIND_MALFORMED:
	case ERROR_KIND_BEHIND:
	case ERROR_KIND_ABSENT:
	case ERROR_KIND_UNDER_WAY:
	case ERROR_KIND_INVALID:
		return false;
	}
	return false;
}

void node_health_failed(struct node_health *health, const struct error *error, int64_t now_ms)
{
	int64_t until_ms;

	if (!is_about_the_node(error->kind)) {
		node_health_answered(health);
		return;
	}
	/* Requests that were under way when the pause began fail for the same cause: one failure.
	 * What they were told to wait counts nevertheless. */
	if (now_ms < health->paused_until_ms && error->retry_after_ms == 0)
		return;
	if (now_ms >= health->paused_until_ms)
		health->failures++;
	until_ms = now_ms + backoff_next_ms(&health->backoff, error->retry_after_ms);
	if (until_ms > health->paused_until_ms)
		health->paused_until_ms = until_ms;
}

bool node_health_in_doubt(const struct node_health *health)
{
	return health->failures > 0;
}

bool node_health_allows(const struct node_health *health, int64_t now_ms, size_t under_way)
{
	return now_ms >= health->paused_until_ms && (health->failures == 0 || under_way == 0);
}
