/* See verify.h. */
#include "backfiller/verify.h"

#include "base/buffer.h"
#include "base/log.h"
#include "chain/orderbook_events.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

void verify_init(struct verify *verify, struct block_coverage *coverage, struct blocks *blocks,
		 struct event_ingest *ingest)
{
	*verify = (struct verify){
		.coverage = coverage,
		.blocks = blocks,
		.queue = ingest->queue,
		.ingest = ingest,
	};
}

void verify_free(struct verify *verify)
{
	memory_free(verify->ranges);
}

static void difference(struct verify *verify, const char *format, ...) PRINTF_LIKE(2, 3);

static void difference(struct verify *verify, const char *format, ...)
{
	va_list arguments;

	verify->differences++;
	(void)fputs("DIFFERENCE ", stdout);
	va_start(arguments, format);
	(void)vprintf(format, arguments);
	va_end(arguments);
	(void)putchar('\n');
	(void)fflush(stdout);
}

static void compare_occurrence(struct verify *verify, const struct range_reader *reader,
			       const struct orderbook_occurrence *occurrence)
{
	const struct evm_log *log = occurrence->log;
	const char *what = NULL;

	verify->events++;
	switch (event_ingest_look(verify->ingest, &reader->logs, occurrence)) {
	case EVENT_KNOWN:
		return;
	case EVENT_ADDED:
		what = "missing in event_queue";
		break;
	case EVENT_ELSEWHERE:
		what = "stands in another block in event_queue";
		break;
	case EVENT_DISAGREES:
		what = "has other data in event_queue";
		break;
	}
	difference(verify,
		   "event %s: event_type=%s block_number=%" PRIu64 " log_index=%" PRIu64
		   " tx_hash=%s block_hash=%s",
		   what, orderbook_event_type_name(occurrence->type), log->block_number,
		   log->log_index, evm_word_text(&log->tx_hash).text,
		   evm_word_text(&log->block_hash).text);
}

static void compare_events(struct verify *verify, const struct range_reader *reader)
{
	struct orderbook_occurrence occurrence;
	size_t cursor = 0;

	while (orderbook_next_occurrence(&reader->logs, &cursor, &occurrence)) {
		if (event_ingest_wants(verify->ingest, &reader->logs, &occurrence))
			compare_occurrence(verify, reader, &occurrence);
	}
}

/* False: the reader must ask about an event that the chain does not seem to have. */
static bool all_standing_are_known(struct verify *verify, struct range_reader *reader)
{
	struct standing_event event = STANDING_EVENTS_FROM(reader->range.first);

	while (event_queue_next_standing(verify->queue, reader->range.last, &event)) {
		if (range_reader_judge(reader, &event) == STANDING_UNKNOWN) {
			range_reader_doubt(reader, (uint64_t)event.block_number, &event.block_hash);
			return false;
		}
	}
	return true;
}

static void compare_standing(struct verify *verify, const struct range_reader *reader)
{
	struct standing_event event = STANDING_EVENTS_FROM(reader->range.first);

	while (event_queue_next_standing(verify->queue, reader->range.last, &event)) {
		enum standing standing = range_reader_judge(reader, &event);

		if (standing == STANDING_PROVEN)
			continue;
		difference(verify,
			   "event of event_queue is not on the chain%s: event_id=%" PRId64
			   " block_number=%" PRId64 " log_index=%" PRId64
			   " tx_hash=%s block_hash=%s",
			   standing == STANDING_GONE ? ", its block left it" : "", event.id,
			   event.block_number, event.log_index, evm_word_text(&event.tx_hash).text,
			   evm_word_text(&event.block_hash).text);
	}
}

static void compare_blocks(struct verify *verify, const struct range_reader *reader)
{
	for (size_t i = 0; i < reader->blocks.count; i++) {
		const struct range_block *block = &reader->blocks.items[i];
		struct block_row row;

		if (blocks_find(verify->blocks, (int64_t)block->block_number, &row) &&
		    !evm_word_equal(&row.block_hash, &block->block_hash))
			difference(verify,
				   "header differs: block_number=%" PRIu64
				   " blocks has %s, the chain %s",
				   block->block_number, evm_word_text(&row.block_hash).text,
				   evm_word_text(&block->block_hash).text);
	}
}

static void compare_coverage(struct verify *verify, struct block_range range)
{
	struct block_range gap;

	while (range.first <= range.last &&
	       block_coverage_first_gap(verify->coverage, range, &gap)) {
		difference(verify, "not covered: blocks %" PRId64 "-%" PRId64, gap.first, gap.last);
		range.first = gap.last + 1;
	}
}

static void remember_links(struct verify *verify, const struct range_reader *reader)
{
	const struct range_block *first = range_reader_block(reader, (uint64_t)reader->range.first);
	const struct range_block *last = range_reader_block(reader, (uint64_t)reader->range.last);
	size_t capacity = verify->range_capacity == 0 ? FIRST_CAPACITY : 2 * verify->range_capacity;

	invariant(first != NULL && last != NULL);
	if (verify->range_count == verify->range_capacity) {
		verify->ranges = memory_grow(verify->ranges, verify->range_capacity, capacity,
					     sizeof(*verify->ranges));
		verify->range_capacity = capacity;
	}
	verify->ranges[verify->range_count++] = (struct verified_range){
		.blocks = reader->range,
		.first_parent = first->parent_hash,
		.last_hash = last->block_hash,
	};
}

bool verify_range(struct verify *verify, struct range_reader *reader)
{
	invariant(range_reader_is_complete(reader) && reader->reading.linked);
	if (!all_standing_are_known(verify, reader))
		return false;
	compare_events(verify, reader);
	compare_standing(verify, reader);
	compare_blocks(verify, reader);
	compare_coverage(verify, reader->range);
	remember_links(verify, reader);
	return true;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct verified_range *a = left;
	const struct verified_range *b = right;

	return (a->blocks.first > b->blocks.first) - (a->blocks.first < b->blocks.first);
}

/* Within a range the reader has linked the blocks; here the ranges are. */
static void link_ranges(struct verify *verify, struct block_range blocks)
{
	int64_t next = blocks.first;

	qsort(verify->ranges, verify->range_count, sizeof(*verify->ranges), compare_ranges);
	for (size_t i = 0; i < verify->range_count; i++) {
		const struct verified_range *range = &verify->ranges[i];

		invariant(range->blocks.first == next);
		next = range->blocks.last + 1;
		if (i > 0 && !evm_word_equal(&range->first_parent, &range[-1].last_hash))
			difference(verify,
				   "the chain moved while it was read: block %" PRId64
				   " does not continue the one before, verify again",
				   range->blocks.first);
	}
	invariant(next == blocks.last + 1);
}

int verify_result(struct verify *verify, struct block_range blocks)
{
	link_ranges(verify, blocks);
	if (verify->differences > 0) {
		printf("verify: %" PRId64 " differences in blocks %" PRId64 "-%" PRId64 "\n",
		       verify->differences, blocks.first, blocks.last);
		return 1;
	}
	printf("verify: blocks %" PRId64 "-%" PRId64
	       " are covered; every header is the parent of the next, up to %s\n"
	       "verify: %" PRId64 " events of our orders on the chain, the same %" PRId64
	       " in event_queue: identical\n",
	       blocks.first, blocks.last,
	       evm_word_text(&verify->ranges[verify->range_count - 1].last_hash).text,
	       verify->events, verify->events);
	return 0;
}
