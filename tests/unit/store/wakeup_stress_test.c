/*
 * No commit of another process is slept through. In each round some of three other processes
 * commit, and at times this one, too: after random pauses, right behind one another, with syncs
 * that take long. Then nobody writes, so that a wake-up that is lost is not made up for by the next
 * one: the wait for it would end by its time.
 */
#include "test_store.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#include "base/clock.h"
#include "store/wakeup.h"

#define ROUNDS 200
#define OTHERS 3

/* Far more than the longest commit takes; no test that passes waits for it. */
#define LOST_MS 10000
/* What was found by the time-out alone is later. */
#define LATEST_US 5000000

static int64_t sync_delay_us;

static void nap_us(int64_t microseconds)
{
	struct timespec time = {.tv_sec = microseconds / 1000000,
				.tv_nsec = microseconds % 1000000 * 1000};

	if (microseconds > 0)
		(void)nanosleep(&time, NULL);
}

int fsync(int fd)
{
	nap_us(sync_delay_us);
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	nap_us(sync_delay_us);
	return (int)syscall(SYS_fdatasync, fd);
}

/* No look by the clock, which would make up for what was not told. */
int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *before)
{
	(void)fd;
	(void)flags;
	(void)when;
	(void)before;
	return 0;
}

/* What one process does in one round. */
struct order {
	int64_t pause_us; /* before its first commit; between two there is none */
	int64_t sync_us;
	int commits;
};

struct other {
	pid_t pid;
	int orders;
	int answers;
	bool working;	      /* in this round */
	int64_t ordered;      /* commits, in all rounds */
	int64_t seen_us;      /* when the last of them was seen; 0: not yet */
	int64_t committed_us; /* when the last of them had returned */
};

/* The same sequence in every run. */
static uint64_t random_below(uint64_t limit)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static struct order random_order(void)
{
	static const int64_t syncs_us[] = {0, 0, 0, 2000, 15000};

	return (struct order){
		.pause_us = random_below(3) == 0 ? 0 : (int64_t)random_below(6000),
		.sync_us = syncs_us[random_below(sizeof(syncs_us) / sizeof(syncs_us[0]))],
		.commits = 1 + (int)random_below(3),
	};
}

/* Spins for the lock, to come as close behind who has it as can be. */
static void commit_once(struct store *store, struct statement *count)
{
	while (!store_try_begin(store, 0)) {
	}
	assert_int_equal(statement_execute(count), 1);
	store_commit(store);
}

static void carry_out(struct store *store, struct statement *count, const struct order *order)
{
	nap_us(order->pause_us);
	sync_delay_us = order->sync_us;
	for (int i = 0; i < order->commits; i++)
		commit_once(store, count);
	sync_delay_us = 0;
}

static void serve(const char *path, const char *count_sql, int orders, int answers)
{
	struct statement count;
	struct store store;
	struct order order;
	int64_t committed_us = 0;

	store_open(&store, path);
	statement_prepare(&count, &store, count_sql);
	if (write(answers, &committed_us, sizeof(committed_us)) != sizeof(committed_us))
		_exit(97);
	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		carry_out(&store, &count, &order);
		committed_us = clock_monotonic_us();
		if (write(answers, &committed_us, sizeof(committed_us)) != sizeof(committed_us))
			_exit(97);
	}
	statement_finalize(&count);
	store_close(&store);
	_exit(0);
}

static void take_answer(struct other *other)
{
	assert_int_equal(read(other->answers, &other->committed_us, sizeof(other->committed_us)),
			 sizeof(other->committed_us));
}

/* Each counts its commits in a row of its own. */
static const char *const count_sql[OTHERS + 1] = {
	"UPDATE controls SET value = value + 1 WHERE name = '0'",
	"UPDATE controls SET value = value + 1 WHERE name = '1'",
	"UPDATE controls SET value = value + 1 WHERE name = '2'",
	"UPDATE controls SET value = value + 1 WHERE name = 'own'",
};

static void start_other(struct other *other, const char *path, const char *sql)
{
	int orders[2], answers[2];

	*other = (struct other){.ordered = 0};
	assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	fflush(NULL);
	other->pid = fork();
	assert_true(other->pid >= 0);
	if (other->pid == 0) {
		(void)close(orders[1]);
		serve(path, sql, orders[0], answers[1]);
	}
	(void)close(orders[0]);
	(void)close(answers[1]);
	other->orders = orders[1];
	other->answers = answers[0];
	take_answer(other);
}

/* All at once: each holds the pipes of those that were started before it. */
static void stop_others(struct other *others)
{
	int status;

	for (int i = 0; i < OTHERS; i++)
		(void)close(others[i].orders);
	for (int i = 0; i < OTHERS; i++) {
		assert_int_equal(waitpid(others[i].pid, &status, 0), others[i].pid);
		assert_int_equal(status, 0);
		(void)close(others[i].answers);
	}
}

struct stress {
	struct test_store test;
	struct wakeup wakeup;
	struct statement count;
	struct statement seen;
	struct other others[OTHERS];
	int64_t late_us[ROUNDS * OTHERS];
	size_t commits;
	size_t lates;
};

static void stress_open(struct stress *stress)
{
	test_file_create_database(&stress->test.file);
	store_open(&stress->test.store, stress->test.file.path);
	assert_int_equal(test_store_run(&stress->test.store,
					"INSERT INTO controls (name, value, reason) VALUES "
					"('0', 0, ''), ('1', 0, ''), ('2', 0, ''), ('own', 0, '')"),
			 OTHERS + 1);
	store_close(&stress->test.store);
	for (int i = 0; i < OTHERS; i++)
		start_other(&stress->others[i], stress->test.file.path, count_sql[i]);
	store_open(&stress->test.store, stress->test.file.path);
	statement_prepare(&stress->count, &stress->test.store, count_sql[OTHERS]);
	statement_prepare(&stress->seen, &stress->test.store,
			  "SELECT CAST(name AS INTEGER) AS other, CAST(value AS INTEGER) AS count"
			  " FROM controls WHERE name <> 'own'");
	wakeup_open(&stress->wakeup, &stress->test.store, AUDIENCE_PROCESSOR);
	stress->commits = 0;
	stress->lates = 0;
}

static void stress_close(struct stress *stress)
{
	wakeup_close(&stress->wakeup);
	statement_finalize(&stress->count);
	statement_finalize(&stress->seen);
	stop_others(stress->others);
	test_store_close(&stress->test);
}

static void give_orders(struct stress *stress)
{
	uint64_t who = 1 + random_below((1 << OTHERS) - 1);

	for (size_t i = 0; i < OTHERS; i++) {
		struct other *other = &stress->others[i];
		const struct order order = random_order();

		other->seen_us = 0;
		other->working = (who >> i & 1) != 0;
		if (!other->working)
			continue;
		other->ordered += order.commits;
		stress->commits += (size_t)order.commits;
		assert_int_equal(write(other->orders, &order, sizeof(order)), sizeof(order));
	}
}

/* Whether all that was ordered is there. */
static bool look(struct stress *stress)
{
	int64_t now_us = clock_monotonic_us();
	bool all = true;

	while (statement_row(&stress->seen)) {
		struct other *other = &stress->others[statement_int64(&stress->seen, "other")];
		bool complete = statement_int64(&stress->seen, "count") == other->ordered;

		if (complete && other->seen_us == 0)
			other->seen_us = now_us;
		all = complete && all;
	}
	return all;
}

/* How long after a process' last commit had returned it was seen, by who did nothing but wait. */
static void take_answers(struct stress *stress, bool only_waited)
{
	for (size_t i = 0; i < OTHERS; i++) {
		struct other *other = &stress->others[i];

		if (!other->working)
			continue;
		take_answer(other);
		assert_true(other->seen_us - other->committed_us < LATEST_US);
		if (only_waited)
			stress->late_us[stress->lates++] = other->seen_us - other->committed_us;
	}
}

static void do_round(struct stress *stress)
{
	const struct order own = random_order();
	bool commits = random_below(2) == 0;

	give_orders(stress);
	if (commits)
		carry_out(&stress->test.store, &stress->count, &own);
	while (!look(stress))
		assert_true(wakeup_wait(&stress->wakeup, LOST_MS));
	take_answers(stress, !commits);
}

static int compare_int64(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void no_commit_is_slept_through_whoever_commits_behind_whom(void **state)
{
	static struct stress stress;

	(void)state;
	stress_open(&stress);
	for (int i = 0; i < ROUNDS; i++)
		do_round(&stress);
	stress_close(&stress);
	qsort(stress.late_us, stress.lates, sizeof(stress.late_us[0]), compare_int64);
	print_message("%zu commits; seen after the last had returned, us: median %lld, "
		      "95 of 100 %lld, longest %lld\n",
		      stress.commits, (long long)stress.late_us[stress.lates / 2],
		      (long long)stress.late_us[stress.lates * 95 / 100],
		      (long long)stress.late_us[stress.lates - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_commit_is_slept_through_whoever_commits_behind_whom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
