/* See target.h. */
#include "backfiller/target.h"

#include "base/log.h"

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

struct block_range target_range(const struct target_facts *facts)
{
	struct block_range range = {.first = facts->deployment_block, .last = facts->head};

	invariant(facts->deployment_block >= 0);
	if (facts->session == NULL)
		return range;
	range.last = facts->session->cutoff_block - 1;
	range.last = larger(range.last, facts->once ? facts->head : facts->settled);
	return range;
}

struct range_expectation target_expectation(const struct target_facts *facts)
{
	struct range_expectation expectation = {.session_id = 0};

	if (facts->session == NULL)
		return expectation;
	expectation.session_id = facts->session->id;
	expectation.blocks.first = facts->session->cutoff_block;
	/* Without having watched the head for a while: below what the listener has heard of itself.
	 */
	expectation.blocks.last = facts->once ? facts->session->last_block - 1 : facts->settled;
	return expectation;
}
