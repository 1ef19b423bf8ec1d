/*
 * One fact, one line, on stderr; words first, then key=value in a fixed order:
 *
 *	log_info("trade booked symbol=%s shares=%s block_number=%lld", ...);
 *
 * LOG_FORMAT=text writes   time level program: words key=value
 * LOG_FORMAT=json writes   {"time":..,"level":..,"program":..,"message":..,"key":"value",..}
 * (the key=value words at the end of the text become members).
 * When stderr is systemd's journal ($JOURNAL_STREAM), either has its priority in front as <3> to
 * <7>, and text is words key=value alone: the journal keeps time and program of every line.
 * Bytes outside printable ASCII are written as \xNN: text from outside cannot forge a line.
 * Never log a secret, a URL with its key (config_redact_url) or raw chain text.
 */
#ifndef BALLAST_BASE_LOG_H
#define BALLAST_BASE_LOG_H

#include "base/compiler.h"

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
};

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
};

/* Exit codes, as in sysexits.h. A supervisor restarts after 69, 70, 74 and 75, never after 64
 * and 78. */
enum exit_code {
	EXIT_CODE_USAGE = 64,	     /* command line */
	EXIT_CODE_UNAVAILABLE = 69,  /* --check: something needed cannot be reached */
	EXIT_CODE_BUG = 70,	     /* an invariant does not hold */
	EXIT_CODE_TRY_AGAIN = 75,    /* database busy, disk full, a commit that may have happened */
	EXIT_CODE_NEEDS_PERSON = 78, /* configuration, schema, another chain */
};

/* program: a string that lives for ever. */
void log_start(const char *program, enum log_level level, enum log_format format);

/* From now on nothing below that level is written. */
void log_set_level(enum log_level level);

void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *format, ...) PRINTF_LIKE(1, 2);
void log_error(const char *format, ...) PRINTF_LIKE(1, 2);

/* Logs an error line and ends the process with code. */
NORETURN void fatal(enum exit_code code, const char *format, ...) PRINTF_LIKE(2, 3);

/* The programmer's door: on in every build, the condition has no side effect. Ends with
 * EXIT_CODE_BUG. */
#define invariant(condition)                                                                       \
	do {                                                                                       \
		if (!(condition))                                                                  \
			invariant_failed(#condition, __FILE__, __LINE__);                          \
	} while (0)

/* For the end of a switch that names every case: getting there is our bug. */
#define invariant_unreachable(what) invariant_failed("unreachable: " what, __FILE__, __LINE__)

NORETURN void invariant_failed(const char *condition, const char *file, int line);

#endif
