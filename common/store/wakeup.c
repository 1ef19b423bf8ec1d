/*
 * A write to the -wal file comes before its commit is visible: by the fsync, which takes as long as
 * the disk likes. So the first write opens a time of looking at data_version, at first every 100
 * us, then ever more rarely, by a timer; inotify is not listened to meanwhile, so that a long
 * transaction does not make us spin.
 *
 * Looking ends with a look that took no write from inotify and then found nobody who holds the
 * write lock. Of a commit that such a look does not see an event is still to come: whoever makes it
 * takes the lock, writes, makes the commit visible and only then gives the lock back. It was not
 * visible when data_version was read, which is after the lock was asked for; so the lock was taken
 * later than that, the first write is later still, and inotify will tell of it. Whose commits had
 * come before, ours or another's, does not matter.
 */
#include "store/wakeup.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

/*
 * The shortest and longest interval between two looks: about a sixteenth of the time since the
 * write.
 */
#define LOOK_MINIMUM_US	  100
#define LOOK_MAXIMUM_US	  50000
#define LOOK_UNHURRIED_US 20000

#define LOOK_WITHOUT_INOTIFY_US 5000

struct wal_path {
	char text[CONFIG_TEXT_SIZE + sizeof("-wal")];
};

static struct wal_path wal_path(const struct wakeup *wakeup)
{
	struct wal_path path;

	(void)snprintf(path.text, sizeof(path.text), "%s-wal", wakeup->store->path.text);
	return path;
}

/* first_us 0: never. every_us 0: only once. */
static void set_timer(struct wakeup *wakeup, int64_t first_us, int64_t every_us)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = first_us / 1000000, .tv_nsec = first_us % 1000000 * 1000},
		.it_interval = {.tv_sec = every_us / 1000000, .tv_nsec = every_us % 1000000 * 1000},
	};
	int failed = timerfd_settime(wakeup->timer_fd, 0, &when, NULL);

	invariant(!failed);
}

static void listen_to_inotify(struct wakeup *wakeup, bool listen)
{
	struct epoll_event event = {.events = listen ? EPOLLIN : 0, .data.fd = wakeup->inotify_fd};
	int failed = epoll_ctl(wakeup->fd, EPOLL_CTL_MOD, wakeup->inotify_fd, &event);

	invariant(!failed);
}

static void do_without_inotify(struct wakeup *wakeup)
{
	log_warn("no file notification: %s; looking every %d ms instead, raise "
		 "fs.inotify.max_user_instances and max_user_watches",
		 strerror(errno), LOOK_WITHOUT_INOTIFY_US / 1000);
	if (wakeup->inotify_fd >= 0)
		(void)close(wakeup->inotify_fd);
	wakeup->inotify_fd = -1;
	wakeup->wal_watch = -1;
	wakeup->written_us = 0;
	set_timer(wakeup, LOOK_WITHOUT_INOTIFY_US, LOOK_WITHOUT_INOTIFY_US);
}

/* False when the system has no watch left. */
static bool watch_wal(struct wakeup *wakeup)
{
	struct wal_path path = wal_path(wakeup);

	wakeup->wal_watch = inotify_add_watch(wakeup->inotify_fd, path.text, IN_MODIFY);
	return wakeup->wal_watch >= 0 || errno == ENOENT;
}

/* The directory tells when the -wal file appears. Directory first, or it could appear in between.
 */
static bool watch_files(struct wakeup *wakeup)
{
	struct wal_path directory = wal_path(wakeup);
	char *slash = strrchr(directory.text, '/');

	invariant(slash != NULL);
	slash[slash == directory.text ? 1 : 0] = '\0';
	return inotify_add_watch(wakeup->inotify_fd, directory.text, IN_CREATE | IN_MOVED_TO) >=
		       0 &&
	       watch_wal(wakeup);
}

static void add_to_epoll(struct wakeup *wakeup, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(wakeup->fd, EPOLL_CTL_ADD, fd, &event) != 0)
		fatal(EXIT_CODE_TRY_AGAIN, "epoll failed: %s", strerror(errno));
}

void wakeup_open(struct wakeup *wakeup, struct store *store)
{
	wakeup->store = store;
	wakeup->wal_watch = -1;
	wakeup->least_us = LOOK_MINIMUM_US;
	wakeup->written_us = 0;
	wakeup->seen_version = store_data_version(store);
	wakeup->fd = epoll_create1(EPOLL_CLOEXEC);
	wakeup->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (wakeup->fd < 0 || wakeup->timer_fd < 0)
		fatal(EXIT_CODE_TRY_AGAIN, "no descriptor to wait with: %s", strerror(errno));
	add_to_epoll(wakeup, wakeup->timer_fd);

	wakeup->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (wakeup->inotify_fd < 0 || !watch_files(wakeup))
		do_without_inotify(wakeup);
	else
		add_to_epoll(wakeup, wakeup->inotify_fd);
}

void wakeup_without_hurry(struct wakeup *wakeup)
{
	wakeup->least_us = LOOK_UNHURRIED_US;
}

void wakeup_close(struct wakeup *wakeup)
{
	if (wakeup->inotify_fd >= 0)
		(void)close(wakeup->inotify_fd);
	(void)close(wakeup->timer_fd);
	(void)close(wakeup->fd);
}

/*
 * Whether the event tells of a write to the -wal file, or of a new one, which is then still to be
 * watched.
 */
static bool handle_event(struct wakeup *wakeup, const struct inotify_event *event, const char *name)
{
	struct wal_path path = wal_path(wakeup);

	if (event->mask & IN_Q_OVERFLOW)
		return true;
	if (event->wd == wakeup->wal_watch) {
		if (event->mask & IN_IGNORED)
			wakeup->wal_watch = -1;
		return true;
	}
	if (event->len == 0 || strcmp(strrchr(path.text, '/') + 1, name) != 0)
		return false;
	wakeup->wal_watch = -1;
	return true;
}

/* Takes all events that wait; true when one tells of a write. */
static bool drain_inotify(struct wakeup *wakeup)
{
	_Alignas(struct inotify_event) char
		events[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	bool written = false;
	ssize_t length;

	while ((length = read(wakeup->inotify_fd, events, sizeof(events))) > 0) {
		size_t offset = 0;

		/* The kernel returns whole events only. */
		while (offset + sizeof(struct inotify_event) <= (size_t)length) {
			struct inotify_event event;

			memcpy(&event, events + offset, sizeof(event));
			offset += sizeof(event);
			written = handle_event(wakeup, &event, events + offset) || written;
			offset += event.len;
		}
	}
	if (wakeup->wal_watch < 0 && !watch_wal(wakeup))
		do_without_inotify(wakeup);
	return written && wakeup->inotify_fd >= 0;
}

static void look_on(struct wakeup *wakeup, int64_t now_us)
{
	int64_t next_us = (now_us - wakeup->written_us) / 16;

	if (next_us < wakeup->least_us)
		next_us = wakeup->least_us;
	if (next_us > LOOK_MAXIMUM_US)
		next_us = LOOK_MAXIMUM_US;
	set_timer(wakeup, next_us, 0);
}

/* When to look again: after a time while a commit is expected, else when inotify tells. */
static void schedule(struct wakeup *wakeup, bool written, bool expected)
{
	int64_t now_us = clock_monotonic_us();
	bool looking = wakeup->written_us != 0;

	if (wakeup->inotify_fd < 0)
		return;
	if (expected != looking)
		listen_to_inotify(wakeup, !expected);
	if (!expected)
		wakeup->written_us = 0;
	else if (written || !looking)
		wakeup->written_us = now_us;
	if (expected)
		look_on(wakeup, now_us);
}

bool wakeup_check(struct wakeup *wakeup)
{
	uint64_t expirations;
	int64_t version;
	bool written, expected, changed;

	/* In this order: see above. */
	(void)!read(wakeup->timer_fd, &expirations, sizeof(expirations));
	written = wakeup->inotify_fd >= 0 && drain_inotify(wakeup);
	expected = store_is_written_by_another(wakeup->store) || written;
	version = store_data_version(wakeup->store);
	changed = version != wakeup->seen_version;
	wakeup->seen_version = version;
	schedule(wakeup, written, expected);
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
