/*
 * Lines for people and machines. One write(2) a line, so that lines of several programs on one pipe
 * never mix. May not fail: what cannot be written is lost, the program goes on.
 */
#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGE_SIZE 2048
#define LINE_SIZE    (6 * MESSAGE_SIZE + 256)

static const char *program_name = "ballast";
static enum log_level least_level = LOG_LEVEL_INFO;
static enum log_format line_format = LOG_FORMAT_TEXT;
static bool to_journal;

struct line {
	char text[LINE_SIZE];
	size_t length;
};

/* Whether stderr is the stream that systemd has connected with its journal: "device:inode". */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat status;

	if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
		return false;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino);
	return strcmp(stream, own) == 0;
}

void log_start(const char *program, enum log_level level, enum log_format format)
{
	program_name = program;
	least_level = level;
	line_format = format;
	to_journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
	least_level = level;
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return "debug";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_WARN:
		return "warn";
	case LOG_LEVEL_ERROR:
		return "error";
	}
	invariant_unreachable("a known level");
}

/* syslog's numbers, as the journal reads them at the beginning of a line. */
static const char *journal_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_DEBUG:
		return "<7>";
	case LOG_LEVEL_INFO:
		return "<6>";
	case LOG_LEVEL_WARN:
		return "<4>";
	case LOG_LEVEL_ERROR:
		return "<3>";
	}
	invariant_unreachable("a known level");
}

static void append(struct line *line, const char *text, size_t length)
{
	/* The line has room for every message with every byte escaped; the newline's place is kept.
	 */
	if (length > sizeof(line->text) - 1 - line->length)
		length = sizeof(line->text) - 1 - line->length;
	memcpy(line->text + line->length, text, length);
	line->length += length;
}

static void append_text(struct line *line, const char *text)
{
	append(line, text, strlen(text));
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte <= 0x7e &&
	       (line_format != LOG_FORMAT_JSON || (byte != '"' && byte != '\\'));
}

static void append_escape(struct line *line, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char hex[2] = {digits[byte >> 4], digits[byte & 0x0f]};
	const char quoted[2] = {'\\', (char)byte};

	if (byte == '"' || byte == '\\') {
		append(line, quoted, sizeof(quoted));
		return;
	}
	append_text(line, line_format == LOG_FORMAT_JSON ? "\\u00" : "\\x");
	append(line, hex, sizeof(hex));
}

/* Text from outside cannot forge a line or drive a terminal; in JSON the two special characters are
 * escaped as well. */
static void append_escaped(struct line *line, const char *text, size_t length)
{
	while (length > 0) {
		size_t plain = 0;

		while (plain < length && is_plain((unsigned char)text[plain]))
			plain++;
		append(line, text, plain);
		if (plain < length)
			append_escape(line, (unsigned char)text[plain++]);
		text += plain;
		length -= plain;
	}
}

static void open_member(struct line *line, const char *name, size_t length)
{
	append_text(line, ",\"");
	append(line, name, length);
	append_text(line, "\":\"");
}

static void close_member(struct line *line, const char *value, size_t length)
{
	append_escaped(line, value, length);
	append_text(line, "\"");
}

/* No value looks like a member: its quotes are escaped. */
static bool has_member(const struct line *line, const char *name, size_t length)
{
	char member[MESSAGE_SIZE + 8];
	int size = snprintf(member, sizeof(member), "\"%.*s\":", (int)length, name);

	return memmem(line->text, line->length, member, (size_t)size) != NULL;
}

static bool is_key_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/* The length of "key" when text begins with "key=", else 0. A key that the line has already is
 * none: text from outside ("... level=info") cannot replace what we said. */
static size_t key_length(const struct line *line, const char *text)
{
	size_t length = 0;

	while (is_key_byte(text[length]))
		length++;
	if (length == 0 || text[length] != '=')
		return 0;
	return has_member(line, text, length) ? 0 : length;
}

/* Where the next " key=" begins, or the end: a value may have blanks in it (a reason does). */
static const char *value_end(const struct line *line, const char *value)
{
	const char *end = value;

	while (*end != '\0' && !(end[0] == ' ' && key_length(line, end + 1) > 0))
		end++;
	return end;
}

/* The words in front become "message", each key=value a member. */
static void append_json_message(struct line *line, const char *message)
{
	const char *end;

	open_member(line, "message", strlen("message"));
	end = key_length(line, message) > 0 ? message : value_end(line, message);
	close_member(line, message, (size_t)(end - message));
	while (*end != '\0') {
		const char *key = *end == ' ' ? end + 1 : end;
		size_t length = key_length(line, key);
		const char *value = key + length + 1;

		open_member(line, key, length);
		end = value_end(line, value);
		close_member(line, value, (size_t)(end - value));
	}
}

static void append_json(struct line *line, enum log_level level, const char *message)
{
	append_text(line, "{\"time\":\"");
	append_text(line, clock_now_text().text);
	append_text(line, "\",\"level\":\"");
	append_text(line, level_name(level));
	append_text(line, "\",\"program\":\"");
	append_text(line, program_name);
	append_text(line, "\"");
	append_json_message(line, message);
	append_text(line, "}");
}

static void build_line(struct line *line, enum log_level level, const char *message)
{
	line->length = 0;
	if (to_journal)
		append_text(line, journal_priority(level));
	if (line_format == LOG_FORMAT_JSON) {
		append_json(line, level, message);
	} else {
		/* The journal knows time, level and program by itself. */
		if (!to_journal) {
			append_text(line, clock_now_text().text);
			append_text(line, " ");
			append_text(line, level_name(level));
			append_text(line, " ");
			append_text(line, program_name);
			append_text(line, ": ");
		}
		append_escaped(line, message, strlen(message));
	}
	line->text[line->length++] = '\n';
}

static void PRINTF_LIKE(2, 0)
	write_line(enum log_level level, const char *format, va_list arguments)
{
	static struct line line; /* one thread, and too large for the stack */
	char message[MESSAGE_SIZE];
	ssize_t written;

	if (level < least_level)
		return;
	(void)vsnprintf(message, sizeof(message), format, arguments);
	build_line(&line, level, message);
	written = write(STDERR_FILENO, line.text, line.length);
	(void)written; /* there is nowhere to tell that telling failed */
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_LEVEL_DEBUG, format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_LEVEL_INFO, format, arguments);
	va_end(arguments);
}

void log_warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_LEVEL_WARN, format, arguments);
	va_end(arguments);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_LEVEL_ERROR, format, arguments);
	va_end(arguments);
}

void fatal(enum exit_code code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_line(LOG_LEVEL_ERROR, format, arguments);
	va_end(arguments);
	/* Not exit(): nothing of ours is left to be done at the end, and no library's handler may
	 * run on broken ground. */
	_exit((int)code);
}

void invariant_failed(const char *condition, const char *file, int line)
{
	fatal(EXIT_CODE_BUG, "invariant does not hold: %s file=%s line=%d", condition, file, line);
}
