/*
 * Waiting until another process has committed. A wake-up is a hint; the tables say what there is to
 * do. inotify on the database's directory and its -wal file tells that something is being written;
 * the file event comes before the commit is visible, so PRAGMA data_version is then polled for as
 * long as somebody writes. (Measured: inotify alone 22 ms, inotify and a short poll 1 ms, polling
 * every 100 ms 50 ms on average.)
 */
#ifndef BALLAST_STORE_WAKEUP_H
#define BALLAST_STORE_WAKEUP_H

#include "base/compiler.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct wakeup {
	struct store *store;
	int fd;		/* epoll: the next two in one */
	int inotify_fd; /* -1: the system has none left, a timer looks instead */
	int timer_fd;
	int wal_watch; /* -1 while the -wal file does not exist */
	int64_t seen_version;
	int64_t least_us;   /* between two looks */
	int64_t written_us; /* the last write to -wal that was noticed; 0: no commit is expected */
};

/* Of the process' connections to the database the last to be closed (store_is_written_by_another).
 */
void wakeup_open(struct wakeup *wakeup, struct store *store);
void wakeup_close(struct wakeup *wakeup);

/* For who is in no hurry, right behind wakeup_open: a commit is noticed 20 ms later at most, and
 * the processor is left to those who are. */
void wakeup_without_hurry(struct wakeup *wakeup);

/*
 * Returns when another connection has committed since the last return (even if that was before the
 * call), when timeout_ms passed (-1: no limit), or when the process is to stop. True in the first
 * case.
 */
bool wakeup_wait(struct wakeup *wakeup, int64_t timeout_ms);

/*
 * For who waits on more than the database: an fd for poll() that becomes readable when it is time
 * to look, and the question whether the database has really changed. It never blocks: while a
 * commit is expected, the fd becomes readable again by itself. Ask once before the first poll().
 */
int wakeup_fd(const struct wakeup *wakeup);
bool wakeup_check(struct wakeup *wakeup);

#endif
