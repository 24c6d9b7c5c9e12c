#ifndef CLI_CALENDAR_H
#define CLI_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>

#include "core/clock.h"

struct err;

/* Time as people write it, in the local zone or in UTC.  Inside there is only
 * UTC: this is the edge. */

/* Reads a moment: `now`; a duration (90m, 30d), so long before `now`; a date
 * or a date with a time (2026-10-01, 2026-10-01T08:30, with seconds or
 * without), in the local zone or in UTC; RFC 3339; Unix seconds or, from 1e11
 * on, milliseconds.  0, or -1 with e. */
int calendar_parse(const char *text, bool utc, wall_t now, wall_t *t_r,
    struct err *e);

enum calendar_months { CALENDAR_ONE_MONTH, CALENDAR_QUARTER };

/* Reads a month, 2026-10, or a quarter, 2026-Q3.  0, or -1 with e. */
int calendar_months(const char *text, enum calendar_months months, bool utc,
    wall_t *from_r, wall_t *to_r, struct err *e);

enum calendar_unit { CALENDAR_DAY, CALENDAR_WEEK, CALENDAR_MONTH };

/* The edges of all days, weeks (from Monday on) or months that [from, to)
 * touches, ascending, the first `from` and the last `to` themselves.  A day on
 * which clocks change is one day.  The caller frees the array. */
size_t calendar_edges(wall_t from, wall_t to, enum calendar_unit unit,
    bool utc, wall_t **edges_r);

enum { CALENDAR_MAX = 32 };

/* Writes "2026-10-01" or, if it is not midnight, "2026-10-01 08:30" into
 * out[CALENDAR_MAX]; returns out. */
char *calendar_date(wall_t t, bool utc, char *out);

/* Writes "2026-10-01 08:30:05" into out[CALENDAR_MAX]; returns out. */
char *calendar_second(wall_t t, bool utc, char *out);

/* The name of the zone, "CET", for all times of an answer: today's, whatever
 * it is at the time of each of them (json and csv leave no doubt).  Free it. */
char *calendar_zone(bool utc);

#endif
