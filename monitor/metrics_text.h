/*
 * The text format of Prometheus, version 0.0.4:
 *
 *	# HELP ballast_position_shares Unhedged shares, long positive.
 *	# TYPE ballast_position_shares gauge
 *	ballast_position_shares{symbol="AAPL"} -0.3
 *
 * Values are decimal text, written as they stand: exact here, whatever the reader makes of them.
 */
#ifndef BALLAST_MONITOR_METRICS_TEXT_H
#define BALLAST_MONITOR_METRICS_TEXT_H

#include "base/buffer.h"
#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

struct metrics_text {
	struct buffer *buffer;
	const char *family; /* that samples belong to */
	bool complete;	    /* everything has fitted so far */
};

void metrics_text_begin(struct metrics_text *text, struct buffer *buffer);

/* type: "gauge", "counter", "histogram". name lives until the next family; help is one sentence. */
void metrics_text_family(struct metrics_text *text, const char *name, const char *type,
			 const char *help);

/* A family of one sample. */
void metrics_text_single(struct metrics_text *text, const char *name, const char *type,
			 const char *help, int64_t value);

struct metrics_label {
	const char *name; /* NULL: there is none */
	const char *value;
};

struct metrics_labels {
	struct metrics_label items[2];
};

/* One label, in labels, which is returned. */
const struct metrics_labels *metrics_label(struct metrics_labels *labels, const char *name,
					   const char *value);

/* suffix of the family's name: "" or "_bucket", ... */
void metrics_text_sample(struct metrics_text *text, const char *suffix,
			 const struct metrics_labels *labels, const char *value);
void metrics_text_integer(struct metrics_text *text, const struct metrics_labels *labels,
			  int64_t value);
/* Of milliseconds, as seconds. */
void metrics_text_seconds(struct metrics_text *text, const char *suffix,
			  const struct metrics_labels *labels, int64_t ms);

#endif
