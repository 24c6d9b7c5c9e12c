/* Dates of the local zone on their way in and out: what mktime(3) knows of
 * zones and daylight saving, and nothing else in rollcall has to.  Used by the
 * commands that ask history. */
#include "cli/calendar.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/err.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

/* Years that can be shown, and added to, without a thought. */
#define MAX_UNIX_S INT64_C(253402300800)	/* the year 10000 */
#define MIN_UNIX_MS INT64_C(100000000000)

static wall_t from_tm(struct tm *tm, bool utc)
{
	tm->tm_isdst = -1;
	return (wall_t){ (int64_t)(utc ? timegm(tm) : mktime(tm)) * 1000 };
}

static struct tm to_tm(wall_t t, bool utc)
{
	int64_t floored = t.ms / 1000 - (t.ms % 1000 < 0);
	time_t s = (time_t)floored;
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (utc)
		gmtime_r(&s, &tm);
	else
		localtime_r(&s, &tm);
	return tm;
}

static bool parse_number(const char *text, wall_t *t_r)
{
	char *end;
	long long v = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || v < 0 || v >= MAX_UNIX_S * 1000)
		return false;
	t_r->ms = v < MIN_UNIX_MS ? v * 1000 : v;
	return true;
}

/* strptime(3) alone would take the 31st of February. */
static bool parse_date(const char *text, bool utc, wall_t *t_r)
{
	static const char *const forms[] = {
		"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
		"%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { .tm_mday = 1 }, asked;
		const char *end = strptime(text, forms[i], &tm);

		if (end == NULL || *end != '\0')
			continue;
		asked = tm;
		*t_r = from_tm(&tm, utc);
		return tm.tm_mday == asked.tm_mday &&
		    tm.tm_mon == asked.tm_mon;
	}
	return false;
}

int calendar_parse(const char *text, bool utc, wall_t now, wall_t *t_r,
    struct err *e)
{
	struct err ignored;
	int64_t ms;

	if (strcmp(text, "now") == 0) {
		*t_r = now;
		return 0;
	}
	if (parse_number(text, t_r) || parse_date(text, utc, t_r) ||
	    timefmt_parse_rfc3339(text, t_r, &ignored) == 0)
		return 0;
	if (timefmt_parse_duration(text, &ms, &ignored) == 0) {
		*t_r = wall_add(now, -ms);
		return 0;
	}
	return err_set(e, "\"%s\" is no time: it takes a duration such as"
	    " 30d, a date such as 2026-10-01, or a time such as"
	    " 2026-10-01T08:00 or 2026-10-01T08:00:00Z", text);
}

int calendar_months(const char *text, enum calendar_months months, bool utc,
    wall_t *from_r, wall_t *to_r, struct err *e)
{
	static const struct {
		const char *form, *example;
		int last;
	} kinds[] = {
		[CALENDAR_ONE_MONTH] = { "%d-%2d%n", "2026-10", 12 },
		[CALENDAR_QUARTER] = { "%d-Q%1d%n", "2026-Q3", 4 },
	};
	int year, number, used = 0, per = 12 / kinds[months].last;

	if (sscanf(text, kinds[months].form, &year, &number, &used) != 2 ||
	    text[used] != '\0' || strlen(text) != 7 || year < 1970 ||
	    number < 1 || number > kinds[months].last)
		return err_set(e, "\"%s\": it takes one such as %s", text,
		    kinds[months].example);
	for (int i = 0; i < 2; i++) {
		struct tm tm = { .tm_mday = 1, .tm_year = year - 1900,
			.tm_mon = (number - 1 + i) * per };

		*(i == 0 ? from_r : to_r) = from_tm(&tm, utc);
	}
	return 0;
}

/* The first edge behind t. */
static wall_t next_edge(wall_t t, enum calendar_unit unit, bool utc)
{
	struct tm tm = to_tm(t, utc);

	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	switch (unit) {
	case CALENDAR_DAY:
		tm.tm_mday++;
		break;
	case CALENDAR_WEEK:
		tm.tm_mday += 7 - (tm.tm_wday + 6) % 7;
		break;
	case CALENDAR_MONTH:
		tm.tm_mday = 1;
		tm.tm_mon++;
		break;
	}
	return from_tm(&tm, utc);
}

size_t calendar_edges(wall_t from, wall_t to, enum calendar_unit unit,
    bool utc, wall_t **edges_r)
{
	wall_t *v = xcalloc(2, sizeof(*v)), t = from;
	size_t n = 0;

	while (t.ms < to.ms) {
		wall_t next = next_edge(t, unit, utc);

		v = xreallocarray(v, n + 2, sizeof(*v));
		v[n++] = t;
		/* A zone's odd moment must not hold the loop up. */
		t = next.ms > t.ms ? next : wall_add(t, 86400000);
	}
	v[n++] = to;
	*edges_r = v;
	return n;
}

/* Nothing where there is no room. */
static char *write_time(char *out, const char *format, const struct tm *tm)
{
	if (strftime(out, CALENDAR_MAX, format, tm) == 0)
		out[0] = '\0';
	return out;
}

char *calendar_date(wall_t t, bool utc, char *out)
{
	struct tm tm = to_tm(t, utc);
	bool midnight = tm.tm_hour == 0 && tm.tm_min == 0;

	return write_time(out, midnight ? "%Y-%m-%d" : "%Y-%m-%d %H:%M", &tm);
}

char *calendar_second(wall_t t, bool utc, char *out)
{
	struct tm tm = to_tm(t, utc);

	return write_time(out, "%Y-%m-%d %H:%M:%S", &tm);
}

char *calendar_zone(bool utc)
{
	struct tm tm = to_tm(clock_wall(), utc);

	return xstrdup(utc ? "UTC" : tm.tm_zone);
}
