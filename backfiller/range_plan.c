/* See range_plan.h. Every sum is of blocks that exist as int64_t: first >= 0 and first <= last. */
#include "backfiller/range_plan.h"

#include "base/log.h"

void range_plan_init(struct range_plan *plan, int64_t first_size, int64_t maximum)
{
	invariant(first_size >= 1 && first_size <= maximum);
	*plan = (struct range_plan){
		.batch_size = first_size, .first_size = first_size, .maximum = maximum};
}

int64_t block_range_count(struct block_range range)
{
	int64_t beyond_first = range.last - range.first;

	invariant(range.first >= 0 && range.first <= range.last);
	return beyond_first == INT64_MAX ? INT64_MAX : beyond_first + 1;
}

struct block_range range_plan_clip(const struct range_plan *plan, struct block_range range)
{
	invariant(range.first >= 0 && range.first <= range.last);
	if (range.last - range.first >= plan->batch_size)
		range.last = range.first + plan->batch_size - 1;
	return range;
}

struct block_range range_plan_clip_linked(struct block_range range, int64_t linked_from)
{
	invariant(range.first >= 0 && range.first <= range.last);
	if (range.first < linked_from && range.last >= linked_from)
		range.last = linked_from - 1;
	if (range.first >= linked_from && range.last - range.first >= RANGE_PLAN_LINKED_BLOCKS)
		range.last = range.first + RANGE_PLAN_LINKED_BLOCKS - 1;
	return range;
}

static void grow(struct range_plan *plan, int64_t step)
{
	if (step < 1)
		step = 1;
	if (step > plan->maximum - plan->batch_size)
		step = plan->maximum - plan->batch_size;
	plan->batch_size += step;
	plan->successes = 0;
}

void range_plan_succeeded(struct range_plan *plan, int64_t block_count, size_t logs)
{
	bool few = logs <= RANGE_PLAN_FEW_LOGS;

	/* A rest that was smaller than a batch proves nothing about batches. */
	if (block_count < plan->batch_size)
		return;
	plan->successes++;
	if (few && !plan->was_too_large)
		grow(plan, plan->batch_size);
	else if (plan->successes >= RANGE_PLAN_SUCCESSES_TO_GROW &&
		 (few || plan->batch_size < plan->first_size))
		grow(plan, plan->batch_size / 2);
}

void range_plan_too_large(struct range_plan *plan, int64_t block_count)
{
	int64_t half = block_count / 2;

	plan->successes = 0;
	plan->was_too_large = true;
	/* Ranges of the old size that are still under way must not shrink it once more each. */
	if (half < plan->batch_size)
		plan->batch_size = half;
	if (plan->batch_size < 1)
		plan->batch_size = 1;
}

static const struct block_range *range_around(int64_t block, const struct block_range *taken,
					      size_t taken_count)
{
	for (size_t i = 0; i < taken_count; i++) {
		if (taken[i].first <= block && block <= taken[i].last)
			return &taken[i];
	}
	return NULL;
}

bool range_plan_first_free(struct block_range gap, const struct block_range *taken,
			   size_t taken_count, struct block_range *piece)
{
	const struct block_range *around;

	while ((around = range_around(gap.first, taken, taken_count)) != NULL) {
		if (around->last >= gap.last)
			return false;
		gap.first = around->last + 1;
	}
	for (size_t i = 0; i < taken_count; i++) {
		if (taken[i].first > gap.first && taken[i].first <= gap.last)
			gap.last = taken[i].first - 1;
	}
	*piece = gap;
	return true;
}
