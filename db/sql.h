#ifndef DB_SQL_H
#define DB_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "core/clock.h"

struct err;

/* sqlite with errors as text for people. */

/* Sets "what: the connection's last error".  Returns -1. */
int sql_fail(sqlite3 *db, struct err *e, const char *what);

/* Runs one or more statements.  0, or -1 with e. */
int sql_exec(sqlite3 *db, const char *sql, struct err *e);

/* The first column of the first row; unchanged if there is no row. */
int sql_int(sqlite3 *db, const char *sql, int64_t *v_r, struct err *e);

/* Calls fn (may be NULL) for each row of the query. */
int sql_each(sqlite3 *db, const char *sql,
    void (*fn)(sqlite3_stmt *row, void *arg), void *arg, struct err *e);

/* A number in the table meta; unchanged if there is none.  SQLITE_OK, or
 * sqlite's code. */
int sql_meta_int(sqlite3 *db, const char *key, int64_t *v_r);
int sql_set_meta_int(sqlite3 *db, const char *key, int64_t v);

/* True if the result says that the file itself is damaged. */
bool sql_is_corrupt(int rc);

/* Columns of the present row.  Text is owned by the row, "" for NULL. */
const char *sql_text(sqlite3_stmt *row, int column);
const char *sql_text_or_null(sqlite3_stmt *row, int column);
wall_t sql_wall(sqlite3_stmt *row, int column);	/* NULL: ms 0 */

#endif
