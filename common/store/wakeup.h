/*
 * Waiting until another process has committed. A wake-up is a hint; the tables say what there is to
 * do. store_commit tells whom the commit concerns, which inotify on the database's directory hears;
 * then PRAGMA data_version says whether it was another's. Of what nobody tells, since its process
 * died at that moment or was none of ours, a timer's look hears. (Measured: docs/decisions/0008.)
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
	int inotify_fd; /* -1: the system has none left, or there is no hurry */
	int timer_fd;
	int64_t seen_version;
};

/* Hears what that audience, one of the two, is told of. */
void wakeup_open(struct wakeup *wakeup, struct store *store, enum audience audience);

/* For who is in no hurry: commits are noticed 100 ms later at most, all of that time together, and
 * the processor is left to those who are. */
void wakeup_open_without_hurry(struct wakeup *wakeup, struct store *store);

void wakeup_close(struct wakeup *wakeup);

/*
 * Returns when another connection has committed since the last return (even if that was before the
 * call), when timeout_ms passed (-1: no limit), or when the process is to stop. True in the first
 * case.
 */
bool wakeup_wait(struct wakeup *wakeup, int64_t timeout_ms);

/*
 * For who waits on more than the database: an fd for poll() that becomes readable when it is time
 * to look, and the question whether the database has really changed. It never blocks. Ask once
 * before the first poll().
 */
int wakeup_fd(const struct wakeup *wakeup);
bool wakeup_check(struct wakeup *wakeup);

#endif
