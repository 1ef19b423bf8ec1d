/*
 * From logs to rows of event_queue. Listener and backfiller both come through here, so that the
 * same log gives the same row, byte for byte, whoever saw it first: that is what makes a second
 * sight of it harmless.
 */
#include "ingest/event_ingest.h"

#include "base/log.h"
#include "chain/orderbook_json.h"

#include <inttypes.h>

/*
 * 9999-12-31T23:59:59Z, the last second that the text form of a time can say. A node that claims a
 * later one is wrong about a column that decides nothing: the fill is kept, its time is cut.
 */
#define LAST_TIMESTAMP UINT64_C(253402300799)

void event_ingest_init(struct event_ingest *ingest, struct event_queue *queue,
		       const struct config_addresses *owners, enum event_source source,
		       int64_t first_block)
{
	*ingest = (struct event_ingest){
		.queue = queue, .owners = owners, .source = source, .first_block = first_block};
	buffer_init(&ingest->json, BUFFER_MAX_EVENT_JSON);
}

void event_ingest_free(struct event_ingest *ingest)
{
	buffer_free(&ingest->json);
}

bool event_ingest_wants(const struct event_ingest *ingest, const struct evm_logs *logs,
			const struct orderbook_occurrence *occurrence)
{
	return occurrence->log->block_number >= (uint64_t)ingest->first_block &&
	       !occurrence->log->data_dropped &&
	       orderbook_touches(occurrence->type, evm_logs_data(logs, occurrence->log),
				 ingest->owners);
}

static struct clock_text timestamp_text(uint64_t seconds)
{
	uint64_t bounded = seconds < LAST_TIMESTAMP ? seconds : LAST_TIMESTAMP;

	return clock_text_of_ms((int64_t)bounded * 1000);
}

static void log_append(const struct event_record *record, enum event_append append)
{
	struct evm_word_text tx_hash = evm_word_text(&record->tx_hash);

	switch (append) {
	case EVENT_ADDED:
		log_info("event queued event_type=%s block_number=%" PRId64 " log_index=%" PRId64
			 " tx_hash=%s source=%s",
			 record->event_type, record->block_number, record->log_index, tx_hash.text,
			 event_source_name(record->source));
		return;
	case EVENT_KNOWN:
		return;
	case EVENT_ELSEWHERE:
	case EVENT_DISAGREES:
		log_warn("%s event_type=%s"
			 " block_number=%" PRId64 " log_index=%" PRId64
			 " tx_hash=%s block_hash=%s source=%s",
			 append == EVENT_ELSEWHERE
				 ? "event of a transaction that stands in another block"
				 : "event disagrees with the one that stands",
			 record->event_type, record->block_number, record->log_index, tx_hash.text,
			 evm_word_text(&record->block_hash).text,
			 event_source_name(record->source));
		return;
	}
	invariant_unreachable("a known event append");
}

static struct event_record make_record(struct event_ingest *ingest, const struct evm_logs *logs,
				       const struct orderbook_occurrence *occurrence,
				       uint64_t block_timestamp)
{
	const struct evm_log *log = occurrence->log;
	bool written;

	invariant(log->block_number <= INT64_MAX && log->log_index <= INT64_MAX);
	/* Two logs of one list: BUFFER_MAX_LOG_DATA bounds their data together, and so their hex.
	 */
	written = orderbook_json_write(logs, occurrence, &ingest->json);
	invariant(written);
	return (struct event_record){
		.tx_hash = log->tx_hash,
		.log_index = (int64_t)log->log_index,
		.block_number = (int64_t)log->block_number,
		.block_hash = log->block_hash,
		.block_timestamp = timestamp_text(block_timestamp),
		.event_type = orderbook_event_type_name(occurrence->type),
		.event_data = buffer_text(&ingest->json),
		.source = ingest->source,
	};
}

enum event_append event_ingest_look(struct event_ingest *ingest, const struct evm_logs *logs,
				    const struct orderbook_occurrence *occurrence)
{
	const struct event_record record =
		make_record(ingest, logs, occurrence, occurrence->log->block_timestamp);

	return event_queue_look(ingest->queue, &record);
}

enum event_append event_ingest_append(struct event_ingest *ingest, const struct evm_logs *logs,
				      const struct orderbook_occurrence *occurrence,
				      uint64_t block_timestamp)
{
	const struct event_record record = make_record(ingest, logs, occurrence, block_timestamp);
	enum event_append append = event_queue_append(ingest->queue, &record);

	log_append(&record, append);
	/* Which of the two is right is for the backfiller to find out, which asks for proof. */
	if (ingest->source == EVENT_SOURCE_LISTENER &&
	    (append == EVENT_ELSEWHERE || append == EVENT_DISAGREES))
		(void)event_queue_doubt(ingest->queue, &record.tx_hash);
	return append;
}
