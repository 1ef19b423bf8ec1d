/* What an answer leads to: the next question, a commit, a smaller range, another attempt, or giving
 * up. */
#include "backfiller/backfill.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>

/* Remembers why, so that the last words can say it. */
static void give_up_the_rest(struct backfill *backfill, const struct error *error)
{
	log_error("the rest is given up kind=%s reason=%s", error_kind_name(error->kind),
		  error->text);
	backfill->abandoned = true;
	backfill->abandoned_error = *error;
}

static void give_up_part(struct backfill *backfill, struct range_task *task,
			 const struct error *error)
{
	log_error("range given up first_block=%" PRId64 " last_block=%" PRId64 " attempts=%" PRId64
		  " kind=%s reason=%s",
		  task->reader.range.first, task->reader.range.last, task->attempt,
		  error_kind_name(error->kind), error->text);
	if (!unread_ranges_add(&backfill->unread, task->reader.range, error))
		give_up_the_rest(backfill, error);
	range_tasks_next_part(&backfill->tasks, task);
}

static void retry_part(struct backfill *backfill, struct range_task *task,
		       const struct error *error)
{
	struct block_range range = task->reader.range;
	int64_t attempt = task->attempt;
	int64_t now_ms = clock_monotonic_ms();

	if (!range_tasks_retry(&backfill->tasks, task, error->retry_after_ms, now_ms)) {
		give_up_part(backfill, task, error);
		return;
	}
	log_warn("range not read: asking again kind=%s first_block=%" PRId64 " last_block=%" PRId64
		 " attempt=%" PRId64 " wait_ms=%" PRId64 " reason=%s",
		 error_kind_name(error->kind), range.first, range.last, attempt,
		 task->due_ms - now_ms, error->text);
}

/*
 * The chain has become shorter than when the range was planned, or a session has taken its end
 * over: its last block may not be there for long, and the blocks before it must not wait for it.
 */
static bool give_back_overlong(struct backfill *backfill, struct range_task *task,
			       const struct error *error)
{
	if (error->kind != ERROR_KIND_BEHIND || backfill->settings.once ||
	    task->whole.last <= backfill->source.target.last)
		return false;
	log_info("range planned anew: it went beyond what is to be read first_block=%" PRId64
		 " last_block=%" PRId64 " target_block=%" PRId64,
		 task->whole.first, task->whole.last, backfill->source.target.last);
	range_tasks_give_back(task);
	return true;
}

static void fail_part(struct backfill *backfill, struct range_task *task, struct error *error)
{
	int64_t count = block_range_count(task->reader.range);
	bool asked_for_logs = task->reader.phase == RANGE_READER_LOGS;

	if (give_back_overlong(backfill, task, error))
		return;
	if (error->kind == ERROR_KIND_RANGE_TOO_LARGE && count > 1) {
		range_plan_too_large(&backfill->plan, count);
		log_info("range too large: asking for fewer blocks first_block=%" PRId64
			 " last_block=%" PRId64 " batch_size=%" PRId64 " reason=%s",
			 task->reader.range.first, task->reader.range.last,
			 backfill->plan.batch_size, error->text);
		range_tasks_split(&backfill->tasks, task);
		return;
	}
	if (error->kind == ERROR_KIND_RANGE_TOO_LARGE) {
		const struct error told = *error;

		(void)error_set(error, OUTCOME_RETRY, told.kind,
				"one block alone is too large for the node: %.180s", told.text);
		error->retry_after_ms = told.retry_after_ms;
	}
	/* The header came and the logs did not, twice: most likely too much work for the time it
	 * has. */
	if (error->kind == ERROR_KIND_UNREACHABLE && asked_for_logs && count > 1 &&
	    task->attempt > 1)
		range_plan_too_large(&backfill->plan, count);
	retry_part(backfill, task, error);
}

static void count_part(struct backfill *backfill, struct range_task *task, int64_t added)
{
	struct block_range range = task->reader.range;
	int64_t left;

	range_plan_succeeded(&backfill->plan, block_range_count(range), task->reader.logs.count);
	unread_ranges_progress(&backfill->unread);
	range_source_was_read(&backfill->source, range);
	left = range_source_left(&backfill->source);
	progress_advance(&backfill->progress, range, added, backfill->source.target.last, left);
	if (left == 0)
		backfill->in_pass = false;
	range_tasks_next_part(&backfill->tasks, task);
}

/* It may be of a branch that the ledger does not follow: it is read again once that is known. */
static void discard_part(struct backfill *backfill, struct range_task *task)
{
	struct error error;

	(void)error_set(&error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
			"it was read while the chain was in doubt");
	fail_part(backfill, task, &error);
}

/* What was read is on another branch than what was read before: one of the two is not the chain. */
static void suspect(struct backfill *backfill, struct range_task *task, int64_t block_number)
{
	struct error error;

	(void)error_set(&error, OUTCOME_RETRY, ERROR_KIND_BEHIND,
			"it does not continue block %" PRId64 " as it was read before",
			block_number);
	chain_guard_suspect(&backfill->guard, block_number);
	fail_part(backfill, task, &error);
}

static void verify_part(struct backfill *backfill, struct range_task *task)
{
	if (verify_range(&backfill->verify, &task->reader))
		count_part(backfill, task, 0);
}

static void commit_part(struct backfill *backfill, struct range_task *task)
{
	const struct range_commit commit = {
		.store = backfill->store,
		.coverage = &backfill->coverage,
		.blocks = &backfill->blocks,
		.queue = &backfill->queue,
		.ingest = &backfill->ingest,
		.sessions = &backfill->sessions,
	};
	struct range_commit_result result;
	enum range_commit_end end =
		range_commit_step(&commit, &task->reader, &task->expectation, &result);

	switch (end) {
	case RANGE_COMMITTED:
		count_part(backfill, task, result.added);
		return;
	case RANGE_STOPPED:
	case RANGE_IN_DOUBT:
		return;
	case RANGE_ELSEWHERE:
		suspect(backfill, task, result.suspect);
		return;
	case RANGE_REFUSED:
		fail_part(backfill, task, &result.error);
		return;
	}
	invariant_unreachable("a known end of a commit");
}

/* The node does not answer anything: a run that ends does not wait for ever. */
static void judge_node(struct backfill *backfill, const struct error *error)
{
	if (error->kind == ERROR_KIND_MALFORMED)
		http_distrust_connections(backfill->http);
	node_health_failed(&backfill->health, error, clock_monotonic_ms());
	if (backfill->settings.once && backfill->health.failures >= backfill->settings.attempts)
		give_up_the_rest(backfill, error);
}

static void take_guards_answer(struct backfill *backfill, const struct http_answer *answer)
{
	struct error error;

	if (chain_guard_answer(&backfill->guard, answer, clock_monotonic_ms(), &error) ==
	    OUTCOME_OK) {
		node_health_answered(&backfill->health);
		/* Its rounds begin anew after a failure: only one that came to its end counts. */
		if (backfill->guard.trust == CHAIN_SURE)
			backfill->guard_failures = 0;
		return;
	}
	judge_node(backfill, &error);
	log_warn("head not known: asking again kind=%s reason=%s", error_kind_name(error.kind),
		 error.text);
	backfill->guard_failures++;
	if (backfill->settings.once && !backfill->abandoned &&
	    backfill->guard_failures >= backfill->settings.attempts)
		give_up_the_rest(backfill, &error);
}

static void take_range(struct backfill *backfill, struct range_task *task,
		       const struct http_answer *answer)
{
	struct error error = {.kind = ERROR_KIND_NONE};

	if (range_reader_answer(&task->reader, answer, &error) != OUTCOME_OK) {
		judge_node(backfill, &error);
		fail_part(backfill, task, &error);
		return;
	}
	node_health_answered(&backfill->health);
	range_tasks_ask_on(task);
	if (!range_reader_is_complete(&task->reader))
		return;
	if (backfill->guard.trust != CHAIN_SURE)
		discard_part(backfill, task);
	else if (backfill->settings.verify)
		verify_part(backfill, task);
	else
		commit_part(backfill, task);
}

void backfill_take(struct backfill *backfill, const struct http_answer *answer)
{
	struct range_task *task = range_tasks_of_slot(&backfill->tasks, answer->slot);

	if (task != NULL) {
		take_range(backfill, task, answer);
	} else {
		invariant(chain_guard_asks_in(&backfill->guard, answer->slot));
		take_guards_answer(backfill, answer);
	}
	http_release(backfill->http, answer->slot);
	backfill->under_way--;
}

static void list_as_unread(struct backfill *backfill, struct block_range range)
{
	/* With a full list the number of blocks tells the rest. */
	if (backfill->unread.count < UNREAD_RANGES_MAXIMUM)
		(void)unread_ranges_add(&backfill->unread, range, &backfill->abandoned_error);
}

/* What was under way when the rest was given up, and what nobody had begun. */
static void list_the_rest(struct backfill *backfill)
{
	struct block_range taken[RANGE_TASKS_MAXIMUM];
	size_t count = range_tasks_ranges(&backfill->tasks, taken);
	struct block_range range;

	/* Nothing is read any more: a range is as long as its gap. */
	range_plan_init(&backfill->plan, INT64_MAX, INT64_MAX);
	while (backfill->unread.count < UNREAD_RANGES_MAXIMUM &&
	       backfill_next_range(backfill, &range)) {
		range_source_hand_out(&backfill->source, range);
		list_as_unread(backfill, range);
	}
	for (size_t i = 0; i < count; i++)
		list_as_unread(backfill, taken[i]);
}

int backfill_result(struct backfill *backfill)
{
	int64_t left = range_source_left(&backfill->source);

	if (backfill->guard.trust == CHAIN_HALTED)
		return EXIT_CODE_NEEDS_PERSON;
	if (backfill->abandoned)
		list_the_rest(backfill);
	unread_ranges_log(&backfill->unread);
	if (left > 0 || backfill->unread.count > 0) {
		log_error("not all could be read: try again blocks_left=%" PRId64
			  " unread_ranges=%zu",
			  left, backfill->unread.count);
		return EXIT_CODE_TRY_AGAIN;
	}
	if (backfill->settings.verify)
		return verify_result(&backfill->verify, backfill->source.target);
	chain_guard_finalize(&backfill->guard);
	log_info("no gap is left first_block=%" PRId64 " last_block=%" PRId64,
		 backfill->source.target.first, backfill->source.target.last);
	return 0;
}
