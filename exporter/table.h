#ifndef EXPORTER_TABLE_H
#define EXPORTER_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct snapshot;

struct table_row {
	const struct snapshot *s;
	const void *of;			/* what table_add() was given */
};

struct table_column {
	const char *heading;
	/* Appends HTML; nothing: this one has none. */
	void (*write)(const struct table_row *row,
	    const struct table_column *c, struct buf *out);
	const char *label;		/* for write(); or NULL */
	const char *class;		/* of its cells: "n" a number, "t" a
					   time, "w" whole words; or NULL */
	bool plain;			/* says itself what it is */
	bool cluster;			/* of use where there are several */
};

/* A table of the landing page. */
struct table {
	const struct snapshot *s;
	const struct table_column *columns;
	size_t ncolumns, max;		/* max: rows */
	bool several;			/* clusters */
	/* Adds every row with table_add(), in order; called twice. */
	void (*rows)(struct table *t);

	struct buf *out;		/* NULL: looking which columns there
					   are */
	unsigned used;			/* columns, a bit each */
	size_t n;			/* rows so far */
};

/* Writes the table, without the columns that no row has anything for.
 * Columns are at most as many as an unsigned has bits. */
void table_write(struct table *t, struct buf *out);

/* class: "bad", "warn" or "".  False: the table is full. */
bool table_add(struct table *t, const void *of, const char *class);

#endif
