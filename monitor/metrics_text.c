/* See metrics_text.h. */
#include "monitor/metrics_text.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void metrics_text_begin(struct metrics_text *text, struct buffer *buffer)
{
	*text = (struct metrics_text){.buffer = buffer, .complete = true};
}

void metrics_text_family(struct metrics_text *text, const char *name, const char *type,
			 const char *help)
{
	text->family = name;
	text->complete =
		text->complete && buffer_append_format(text->buffer, "# HELP %s %s\n# TYPE %s %s\n",
						       name, help, name, type);
}

static bool append_label(struct buffer *buffer, char before, const struct metrics_label *label)
{
	bool fits = buffer_append_format(buffer, "%c%s=\"", before, label->name);

	for (const char *byte = label->value; fits && *byte != '\0'; byte++) {
		if (*byte == '\n')
			fits = buffer_append_text(buffer, "\\n");
		else if (*byte == '"' || *byte == '\\')
			fits = buffer_append_format(buffer, "\\%c", *byte);
		else if (*byte < ' ' || *byte > '~') /* the format is UTF-8, what came may not be */
			fits = buffer_append_format(buffer, "\\\\x%02x",
						    (unsigned int)(unsigned char)*byte);
		else
			fits = buffer_append(buffer, byte, 1);
	}
	return fits && buffer_append_text(buffer, "\"");
}

static bool append_labels(struct buffer *buffer, const struct metrics_labels *labels)
{
	char before = '{';

	if (labels == NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LENGTH(labels->items) && labels->items[i].name != NULL; i++) {
		if (!append_label(buffer, before, &labels->items[i]))
			return false;
		before = ',';
	}
	return before == '{' || buffer_append_text(buffer, "}");
}

const struct metrics_labels *metrics_label(struct metrics_labels *labels, const char *name,
					   const char *value)
{
	*labels = (struct metrics_labels){{{name, value}}};
	return labels;
}

void metrics_text_sample(struct metrics_text *text, const char *suffix,
			 const struct metrics_labels *labels, const char *value)
{
	invariant(text->family != NULL);
	text->complete = text->complete &&
			 buffer_append_format(text->buffer, "%s%s", text->family, suffix) &&
			 append_labels(text->buffer, labels) &&
			 buffer_append_format(text->buffer, " %s\n", value);
}

void metrics_text_integer(struct metrics_text *text, const struct metrics_labels *labels,
			  int64_t value)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%" PRId64, value);
	metrics_text_sample(text, "", labels, digits);
}

void metrics_text_seconds(struct metrics_text *text, const char *suffix,
			  const struct metrics_labels *labels, int64_t ms)
{
	const int64_t size = ms < 0 ? 0 : ms;
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "%" PRId64 ".%03" PRId64, size / 1000, size % 1000);
	metrics_text_sample(text, suffix, labels, digits);
}

void metrics_text_single(struct metrics_text *text, const char *name, const char *type,
			 const char *help, int64_t value)
{
	metrics_text_family(text, name, type, help);
	metrics_text_integer(text, NULL, value);
}
