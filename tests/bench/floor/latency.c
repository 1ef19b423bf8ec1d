/*
 * What a fill's way through the database costs at least: three processes, each woken by the one
 * before, each with one durable commit of what is written at that stage. Prints, for each turn, the
 * nanoseconds from before the first commit to behind the last. Those before its write-ahead log has
 * been begun anew are not counted: as long as it grows, the file system has more to write.
 *
 *	floor-latency DATABASE TURNS INTERVAL_MS
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "store/store.h"
#include "store/wakeup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* As JSON, of an event of middling length: its raw data and its fields. */
#define EVENT_BYTES 5000

/* Eight frames each, of the thousand behind which SQLite begins the log anew. */
#define UNCOUNTED_TURNS 200

static const char *const schema =
	"CREATE TABLE stage (turn INTEGER, stage INTEGER, data TEXT, PRIMARY KEY (turn, stage))";

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void write_row(struct store *store, int64_t turn, int64_t stage, const char *data)
{
	struct statement insert;

	statement_prepare(&insert, store,
			  "INSERT INTO stage (turn, stage, data) VALUES (:turn, :stage, :data)");
	if (!store_begin(store))
		fatal(EXIT_CODE_TRY_AGAIN, "told to stop");
	statement_bind_int64(&insert, ":turn", turn);
	statement_bind_int64(&insert, ":stage", stage);
	statement_bind_text(&insert, ":data", data);
	(void)statement_execute(&insert);
	store_commit(store);
	statement_finalize(&insert);
}

static bool is_there(struct store *store, int64_t turn, int64_t stage)
{
	struct statement find;
	bool found;

	statement_prepare(&find, store,
			  "SELECT 1 AS found FROM stage WHERE turn = :turn AND stage = :stage");
	statement_bind_int64(&find, ":turn", turn);
	statement_bind_int64(&find, ":stage", stage);
	found = statement_row(&find);
	statement_reset(&find);
	statement_finalize(&find);
	return found;
}

/* Follows the stage before, and tells by out when each of its commits is on disk. */
static void follow(const char *path, int64_t turns, int64_t stage, int out)
{
	struct store store;
	struct wakeup wakeup;

	store_open(&store, path);
	store_tell_only(&store, AUDIENCE_EXECUTOR);
	wakeup_open(&wakeup, &store, stage == 1 ? AUDIENCE_PROCESSOR : AUDIENCE_EXECUTOR);
	for (int64_t turn = 0; turn < turns; turn++) {
		int64_t done_ns;

		while (!is_there(&store, turn, stage - 1))
			(void)wakeup_wait(&wakeup, -1);
		write_row(&store, turn, stage, "");
		done_ns = now_ns();
		if (write(out, &done_ns, sizeof(done_ns)) != (ssize_t)sizeof(done_ns))
			fatal(EXIT_CODE_BUG, "a pipe broke");
	}
	wakeup_close(&wakeup);
	store_close(&store);
	_exit(0);
}

/* The descriptor that tells when it is done with a turn. */
static int start_stage(const char *path, int64_t turns, int64_t stage)
{
	int ends[2];
	pid_t child;

	if (pipe(ends) != 0 || (child = fork()) < 0)
		fatal(EXIT_CODE_TRY_AGAIN, "no process");
	if (child == 0)
		follow(path, turns, stage, ends[1]);
	return ends[0];
}

static int64_t wait_for(int stage)
{
	int64_t done_ns;

	if (read(stage, &done_ns, sizeof(done_ns)) != (ssize_t)sizeof(done_ns))
		fatal(EXIT_CODE_BUG, "a stage ended");
	return done_ns;
}

/* Closed again: a connection must not be carried into another process. */
static void make_database(const char *path)
{
	struct statement create;
	struct store store;

	(void)unlink(path);
	store_open(&store, path);
	if (!store_begin(&store))
		fatal(EXIT_CODE_TRY_AGAIN, "told to stop");
	statement_prepare(&create, &store, schema);
	(void)statement_execute(&create);
	store_commit(&store);
	statement_finalize(&create);
	store_close(&store);
}

int main(int argc, char **argv)
{
	const struct process_usage usage = {.program = "floor-latency"};
	struct process_arguments arguments;
	char *own[] = {argv[0], NULL};
	static char event[EVENT_BYTES + 1];
	struct store store;
	int64_t turns;
	int booked;
	int intended;

	if (argc != 4)
		return EXIT_CODE_USAGE;
	process_start(&usage, 0, 1, own, &arguments);
	turns = UNCOUNTED_TURNS + strtoll(argv[2], NULL, 10);
	memset(event, 'e', EVENT_BYTES);
	make_database(argv[1]);
	booked = start_stage(argv[1], turns, 1);
	intended = start_stage(argv[1], turns, 2);
	store_open(&store, argv[1]);
	store_tell_only(&store, AUDIENCE_PROCESSOR);
	for (int64_t turn = 0; turn < turns; turn++) {
		int64_t began_ns, took_ns;

		if (turn >= UNCOUNTED_TURNS)
			(void)process_sleep_ms(strtoll(argv[3], NULL, 10));
		began_ns = now_ns();
		write_row(&store, turn, 0, event);
		(void)wait_for(booked);
		took_ns = wait_for(intended) - began_ns;
		if (turn >= UNCOUNTED_TURNS)
			printf("%" PRId64 "\n", took_ns);
	}
	store_close(&store);
	while (wait(NULL) > 0) {
	}
	return 0;
}
