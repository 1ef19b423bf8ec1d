/*
 * See fuzz.h. The linker's --wrap leads write and _exit here: the two doors that lie below log.h.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAST_LINE_SIZE 16384

static char last_line[LAST_LINE_SIZE];
static size_t line_count;

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
NORETURN void __wrap__exit(int code);

void fuzz_property_failed(const char *condition, const char *file, int line)
{
	(void)fprintf(stderr, "property does not hold: %s file=%s line=%d\n", condition, file,
		      line);
	abort();
}

void __wrap__exit(int code)
{
	(void)fprintf(stderr, "the process would have ended code=%d: %s", code, last_line);
	abort();
}

/* One line of printable ASCII, whatever the text was made of. */
static void check_line(const char *line, size_t length)
{
	fuzz_require(length > 0 && length < sizeof(last_line));
	fuzz_require(line[length - 1] == '\n');
	for (size_t i = 0; i < length - 1; i++)
		fuzz_require(line[i] >= ' ' && line[i] <= '~');
}

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
	if (fd != STDERR_FILENO)
		return __real_write(fd, bytes, length);
	check_line(bytes, length);
	memcpy(last_line, bytes, length);
	last_line[length] = '\0';
	line_count++;
	return (ssize_t)length;
}

char *fuzz_text(struct bytes bytes)
{
	char *text = memory_allocate(bytes.length + 1, 1);

	if (bytes.length > 0)
		memcpy(text, bytes.data, bytes.length);
	return text;
}

struct bytes fuzz_take(struct bytes *rest, size_t length)
{
	struct bytes taken = *rest;

	if (length < taken.length)
		taken.length = length;
	rest->data += taken.length;
	rest->length -= taken.length;
	return taken;
}

uint8_t fuzz_take_byte(struct bytes *rest)
{
	struct bytes byte = fuzz_take(rest, 1);

	return byte.length == 0 ? 0 : byte.data[0];
}

bool fuzz_same_bytes(struct bytes a, struct bytes b)
{
	return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

void fuzz_check_error(enum outcome outcome, const struct error *error)
{
	fuzz_require(outcome == OUTCOME_RETRY || outcome == OUTCOME_REJECTED);
	fuzz_require(error->kind != ERROR_KIND_NONE);
	fuzz_require(memchr(error->text, '\0', sizeof(error->text)) != NULL);
	fuzz_require(error->text[0] != '\0');
	fuzz_require(error->retry_after_ms >= 0);
}

size_t fuzz_log_lines(void)
{
	return line_count;
}

const char *fuzz_last_log_line(void)
{
	return last_line;
}
