/* Events and coverage in one transaction on a real database, and what the listener is told to have
 * missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "backfiller/range_commit.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/instance_lock.h"
#include "unit/backfiller/test_answers.h"
#include "unit/store/test_store.h"

struct fixture {
	struct test_store database;
	struct instance_lock lock;
	struct event_queue queue;
	struct block_coverage coverage;
	struct blocks blocks;
	struct listener_sessions sessions;
	struct test_answers answers;
	struct range_commit commit;
};

static const struct test_log logs[] = {
	{.kind = TEST_LOG_TAKE, .block_number = 20, .log_index = 0},
	{.kind = TEST_LOG_STRANGERS_TAKE, .block_number = 20, .log_index = 1},
	{.kind = TEST_LOG_CLEAR, .block_number = 20, .log_index = 2},
	{.kind = TEST_LOG_AFTER_CLEAR, .block_number = 20, .log_index = 3},
};

static const struct range_reading plain = {.linked = false};
static const struct range_reading linked = {.linked = true};

static void open_tables(struct fixture *fixture, struct store *store)
{
	event_queue_open(&fixture->queue, store);
	block_coverage_open(&fixture->coverage, store);
	blocks_open(&fixture->blocks, store);
	listener_sessions_open(&fixture->sessions, store, &fixture->lock);
	answers_init(&fixture->answers);
	fixture->answers.ingest.queue = &fixture->queue;
	fixture->commit = (struct range_commit){
		.store = store,
		.coverage = &fixture->coverage,
		.blocks = &fixture->blocks,
		.queue = &fixture->queue,
		.ingest = &fixture->answers.ingest,
		.sessions = &fixture->sessions,
	};
}

static void close_tables(struct fixture *fixture)
{
	answers_free(&fixture->answers);
	listener_sessions_close(&fixture->sessions);
	blocks_close(&fixture->blocks);
	block_coverage_close(&fixture->coverage);
	event_queue_close(&fixture->queue);
}

static int set_up(void **state)
{
	static struct fixture fixture;

	test_store_open(&fixture.database);
	instance_lock_open(&fixture.lock, fixture.database.file.path);
	open_tables(&fixture, &fixture.database.store);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close_tables(fixture);
	instance_lock_close(&fixture->lock);
	test_store_close(&fixture->database);
	return 0;
}

static void read_range(struct test_answers *answers, const struct test_log *some, size_t count)
{
	range_reader_start(&answers->reader, (struct block_range){10, 20}, &plain);
	assert_int_equal(give_block(answers, 20, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(answers, some, count), OUTCOME_OK);
	assert_int_equal(give_block(answers, 20, CANONICAL), OUTCOME_OK);
	assert_true(range_reader_is_complete(&answers->reader));
}

static int64_t commit_range(struct fixture *fixture, const struct range_expectation *expectation)
{
	struct range_commit_result result;

	assert_int_equal(
		range_commit_step(&fixture->commit, &fixture->answers.reader, expectation, &result),
		RANGE_COMMITTED);
	return result.added;
}

static void events_of_ours_and_coverage_are_written_once(void **state)
{
	struct fixture *fixture = *state;
	const struct range_expectation nothing = {.session_id = 0};

	read_range(&fixture->answers, logs, ARRAY_LENGTH(logs));
	assert_int_equal(commit_range(fixture, &nothing), 2);
	assert_int_equal(commit_range(fixture, &nothing), 0);
	assert_int_equal(event_queue_count_waiting(&fixture->queue), 2);
	assert_int_equal(block_coverage_contiguous_to(&fixture->coverage, 10), 20);
	assert_int_equal(block_coverage_contiguous_to(&fixture->coverage, 9), 8);
	assert_int_equal(test_store_int64(&fixture->database.store,
					  "SELECT count(*) AS n FROM event_queue WHERE"
					  " block_timestamp = '1970-01-01T00:03:20.000Z'"
					  " AND source = 'backfiller'",
					  "n"),
			 2);
}

static void an_empty_range_is_covered_too(void **state)
{
	struct fixture *fixture = *state;
	const struct range_expectation nothing = {.session_id = 0};

	read_range(&fixture->answers, NULL, 0);
	assert_int_equal(commit_range(fixture, &nothing), 0);
	assert_int_equal(block_coverage_missing(&fixture->coverage, (struct block_range){10, 20}),
			 0);
}

static void commit_incomplete(void *context)
{
	struct fixture *fixture = context;
	const struct range_expectation nothing = {.session_id = 0};

	range_reader_start(&fixture->answers.reader, (struct block_range){10, 20}, &plain);
	assert_int_equal(give_block(&fixture->answers, 20, CANONICAL), OUTCOME_OK);
	assert_int_equal(give_logs(&fixture->answers, logs, ARRAY_LENGTH(logs)), OUTCOME_OK);
	(void)commit_range(fixture, &nothing);
}

static void what_is_not_verified_is_never_committed(void **state)
{
	struct test_child child = test_child_run(commit_incomplete, *state);

	test_child_assert(&child, EXIT_CODE_BUG, "range_reader_is_complete");
}

struct story {
	struct fixture *fixture;
	struct range_expectation expectation;
	bool listener_dies;
};

/* In a child: what it writes to stderr is looked at. A second child is the listener. */
static void commit_beside_a_listener(void *context)
{
	struct story *story = context;
	struct fixture fixture;
	struct instance_lock listener_lock;
	struct test_store *database = &story->fixture->database;
	struct store store;
	int64_t session_id;

	memset(&fixture, 0, sizeof(fixture));
	log_start("test", LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	store_open(&store, database->file.path);
	instance_lock_open(&fixture.lock, database->file.path);
	instance_lock_open(&listener_lock, database->file.path);
	open_tables(&fixture, &store);
	assert_true(store_begin(&store));
	session_id = listener_sessions_begin(&fixture.sessions, 15, CUTOFF_BLOCK_NUMBER,
					     clock_now_text());
	store_commit(&store);
	instance_lock_hold_session(&listener_lock, session_id);
	if (story->listener_dies)
		instance_lock_close(&listener_lock);
	read_range(&fixture.answers, logs, ARRAY_LENGTH(logs));
	if (story->expectation.session_id != 0)
		story->expectation.session_id = session_id;
	(void)commit_range(&fixture, &story->expectation);
	close_tables(&fixture);
	store_close(&store);
}

static bool is_said_to_be_missed(struct fixture *fixture, int64_t last, bool listener_dies,
				 const char *words)
{
	struct story story = {
		.fixture = fixture,
		.expectation = {.session_id = 1, .blocks = {15, last}},
		.listener_dies = listener_dies,
	};
	struct test_child child = test_child_run(commit_beside_a_listener, &story);

	test_child_assert(&child, 0, "event queued");
	return strstr(child.text, words) != NULL;
}

static void an_event_that_an_open_session_did_not_deliver_is_a_warning(void **state)
{
	assert_true(is_said_to_be_missed(*state, 20, false, "listener missed an event"));
}

static void an_event_that_it_still_may_deliver_is_none(void **state)
{
	assert_false(is_said_to_be_missed(*state, 19, false, "missed"));
}

static void an_event_of_a_session_that_is_over_is_none(void **state)
{
	assert_false(is_said_to_be_missed(*state, 20, true, "missed"));
}

static void a_recheck_warns_of_all_that_is_new(void **state)
{
	struct story story = {.fixture = *state, .expectation = {.by_recheck = true}};
	struct test_child child = test_child_run(commit_beside_a_listener, &story);

	test_child_assert(&child, 0, "event found that an earlier read had missed");
}

/* Blocks 10 to 12 with every header, of a branch that leaves the canonical one below `fork`. */
static void read_linked(struct fixture *fixture, const struct test_log *some, size_t count,
			unsigned int branch, uint64_t fork)
{
	struct test_answers *answers = &fixture->answers;

	range_reader_start(&answers->reader, (struct block_range){10, 12}, &linked);
	assert_int_equal(give_block(answers, 12, branch), OUTCOME_OK);
	assert_int_equal(give_logs(answers, some, count), OUTCOME_OK);
	for (uint64_t number = 12; number >= 10; number--) {
		const struct test_header header = {
			.number = number,
			.branch = number >= fork ? branch : CANONICAL,
			.parent_branch = number > fork ? branch : CANONICAL,
		};

		assert_int_equal(give_header(answers, &header), OUTCOME_OK);
	}
	while (!range_reader_is_complete(&answers->reader)) {
		if (answers->reader.phase == RANGE_READER_RECEIPTS)
			assert_int_equal(give_receipts(answers, some, count, true), OUTCOME_OK);
		else
			assert_int_equal(give_logs(answers, some, count), OUTCOME_OK);
	}
}

static enum range_commit_end try_commit(struct fixture *fixture, struct range_commit_result *result)
{
	const struct range_expectation nothing = {.session_id = 0};

	return range_commit_step(&fixture->commit, &fixture->answers.reader, &nothing, result);
}

static int64_t count(struct fixture *fixture, const char *sql)
{
	return test_store_int64(&fixture->database.store, sql, "n");
}

static const struct test_log old_fill = {.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 0};
static const struct test_log new_fill = {
	.kind = TEST_LOG_TAKE, .block_number = 12, .log_index = 1, .branch = OTHER};

/* What the chain guard does when it finds a fork. */
static void revoke_above(struct fixture *fixture, int64_t block_number)
{
	assert_true(store_begin(&fixture->database.store));
	block_coverage_remove_above(&fixture->coverage, block_number);
	blocks_remove_above(&fixture->blocks, block_number);
	event_queue_doubt_above(&fixture->queue, block_number);
	store_commit(&fixture->database.store);
}

static void a_linked_range_leaves_its_headers(void **state)
{
	struct fixture *fixture = *state;
	struct range_commit_result result;

	read_linked(fixture, &old_fill, 1, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(result.added, 1);
	assert_int_equal(count(fixture, "SELECT count(*) AS n FROM blocks"), 3);
	assert_int_equal(count(fixture, "SELECT confirmed AS n FROM event_queue"), 1);
}

static void another_branch_than_before_is_not_committed(void **state)
{
	struct fixture *fixture = *state;
	struct range_commit_result result;

	read_linked(fixture, &old_fill, 1, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	read_linked(fixture, &new_fill, 1, OTHER, 11);
	assert_int_equal(try_commit(fixture, &result), RANGE_ELSEWHERE);
	assert_int_equal(result.suspect, 11);
	assert_int_equal(count(fixture, "SELECT count(*) AS n FROM event_queue"), 1);
	/* The parent of its first block is another one than was read. */
	revoke_above(fixture, 9);
	assert_int_equal(test_store_run(&fixture->database.store,
					"INSERT INTO blocks VALUES (9, '0x' || printf('%064d', 1),"
					" '0x' || printf('%064d', 2), 0)"),
			 1);
	assert_int_equal(try_commit(fixture, &result), RANGE_ELSEWHERE);
	assert_int_equal(result.suspect, 9);
	assert_int_equal(block_coverage_missing(&fixture->coverage, (struct block_range){10, 12}),
			 3);
	/* Or the parent of the block behind its last. */
	assert_int_equal(
		test_store_run(&fixture->database.store, "UPDATE blocks SET block_number = 13"), 1);
	assert_int_equal(try_commit(fixture, &result), RANGE_ELSEWHERE);
	assert_int_equal(result.suspect, 13);
}

static void a_transaction_that_was_mined_again_stands_once(void **state)
{
	struct fixture *fixture = *state;
	struct range_commit_result result;

	read_linked(fixture, &old_fill, 1, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	revoke_above(fixture, 10);
	read_linked(fixture, &new_fill, 1, OTHER, 11);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(result.added, 1);
	assert_int_equal(result.removed, 1);
	assert_int_equal(count(fixture, "SELECT log_index AS n FROM event_queue WHERE removed = 0"),
			 1);
	/* And back: the old block's event is a new row. */
	revoke_above(fixture, 10);
	read_linked(fixture, &old_fill, 1, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(count(fixture, "SELECT count(*) AS n FROM event_queue"), 3);
	assert_int_equal(count(fixture, "SELECT log_index AS n FROM event_queue WHERE removed = 0"),
			 0);
}

static void an_event_of_a_block_that_left_the_chain_is_removed(void **state)
{
	struct fixture *fixture = *state;
	struct range_commit_result result;

	read_linked(fixture, &old_fill, 1, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	revoke_above(fixture, 10);
	read_linked(fixture, NULL, 0, OTHER, 11);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(result.removed, 1);
	assert_int_equal(count(fixture, "SELECT count(*) AS n FROM event_queue WHERE removed = 1"),
			 1);
}

static void an_answer_that_lacks_a_standing_event_asks_the_receipts(void **state)
{
	struct fixture *fixture = *state;
	struct range_commit_result result;

	read_linked(fixture, &old_fill, 1, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	read_linked(fixture, NULL, 0, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_IN_DOUBT);
	assert_int_equal(count(fixture, "SELECT removed AS n FROM event_queue"), 0);
	assert_int_equal(give_logs(&fixture->answers, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_receipts(&fixture->answers, &old_fill, 1, true), OUTCOME_OK);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(result.removed, 0);
	/* An event that its block does not have was invented. */
	read_linked(fixture, NULL, 0, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_IN_DOUBT);
	assert_int_equal(give_logs(&fixture->answers, NULL, 0), OUTCOME_OK);
	assert_int_equal(give_receipts(&fixture->answers, NULL, 0, true), OUTCOME_OK);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(result.removed, 1);
}

static void what_was_sent_with_other_data_gives_way_to_what_is_proven(void **state)
{
	struct fixture *fixture = *state;
	struct range_commit_result result;

	read_linked(fixture, &old_fill, 1, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(test_store_run(&fixture->database.store,
					"UPDATE event_queue SET event_data = '{}', confirmed = 0"),
			 1);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(result.removed, 1);
	assert_int_equal(result.added, 1);
	/* Two reads that contradict each other prove nothing. */
	assert_int_equal(
		test_store_run(&fixture->database.store,
			       "UPDATE event_queue SET event_data = '{}' WHERE removed = 0"),
		1);
	assert_int_equal(try_commit(fixture, &result), RANGE_REFUSED);
	assert_non_null(strstr(result.error.text, "was proven to have other data"));
}

static void a_transaction_is_not_proven_in_two_blocks(void **state)
{
	struct fixture *fixture = *state;
	struct range_commit_result result;

	read_linked(fixture, &old_fill, 1, CANONICAL, 10);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(test_store_run(&fixture->database.store,
					"UPDATE event_queue SET block_number = 30,"
					" block_hash = '0x' || printf('%064d', 7)"),
			 1);
	assert_int_equal(try_commit(fixture, &result), RANGE_REFUSED);
	assert_non_null(strstr(result.error.text, "in another block, too"));
	/* Where it is not proven, it gives way, also outside the range. */
	assert_int_equal(
		test_store_run(&fixture->database.store, "UPDATE event_queue SET confirmed = 0"),
		1);
	assert_int_equal(try_commit(fixture, &result), RANGE_COMMITTED);
	assert_int_equal(result.removed, 1);
	assert_int_equal(result.added, 1);
}

#define COMMIT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COMMIT_TEST(events_of_ours_and_coverage_are_written_once),
		COMMIT_TEST(an_empty_range_is_covered_too),
		COMMIT_TEST(what_is_not_verified_is_never_committed),
		COMMIT_TEST(an_event_that_an_open_session_did_not_deliver_is_a_warning),
		COMMIT_TEST(an_event_that_it_still_may_deliver_is_none),
		COMMIT_TEST(an_event_of_a_session_that_is_over_is_none),
		COMMIT_TEST(a_recheck_warns_of_all_that_is_new),
		COMMIT_TEST(a_linked_range_leaves_its_headers),
		COMMIT_TEST(another_branch_than_before_is_not_committed),
		COMMIT_TEST(a_transaction_that_was_mined_again_stands_once),
		COMMIT_TEST(an_event_of_a_block_that_left_the_chain_is_removed),
		COMMIT_TEST(an_answer_that_lacks_a_standing_event_asks_the_receipts),
		COMMIT_TEST(what_was_sent_with_other_data_gives_way_to_what_is_proven),
		COMMIT_TEST(a_transaction_is_not_proven_in_two_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
