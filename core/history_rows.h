#ifndef CORE_HISTORY_ROWS_H
#define CORE_HISTORY_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/history.h"

struct buf;

/* Rows of history as JSON and CSV: the same fields, under the same names, in
 * the API and from the commands. */

enum row_type {
	ROW_TEXT,		/* const char *, NULL: null */
	ROW_TIME,		/* wall_t as RFC 3339, ms 0: null */
	ROW_EDGE,		/* the same, ms 0: 1970 */
	ROW_SECONDS,		/* int64_t ms, -1: null */
	ROW_NUMBER,		/* int64_t */
	ROW_INDEX,		/* int64_t, 0: null */
	ROW_COUNT,		/* int64_t, -1: null */
	ROW_RATIO,		/* double, NAN: null */
	ROW_BOOL,		/* bool */
};

struct row_field {
	const char *name;
	enum row_type type;
	size_t offset;
};

/* What a struct of rows has, in order. */
struct row_table {
	const struct row_field *fields;
	size_t n, size;			/* fields; bytes of the struct */
};

extern const struct row_table history_uptime_rows, history_outage_rows,
    history_event_rows;

bool row_is_time(enum row_type type);

/* Append a row as a JSON object, a line of CSV (RFC 4180, ending in \n), the
 * line of names.  Any thread. */
void row_json(struct buf *b, const struct row_table *t, const void *row);
void row_csv(struct buf *b, const struct row_table *t, const void *row);
void row_csv_names(struct buf *b, const struct row_table *t);

#endif
