/* See table.h. */
#include "monitor/table.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

static bool is_printable(char byte)
{
	return byte >= ' ' && byte <= '~';
}

static void write_escaped(FILE *file, const char *text)
{
	for (; *text != '\0'; text++) {
		if (is_printable(*text))
			(void)fputc(*text, file);
		else
			(void)fprintf(file, "\\x%02x", (unsigned int)(unsigned char)*text);
	}
}

static int escaped_length(const char *text)
{
	int length = 0;

	for (; *text != '\0'; text++)
		length += is_printable(*text) ? 1 : 4;
	return length;
}

static void write_spaces(FILE *file, int count)
{
	for (int i = 0; i < count; i++)
		(void)fputc(' ', file);
}

static void write_text_cell(const struct table *table, size_t i, const char *cell)
{
	const struct table_column *column = &table->columns[i];
	const int padding = column->width - escaped_length(cell);

	if (i > 0)
		write_spaces(table->file, 2);
	if (column->number)
		write_spaces(table->file, padding);
	write_escaped(table->file, cell);
	if (!column->number && i + 1 < table->column_count)
		write_spaces(table->file, padding);
}

static bool looks_like_a_formula(const char *cell)
{
	return cell[0] != '\0' && strchr("=+-@\t\r", cell[0]) != NULL;
}

/* Quoted or not, no byte of a cell is a control: a reader of CSV may print it. */
static void write_csv_text(FILE *file, const char *cell)
{
	for (; *cell != '\0'; cell++) {
		if (*cell == '"')
			(void)fputs("\"\"", file);
		else if (is_printable(*cell))
			(void)fputc(*cell, file);
		else
			(void)fprintf(file, "\\x%02x", (unsigned int)(unsigned char)*cell);
	}
}

static void write_csv_cell(const struct table *table, size_t i, const char *cell)
{
	const bool guarded = !table->columns[i].number && looks_like_a_formula(cell);
	const bool quoted = guarded || strpbrk(cell, "\",") != NULL;

	if (i > 0)
		(void)fputc(',', table->file);
	if (quoted)
		(void)fputc('"', table->file);
	if (guarded)
		(void)fputc('\'', table->file);
	write_csv_text(table->file, cell);
	if (quoted)
		(void)fputc('"', table->file);
}

/* Bytes that are not ASCII stand as the code points of the same number: what came may not be UTF-8.
 */
static void write_json_text(FILE *file, const char *text)
{
	(void)fputc('"', file);
	for (; *text != '\0'; text++) {
		if (!is_printable(*text))
			(void)fprintf(file, "\\u%04x", (unsigned int)(unsigned char)*text);
		else if (*text == '"' || *text == '\\')
			(void)fprintf(file, "\\%c", *text);
		else
			(void)fputc(*text, file);
	}
	(void)fputc('"', file);
}

static void write_json_row(struct table *table, const char *const *cells)
{
	(void)fputs(table->has_rows ? ",\n {" : "\n {", table->file);
	for (size_t i = 0; i < table->column_count; i++) {
		(void)fprintf(table->file, "%s\"%s\": ", i > 0 ? ", " : "", table->columns[i].name);
		if (cells[i] == NULL)
			(void)fputs("null", table->file);
		else
			write_json_text(table->file, cells[i]);
	}
	(void)fputc('}', table->file);
}

typedef void cell_fn(const struct table *table, size_t i, const char *cell);

static void write_line(const struct table *table, const char *const *cells, cell_fn *write_cell)
{
	for (size_t i = 0; i < table->column_count; i++)
		write_cell(table, i, cells[i] != NULL ? cells[i] : "");
	(void)fputs(table->format == TABLE_FORMAT_CSV ? "\r\n" : "\n", table->file);
}

static void write_names(const struct table *table, cell_fn *write_cell)
{
	for (size_t i = 0; i < table->column_count; i++)
		write_cell(table, i, table->columns[i].name);
	(void)fputs(table->format == TABLE_FORMAT_CSV ? "\r\n" : "\n", table->file);
}

void table_begin(struct table *table, FILE *file, enum table_format format,
		 const struct table_column *columns, size_t column_count)
{
	*table = (struct table){file, format, columns, column_count, false};
	switch (format) {
	case TABLE_FORMAT_TEXT:
		write_names(table, write_text_cell);
		break;
	case TABLE_FORMAT_CSV:
		write_names(table, write_csv_cell);
		break;
	case TABLE_FORMAT_JSON:
		(void)fputc('[', file);
		break;
	}
}

void table_row(struct table *table, const char *const *cells)
{
	switch (table->format) {
	case TABLE_FORMAT_TEXT:
		write_line(table, cells, write_text_cell);
		break;
	case TABLE_FORMAT_CSV:
		write_line(table, cells, write_csv_cell);
		break;
	case TABLE_FORMAT_JSON:
		write_json_row(table, cells);
		break;
	}
	table->has_rows = true;
}

bool table_end(struct table *table)
{
	if (table->format == TABLE_FORMAT_JSON)
		(void)fputs(table->has_rows ? "\n]\n" : "]\n", table->file);
	if (fflush(table->file) == 0 && ferror(table->file) == 0)
		return true;
	log_error("the report could not be written: %s", strerror(errno));
	return false;
}
