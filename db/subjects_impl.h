#ifndef DB_SUBJECTS_IMPL_H
#define DB_SUBJECTS_IMPL_H

#include "db/subjects.h"

/* Shared by subjects.c and subjects_services.c. */

/* Room for one more behind n, doubled now and then. */
#define GROW(v, n) \
	((v) = ((n) & ((n) - 1)) != 0 ? (v) : \
	    xreallocarray(v, (n) == 0 ? 1 : (n) * 2, sizeof(*(v))))

struct subject_service *subjects_add_service(struct subjects *s,
    const char *cluster, const char *name);

/* True if a row of maintenance names it, or all. */
bool subjects_named(sqlite3_stmt *row, int column, const char *name);

/* Adds the window that a row of maintenance tells of. */
void subjects_put_window(struct spans *spans, sqlite3_stmt *row);

/* Runs a query whose parameters, if any, are the three globs. */
int subjects_query(sqlite3 *db, const char *sql,
    const struct history_who *who,
    void (*fn)(sqlite3_stmt *row, void *arg), void *arg, struct err *e);

#endif
