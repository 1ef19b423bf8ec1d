/* See held_tokens.h. */
#include "processor/held_tokens.h"

void held_tokens_init(struct held_tokens *held)
{
	held->count = 0;
	held->overflowed = false;
}

static bool is_held(const struct held_tokens *held, const struct evm_address *address)
{
	for (size_t i = 0; i < held->count; i++) {
		if (evm_address_equal(&held->items[i], address))
			return true;
	}
	return false;
}

void held_tokens_add(struct held_tokens *held, const struct evm_address *address)
{
	if (is_held(held, address))
		return;
	if (held->count == HELD_TOKENS_MAXIMUM) {
		held->overflowed = true;
		return;
	}
	held->items[held->count++] = *address;
}

bool held_tokens_touch(const struct held_tokens *held, const struct event_tokens *tokens)
{
	if (held->overflowed)
		return true;
	for (size_t i = 0; i < tokens->count; i++) {
		if (is_held(held, &tokens->addresses[i]))
			return true;
	}
	return false;
}
