#ifndef DB_KEEP_CLOCK_H
#define DB_KEEP_CLOCK_H

#include <stdbool.h>

#include <sqlite3.h>

#include "core/clock.h"

/* Whether the clock may be believed before history is deleted by it.  Starts
 * zeroed. */
struct keep_clock {
	bool doubted;
	mono_t until;
};

/* *trusted_r false: not yet; asked again later.  Remembers `now` in the
 * database.  SQLITE_OK, or sqlite's code. */
int keep_clock_trusted(struct keep_clock *c, sqlite3 *db, wall_t now,
    bool *trusted_r);

#endif
