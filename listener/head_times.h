/*
 * When the latest blocks were made, by hash: older nodes send logs without their block's time, but
 * the head has it. A ring: a log comes within moments of its head, before or behind it.
 */
#ifndef BALLAST_LISTENER_HEAD_TIMES_H
#define BALLAST_LISTENER_HEAD_TIMES_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "chain/evm_rpc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAD_TIMES_KEPT 128

struct head_time {
	struct evm_word hash;
	uint64_t timestamp;
};

struct head_times {
	struct head_time items[HEAD_TIMES_KEPT];
	size_t count; /* ever added */
};

void head_times_add(struct head_times *times, const struct evm_block *block);
MUST_USE bool head_times_find(const struct head_times *times, const struct evm_word *hash,
			      uint64_t *timestamp);

#endif
