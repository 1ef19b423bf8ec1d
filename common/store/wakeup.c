/*
 * See wakeup.h. What inotify tells comes after the commit is visible, and the version is read after
 * all that had been told was taken: a commit that this look does not see is still to be told of.
 */
#include "store/wakeup.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* From one look to the next when nobody tells. */
#define LOOK_ANYWAY_MS		500
#define LOOK_WITHOUT_HURRY_MS	100
#define LOOK_WITHOUT_INOTIFY_MS 5

static void look_every(struct wakeup *wakeup, int64_t interval_ms)
{
	const struct timespec interval = {.tv_nsec = interval_ms * 1000000};
	const struct itimerspec when = {.it_value = interval, .it_interval = interval};
	int failed = timerfd_settime(wakeup->timer_fd, 0, &when, NULL);

	invariant(!failed);
}

/* What tells an audience: the -wal file was opened for reading, or for writing, and closed. The
 * file may come and go: its directory stays. */
static bool watch_directory(struct wakeup *wakeup, enum audience audience)
{
	uint32_t told = audience == AUDIENCE_EXECUTOR ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE;
	struct config_text directory = wakeup->store->path;
	char *slash = strrchr(directory.text, '/');

	invariant(slash != NULL);
	slash[slash == directory.text ? 1 : 0] = '\0';
	return inotify_add_watch(wakeup->inotify_fd, directory.text, told) >= 0;
}

static void add_to_epoll(struct wakeup *wakeup, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(wakeup->fd, EPOLL_CTL_ADD, fd, &event) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "epoll failed: %s", strerror(errno));
}

static void open_timer(struct wakeup *wakeup, struct store *store, int64_t interval_ms)
{
	*wakeup = (struct wakeup){
		.store = store,
		.seen_version = store_data_version(store),
		.fd = epoll_create1(EPOLL_CLOEXEC),
		.inotify_fd = -1,
		.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
	};
	if (wakeup->fd < 0 || wakeup->timer_fd < 0)
		fatal(EXIT_CODE_TRY_AGAIN, "no descriptor to wait with: %s", strerror(errno));
	add_to_epoll(wakeup, wakeup->timer_fd);
	look_every(wakeup, interval_ms);
}

static void close_inotify(struct wakeup *wakeup)
{
	if (wakeup->inotify_fd >= 0)
		(void)close(wakeup->inotify_fd);
	wakeup->inotify_fd = -1;
}

static void do_without_inotify(struct wakeup *wakeup)
{
	log_warn("no file notification: %s; looking every %d ms instead, raise "
		 "fs.inotify.max_user_instances and max_user_watches",
		 strerror(errno), LOOK_WITHOUT_INOTIFY_MS);
	close_inotify(wakeup);
	look_every(wakeup, LOOK_WITHOUT_INOTIFY_MS);
}

void wakeup_open(struct wakeup *wakeup, struct store *store, enum audience audience)
{
	open_timer(wakeup, store, LOOK_ANYWAY_MS);
	wakeup->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (wakeup->inotify_fd < 0 || !watch_directory(wakeup, audience))
		do_without_inotify(wakeup);
	else
		add_to_epoll(wakeup, wakeup->inotify_fd);
}

void wakeup_open_without_hurry(struct wakeup *wakeup, struct store *store)
{
	open_timer(wakeup, store, LOOK_WITHOUT_HURRY_MS);
}

void wakeup_close(struct wakeup *wakeup)
{
	close_inotify(wakeup);
	(void)close(wakeup->timer_fd);
	(void)close(wakeup->fd);
}

/* Which file it was does not matter: the look tells, and costs no more. */
static void take_events(const struct wakeup *wakeup)
{
	char events[4096];

	while (wakeup->inotify_fd >= 0 && read(wakeup->inotify_fd, events, sizeof(events)) > 0) {
	}
}

bool wakeup_check(struct wakeup *wakeup)
{
	uint64_t expirations;
	int64_t version;
	bool changed;

	/* In this order: see above. */
	(void)!read(wakeup->timer_fd, &expirations, sizeof(expirations));
	take_events(wakeup);
	version = store_data_version(wakeup->store);
	changed = version != wakeup->seen_version;
	wakeup->seen_version = version;
	return changed;
}

int wakeup_fd(const struct wakeup *wakeup)
{
	return wakeup->fd;
}

bool wakeup_wait(struct wakeup *wakeup, int64_t timeout_ms)
{
	int64_t started_ms = clock_monotonic_ms();

	while (!wakeup_check(wakeup)) {
		struct pollfd fds[] = {
			{.fd = wakeup->fd, .events = POLLIN},
			{.fd = process_stop_fd(), .events = POLLIN},
		};
		int64_t left_ms = timeout_ms - (clock_monotonic_ms() - started_ms);

		if (process_stopping() || (timeout_ms >= 0 && left_ms <= 0))
			return false;
		if (timeout_ms < 0)
			left_ms = -1;
		else if (left_ms > INT_MAX)
			left_ms = INT_MAX;
		if (poll(fds, ARRAY_LENGTH(fds), (int)left_ms) < 0 && errno != EINTR)
			fatal(EXIT_CODE_TRY_AGAIN, "poll failed: %s", strerror(errno));
	}
	return true;
}
