#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A table for people, as wide as its contents and no wider than the terminal.
 * What does not fit is left out, column by column, rather than that the
 * elastic ones are cut below what they keep, or, for luxuries, at all; then
 * those are cut, the last one first, in their middles. */
struct columns;

enum { COLUMNS_MOST = 16, COLUMNS_LUXURY = 10 };

struct column {
	const char *name;
	bool right;		/* numbers */
	size_t elastic;		/* may be cut; keeps so much.  0: never cut */
	int drop;		/* 0: never; else the largest goes first, and
				   from COLUMNS_LUXURY on for a whole name */
};

/* The specs, at most COLUMNS_MOST, are borrowed. */
struct columns *columns_new(const struct column *specs, size_t n);
void columns_free(struct columns *c);

/* Replaces the name of a column, in this table only.  Copied. */
void columns_name(struct columns *c, size_t column, const char *name);

/* Puts " (unit)" behind the name, such as the zone of times. */
void columns_unit(struct columns *c, size_t column, const char *unit);

/* Leaves it out, whatever is in it. */
void columns_hide(struct columns *c, size_t column);

/* After the last row: the cells of `which`, such as clusters, go in front of
 * those of `column` if they are not all the same.  It is no column itself. */
void columns_qualify(struct columns *c, size_t which, size_t column);

/* Adds a row of n cells, each from malloc and then the table's.  What would
 * steer a terminal in them is made visible. */
void columns_add(struct columns *c, char *const *cells);

/* width 0: all columns, whole. */
void columns_print(const struct columns *c, FILE *out, size_t width);

/* Whether the column is there when it is printed in that width. */
bool columns_shows(const struct columns *c, size_t column, size_t width);

/* How wide standard output is, unless COLUMNS says otherwise.  0 where it is no
 * terminal: what is searched or kept is wanted whole. */
size_t columns_width(void);

/* Whether what reads it takes more than ASCII, by the locale. */
bool columns_unicode(void);

/* A cell: a length of time, no finer than anybody reads (3h12m, 5m9s, 12s,
 * 1.2s), which the flags that take a duration need not; a dash if it is
 * negative. */
char *columns_length(int64_t ms);

#endif
