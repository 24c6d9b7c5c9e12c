#ifndef CLI_UPTIME_TABLE_H
#define CLI_UPTIME_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/history.h"

/* Uptime as a table for people: collects the rows, then the slices for the
 * bars, prints the worst first. */
struct uptime_table;

enum { UPTIME_BAR = 20 };	/* slices */

struct uptime_table *uptime_table_new(bool by_name, bool wide, bool utc);
void uptime_table_free(struct uptime_table *t);

/* One row; the argument of a source's uptime(). */
bool uptime_table_row(const struct history_uptime *row, void *table);

/* One slice, in the order of the rows, UPTIME_BAR of each. */
bool uptime_table_slice(const struct history_uptime *row, void *table);

/* With `dates` rows are intervals of each subject, and have no bars.  limit 0:
 * all.  false: there are none, nothing was printed. */
bool uptime_table_print(struct uptime_table *t, FILE *out, size_t width,
    bool dates, size_t limit);

#endif
