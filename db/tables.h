#ifndef DB_TABLES_H
#define DB_TABLES_H

#include <stddef.h>

#include <sqlite3.h>

struct err;

/* The tables of a database that hold what was written, and their columns, as
 * sqlite knows them: for export and import, which need no list of their own. */
struct table_names {
	char **v;
	size_t n;
};

/* By name, without those that the schema fills (states, causes). */
int tables_list(sqlite3 *db, struct table_names *t_r, struct err *e);

/* In their order. */
int tables_columns(sqlite3 *db, const char *table, struct table_names *c_r,
    struct err *e);

/* "id" or "member", "at_ms": what rows are ordered by. */
int tables_key(sqlite3 *db, const char *table, struct table_names *c_r,
    struct err *e);

void table_names_free(struct table_names *t);

#endif
