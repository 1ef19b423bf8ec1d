/*
 * Rows for people and for programs: aligned text, CSV (RFC 4180) or a JSON array of objects whose
 * values are strings, so that no reader makes a binary fraction of an amount, or null.
 *
 * Cells can hold text that strangers chose (a token's symbol, a broker's error). As text and in
 * CSV, bytes outside printable ASCII are written as \xNN: they cannot steer a terminal. In CSV,
 * text that a spreadsheet would take for a formula gets an apostrophe before it.
 */
#ifndef BALLAST_MONITOR_TABLE_H
#define BALLAST_MONITOR_TABLE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_format {
	TABLE_FORMAT_TEXT,
	TABLE_FORMAT_CSV,
	TABLE_FORMAT_JSON,
};

struct table_column {
	const char *name;
	int width;   /* least width as text; longer cells push the rest of their line */
	bool number; /* aligned to the right, and never taken for a formula */
};

struct table {
	FILE *file;
	enum table_format format;
	const struct table_column *columns;
	size_t column_count;
	bool has_rows;
};

/* Writes the head. columns live as long as the table. */
void table_begin(struct table *table, FILE *file, enum table_format format,
		 const struct table_column *columns, size_t column_count);

/* A cell for each column; NULL: there is no value. */
void table_row(struct table *table, const char *const *cells);

/* False after logging it when not all could be written (a full disk, a closed pipe). */
MUST_USE bool table_end(struct table *table);

#endif
