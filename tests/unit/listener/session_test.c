/* One subscription's life on a real database: cutoff, row, lock, events, and what happens while the
 * database is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "listener/session.h"
#include "unit/store/test_store.h"

#include <string.h>

struct fixture {
	struct test_file files;
	struct store store;
	struct instance_lock lock;
	struct event_queue events;
	struct listener_sessions sessions;
	struct config_addresses owners;
	struct event_ingest ingest;
	struct session session;
	/* Another program's view. */
	struct store other_store;
	struct instance_lock other_lock;
	struct listener_sessions other_sessions;
	struct event_queue other_events;
};

static int set_up(void **state)
{
	static struct fixture fixture;

	memset(&fixture, 0, sizeof(fixture));
	test_file_create(&fixture.files);
	store_open(&fixture.store, fixture.files.path);
	instance_lock_open(&fixture.lock, fixture.files.path);
	event_queue_open(&fixture.events, &fixture.store);
	listener_sessions_open(&fixture.sessions, &fixture.store, &fixture.lock);
	fixture.owners.count = 1;
	event_ingest_init(&fixture.ingest, &fixture.events, &fixture.owners, EVENT_SOURCE_LISTENER,
			  0);
	session_init(&fixture.session, &fixture.store, &fixture.lock, &fixture.sessions,
		     &fixture.ingest);
	store_open(&fixture.other_store, fixture.files.path);
	instance_lock_open(&fixture.other_lock, fixture.files.path);
	listener_sessions_open(&fixture.other_sessions, &fixture.other_store, &fixture.other_lock);
	event_queue_open(&fixture.other_events, &fixture.other_store);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	event_queue_close(&fixture->other_events);
	listener_sessions_close(&fixture->other_sessions);
	instance_lock_close(&fixture->other_lock);
	store_close(&fixture->other_store);
	session_free(&fixture->session);
	event_ingest_free(&fixture->ingest);
	listener_sessions_close(&fixture->sessions);
	event_queue_close(&fixture->events);
	instance_lock_close(&fixture->lock);
	store_close(&fixture->store);
	test_file_remove(&fixture->files);
	return 0;
}

/* A TakeOrderV2 that nobody can decode: such a one is always wanted, a person must look. */
static void take_log(struct session *session, uint64_t block_number)
{
	struct evm_log log = {
		.topic_count = 1,
		.block_number = block_number,
		.has_block_timestamp = true,
		.block_timestamp = 1700000000,
	};

	log.topics[0] = orderbook_topics[0];
	log.tx_hash.bytes[0] = (uint8_t)block_number;
	log.block_hash.bytes[0] = (uint8_t)block_number;
	assert_true(session_take_log(session, &log, (struct bytes){.data = NULL, .length = 0}));
}

static void the_first_event_settles_the_cutoff_and_is_queued_with_the_row(void **state)
{
	struct fixture *fixture = *state;
	struct listener_session seen;

	session_start(&fixture->session);
	session_step(&fixture->session);
	assert_false(listener_sessions_current(&fixture->other_sessions, &seen));
	take_log(&fixture->session, 40);
	session_step(&fixture->session);
	assert_true(listener_sessions_current(&fixture->other_sessions, &seen));
	assert_int_equal(seen.cutoff_block, 40);
	assert_int_equal(event_queue_count_waiting(&fixture->other_events), 1);
	take_log(&fixture->session, 41);
	session_step(&fixture->session);
	assert_true(listener_sessions_current(&fixture->other_sessions, &seen));
	assert_int_equal(seen.cutoff_block, 40);
	assert_int_equal(seen.last_block, 41);
	assert_int_equal(event_queue_count_waiting(&fixture->other_events), 2);
	session_end(&fixture->session, "test");
}

/* Late, twice, never: what a node says of removed logs proves nothing. */
static void a_removed_log_is_doubted_and_stands(void **state)
{
	struct fixture *fixture = *state;
	struct evm_log removed = {.block_number = 40, .removed = true};
	int64_t block;

	session_start(&fixture->session);
	take_log(&fixture->session, 40);
	session_step(&fixture->session);
	assert_int_equal(test_store_run(&fixture->store, "UPDATE event_queue SET confirmed = 1"),
			 1);
	assert_false(event_queue_first_doubted(&fixture->other_events, 0, INT64_MAX, &block));
	removed.tx_hash.bytes[0] = 40;
	for (int i = 0; i < 2 * SESSION_HINTS; i++)
		session_take_removed(&fixture->session, &removed);
	session_step(&fixture->session);
	assert_true(event_queue_first_doubted(&fixture->other_events, 0, INT64_MAX, &block));
	assert_int_equal(block, 40);
	assert_int_equal(event_queue_count_waiting(&fixture->other_events), 1);
	session_end(&fixture->session, "test");
}

static void an_ended_session_is_not_open_and_the_next_has_its_own_cutoff(void **state)
{
	struct fixture *fixture = *state;
	struct listener_session first;
	struct listener_session second;

	session_start(&fixture->session);
	session_settle(&fixture->session, 50, CUTOFF_BLOCK_NUMBER);
	session_step(&fixture->session);
	assert_true(listener_sessions_current(&fixture->other_sessions, &first));
	session_end(&fixture->session, "test");
	assert_false(listener_sessions_current(&fixture->other_sessions, &second));
	session_start(&fixture->session);
	assert_false(listener_sessions_current(&fixture->other_sessions, &second));
	take_log(&fixture->session, 60);
	session_step(&fixture->session);
	assert_true(listener_sessions_current(&fixture->other_sessions, &second));
	assert_true(second.id > first.id);
	assert_int_equal(second.cutoff_block, 60);
	session_end(&fixture->session, "test");
}

static void while_another_process_holds_the_database_logs_wait_and_nothing_is_lost(void **state)
{
	struct fixture *fixture = *state;

	session_start(&fixture->session);
	assert_true(store_begin(&fixture->other_store));
	take_log(&fixture->session, 70);
	session_step(&fixture->session);
	assert_true(fixture->session.behind_since_ms != 0);
	take_log(&fixture->session, 71);
	session_step(&fixture->session);
	assert_int_equal(fixture->session.waiting.logs.count, 2);
	store_rollback(&fixture->other_store);
	session_step(&fixture->session);
	assert_int_equal(fixture->session.behind_since_ms, 0);
	assert_int_equal(fixture->session.waiting.logs.count, 0);
	assert_int_equal(event_queue_count_waiting(&fixture->other_events), 2);
	session_end(&fixture->session, "test");
}

static void what_is_complete_at_the_end_is_still_queued(void **state)
{
	struct fixture *fixture = *state;

	session_start(&fixture->session);
	take_log(&fixture->session, 80);
	session_end(&fixture->session, "test");
	assert_int_equal(event_queue_count_waiting(&fixture->other_events), 1);
}

static void a_head_alone_moves_the_row(void **state)
{
	struct fixture *fixture = *state;
	struct evm_block head = {.number = 95};
	struct listener_session seen;

	session_start(&fixture->session);
	session_settle(&fixture->session, 90, CUTOFF_BLOCK_NUMBER);
	session_step(&fixture->session);
	session_take_head(&fixture->session, &head);
	assert_true(session_due_ms(&fixture->session) < INT64_MAX);
	fixture->session.advance_due_ms = 0;
	session_step(&fixture->session);
	assert_true(listener_sessions_current(&fixture->other_sessions, &seen));
	assert_int_equal(seen.last_block, 95);
	assert_true(session_due_ms(&fixture->session) == INT64_MAX);
	session_end(&fixture->session, "test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_first_event_settles_the_cutoff_and_is_queued_with_the_row, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			an_ended_session_is_not_open_and_the_next_has_its_own_cutoff, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_removed_log_is_doubted_and_stands, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			while_another_process_holds_the_database_logs_wait_and_nothing_is_lost,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_complete_at_the_end_is_still_queued, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_head_alone_moves_the_row, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
