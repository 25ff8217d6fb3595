/*
 * table.h - what a terminal shows: tables with columns by Unicode width, and one rewritten line.
 *
 * Cells may hold text of a web page: control characters and direction overrides never reach the
 * terminal.
 */
#ifndef MANTIS_CMD_TABLE_H
#define MANTIS_CMD_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/json.h"
#include "base/pool.h"

/* Columns of the terminal at fd; 0 when it is none. */
int table_terminal_width(int fd);

/* May what is written to fd have colours? A terminal, without NO_COLOR. */
bool table_colour(int fd);

/* Cells that text takes on a terminal. */
int table_text_width(const char *text);

/* One line: controls as blanks, cut to width cells with an ellipsis (width 0: not cut). */
char *table_clean(struct pool *pool, const char *text, int width);

/*
 * Rows (array of objects) as text: one line each under a header line. columns: array of keys; NULL:
 * the keys of the rows in order met. Columns of numbers are right-aligned. With width > 0 the
 * widest columns are cut until a line fits.
 */
char *table_text(struct pool *pool, const json_t *columns, const json_t *rows, int width);

/* Keys of the rows in order met, after those of first (may be NULL). Lives in pool. */
json_t *table_columns(struct pool *pool, const json_t *first, const json_t *rows);

/* A line, or a few with line breaks between, that are rewritten in place; the cursor stays at the beginning
 * of the first. Without a terminal nothing is printed. */
struct progress_line {
    FILE *out;
    int width; /* 0: no terminal */
};
void progress_line_init(struct progress_line *line, FILE *out);
void progress_line_show(struct progress_line *line, const char *text);
void progress_line_clear(struct progress_line *line);

#endif
