/*
 * Table block_coverage. The rows are always disjoint and never touch, so that one row answers how
 * far coverage is contiguous, and a gap lies between two neighbours. Every lookup is a step in the
 * primary key.
 */
#include "store/block_coverage.h"

#include "base/log.h"

/*
 * What overlaps or touches: the last row that begins before the range, if it reaches it, and all
 * that begin within.
 */
static const char touching_sql[] =
	"SELECT first_block, last_block FROM block_coverage"
	" WHERE first_block BETWEEN coalesce((SELECT max(first_block) FROM block_coverage"
	"                                     WHERE first_block < :first_block), 0)"
	"       AND :after_last"
	" AND last_block >= :before_first ORDER BY first_block";

static const char remove_sql[] = "DELETE FROM block_coverage WHERE first_block = :first_block";

static const char insert_sql[] = "INSERT INTO block_coverage (first_block, last_block)"
				 " VALUES (:first_block, :last_block)";

static const char covering_sql[] =
	"SELECT last_block FROM block_coverage WHERE first_block <= :block"
	" ORDER BY first_block DESC LIMIT 1";

static const char next_above_sql[] = "SELECT first_block FROM block_coverage"
				     " WHERE first_block > :block ORDER BY first_block LIMIT 1";

static const char remove_above_sql[] =
	"DELETE FROM block_coverage WHERE first_block > :block_number";

static const char cut_sql[] =
	"UPDATE block_coverage SET last_block = :block_number WHERE last_block > :block_number";

static const char highest_sql[] =
	"SELECT last_block FROM block_coverage ORDER BY first_block DESC LIMIT 1";

void block_coverage_open(struct block_coverage *coverage, struct store *store)
{
	coverage->store = store;
	statement_prepare(&coverage->touching, store, touching_sql);
	statement_prepare(&coverage->remove, store, remove_sql);
	statement_prepare(&coverage->insert, store, insert_sql);
	statement_prepare(&coverage->covering, store, covering_sql);
	statement_prepare(&coverage->next_above, store, next_above_sql);
	statement_prepare(&coverage->remove_above, store, remove_above_sql);
	statement_prepare(&coverage->cut, store, cut_sql);
	statement_prepare(&coverage->highest, store, highest_sql);
}

void block_coverage_close(struct block_coverage *coverage)
{
	statement_finalize(&coverage->touching);
	statement_finalize(&coverage->remove);
	statement_finalize(&coverage->insert);
	statement_finalize(&coverage->covering);
	statement_finalize(&coverage->next_above);
	statement_finalize(&coverage->remove_above);
	statement_finalize(&coverage->cut);
	statement_finalize(&coverage->highest);
}

/* The lowest row that overlaps or touches range; it may have more. */
static bool find_touching(struct block_coverage *coverage, struct block_range range,
			  struct block_range *found)
{
	struct statement *touching = &coverage->touching;
	int64_t after_last = range.last < INT64_MAX ? range.last + 1 : INT64_MAX;
	bool any;

	statement_bind_int64(touching, ":first_block", range.first);
	statement_bind_int64(touching, ":before_first", range.first - 1);
	statement_bind_int64(touching, ":after_last", after_last);
	any = statement_row(touching);
	if (any) {
		found->first = statement_int64(touching, "first_block");
		found->last = statement_int64(touching, "last_block");
	}
	statement_reset(touching);
	return any;
}

void block_coverage_add(struct block_coverage *coverage, struct block_range range)
{
	struct block_range found;
	int changed;

	invariant(range.first >= 0 && range.first <= range.last);
	while (find_touching(coverage, range, &found)) {
		if (found.first <= range.first && found.last >= range.last)
			return;
		statement_bind_int64(&coverage->remove, ":first_block", found.first);
		changed = statement_execute(&coverage->remove);
		invariant(changed == 1);
		if (found.first < range.first)
			range.first = found.first;
		if (found.last > range.last)
			range.last = found.last;
	}
	statement_bind_int64(&coverage->insert, ":first_block", range.first);
	statement_bind_int64(&coverage->insert, ":last_block", range.last);
	changed = statement_execute(&coverage->insert);
	invariant(changed == 1);
}

void block_coverage_remove_above(struct block_coverage *coverage, int64_t block_number)
{
	statement_bind_int64(&coverage->remove_above, ":block_number", block_number);
	(void)statement_execute(&coverage->remove_above);
	statement_bind_int64(&coverage->cut, ":block_number", block_number);
	(void)statement_execute(&coverage->cut);
}

bool block_coverage_highest(struct block_coverage *coverage, int64_t *block_number)
{
	if (!statement_row(&coverage->highest))
		return false;
	*block_number = statement_int64(&coverage->highest, "last_block");
	statement_reset(&coverage->highest);
	return true;
}

/* The last block of the row that covers block; block - 1 when none does. */
static int64_t covered_to(struct block_coverage *coverage, int64_t block)
{
	int64_t last = block - 1;

	statement_bind_int64(&coverage->covering, ":block", block);
	if (statement_row(&coverage->covering)) {
		last = statement_int64(&coverage->covering, "last_block");
		if (last < block)
			last = block - 1;
	}
	statement_reset(&coverage->covering);
	return last;
}

bool block_coverage_first_gap(struct block_coverage *coverage, struct block_range range,
			      struct block_range *gap)
{
	int64_t covered;

	if (range.first > range.last)
		return false;
	invariant(range.first >= 0);
	covered = covered_to(coverage, range.first);
	if (covered >= range.last)
		return false;
	gap->first = covered + 1;
	gap->last = range.last;
	statement_bind_int64(&coverage->next_above, ":block", gap->first);
	if (statement_row(&coverage->next_above)) {
		int64_t next = statement_int64(&coverage->next_above, "first_block");

		if (next <= gap->last)
			gap->last = next - 1;
	}
	statement_reset(&coverage->next_above);
	return true;
}

int64_t block_coverage_missing(struct block_coverage *coverage, struct block_range range)
{
	struct block_range gap;
	int64_t missing = 0;

	while (block_coverage_first_gap(coverage, range, &gap)) {
		/* At most range.last + 1 blocks in all: only the very end of int64_t does not fit.
		 */
		if (__builtin_add_overflow(missing, gap.last - gap.first, &missing) ||
		    __builtin_add_overflow(missing, 1, &missing))
			return INT64_MAX;
		if (gap.last == range.last)
			break;
		range.first = gap.last + 1;
	}
	return missing;
}

int64_t block_coverage_contiguous_to(struct block_coverage *coverage, int64_t first)
{
	invariant(first >= 0);
	return covered_to(coverage, first);
}
