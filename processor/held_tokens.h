/*
 * The tokens that some event of this pass waits for: later events that touch one wait too, so that
 * order holds within a symbol. Pure.
 */
#ifndef BALLAST_PROCESSOR_HELD_TOKENS_H
#define BALLAST_PROCESSOR_HELD_TOKENS_H

#include "base/compiler.h"
#include "base/evm_types.h"
#include "processor/trade_decoder.h"

#include <stdbool.h>
#include <stddef.h>

/* Different tokens that may wait at once; with more, all that is behind them waits. */
#define HELD_TOKENS_MAXIMUM 256

struct held_tokens {
	struct evm_address items[HELD_TOKENS_MAXIMUM];
	size_t count;
	bool overflowed;
};

void held_tokens_init(struct held_tokens *held);

/* Holding it already is harmless. */
void held_tokens_add(struct held_tokens *held, const struct evm_address *address);

/* Whether an event that moved these tokens must wait behind an earlier one. */
bool held_tokens_touch(const struct held_tokens *held, const struct event_tokens *tokens);

#endif
