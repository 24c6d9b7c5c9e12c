/* A clock that is set years ahead by mistake, or that starts there after its
 * battery died, must not cost the history: what is too old is judged by it.
 * So when it is more than a week ahead of the last time somebody looked, it is
 * believed only after an hour in which it was not set back.  The price is an
 * hour after rollcall was off for more than a week.  Called by keep.c. */
#include "db/keep_clock.h"

#include <stddef.h>

#include "core/log.h"
#include "core/timefmt.h"
#include "db/sql.h"

#define KEY "kept_house_ms"

enum { DOUBT_MS = 3600000 };

#define LEAP_MS (INT64_C(7) * 24 * 3600000)

/* An hour has passed, or begins. */
static bool waited(struct keep_clock *c, int64_t ahead_ms)
{
	mono_t now = clock_mono();
	char text[TIMEFMT_MAX];

	if (c->doubted)
		return mono_due(c->until, now);
	c->doubted = true;
	c->until = mono_add(now, DOUBT_MS);
	log_warn("the clock is far ahead of the last time old history was"
	    " deleted: nothing is for an hour, in case it is wrong",
	    LOG_S("ahead", timefmt_duration(ahead_ms - ahead_ms % 1000,
	    text)));
	return false;
}

int keep_clock_trusted(struct keep_clock *c, sqlite3 *db, wall_t now,
    bool *trusted_r)
{
	int64_t last = 0;
	int rc = sql_meta_int(db, KEY, &last);

	*trusted_r = false;
	if (rc != SQLITE_OK || (last != 0 && now.ms - last > LEAP_MS &&
	    !waited(c, now.ms - last)))
		return rc;
	c->doubted = false;
	*trusted_r = true;
	return sql_set_meta_int(db, KEY, now.ms);
}
