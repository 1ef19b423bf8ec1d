/* See range_blocks.h. */
#include "backfiller/range_blocks.h"

#include "base/buffer.h"

#include <string.h>

#define FIRST_CAPACITY 16

void range_blocks_init(struct range_blocks *blocks)
{
	*blocks = (struct range_blocks){.items = NULL};
}

void range_blocks_free(struct range_blocks *blocks)
{
	memory_free(blocks->items);
	range_blocks_init(blocks);
}

/* The index of the first at or behind the number. */
static size_t place_of(const struct range_blocks *blocks, uint64_t block_number)
{
	size_t low = 0;
	size_t high = blocks->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (blocks->items[middle].block_number < block_number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct range_block *range_blocks_find(const struct range_blocks *blocks, uint64_t block_number)
{
	size_t place = place_of(blocks, block_number);

	if (place == blocks->count || blocks->items[place].block_number != block_number)
		return NULL;
	return &blocks->items[place];
}

static void make_room(struct range_blocks *blocks)
{
	size_t capacity = blocks->capacity == 0 ? FIRST_CAPACITY : 2 * blocks->capacity;

	if (blocks->count < blocks->capacity)
		return;
	blocks->items =
		memory_grow(blocks->items, blocks->capacity, capacity, sizeof(*blocks->items));
	blocks->capacity = capacity;
}

struct range_block *range_blocks_need(struct range_blocks *blocks, uint64_t block_number)
{
	struct range_block *found = range_blocks_find(blocks, block_number);
	size_t place = place_of(blocks, block_number);

	if (found != NULL)
		return found;
	make_room(blocks);
	found = &blocks->items[place];
	memmove(found + 1, found, (blocks->count - place) * sizeof(*found));
	*found = (struct range_block){.block_number = block_number};
	blocks->count++;
	return found;
}

size_t range_blocks_without_header(const struct range_blocks *blocks, uint64_t *numbers,
				   size_t maximum)
{
	size_t count = 0;

	for (size_t i = blocks->count; i > 0 && count < maximum; i--) {
		if (!blocks->items[i - 1].has_header)
			numbers[count++] = blocks->items[i - 1].block_number;
	}
	return count;
}

static bool is_in_doubt(const struct range_block *block)
{
	switch (block->doubt) {
	case BLOCK_BELIEVED:
		return false;
	case BLOCK_HAS_LOGS:
		return !block->read_by_hash || (!block->arbitrated && !block->no_receipts);
	case BLOCK_MAY_HAVE_LOGS:
		return !block->read_by_hash || !block->arbitrated;
	}
	return false;
}

struct range_block *range_blocks_in_doubt(const struct range_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		if (is_in_doubt(&blocks->items[i]))
			return &blocks->items[i];
	}
	return NULL;
}
