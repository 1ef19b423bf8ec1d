/*
 * For LD_PRELOAD: the wall clock of a process jumps whenever somebody writes another number of
 * seconds, eight bytes of the machine's own order, into the file CLOCK_SHIFT_FILE. The monotonic
 * clock does not move.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift_s;

__attribute__((constructor)) static void open_shift(void)
{
	const char *path = getenv("CLOCK_SHIFT_FILE");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *page =
		fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);

	if (page != MAP_FAILED)
		shift_s = page;
	if (fd >= 0)
		(void)close(fd);
}

static int64_t shift(void)
{
	return shift_s == NULL ? 0 : *shift_s;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int failed = (int)syscall(SYS_clock_gettime, clock, now);

	if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += shift();
	return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	int failed = (int)syscall(SYS_gettimeofday, now, zone);

	if (failed == 0)
		now->tv_sec += shift();
	return failed;
}

time_t time(time_t *now)
{
	struct timespec read = {0};

	(void)clock_gettime(CLOCK_REALTIME, &read);
	if (now != NULL)
		*now = read.tv_sec;
	return read.tv_sec;
}
