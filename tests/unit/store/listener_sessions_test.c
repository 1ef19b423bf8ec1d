/* A session is open when its row says so and its listener lives. The listener is a child. */
#include "test_store.h"

#include <fcntl.h>
#include <signal.h>

#include "base/log.h"
#include "store/listener_sessions.h"

struct fixture {
	struct test_store test;
	struct instance_lock lock;
	struct listener_sessions sessions;
};

static void open_all(struct fixture *fixture, const char *path)
{
	store_open(&fixture->test.store, path);
	instance_lock_open(&fixture->lock, path);
	listener_sessions_open(&fixture->sessions, &fixture->test.store, &fixture->lock);
}

static void fixture_open(struct fixture *fixture)
{
	test_file_create(&fixture->test.file);
	open_all(fixture, fixture->test.file.path);
}

static void fixture_close(struct fixture *fixture)
{
	listener_sessions_close(&fixture->sessions);
	instance_lock_close(&fixture->lock);
	test_store_close(&fixture->test);
}

static int64_t begin_session(struct fixture *fixture, int64_t cutoff_block)
{
	int64_t id;

	assert_true(store_begin(&fixture->test.store));
	id = listener_sessions_begin(&fixture->sessions, cutoff_block, CUTOFF_FIRST_EVENT,
				     clock_now_text());
	store_commit(&fixture->test.store);
	return id;
}

/* A listener: begins a session, holds its lock, then obeys one byte at a time, and answers each. */
struct listener {
	pid_t pid;
	int orders;
	int answers;
};

static void obey(struct fixture *fixture, int64_t id, char order)
{
	if (!store_begin(&fixture->test.store))
		_exit(98);
	if (order == 'a')
		listener_sessions_advance(&fixture->sessions, id, 150);
	else if (order == 'e')
		listener_sessions_end(&fixture->sessions, id, "told to stop");
	store_commit(&fixture->test.store);
	if (order == 'e')
		instance_lock_release_session(&fixture->lock, id);
}

static void listen_to_orders(const char *path, int orders, int answers)
{
	static struct fixture fixture;
	int64_t id;
	char order = 0;

	open_all(&fixture, path);
	if (!store_begin(&fixture.test.store))
		_exit(98);
	id = listener_sessions_begin(&fixture.sessions, 100, CUTOFF_BLOCK_NUMBER, clock_now_text());
	instance_lock_hold_session(&fixture.lock, id);
	store_commit(&fixture.test.store);
	while (write(answers, &order, 1) == 1 && read(orders, &order, 1) == 1)
		obey(&fixture, id, order);
	_exit(0);
}

static struct listener start_listener(const char *path)
{
	struct listener listener;
	int orders[2], answers[2];
	char byte;

	assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	fflush(NULL);
	listener.pid = fork();
	assert_true(listener.pid >= 0);
	if (listener.pid == 0)
		listen_to_orders(path, orders[0], answers[1]);
	(void)close(orders[0]);
	(void)close(answers[1]);
	listener.orders = orders[1];
	listener.answers = answers[0];
	assert_int_equal(read(listener.answers, &byte, 1), 1);
	return listener;
}

static void order(struct listener *listener, char what)
{
	assert_int_equal(write(listener->orders, &what, 1), 1);
	assert_int_equal(read(listener->answers, &what, 1), 1);
}

static void kill_listener(struct listener *listener)
{
	int status;

	assert_int_equal(kill(listener->pid, SIGKILL), 0);
	assert_int_equal(waitpid(listener->pid, &status, 0), listener->pid);
	(void)close(listener->orders);
	(void)close(listener->answers);
}

static void there_is_no_session_at_first(void **state)
{
	struct fixture fixture;
	struct listener_session session = {.id = -7};

	(void)state;
	fixture_open(&fixture);
	assert_false(listener_sessions_current(&fixture.sessions, &session));
	assert_int_equal(session.id, -7);
	fixture_close(&fixture);
}

static void a_session_is_open_while_its_listener_lives(void **state)
{
	struct fixture fixture;
	struct listener_session session;
	struct listener listener;

	(void)state;
	fixture_open(&fixture);
	listener = start_listener(fixture.test.file.path);
	assert_true(listener_sessions_current(&fixture.sessions, &session));
	assert_int_equal(session.id, 1);
	assert_int_equal(session.cutoff_block, 100);
	assert_int_equal(session.last_block, 100);
	order(&listener, 'a');
	assert_true(listener_sessions_current(&fixture.sessions, &session));
	assert_int_equal(session.cutoff_block, 100);
	assert_int_equal(session.last_block, 150);
	kill_listener(&listener);
	/* The row still says open. */
	assert_int_equal(test_store_int64(&fixture.test.store,
					  "SELECT ended_at IS NULL AS n FROM listener_sessions",
					  "n"),
			 1);
	assert_false(listener_sessions_current(&fixture.sessions, &session));
	fixture_close(&fixture);
}

static void a_session_that_was_ended_is_not_open_though_its_listener_lives(void **state)
{
	struct fixture fixture;
	struct listener_session session;
	struct listener listener;

	(void)state;
	fixture_open(&fixture);
	listener = start_listener(fixture.test.file.path);
	order(&listener, 'e');
	assert_false(listener_sessions_current(&fixture.sessions, &session));
	assert_int_equal(test_store_int64(&fixture.test.store,
					  "SELECT end_reason = 'told to stop' AND length(ended_at) "
					  "= 24 AS n FROM listener_sessions",
					  "n"),
			 1);
	kill_listener(&listener);
	fixture_close(&fixture);
}

static void the_latest_session_counts_and_stale_ones_can_be_ended(void **state)
{
	struct fixture fixture;
	struct listener_session session;
	struct listener listener;

	(void)state;
	fixture_open(&fixture);
	assert_int_equal(begin_session(&fixture, 10), 1);
	assert_int_equal(begin_session(&fixture, 20), 2);
	assert_false(listener_sessions_current(&fixture.sessions, &session));
	listener = start_listener(fixture.test.file.path);
	assert_true(listener_sessions_current(&fixture.sessions, &session));
	assert_int_equal(session.id, 3);
	kill_listener(&listener);

	assert_true(store_begin(&fixture.test.store));
	listener_sessions_end_stale(&fixture.sessions);
	listener_sessions_end_stale(&fixture.sessions);
	store_commit(&fixture.test.store);
	assert_int_equal(test_store_int64(&fixture.test.store,
					  "SELECT count(*) AS n FROM listener_sessions WHERE "
					  "ended_at IS NOT NULL AND end_reason IS NOT NULL",
					  "n"),
			 3);
	fixture_close(&fixture);
}

static void the_last_block_never_goes_down(void **state)
{
	static const struct {
		int64_t heard;
		int64_t expected;
	} steps[] = {{50, 50},	    {49, 50}, {10, 50}, {51, 51}, {INT64_MAX, INT64_MAX},
		     {0, INT64_MAX}};
	struct fixture fixture;
	int64_t id, other;

	(void)state;
	fixture_open(&fixture);
	other = begin_session(&fixture, 5);
	id = begin_session(&fixture, 10);
	for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
		assert_true(store_begin(&fixture.test.store));
		listener_sessions_advance(&fixture.sessions, id, steps[i].heard);
		store_commit(&fixture.test.store);
		assert_true(test_store_int64(&fixture.test.store,
					     "SELECT max(last_block) AS n FROM listener_sessions",
					     "n") == steps[i].expected);
	}
	assert_int_equal(other, 1);
	assert_int_equal(test_store_int64(&fixture.test.store,
					  "SELECT last_block AS n FROM listener_sessions WHERE id "
					  "= 1",
					  "n"),
			 5);
	fixture_close(&fixture);
}

static void both_cutoff_sources_have_their_word(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	assert_true(store_begin(&fixture.test.store));
	(void)listener_sessions_begin(&fixture.sessions, 1, CUTOFF_FIRST_EVENT, clock_now_text());
	(void)listener_sessions_begin(&fixture.sessions, 2, CUTOFF_BLOCK_NUMBER, clock_now_text());
	store_commit(&fixture.test.store);
	assert_int_equal(
		test_store_int64(&fixture.test.store,
				 "SELECT count(*) AS n FROM listener_sessions WHERE (cutoff_block, "
				 "cutoff_source) IN (VALUES (1, 'first_event'), (2, "
				 "'block_number'))",
				 "n"),
		2);
	fixture_close(&fixture);
}

struct misuse {
	const char *path;
	bool advance;
};

static void use_an_ended_session(void *context)
{
	const struct misuse *misuse = context;
	static struct fixture fixture;
	int64_t id;

	open_all(&fixture, misuse->path);
	if (!store_begin(&fixture.test.store))
		_exit(98);
	id = listener_sessions_begin(&fixture.sessions, 1, CUTOFF_FIRST_EVENT, clock_now_text());
	listener_sessions_end(&fixture.sessions, id, "over");
	if (misuse->advance)
		listener_sessions_advance(&fixture.sessions, id, 5);
	else
		listener_sessions_end(&fixture.sessions, id, "over again");
}

static void an_ended_session_stays_as_it_ended(void **state)
{
	struct test_file file;

	(void)state;
	test_file_create(&file);
	for (int advance = 0; advance <= 1; advance++) {
		struct misuse misuse = {file.path, advance == 1};
		struct test_child child = test_child_run(use_an_ended_session, &misuse);

		test_child_assert(&child, EXIT_CODE_BUG, "changed == 1");
	}
	test_file_remove(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_no_session_at_first),
		cmocka_unit_test(a_session_is_open_while_its_listener_lives),
		cmocka_unit_test(a_session_that_was_ended_is_not_open_though_its_listener_lives),
		cmocka_unit_test(the_latest_session_counts_and_stale_ones_can_be_ended),
		cmocka_unit_test(the_last_block_never_goes_down),
		cmocka_unit_test(both_cutoff_sources_have_their_word),
		cmocka_unit_test(an_ended_session_stays_as_it_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
