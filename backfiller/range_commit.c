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

bool range_commit_step(const struct range_commit *commit, const struct range_reader *reader,
		       const struct range_expectation *expectation, int64_t *added)
{
	struct orderbook_occurrence occurrence;
	int64_t found = 0;
	bool session_stands;
	size_t cursor = 0;

	invariant(range_reader_is_complete(reader));
	if (!store_begin(commit->store))
		return false;
	session_stands = expectation_stands(commit, expectation);
	while (orderbook_next_occurrence(&reader->logs, &cursor, &occurrence)) {
		enum event_append append;

		if (!event_ingest_wants(commit->ingest, &reader->logs, &occurrence))
			continue;
		invariant(occurrence.log->has_block_timestamp);
		append = event_ingest_append(commit->ingest, &reader->logs, &occurrence,
					     occurrence.log->block_timestamp);
		if (append != EVENT_ADDED)
			continue;
		found++;
		warn_of_late_event(expectation, session_stands, &occurrence);
	}
	block_coverage_add(commit->coverage, reader->range);
	store_commit(commit->store);
	*added = found;
	return true;
}
