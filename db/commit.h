#ifndef DB_COMMIT_H
#define DB_COMMIT_H

#include <sqlite3.h>

#include "db/unit.h"

struct err;

/* Units as transactions, on one connection. */
struct committer;

struct committer *committer_new(sqlite3 *db);
void committer_free(struct committer *c);	/* before the connection */

/* Writes all units in one transaction.  SQLITE_OK, or sqlite's extended code
 * with e: then nothing was written.  A row that sqlite refuses for what it
 * holds is logged and left out, so that it holds up nobody. */
int commit_units(struct committer *c, const struct units *units,
    struct err *e);

#endif
