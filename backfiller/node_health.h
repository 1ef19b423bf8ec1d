/*
 * Whether the node as a whole can be asked at all, as opposed to what one range meets. After a
 * failure that is the node's (unreachable, rate limited) nothing is sent for a while, and then one
 * request at a time until one is answered. Pure: the time is given.
 */
#ifndef BALLAST_BACKFILLER_NODE_HEALTH_H
#define BALLAST_BACKFILLER_NODE_HEALTH_H

#include "base/backoff.h"
#include "base/compiler.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node_health {
	struct backoff backoff;
	int64_t paused_until_ms;
	int64_t failures; /* pauses in a row without an answer in between */
};

void node_health_init(struct node_health *health);

/* An answer came, whatever it said. */
void node_health_answered(struct node_health *health);

/* A request failed: looks whether that is about the node. */
void node_health_failed(struct node_health *health, const struct error *error, int64_t now_ms);

/* Nothing was answered since the last pause: what is sent next is a trial. */
bool node_health_in_doubt(const struct node_health *health);

/* Whether a request may be sent while others are under way. */
bool node_health_allows(const struct node_health *health, int64_t now_ms, size_t under_way);

#endif
