/*
 * What all fuzz targets share. A target checks properties with fuzz_require; a property that fails
 * aborts, so that libFuzzer keeps the input. So does _exit, that is fatal() and invariant(): no
 * input may reach them. What the log writes is kept from the terminal and checked as well.
 */
#ifndef BALLAST_TESTS_FUZZ_H
#define BALLAST_TESTS_FUZZ_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define fuzz_require(condition)                                                                    \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fuzz_property_failed(#condition, __FILE__, __LINE__);                      \
	} while (0)

NORETURN void fuzz_property_failed(const char *condition, const char *file, int line);

/* Called by libFuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A NUL-terminated copy of exactly that size, so that reading beyond it is seen. memory_free. */
char *fuzz_text(struct bytes bytes);

/* The first byte, 0 when there is none; and the first length bytes, or what there is of them. */
uint8_t fuzz_take_byte(struct bytes *rest);
struct bytes fuzz_take(struct bytes *rest, size_t length);

bool fuzz_same_bytes(struct bytes a, struct bytes b);

/* An error as every function that fails must leave it: with a kind and words. */
void fuzz_check_error(enum outcome outcome, const struct error *error);

/* How many lines were logged since the start, and the last one. */
size_t fuzz_log_lines(void);
const char *fuzz_last_log_line(void);

#endif
