#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include <stdbool.h>
#include <stdio.h>

#include "core/buf.h"
#include "core/history_rows.h"

/* Rows of history for programs, as they come: a JSON array, one row a line,
 * or CSV. */
struct rows {
	FILE *out;
	const struct row_table *table;
	bool csv;
	size_t n;
	struct buf line;
};

void rows_begin(struct rows *r, FILE *out, const struct row_table *table,
    bool csv);
bool rows_add(struct rows *r, const void *row);	/* true */

/* Closes the array unless the answer broke off: half an array is none.  CSV
 * without a row has its names alone, and nothing at all if it broke off. */
void rows_end(struct rows *r, bool whole);

#endif
