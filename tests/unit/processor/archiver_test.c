/*
 * Only what is settled moves, once, whatever ends in between; an archive that cannot be written is
 * a warning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "processor/archiver.h"
#include "store/archived_data.h"
#include "unit/processor/test_positions.h"
#include "unit/store/test_sql.h"

#include <sys/resource.h>
#include <sys/stat.h>

struct books {
	struct fixture *fixture;
	struct archiver archiver;
};

static struct store *store_of(struct books *books)
{
	return &books->fixture->files.store;
}

/* Event 1 hedged whole, event 2 with a rest, event 3 filtered; all of block 1, which is final. */
static void make_books(struct fixture *fixture)
{
	const struct side sides[] = {
		{"AAPL", DIRECTION_SELL, "1"},
		{"NVDA", DIRECTION_BUY, "2.5"},
	};
	struct event_row row;

	begin(fixture);
	for (size_t i = 0; i < ARRAY_LENGTH(sides); i++)
		book(fixture, &sides[i], 1);
	append_event(fixture, &row);
	event_queue_mark_processed(&fixture->events, row.id, EVENT_OUTCOME_FILTERED, "not ours");
	end_execution(fixture, 1, shares_of("1"));
	end_execution(fixture, 2, shares_of("2"));
	(void)positions_follow(&fixture->positions);
	(void)test_store_run(&fixture->files.store,
			     "INSERT INTO blocks VALUES (1, '0x' || printf('%064d', 1),"
			     " '0x' || printf('%064d', 0), 1)");
	(void)test_store_run(&fixture->files.store,
			     "UPDATE event_queue SET processed_at = '2026-01-01T00:00:00.000Z'");
	commit(fixture);
}

static int set_up_books(void **state)
{
	static struct books books;
	void *fixture;

	if (set_up(&fixture) != 0)
		return -1;
	memset(&books, 0, sizeof(books));
	books.fixture = fixture;
	make_books(books.fixture);
	archiver_open(&books.archiver, store_of(&books), 0);
	*state = &books;
	return 0;
}

static int tear_down_books(void **state)
{
	struct books *books = *state;
	void *fixture = books->fixture;

	archiver_close(&books->archiver);
	(void)unlink(test_file_beside(&books->fixture->files.file, ".archive-journal"));
	(void)unlink(test_file_beside(&books->fixture->files.file, ".archive"));
	return tear_down(&fixture);
}

/* Everything that can be done now; as if its time had come again. */
static void archive_all(struct books *books)
{
	books->archiver.due_ms = 0;
	while (archiver_step(&books->archiver)) {
	}
	test_laws_hold(&books->fixture->laws);
}

static void expect_archived(struct books *books, const char *ids)
{
	test_sql_expect(store_of(books),
			"SELECT group_concat(id) AS value FROM (SELECT id FROM event_queue"
			" WHERE archived_at IS NOT NULL ORDER BY id)",
			ids);
}

static void what_is_settled_moves_and_leaves_its_name(void **state)
{
	struct books *books = *state;
	struct archive archive;
	struct buffer data;
	struct error error;

	archive_all(books);
	expect_archived(books, "1,3");
	assert_int_equal(books->archiver.archived, 2);
	assert_false(books->archiver.failed);
	/* sha256 of "{}" */
	test_sql_expect(store_of(books), "SELECT event_data AS value FROM event_queue WHERE id = 1",
			"{\"archived\":true,\"sha256\":"
			"\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"}");
	buffer_init(&data, BUFFER_MAX_EVENT_JSON);
	assert_int_equal(archive_open_read_only(&archive, store_of(books), &error), OUTCOME_OK);
	assert_int_equal(archive_find(&archive, 3, &data, &error), OUTCOME_OK);
	assert_string_equal(buffer_text(&data), "{}");
	assert_int_equal(archive_find(&archive, 2, &data, &error), OUTCOME_REJECTED);
	assert_null(archive.connection);
	buffer_free(&data);
	assert_true(archiver_wait_ms(&books->archiver) > 0);
}

/* A row is written again with its columns by name; so does the archive have them by name. */
static void every_column_of_the_queue_is_kept(void **state)
{
	static const char all_sql[] =
		"SELECT group_concat(tx_hash || log_index || block_number || block_hash ||"
		" block_timestamp || event_type || removed || processed || outcome ||"
		" coalesce(error, 'none') || source || created_at || processed_at || confirmed ||"
		" coalesce(reversed_at, 'none')) AS value FROM (SELECT * FROM event_queue"
		" WHERE id IN (1, 3) ORDER BY id)";
	struct books *books = *state;
	struct statement statement;
	char before[1024];

	test_sql_expect(store_of(books),
			"SELECT CAST(count(*) AS TEXT) AS value"
			" FROM pragma_table_info('event_queue')",
			"18");
	statement_prepare(&statement, store_of(books), all_sql);
	assert_true(statement_row(&statement));
	(void)snprintf(before, sizeof(before), "%s", statement_text(&statement, "value"));
	statement_finalize(&statement);
	archive_all(books);
	expect_archived(books, "1,3");
	statement_prepare(&statement, store_of(books), all_sql);
	assert_true(statement_row(&statement));
	assert_string_equal(statement_text(&statement, "value"), before);
	statement_finalize(&statement);
}

/* Rows that were alone on their pages leave these free. */
static void the_pages_of_what_moved_are_free(void **state)
{
	struct books *books = *state;

	begin(books->fixture);
	for (int i = 0; i < 200; i++) {
		struct event_row row;

		append_event(books->fixture, &row);
		event_queue_mark_processed(&books->fixture->events, row.id, EVENT_OUTCOME_FILTERED,
					   "not ours");
	}
	(void)test_store_run(store_of(books),
			     "UPDATE event_queue SET event_data = '\"' || printf('%03500d', 0) ||"
			     " '\"', processed_at = '2026-01-01T00:00:00.000Z' WHERE id > 3");
	commit(books->fixture);
	archive_all(books);
	assert_int_equal(books->archiver.archived, 202);
	assert_true(test_store_int64(store_of(books), "PRAGMA freelist_count", "freelist_count") >
		    150);
}

struct keeper {
	const char *sql;
	const char *archived;
};

static void what_may_still_change_stays(void **state)
{
	static const struct keeper keepers[] = {
		{"UPDATE event_queue SET confirmed = 0 WHERE id = 1", "3"},
		{"UPDATE event_queue SET removed = 1, confirmed = 0 WHERE id = 1", "3"},
		{"UPDATE event_queue SET removed = 1, confirmed = 0 WHERE id = 3", "1,3"},
		{"UPDATE event_queue SET outcome = 'quarantined', error = 'x' WHERE id = 3", "1"},
		{"UPDATE event_queue SET block_number = 2 WHERE id = 3", "1"},
		{"UPDATE blocks SET finalized = 0", NULL},
		{"DELETE FROM blocks", NULL},
		{"UPDATE executions SET status = 'HELD', executed_at = NULL WHERE id = 1", "3"},
		{"UPDATE trade_accumulators SET pending_execution_id = 1 WHERE symbol = 'AAPL'",
		 "3"},
		{"UPDATE onchain_trades SET unallocated = '0.000000000000000001' WHERE id = 1",
		 "3"},
		{"UPDATE event_queue SET processed_at = '2999-01-01T00:00:00.000Z' WHERE id = 1",
		 "3"},
	};
	struct books *books = *state;

	for (size_t i = 0; i < ARRAY_LENGTH(keepers); i++) {
		struct settled_place place = SETTLED_PLACE_START;
		struct clock_text now = clock_now_text();
		struct settled_event event;
		char settled[16] = "";
		struct error error;
		bool found = true;

		assert_int_equal(archive_open(&books->archiver.archive, store_of(books), &error),
				 OUTCOME_OK);
		assert_int_equal(archive_begin(&books->archiver.archive, &error), OUTCOME_OK);
		begin(books->fixture);
		assert_int_equal(test_store_run(store_of(books), keepers[i].sql), 1);
		while (found) {
			size_t length = strlen(settled);

			assert_int_equal(settled_events_copy_next(&books->archiver.events, &place,
								  &now, &books->archiver.archive,
								  &event, &found, &error),
					 OUTCOME_OK);
			if (found && event.settled)
				(void)snprintf(settled + length, sizeof(settled) - length, "%s%d",
					       length > 0 ? "," : "", (int)event.id);
		}
		store_rollback(store_of(books));
		archive_close(&books->archiver.archive);
		if (strcmp(settled, keepers[i].archived == NULL ? "" : keepers[i].archived) != 0)
			fail_msg("settled are %s after %s", settled, keepers[i].sql);
	}
}

static void what_is_younger_stays_and_no_file_is_made(void **state)
{
	struct books *books = *state;

	(void)test_store_run(store_of(books),
			     "UPDATE event_queue SET processed_at = '2999-01-01T00:00:00.000Z'");
	archive_all(books);
	expect_archived(books, NULL);
	assert_int_equal(access(test_file_beside(&books->fixture->files.file, ".archive"), F_OK),
			 -1);
}

/* Between the two commits: the archive has it, the ledger has not given it up. */
static void what_was_copied_and_not_marked_is_done_again(void **state)
{
	struct books *books = *state;

	archive_all(books);
	(void)test_store_run(store_of(books), "UPDATE event_queue SET archived_at = NULL,"
					      " event_data = '{}' WHERE id = 1");
	archive_all(books);
	expect_archived(books, "1,3");
	assert_int_equal(books->archiver.archived, 3);
	assert_false(books->archiver.failed);
}

static void what_is_no_longer_settled_is_not_given_up(void **state)
{
	struct settled_event event = {.id = 1, .archived = archived_data_of("{}")};
	struct books *books = *state;

	begin(books->fixture);
	(void)test_store_run(store_of(books), "UPDATE event_queue SET confirmed = 0 WHERE id = 1");
	assert_false(settled_events_mark_archived(&books->archiver.events, &event));
	commit(books->fixture);
	expect_archived(books, NULL);
}

/* A person has accepted that a final block was reorganised. */
static void an_archived_event_can_still_leave_the_chain(void **state)
{
	struct books *books = *state;

	archive_all(books);
	begin(books->fixture);
	take_back(books->fixture, 1);
	(void)positions_follow(&books->fixture->positions);
	commit(books->fixture);
	test_sql_expect(store_of(books),
			"SELECT net_position AS value FROM trade_accumulators"
			" WHERE symbol = 'AAPL'",
			"0");
	test_sql_expect(store_of(books),
			"SELECT direction || shares AS value FROM executions WHERE id = 3",
			"SELL1");
}

static void the_same_log_finds_its_archived_row(void **state)
{
	struct books *books = *state;
	struct event_record record = {
		.log_index = 0,
		.block_number = 1,
		.event_type = "TakeOrderV2",
		.event_data = "{}",
		.source = EVENT_SOURCE_LISTENER,
	};

	archive_all(books);
	begin(books->fixture);
	assert_int_equal(event_queue_append(&books->fixture->events, &record), EVENT_KNOWN);
	assert_int_equal(event_queue_look(&books->fixture->events, &record), EVENT_KNOWN);
	record.event_data = "{\"other\":1}";
	assert_int_equal(event_queue_append(&books->fixture->events, &record), EVENT_DISAGREES);
	/* Its name is not its data. */
	record.event_data = archived_data_of(archived_data_of("{}").text).text;
	assert_int_equal(event_queue_look(&books->fixture->events, &record), EVENT_DISAGREES);
	store_commit(store_of(books));
}

static void expect_failure(struct books *books)
{
	archive_all(books);
	assert_true(books->archiver.failed);
	assert_null(books->archiver.archive.connection);
	expect_archived(books, NULL);
	assert_true(archiver_wait_ms(&books->archiver) > 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void an_archive_that_cannot_be_written_ends_nothing(void **state)
{
	struct books *books = *state;
	const char *path = test_file_beside(&books->fixture->files.file, ".archive");

	/* No file can be there. */
	assert_int_equal(mkdir(path, 0700), 0);
	expect_failure(books);
	assert_int_equal(rmdir(path), 0);

	/* Something else is there. */
	write_file(path, "no database, and long enough that it could be the head of one: "
			 "................................................................");
	expect_failure(books);
	assert_int_equal(unlink(path), 0);

	/* The disk is there again. */
	archive_all(books);
	assert_false(books->archiver.failed);
	expect_archived(books, "1,3");
}

static void a_file_that_may_not_grow_ends_nothing(void **state)
{
	struct books *books = *state;
	struct rlimit old, small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){.rlim_cur = 4096, .rlim_max = old.rlim_max};
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	books->archiver.due_ms = 0;
	while (archiver_step(&books->archiver)) {
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(books->archiver.failed);
	expect_archived(books, NULL);
	archive_all(books);
	expect_archived(books, "1,3");
}

static void the_archive_of_another_ledger_is_not_touched(void **state)
{
	struct books *books = *state;

	archive_all(books);
	(void)test_store_run(store_of(books), "UPDATE event_queue SET archived_at = NULL,"
					      " event_data = '{\"of\":\"another\"}' WHERE id = 1");
	archive_all(books);
	assert_true(books->archiver.failed);
	expect_archived(books, "3");
}

static void an_archive_that_is_locked_is_tried_later(void **state)
{
	struct books *books = *state;
	struct archive reader;
	struct error error;

	assert_int_equal(archive_open(&reader, store_of(books), &error), OUTCOME_OK);
	assert_int_equal(archive_begin(&reader, &error), OUTCOME_OK);
	expect_failure(books);
	archive_close(&reader);
	archive_all(books);
	expect_archived(books, "1,3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_settled_moves_and_leaves_its_name,
						set_up_books, tear_down_books),
		cmocka_unit_test_setup_teardown(every_column_of_the_queue_is_kept, set_up_books,
						tear_down_books),
		cmocka_unit_test_setup_teardown(the_pages_of_what_moved_are_free, set_up_books,
						tear_down_books),
		cmocka_unit_test_setup_teardown(what_may_still_change_stays, set_up_books,
						tear_down_books),
		cmocka_unit_test_setup_teardown(what_is_younger_stays_and_no_file_is_made,
						set_up_books, tear_down_books),
		cmocka_unit_test_setup_teardown(what_was_copied_and_not_marked_is_done_again,
						set_up_books, tear_down_books),
		cmocka_unit_test_setup_teardown(what_is_no_longer_settled_is_not_given_up,
						set_up_books, tear_down_books),
		cmocka_unit_test_setup_teardown(an_archived_event_can_still_leave_the_chain,
						set_up_books, tear_down_books),
		cmocka_unit_test_setup_teardown(the_same_log_finds_its_archived_row, set_up_books,
						tear_down_books),
		cmocka_unit_test_setup_teardown(an_archive_that_cannot_be_written_ends_nothing,
						set_up_books, tear_down_books),
		cmocka_unit_test_setup_teardown(a_file_that_may_not_grow_ends_nothing, set_up_books,
						tear_down_books),
		cmocka_unit_test_setup_teardown(the_archive_of_another_ledger_is_not_touched,
						set_up_books, tear_down_books),
		cmocka_unit_test_setup_teardown(an_archive_that_is_locked_is_tried_later,
						set_up_books, tear_down_books),
	};

	log_start("archiver_test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
