/* A handful of entries, searched from the front. */
#include "listener/requests.h"

#include "base/clock.h"
#include "base/log.h"

void requests_clear(struct requests *requests)
{
	requests->count = 0;
}

bool requests_add(struct requests *requests, enum request_kind kind, int64_t timeout_ms,
		  struct request **request)
{
	struct request *added;

	if (requests->count == REQUESTS_MAXIMUM)
		return false;
	added = &requests->items[requests->count++];
	*added = (struct request){
		.id = ++requests->next_id,
		.kind = kind,
		.deadline_ms = clock_monotonic_ms() + timeout_ms,
	};
	*request = added;
	return true;
}

bool requests_take(struct requests *requests, uint64_t id, struct request *request)
{
	for (size_t i = 0; i < requests->count; i++) {
		if (requests->items[i].id != id)
			continue;
		*request = requests->items[i];
		requests->items[i] = requests->items[--requests->count];
		return true;
	}
	return false;
}

bool requests_pending(const struct requests *requests, enum request_kind kind,
		      uint64_t block_number)
{
	for (size_t i = 0; i < requests->count; i++) {
		if (requests->items[i].kind == kind &&
		    requests->items[i].block_number == block_number)
			return true;
	}
	return false;
}

int64_t requests_next_deadline_ms(const struct requests *requests)
{
	int64_t deadline_ms = INT64_MAX;

	for (size_t i = 0; i < requests->count; i++) {
		if (requests->items[i].deadline_ms < deadline_ms)
			deadline_ms = requests->items[i].deadline_ms;
	}
	return deadline_ms;
}

const char *request_kind_name(enum request_kind kind)
{
	switch (kind) {
	case REQUEST_CHAIN_ID:
		return "eth_chainId";
	case REQUEST_GENESIS:
	case REQUEST_BLOCK_TIME:
		return "eth_getBlockByNumber";
	case REQUEST_SUBSCRIBE_LOGS:
		return "eth_subscribe logs";
	case REQUEST_SUBSCRIBE_HEADS:
		return "eth_subscribe newHeads";
	case REQUEST_CUTOFF:
	case REQUEST_HEAD_CHECK:
		return "eth_blockNumber";
	case REQUEST_CUTOFF_LOGS:
	case REQUEST_BLOCK_LOGS:
		return "eth_getLogs";
	}
	invariant_unreachable("a known request");
}
