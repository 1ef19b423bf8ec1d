/* See head_times.h. */
#include "listener/head_times.h"

void head_times_add(struct head_times *times, const struct evm_block *block)
{
	struct head_time *item = &times->items[times->count++ % HEAD_TIMES_KEPT];

	item->hash = block->hash;
	item->timestamp = block->timestamp;
}

bool head_times_find(const struct head_times *times, const struct evm_word *hash,
		     uint64_t *timestamp)
{
	size_t kept = times->count < HEAD_TIMES_KEPT ? times->count : HEAD_TIMES_KEPT;

	for (size_t i = 0; i < kept; i++) {
		if (evm_word_equal(&times->items[i].hash, hash)) {
			*timestamp = times->items[i].timestamp;
			return true;
		}
	}
	return false;
}
