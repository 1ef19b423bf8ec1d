/* See range_commit.h. Coverage is granted here and nowhere else. */
#include "backfiller/range_commit.h"

#include "base/log.h"
#include "chain/orderbook_events.h"

#include <inttypes.h>

/* A session that ended meanwhile promised nothing: its blocks were a gap like any other. */
static bool expectation_stands(const struct range_commit *commit,
			       const struct range_expectation *expectation)
{
	struct listener_session session;

	return expectation->session_id != 0 &&
	       listener_sessions_current(commit->sessions, &session) &&
	       session.id == expectation->session_id;
}

static void warn_of_late_event(const struct range_expectation *expectation, bool session_stands,
			       const struct orderbook_occurrence *occurrence)
{
	const struct evm_log *log = occurrence->log;
	int64_t block_number = (int64_t)log->block_number;
	const char *words = NULL;

	if (session_stands && block_number >= expectation->blocks.first &&
	    block_number <= expectation->blocks.last)
		words = "listener missed an event";
	else if (expectation->by_recheck)
		words = "event found that an earlier read had missed";
	if (words != NULL)
		log_warn("%s event_type=%s block_number=%" PRId64 " log_index=%" PRIu64
			 " tx_hash=%s",
			 words, orderbook_event_type_name(occurrence->type), block_number,
			 log->log_index, evm_word_text(&log->tx_hash).text);
}

/* Whether the range continues, at both ends, the rows of blocks. Else *suspect is the row to look
 * at. */
static bool is_linked(const struct range_commit *commit, const struct range_reader *reader,
		      int64_t *suspect)
{
	const struct range_block *first = range_reader_block(reader, (uint64_t)reader->range.first);
	const struct range_block *last = range_reader_block(reader, (uint64_t)reader->range.last);
	struct block_row row;

	if (first != NULL && reader->range.first > 0 &&
	    blocks_find(commit->blocks, reader->range.first - 1, &row) &&
	    !evm_word_equal(&row.block_hash, &first->parent_hash)) {
		*suspect = row.block_number;
		return false;
	}
	if (last != NULL && blocks_find(commit->blocks, reader->range.last + 1, &row) &&
	    !evm_word_equal(&row.parent_hash, &last->block_hash)) {
		*suspect = row.block_number;
		return false;
	}
	return true;
}

/* Whether the headers of the range are those that stand in blocks already. */
static bool agrees_with_rows(const struct range_commit *commit, const struct range_reader *reader,
			     int64_t *suspect)
{
	for (size_t i = 0; i < reader->blocks.count; i++) {
		const struct range_block *block = &reader->blocks.items[i];
		struct block_row row;

		if (blocks_find(commit->blocks, (int64_t)block->block_number, &row) &&
		    !evm_word_equal(&row.block_hash, &block->block_hash)) {
			*suspect = row.block_number;
			return false;
		}
	}
	return true;
}

static void remove_event(const struct range_commit *commit, const struct standing_event *event,
			 enum standing standing, struct range_commit_result *result)
{
	event_queue_mark_removed(commit->queue, event->id);
	result->removed++;
	if (standing == STANDING_PHANTOM)
		log_error("event removed: its block does not have it, the node that sent it was "
			  "wrong event_id=%" PRId64 " block_number=%" PRId64 " log_index=%" PRId64
			  " tx_hash=%s",
			  event->id, event->block_number, event->log_index,
			  evm_word_text(&event->tx_hash).text);
	else
		log_warn("event removed: its block left the chain event_id=%" PRId64
			 " block_number=%" PRId64 " log_index=%" PRId64 " tx_hash=%s",
			 event->id, event->block_number, event->log_index,
			 evm_word_text(&event->tx_hash).text);
}

/* Removes what is no longer on the chain. False: the reader has been given questions. */
static bool reconcile(const struct range_commit *commit, struct range_reader *reader,
		      struct range_commit_result *result)
{
	struct standing_event event = STANDING_EVENTS_FROM(reader->range.first);

	while (event_queue_next_standing(commit->queue, reader->range.last, &event)) {
		enum standing standing = range_reader_judge(reader, &event);

		switch (standing) {
		case STANDING_PROVEN:
			break;
		case STANDING_GONE:
		case STANDING_PHANTOM:
			remove_event(commit, &event, standing, result);
			break;
		case STANDING_UNKNOWN:
			range_reader_doubt(reader, (uint64_t)event.block_number, &event.block_hash);
			return false;
		}
	}
	return true;
}

static void remove_elsewhere(const struct range_commit *commit, const struct evm_log *log,
			     struct range_commit_result *result)
{
	int removed = event_queue_remove_elsewhere(commit->queue, &log->tx_hash, &log->block_hash);

	result->removed += removed;
	if (removed > 0)
		log_warn("events removed: their transaction is in another block now events=%d"
			 " tx_hash=%s block_number=%" PRIu64,
			 removed, evm_word_text(&log->tx_hash).text, log->block_number);
}

/* Appends one proven event, in the place of an unproven one that claims to be it. */
static enum event_append append(const struct range_commit *commit,
				const struct range_reader *reader,
				const struct orderbook_occurrence *occurrence,
				struct range_commit_result *result)
{
	const struct evm_log *log = occurrence->log;
	enum event_append appended;

	invariant(log->has_block_timestamp);
	remove_elsewhere(commit, log, result);
	appended = event_ingest_append(commit->ingest, &reader->logs, occurrence,
				       log->block_timestamp);
	if (appended != EVENT_DISAGREES ||
	    !event_queue_remove_unconfirmed(commit->queue, &log->tx_hash, (int64_t)log->log_index))
		return appended;
	result->removed++;
	log_error("event removed: it was sent with other data than its block has"
		  " block_number=%" PRIu64 " log_index=%" PRIu64 " tx_hash=%s",
		  log->block_number, log->log_index, evm_word_text(&log->tx_hash).text);
	return event_ingest_append(commit->ingest, &reader->logs, occurrence, log->block_timestamp);
}

static enum range_commit_end refuse(const struct evm_log *log, enum event_append appended,
				    struct range_commit_result *result)
{
	const char *what = appended == EVENT_ELSEWHERE ? "is proven to be in another block, too"
						       : "was proven to have other data";

	(void)error_set(&result->error, OUTCOME_RETRY, ERROR_KIND_MALFORMED,
			"the event at block %" PRIu64 ", log index %" PRIu64 ", tx %s %s",
			log->block_number, log->log_index, evm_word_text(&log->tx_hash).text, what);
	return RANGE_REFUSED;
}

static enum range_commit_end append_events(const struct range_commit *commit,
					   const struct range_reader *reader,
					   const struct range_expectation *expectation,
					   struct range_commit_result *result)
{
	bool session_stands = expectation_stands(commit, expectation);
	struct orderbook_occurrence occurrence;
	size_t cursor = 0;

	while (orderbook_next_occurrence(&reader->logs, &cursor, &occurrence)) {
		enum event_append appended;

		if (!event_ingest_wants(commit->ingest, &reader->logs, &occurrence))
			continue;
		appended = append(commit, reader, &occurrence, result);
		switch (appended) {
		case EVENT_KNOWN:
			break;
		case EVENT_ADDED:
			result->added++;
			warn_of_late_event(expectation, session_stands, &occurrence);
			break;
		case EVENT_ELSEWHERE:
		case EVENT_DISAGREES:
			return refuse(occurrence.log, appended, result);
		}
	}
	return RANGE_COMMITTED;
}

/* A linked range with every header, another one with its last; below what is final already, none.
 */
static void put_blocks(const struct range_commit *commit, const struct range_reader *reader)
{
	struct block_row lowest;
	bool any = blocks_lowest(commit->blocks, &lowest);

	for (size_t i = 0; i < reader->blocks.count; i++) {
		const struct range_block *block = &reader->blocks.items[i];
		const struct block_row row = {
			.block_number = (int64_t)block->block_number,
			.block_hash = block->block_hash,
			.parent_hash = block->parent_hash,
		};

		if (!reader->reading.linked && row.block_number != reader->range.last)
			continue;
		if (!any || !lowest.finalized || row.block_number > lowest.block_number)
			blocks_put(commit->blocks, &row);
	}
}

static enum range_commit_end write_range(const struct range_commit *commit,
					 struct range_reader *reader,
					 const struct range_expectation *expectation,
					 struct range_commit_result *result)
{
	enum range_commit_end end;

	if (!is_linked(commit, reader, &result->suspect) ||
	    !agrees_with_rows(commit, reader, &result->suspect))
		return RANGE_ELSEWHERE;
	if (!reconcile(commit, reader, result))
		return RANGE_IN_DOUBT;
	end = append_events(commit, reader, expectation, result);
	if (end != RANGE_COMMITTED)
		return end;
	put_blocks(commit, reader);
	block_coverage_add(commit->coverage, reader->range);
	return RANGE_COMMITTED;
}

enum range_commit_end range_commit_step(const struct range_commit *commit,
					struct range_reader *reader,
					const struct range_expectation *expectation,
					struct range_commit_result *result)
{
	enum range_commit_end end;

	invariant(range_reader_is_complete(reader));
	*result = (struct range_commit_result){.added = 0};
	if (!store_begin(commit->store))
		return RANGE_STOPPED;
	end = write_range(commit, reader, expectation, result);
	if (end == RANGE_COMMITTED)
		store_commit(commit->store);
	else
		store_rollback(commit->store);
	return end;
}
