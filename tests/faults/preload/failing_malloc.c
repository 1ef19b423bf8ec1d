/*
 * For LD_PRELOAD: lets allocations of the program fail, so that every path that is short of memory
 * is taken once.
 *
 *	FAIL_ALLOCATION=N   the Nth allocation alone, from 1
 *	FAIL_FROM=N         the Nth and all behind it
 *	COUNT_FILE=PATH     at the end, how many there were
 *
 * All of the process is counted, its libraries too. free never fails.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_long made;
static atomic_int known;
static long fail_alone, fail_from;

static long number_in_environment(const char *name)
{
	const char *text = getenv(name);

	return text == NULL ? 0 : strtol(text, NULL, 10);
}

static bool fails(void)
{
	long number = atomic_fetch_add(&made, 1) + 1;

	/* The dynamic linker allocates before any constructor runs, when there is no environment
	 * yet. */
	if (environ == NULL)
		return false;
	if (!atomic_exchange(&known, 1)) {
		fail_alone = number_in_environment("FAIL_ALLOCATION");
		fail_from = number_in_environment("FAIL_FROM");
	}
	if (number != fail_alone && (fail_from == 0 || number < fail_from))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return fails() ? NULL : __libc_realloc(memory, size);
}

void *reallocarray(void *memory, size_t count, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(count, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(memory, all);
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	void *found = memalign(alignment, size);

	if (found == NULL)
		return ENOMEM;
	*memory = found;
	return 0;
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("COUNT_FILE");
	char text[32];
	int fd;

	if (path == NULL || (fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600)) < 0)
		return;
	(void)!write(fd, text, (size_t)snprintf(text, sizeof(text), "%ld\n", atomic_load(&made)));
	(void)close(fd);
}
