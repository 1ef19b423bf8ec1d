/* See range_source.h. A gap is looked up anew each time: another backfiller may have closed it. */
#include "backfiller/range_source.h"

#include "base/log.h"

void range_source_init(struct range_source *source, struct block_coverage *coverage,
		       struct event_queue *queue, struct block_range target, bool recheck)
{
	invariant(!recheck || (target.first <= target.last && target.last < INT64_MAX));
	*source = (struct range_source){
		.coverage = coverage,
		.queue = queue,
		.target = target,
		.recheck = recheck,
		.recheck_next = target.first,
	};
}

static bool next_to_recheck(const struct range_source *source, const struct range_plan *plan,
			    struct block_range *range)
{
	struct block_range rest = {.first = source->recheck_next, .last = source->target.last};

	if (rest.first > rest.last)
		return false;
	*range = range_plan_clip(plan, rest);
	return true;
}

static bool next_gap(const struct range_source *source, const struct range_plan *plan,
		     const struct block_range *taken, size_t taken_count, struct block_range *range)
{
	struct block_range rest = source->target;
	struct block_range gap;

	while (block_coverage_first_gap(source->coverage, rest, &gap)) {
		struct block_range piece;

		if (range_plan_first_free(gap, taken, taken_count, &piece)) {
			*range = range_plan_clip(plan, piece);
			return true;
		}
		if (gap.last == rest.last)
			return false;
		rest.first = gap.last + 1;
	}
	return false;
}

/* One block, which is covered: an event of it came, or was called into question, since it was read.
 */
static bool next_in_doubt(const struct range_source *source, const struct block_range *taken,
			  size_t taken_count, struct block_range *range)
{
	struct block_range rest = source->target;
	struct block_range piece;
	int64_t block;

	while (rest.first <= rest.last &&
	       event_queue_first_doubted(source->queue, rest.first, rest.last, &block)) {
		struct block_range one = {.first = block, .last = block};

		if (block_coverage_missing(source->coverage, one) == 0 &&
		    range_plan_first_free(one, taken, taken_count, &piece)) {
			*range = one;
			return true;
		}
		if (block == rest.last)
			return false;
		rest.first = block + 1;
	}
	return false;
}

bool range_source_next(struct range_source *source, const struct range_plan *plan,
		       const struct block_range *taken, size_t taken_count,
		       struct block_range *range)
{
	if (source->recheck)
		return next_to_recheck(source, plan, range);
	return next_gap(source, plan, taken, taken_count, range) ||
	       next_in_doubt(source, taken, taken_count, range);
}

void range_source_hand_out(struct range_source *source, struct block_range range)
{
	if (source->recheck)
		source->recheck_next = range.last + 1;
}

void range_source_was_read(struct range_source *source, struct block_range range)
{
	source->recheck_read += source->recheck ? block_range_count(range) : 0;
}

int64_t range_source_left(struct range_source *source)
{
	if (source->recheck)
		return block_range_count(source->target) - source->recheck_read;
	if (source->target.last < source->target.first)
		return 0;
	return block_coverage_missing(source->coverage, source->target);
}
