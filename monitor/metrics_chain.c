/* The part of metrics.h that is about programs, blocks and events. */
#include "monitor/metrics_private.h"

#include "base/clock.h"
#include "base/log.h"

static int64_t number(struct statement *query)
{
	const bool any = statement_row(query);
	int64_t found;

	invariant(any);
	found = statement_int64(query, "n");
	statement_reset(query);
	return found;
}

static void write_programs(struct metrics_text *text, const struct conditions *conditions)
{
	struct metrics_labels labels;

	metrics_text_family(text, "ballast_program_up", "gauge",
			    "Whether a program of that name works on the database.");
	for (size_t i = 0; i < INSTANCE_LOCK_PROGRAMS; i++) {
		const enum instance_lock_program program = instance_lock_programs[i];
		const char *name = instance_lock_program_name(program);

		metrics_text_integer(text, metrics_label(&labels, "program", name),
				     conditions_lives(conditions, program) ? 1 : 0);
	}
}

static void write_session(struct metrics_text *text, struct metrics *metrics)
{
	struct listener_session session;
	const bool open = metrics->conditions->has_lock &&
			  listener_sessions_current(&metrics->conditions->sessions, &session);
	int64_t started_ms;

	metrics_text_single(text, "ballast_listener_session_open", "gauge",
			    "Whether a listener has an open session.", open ? 1 : 0);
	if (!open)
		return;
	metrics_text_single(text, "ballast_listener_last_block", "gauge",
			    "The highest block that the open session has heard of.",
			    session.last_block);
	statement_bind_int64(&metrics->session, ":id", session.id);
	if (statement_row(&metrics->session) &&
	    clock_parse_text(statement_text(&metrics->session, "started_at"), &started_ms)) {
		metrics_text_family(text, "ballast_listener_session_start_time_seconds", "gauge",
				    "When the open session began, in seconds since 1970.");
		metrics_text_seconds(text, "", NULL, started_ms);
	}
	statement_reset(&metrics->session);
}

static void write_coverage(struct metrics_text *text, struct metrics *metrics)
{
	struct block_coverage *coverage = &metrics->conditions->coverage;
	const int64_t first = conditions_first_block(metrics->conditions);
	const int64_t head = number(&metrics->head);
	const int64_t ranges = number(&metrics->gaps);
	int64_t highest;

	if (head >= 0)
		metrics_text_single(text, "ballast_head_block", "gauge",
				    "The highest block that listener or backfiller has heard of.",
				    head);
	if (!block_coverage_highest(coverage, &highest))
		return;
	metrics_text_single(text, "ballast_coverage_contiguous_block", "gauge",
			    "The block up to which all fills are proven to be in the queue.",
			    block_coverage_contiguous_to(coverage, first));
	metrics_text_single(
		text, "ballast_coverage_missing_blocks", "gauge",
		"Blocks below the highest that is covered which are not.",
		highest < first
			? 0
			: block_coverage_missing(coverage, (struct block_range){first, highest}));
	metrics_text_single(text, "ballast_coverage_gaps", "gauge",
			    "Holes between ranges of blocks that are covered.", ranges - 1);
}

static void write_waiting(struct metrics_text *text, struct metrics *metrics)
{
	struct statement *oldest = &metrics->oldest_waiting;
	int64_t created_ms = 0;
	int64_t age_ms = 0;

	metrics_text_single(text, "ballast_events_waiting", "gauge",
			    "Events that are not applied yet, counted up to " METRICS_MUCH ".",
			    number(&metrics->waiting));
	if (statement_row(oldest) &&
	    clock_parse_text(statement_text(oldest, "created_at"), &created_ms))
		age_ms = clock_wall_ms() - created_ms;
	statement_reset(oldest);
	metrics_text_family(text, "ballast_events_oldest_waiting_age_seconds", "gauge",
			    "For how long the oldest event has waited, 0 when none does.");
	metrics_text_seconds(text, "", NULL, age_ms);
	metrics_text_single(text, "ballast_events_quarantined", "gauge",
			    "Events that could not be applied and are in no position, counted up "
			    "to " METRICS_MUCH ".",
			    number(&metrics->quarantined));
}

void metrics_write_chain(struct metrics *metrics, struct metrics_text *text)
{
	write_programs(text, metrics->conditions);
	write_session(text, metrics);
	write_coverage(text, metrics);
	write_waiting(text, metrics);
}
