/*
 * Waiting for another process's commit. The other process is a child that commits when told. What
 * the system does is replaced here where a test needs it otherwise: an fsync that takes long, an
 * inotify that is used up, a clock that stands still, a count of polls.
 */
#include "test_store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "store/wakeup.h"

/* Long enough for the slowest machine; no test that passes waits for it. */
#define LONG_MS 60000

#define ROUNDS 100

static int64_t sync_delay_ms;
static bool inotify_is_used_up;
static bool clock_stands_still;
static int64_t poll_count;

static void nap_ms(int64_t milliseconds)
{
	struct timespec time = {.tv_sec = milliseconds / 1000,
				.tv_nsec = milliseconds % 1000 * 1000000};

	(void)nanosleep(&time, NULL);
}

int fsync(int fd)
{
	nap_ms(sync_delay_ms);
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	nap_ms(sync_delay_ms);
	return (int)syscall(SYS_fdatasync, fd);
}

int inotify_init1(int flags)
{
	if (inotify_is_used_up) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_inotify_init1, flags);
}

/* Whoever sets a timer is not woken by it. */
int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *before)
{
	if (clock_stands_still)
		return 0;
	return (int)syscall(SYS_timerfd_settime, fd, flags, when, before);
}

/* Each look that finds nothing is followed by one. */
int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	poll_count++;
	return (int)syscall(SYS_poll, fds, count, timeout_ms);
}

struct fixture {
	struct test_store test;
	struct wakeup wakeup;
};

static void fixture_open(struct fixture *fixture)
{
	test_store_open(&fixture->test);
	wakeup_open(&fixture->wakeup, &fixture->test.store, AUDIENCE_PROCESSOR);
}

static void fixture_close(struct fixture *fixture)
{
	wakeup_close(&fixture->wakeup);
	test_store_close(&fixture->test);
}

/* A child that obeys one byte at a time, and says when a commit of its returned. */
struct other {
	pid_t pid;
	int orders;
	int answers;
	int64_t *committed_us;
};

static void write_a_row(struct store *store)
{
	(void)test_store_run(store, "INSERT INTO controls (name, value, reason) VALUES "
				    "(hex(randomblob(16)), '1', '')");
}

static void write_and_roll_back(struct store *store)
{
	if (!store_begin(store))
		_exit(98);
	for (int i = 0; i < 30; i++)
		(void)test_store_run(store, "INSERT INTO controls (name, value, reason) VALUES "
					    "(hex(randomblob(200000)), '1', '')");
	store_rollback(store);
}

/* As many writes as can be, behind the end of the file, where SQLite does not look. */
static void flood_wal(const struct store *store)
{
	int64_t started_us = clock_monotonic_us();
	char path[CONFIG_TEXT_SIZE + 4];
	off_t end;
	int fd;

	(void)snprintf(path, sizeof(path), "%s-wal", store->path.text);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	end = lseek(fd, 0, SEEK_END);
	while (clock_monotonic_us() - started_us < 250000) {
		if (pwrite(fd, "x", 1, end) != 1)
			_exit(96);
	}
	(void)close(fd);
}

/* As a stranger does, or who dies between his commit and telling of it. */
static void write_a_row_silently(const struct store *store)
{
	static const char sql[] = "INSERT INTO controls (name, value, reason) VALUES "
				  "(hex(randomblob(16)), '1', '')";

	if (sqlite3_exec(store->connection, sql, NULL, NULL, NULL) != SQLITE_OK)
		_exit(99);
}

static void obey(struct store *store, char order, int64_t *committed_us)
{
	switch (order) {
	case 's': /* slow */
		sync_delay_ms = 300;
		write_a_row(store);
		sync_delay_ms = 0;
		break;
	case 'c': /* commit, a while after the answer, when the other side waits */
		nap_ms(5);
		write_a_row(store);
		*committed_us = clock_monotonic_us();
		break;
	case 't': /* silently */
		nap_ms(5);
		write_a_row_silently(store);
		break;
	case 'i': /* at once, before the answer */
		write_a_row(store);
		break;
	case 'r': /* much is written to the -wal file, and nothing committed */
		write_and_roll_back(store);
		flood_wal(store);
		break;
	}
}

static bool is_answered_first(char order)
{
	return order == 'c' || order == 's' || order == 't';
}

static void serve(const char *path, int orders, int answers, int64_t *committed_us)
{
	struct store store;
	char order = 0;

	store_open(&store, path);
	if (write(answers, &order, 1) != 1)
		_exit(97);
	while (read(orders, &order, 1) == 1) {
		if (is_answered_first(order) && write(answers, &order, 1) != 1)
			_exit(97);
		obey(&store, order, committed_us);
		if (!is_answered_first(order) && write(answers, &order, 1) != 1)
			_exit(97);
	}
	store_close(&store);
	_exit(0);
}

static struct other start_other(const char *path)
{
	struct other other;
	int orders[2], answers[2];
	char byte;

	other.committed_us = mmap(NULL, sizeof(*other.committed_us), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(other.committed_us != MAP_FAILED);
	assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	fflush(NULL);
	other.pid = fork();
	assert_true(other.pid >= 0);
	if (other.pid == 0) {
		(void)close(orders[1]);
		serve(path, orders[0], answers[1], other.committed_us);
	}
	(void)close(orders[0]);
	(void)close(answers[1]);
	other.orders = orders[1];
	other.answers = answers[0];
	assert_int_equal(read(other.answers, &byte, 1), 1);
	return other;
}

static void order(struct other *other, char what)
{
	assert_int_equal(write(other->orders, &what, 1), 1);
	assert_int_equal(read(other->answers, &what, 1), 1);
}

static void stop_other(struct other *other)
{
	int status;

	(void)close(other->orders);
	assert_int_equal(waitpid(other->pid, &status, 0), other->pid);
	assert_int_equal(status, 0);
	(void)close(other->answers);
	assert_int_equal(munmap(other->committed_us, sizeof(*other->committed_us)), 0);
}

static void without_a_commit_the_time_passes(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_open(&fixture);
	assert_false(wakeup_wait(&fixture.wakeup, 0));
	assert_false(wakeup_wait(&fixture.wakeup, 30));
	fixture_close(&fixture);
}

static void a_commit_before_the_call_is_noticed_and_only_once(void **state)
{
	struct fixture fixture;
	struct other other;

	(void)state;
	fixture_open(&fixture);
	other = start_other(fixture.test.file.path);
	order(&other, 'i');
	order(&other, 'i');
	assert_true(wakeup_wait(&fixture.wakeup, 0));
	assert_false(wakeup_wait(&fixture.wakeup, 50));
	order(&other, 'i');
	assert_true(wakeup_wait(&fixture.wakeup, 0));
	assert_false(wakeup_wait(&fixture.wakeup, 50));
	stop_other(&other);
	fixture_close(&fixture);
}

static int compare_int64(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void wake_and_print(const char *how, int64_t idle_ms)
{
	struct fixture fixture;
	struct other other;
	int64_t late_us[ROUNDS];

	fixture_open(&fixture);
	other = start_other(fixture.test.file.path);
	for (size_t i = 0; i < ROUNDS; i++) {
		order(&other, 'c');
		assert_true(wakeup_wait(&fixture.wakeup, LONG_MS));
		late_us[i] = clock_monotonic_us();
		/* Its clock is read after the commit is visible: at times we are here before it. */
		nap_ms(idle_ms);
		late_us[i] -= *other.committed_us;
	}
	stop_other(&other);
	fixture_close(&fixture);
	qsort(late_us, ROUNDS, sizeof(late_us[0]), compare_int64);
	print_message("%s: awake after the commit returned, us: median %lld, 95 of 100 %lld, "
		      "longest %lld\n",
		      how, (long long)late_us[ROUNDS / 2], (long long)late_us[ROUNDS * 95 / 100],
		      (long long)late_us[ROUNDS - 1]);
}

static void a_commit_of_another_process_wakes(void **state)
{
	(void)state;
	wake_and_print("inotify", 2);
}

static void a_commit_wakes_when_inotify_is_used_up(void **state)
{
	(void)state;
	inotify_is_used_up = true;
	wake_and_print("no inotify", 2);
	inotify_is_used_up = false;
}

static void expect_to_be_woken(char what)
{
	struct fixture fixture;
	struct other other;

	fixture_open(&fixture);
	other = start_other(fixture.test.file.path);
	for (int i = 0; i < 3; i++) {
		int64_t started_ms = clock_monotonic_ms();

		order(&other, what);
		assert_true(wakeup_wait(&fixture.wakeup, LONG_MS));
		assert_true(clock_monotonic_ms() - started_ms < LONG_MS / 10);
	}
	stop_other(&other);
	fixture_close(&fixture);
}

static void a_commit_wakes_though_its_fsync_takes_long(void **state)
{
	(void)state;
	expect_to_be_woken('s');
}

static void a_commit_that_nobody_tells_of_is_noticed(void **state)
{
	(void)state;
	expect_to_be_woken('t');
}

static void expect_readable(const struct wakeup *wakeup, bool readable)
{
	struct pollfd fd = {.fd = wakeup_fd(wakeup), .events = POLLIN};

	assert_int_equal(poll(&fd, 1, 0), readable ? 1 : 0);
}

/* While the clock stands still, only who listens is told. */
static void who_is_in_no_hurry_is_woken_by_the_clock_alone(void **state)
{
	struct test_store test;
	struct wakeup hurried, unhurried;
	struct other other;

	(void)state;
	test_store_open(&test);
	clock_stands_still = true;
	wakeup_open(&hurried, &test.store, AUDIENCE_PROCESSOR);
	wakeup_open_without_hurry(&unhurried, &test.store);
	other = start_other(test.file.path);
	assert_false(wakeup_check(&hurried));
	order(&other, 'i');
	expect_readable(&hurried, true);
	expect_readable(&unhurried, false);
	clock_stands_still = false;
	wakeup_close(&unhurried);
	wakeup_open_without_hurry(&unhurried, &test.store);
	order(&other, 's');
	assert_true(wakeup_wait(&unhurried, LONG_MS));
	stop_other(&other);
	wakeup_close(&hurried);
	wakeup_close(&unhurried);
	test_store_close(&test);
}

/* What is listened to is the directory: the file may be gone for a while. */
static void a_wal_file_that_appears_later_is_heard_of(void **state)
{
	struct fixture fixture;
	const char *path;
	int fd;

	(void)state;
	clock_stands_still = true;
	fixture_open(&fixture);
	clock_stands_still = false;
	path = test_file_beside(&fixture.test.file, "-wal");
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	assert_false(wakeup_check(&fixture.wakeup));
	expect_readable(&fixture.wakeup, false);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	expect_readable(&fixture.wakeup, true);
	fixture_close(&fixture);
}

static void ones_own_commits_do_not_wake(void **state)
{
	struct fixture fixture;
	struct other other;

	(void)state;
	fixture_open(&fixture);
	for (int i = 0; i < 5; i++) {
		write_a_row(&fixture.test.store);
		assert_false(wakeup_wait(&fixture.wakeup, 40));
	}
	/* And do not make it deaf. */
	other = start_other(fixture.test.file.path);
	write_a_row(&fixture.test.store);
	order(&other, 'c');
	assert_true(wakeup_wait(&fixture.wakeup, LONG_MS));
	stop_other(&other);
	fixture_close(&fixture);
}

static void write_for(struct store *store, enum audience audience)
{
	store_tell_only(store, audience);
	write_a_row(store);
}

static void only_those_whom_a_commit_concerns_are_told(void **state)
{
	struct wakeup processor, executor;
	struct test_store test;
	struct store other;

	(void)state;
	test_store_open(&test);
	clock_stands_still = true;
	wakeup_open(&processor, &test.store, AUDIENCE_PROCESSOR);
	wakeup_open(&executor, &test.store, AUDIENCE_EXECUTOR);
	clock_stands_still = false;
	store_open(&other, test.file.path);
	/* Whoever says nothing tells all. */
	write_a_row(&other);
	expect_readable(&processor, true);
	expect_readable(&executor, true);
	(void)wakeup_check(&processor);
	(void)wakeup_check(&executor);

	write_for(&other, AUDIENCE_PROCESSOR);
	expect_readable(&executor, false);
	expect_readable(&processor, true);
	assert_true(wakeup_check(&processor));
	write_for(&other, AUDIENCE_EXECUTOR);
	expect_readable(&processor, false);
	expect_readable(&executor, true);
	assert_true(wakeup_check(&executor));
	write_for(&other, AUDIENCE_ALL);
	expect_readable(&processor, true);
	expect_readable(&executor, true);
	store_close(&other);
	wakeup_close(&executor);
	wakeup_close(&processor);
	test_store_close(&test);
}

static void nobody_is_told_of_a_commit_that_nobody_waits_for(void **state)
{
	struct fixture fixture;
	struct store other;

	(void)state;
	clock_stands_still = true;
	fixture_open(&fixture);
	clock_stands_still = false;
	store_open(&other, fixture.test.file.path);
	/* A connection's first write synchronises the directory, which is heard, too. */
	write_a_row(&other);
	assert_true(wakeup_check(&fixture.wakeup));
	assert_true(store_begin(&other));
	write_a_row(&other);
	store_commit_untold(&other);
	expect_readable(&fixture.wakeup, false);
	assert_true(wakeup_check(&fixture.wakeup));
	store_close(&other);
	fixture_close(&fixture);
}

static void writes_without_a_commit_neither_wake_nor_make_it_spin(void **state)
{
	struct fixture fixture;
	struct other other;
	char byte = 'r';

	(void)state;
	fixture_open(&fixture);
	other = start_other(fixture.test.file.path);
	poll_count = 0;
	assert_int_equal(write(other.orders, &byte, 1), 1);
	assert_false(wakeup_wait(&fixture.wakeup, 400));
	/* However many writes there are. */
	assert_in_range(poll_count, 1, 5);
	assert_int_equal(read(other.answers, &byte, 1), 1);
	stop_other(&other);
	fixture_close(&fixture);
}

static void who_polls_other_things_too_is_woken_through_the_descriptor(void **state)
{
	struct fixture fixture;
	struct other other;

	(void)state;
	fixture_open(&fixture);
	other = start_other(fixture.test.file.path);
	assert_false(wakeup_check(&fixture.wakeup));
	for (int i = 0; i < 5; i++) {
		struct pollfd fd = {.fd = wakeup_fd(&fixture.wakeup), .events = POLLIN};

		order(&other, i % 2 == 0 ? 'c' : 's');
		do {
			assert_int_equal(poll(&fd, 1, LONG_MS), 1);
		} while (!wakeup_check(&fixture.wakeup));
	}
	stop_other(&other);
	fixture_close(&fixture);
}

struct waiter {
	const char *path;
	int ready;
};

static void wait_until_told_to_stop(const struct waiter *waiter)
{
	static char name[] = "processor";
	static char *arguments[] = {name, NULL};
	static const struct process_usage usage = {.program = "processor", .summary = "a test"};
	struct process_arguments parsed;
	struct store store;
	struct wakeup wakeup;
	char byte = 0;

	process_start(&usage, 0, 1, arguments, &parsed);
	store_open(&store, waiter->path);
	wakeup_open(&wakeup, &store, AUDIENCE_PROCESSOR);
	if (write(waiter->ready, &byte, 1) != 1 || wakeup_wait(&wakeup, -1) || !process_stopping())
		_exit(98);
	wakeup_close(&wakeup);
	store_close(&store);
	_exit(0);
}

static void waiting_without_limit_ends_when_told_to_stop(void **state)
{
	struct test_store test;
	struct waiter waiter;
	int ready[2], status;
	char byte;
	pid_t pid;

	(void)state;
	test_store_open(&test);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	waiter = (struct waiter){.path = test.file.path, .ready = ready[1]};
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		wait_until_told_to_stop(&waiter);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	(void)close(ready[0]);
	(void)close(ready[1]);
	test_store_close(&test);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_commit_the_time_passes),
		cmocka_unit_test(a_commit_before_the_call_is_noticed_and_only_once),
		cmocka_unit_test(a_commit_of_another_process_wakes),
		cmocka_unit_test(a_commit_wakes_when_inotify_is_used_up),
		cmocka_unit_test(a_commit_wakes_though_its_fsync_takes_long),
		cmocka_unit_test(a_commit_that_nobody_tells_of_is_noticed),
		cmocka_unit_test(who_is_in_no_hurry_is_woken_by_the_clock_alone),
		cmocka_unit_test(a_wal_file_that_appears_later_is_heard_of),
		cmocka_unit_test(ones_own_commits_do_not_wake),
		cmocka_unit_test(only_those_whom_a_commit_concerns_are_told),
		cmocka_unit_test(nobody_is_told_of_a_commit_that_nobody_waits_for),
		cmocka_unit_test(writes_without_a_commit_neither_wake_nor_make_it_spin),
		cmocka_unit_test(who_polls_other_things_too_is_woken_through_the_descriptor),
		cmocka_unit_test(waiting_without_limit_ends_when_told_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
