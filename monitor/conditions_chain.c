/* The part of conditions.h that is about listener, coverage and events. */
#include "monitor/conditions_private.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char first_covered_sql[] =
	"SELECT ifnull(min(first_block), 0) AS first_block FROM block_coverage";

static const char session_started_sql[] = "SELECT started_at FROM listener_sessions WHERE id = :id";

/* The next to be applied are the first in chain order, but a block that was found late brings a new
 * event to the front: among the first hundred the oldest counts. */
static const char oldest_waiting_sql[] =
	"SELECT block_number, created_at FROM ("
	" SELECT block_number, created_at FROM event_queue WHERE processed = 0 AND removed = 0"
	" ORDER BY block_number, log_index LIMIT 100)"
	" ORDER BY created_at LIMIT 1";

static const char quarantined_sql[] =
	"SELECT id, block_number, error FROM event_queue"
	" WHERE outcome = 'quarantined' AND removed = 0 ORDER BY id LIMIT 1000";

void conditions_open_chain(struct conditions *conditions)
{
	block_coverage_open(&conditions->coverage, conditions->store);
	listener_sessions_open(&conditions->sessions, conditions->store, &conditions->lock);
	statement_prepare(&conditions->first_covered, conditions->store, first_covered_sql);
	statement_prepare(&conditions->session_started, conditions->store, session_started_sql);
	statement_prepare(&conditions->oldest_waiting, conditions->store, oldest_waiting_sql);
	statement_prepare(&conditions->quarantined, conditions->store, quarantined_sql);
}

void conditions_close_chain(struct conditions *conditions)
{
	block_coverage_close(&conditions->coverage);
	listener_sessions_close(&conditions->sessions);
	statement_finalize(&conditions->first_covered);
	statement_finalize(&conditions->session_started);
	statement_finalize(&conditions->oldest_waiting);
	statement_finalize(&conditions->quarantined);
}

/* What is known of the chain's blocks at one moment. */
struct chain_facts {
	bool open; /* a session, and then it is session */
	struct listener_session session;
	int64_t first;
	int64_t contiguous;
	bool covered; /* any block, and then up to highest */
	int64_t highest;
};

/* Since when the block stands still; it counts from now on when it has moved. */
static int64_t standing_ms(struct condition_watch *watch, int64_t block, int64_t now_ms)
{
	if (!watch->known || watch->block != block)
		*watch = (struct condition_watch){true, block, now_ms};
	return now_ms - watch->since_ms;
}

static int64_t session_age_ms(struct conditions *conditions, int64_t id)
{
	struct statement *started = &conditions->session_started;
	int64_t started_ms = 0;
	bool known;

	statement_bind_int64(started, ":id", id);
	known = statement_row(started) &&
		clock_parse_text(statement_text(started, "started_at"), &started_ms);
	statement_reset(started);
	return known ? clock_wall_ms() - started_ms : 0;
}

/* A session whose last block is its first has heard none since it began: that is known at once. */
static int64_t silent_ms(struct conditions *conditions, const struct listener_session *session,
			 int64_t now_ms)
{
	const int64_t seen_ms = standing_ms(&conditions->heard, session->last_block, now_ms);
	int64_t age_ms;

	if (session->last_block > session->cutoff_block)
		return seen_ms;
	age_ms = session_age_ms(conditions, session->id);
	return age_ms > seen_ms ? age_ms : seen_ms;
}

static void read_listener(struct conditions *conditions, const struct chain_facts *facts,
			  int64_t now_ms, struct condition_list *list)
{
	const bool needed = conditions->options.resident && conditions->options.needs_listener;
	int64_t silent;

	if (!facts->open && needed) {
		const bool runs = conditions_lives(conditions, INSTANCE_LOCK_LISTENER);

		condition_list_add(list, CONDITION_LISTENER_ABSENT, "",
				   "no listener has an open session: fills are only found by the "
				   "backfiller; %s",
				   runs ? "a listener runs, its log says what it waits for"
					: "start it, or see why it ended");
	}
	if (!facts->open)
		return;
	silent = silent_ms(conditions, &facts->session, now_ms);
	if (silent >= conditions->options.stale_ms)
		condition_list_add(list, CONDITION_LISTENER_SILENT, "",
				   "the listener has heard of no block above %" PRId64
				   " for %" PRId64 " s: is the node's subscription alive?",
				   facts->session.last_block, silent / 1000);
}

/* What is lacking below the head that the listener heard. */
static void add_behind(const struct chain_facts *facts, struct condition_list *list)
{
	if (!facts->covered)
		condition_list_add(list, CONDITION_COVERAGE_BEHIND, "",
				   "no block is covered yet: is the backfiller running?");
	else if (facts->open && facts->contiguous < facts->session.cutoff_block - 1)
		condition_list_add(list, CONDITION_COVERAGE_BEHIND, "",
				   "blocks %" PRId64 " to %" PRId64
				   " before the session are not covered yet: nothing of the "
				   "session is applied; see the backfiller's log",
				   facts->contiguous + 1, facts->session.cutoff_block - 1);
	else
		condition_list_add(list, CONDITION_COVERAGE_BEHIND, "",
				   "coverage stands still at block %" PRId64
				   ", the listener has heard of %" PRId64
				   ": see the backfiller's log",
				   facts->contiguous, facts->session.last_block);
}

static void add_gap(struct conditions *conditions, const struct chain_facts *facts,
		    struct condition_list *list)
{
	const struct block_range all = {facts->contiguous + 1, facts->highest};
	struct block_range gap = all;

	if (block_coverage_first_gap(&conditions->coverage, all, &gap))
		condition_list_add(list, CONDITION_COVERAGE_GAP, "",
				   "coverage has a gap after block %" PRId64 ": blocks %" PRId64
				   " to %" PRId64
				   " are not covered; see the backfiller's log (backfiller --once "
				   "names what it cannot read)",
				   facts->contiguous, gap.first, gap.last);
}

/*
 * Coverage that moves on is well, however far it has to go. Who looks once cannot see it move: what
 * lacks counts then, but for the few blocks by which it always trails.
 */
static void read_coverage(struct conditions *conditions, const struct chain_facts *facts,
			  int64_t now_ms, struct condition_list *list)
{
	const bool before_session =
		facts->open && facts->contiguous < facts->session.cutoff_block - 1;
	const bool has_gap = facts->covered && facts->contiguous < facts->highest;
	const bool trails = facts->open && facts->contiguous < facts->session.last_block;
	bool counts = conditions->options.at_once && (!facts->covered || before_session || has_gap);

	if (!facts->covered || before_session || has_gap || trails)
		counts = standing_ms(&conditions->covered, facts->contiguous, now_ms) >=
				 conditions->options.stale_ms ||
			 counts;
	else
		conditions->covered.known = false;
	if (!counts)
		return;
	if (has_gap && !(conditions->options.at_once && before_session))
		add_gap(conditions, facts, list);
	else
		add_behind(facts, list);
}

/* Whether coverage lets the processor apply the events of that block. */
static bool is_ready(const struct chain_facts *facts, int64_t block)
{
	return block <= facts->contiguous || (facts->open && block >= facts->session.cutoff_block &&
					      facts->contiguous >= facts->session.cutoff_block - 1);
}

static void read_waiting(struct conditions *conditions, const struct chain_facts *facts,
			 struct condition_list *list)
{
	struct statement *oldest = &conditions->oldest_waiting;
	const struct clock_text limit =
		clock_text_of_ms(clock_wall_ms() - conditions->options.stale_ms);

	if (statement_row(oldest) && strcmp(statement_text(oldest, "created_at"), limit.text) < 0) {
		const int64_t block = statement_int64(oldest, "block_number");

		condition_list_add(list, CONDITION_EVENT_WAITING, "",
				   is_ready(facts, block)
					   ? "an event of block %" PRId64
					     " has waited since %s: is the processor running?"
					   : "an event of block %" PRId64
					     " has waited since %s: coverage must reach it first",
				   block, statement_text(oldest, "created_at"));
	}
	statement_reset(oldest);
}

static void read_quarantined(struct conditions *conditions, struct condition_list *list)
{
	struct statement *quarantined = &conditions->quarantined;

	while (statement_row(quarantined)) {
		const int64_t id = statement_int64(quarantined, "id");
		const char *error = statement_text(quarantined, "error");
		char subject[CONDITION_SUBJECT_SIZE];

		(void)snprintf(subject, sizeof(subject), "%" PRId64, id);
		condition_list_add(list, CONDITION_EVENT_QUARANTINED, subject,
				   "event %" PRId64 " of block %" PRId64
				   " is quarantined and in no position (when its cause is mended: "
				   "processor --retry-quarantined): %s",
				   id, statement_int64(quarantined, "block_number"),
				   error != NULL ? error : "no reason is told");
	}
}

int64_t conditions_first_block(struct conditions *conditions)
{
	int64_t first = conditions->options.deployment_block;

	if (first < 0 && statement_row(&conditions->first_covered))
		first = statement_int64(&conditions->first_covered, "first_block");
	statement_reset(&conditions->first_covered);
	return first;
}

void conditions_read_chain(struct conditions *conditions, int64_t now_ms,
			   struct condition_list *list)
{
	struct chain_facts facts = {.first = conditions_first_block(conditions)};

	facts.open = conditions->has_lock &&
		     listener_sessions_current(&conditions->sessions, &facts.session);
	facts.contiguous = block_coverage_contiguous_to(&conditions->coverage, facts.first);
	facts.covered = block_coverage_highest(&conditions->coverage, &facts.highest);
	read_listener(conditions, &facts, now_ms, list);
	read_coverage(conditions, &facts, now_ms, list);
	read_waiting(conditions, &facts, list);
	read_quarantined(conditions, list);
}
