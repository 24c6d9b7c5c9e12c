#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A table for people, as wide as its contents and no wider than the terminal:
 * what does not fit is left out, column by column, then the elastic one is
 * cut. */
struct columns;

struct column {
	const char *name;
	bool right;		/* numbers */
	bool elastic;		/* cut, with an ellipsis, where room lacks */
	int drop;		/* 0: never; else the largest goes first */
};

/* The specs are borrowed. */
struct columns *columns_new(const struct column *specs, size_t n);
void columns_free(struct columns *c);

/* Replaces the name of a column, in this table only.  Copied. */
void columns_name(struct columns *c, size_t column, const char *name);

/* Adds a row of n cells, each from malloc and then the table's.  What would
 * steer a terminal in them is made visible. */
void columns_add(struct columns *c, char *const *cells);

/* width 0: all columns, whole. */
void columns_print(const struct columns *c, FILE *out, size_t width);

/* How wide standard output is; 80 where that is no terminal, unless COLUMNS
 * says otherwise. */
size_t columns_width(void);

#endif
