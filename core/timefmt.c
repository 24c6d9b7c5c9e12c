/* Times and durations as text: RFC 3339 as etcd, Alertmanager and our own
 * output write it, Go durations as etcd writes them, Prometheus durations as
 * configurations do.  Pure arithmetic on the proleptic Gregorian calendar: no
 * locale, no time zone files, no clock. */
#include "core/timefmt.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/err.h"
#include "core/xalloc.h"

#define DAY_MS INT64_C(86400000)
#define MIN_TIME INT64_C(-62135596800000)	/* 0001-01-01T00:00:00.000Z */
#define MAX_TIME INT64_C(253402300799999)	/* 9999-12-31T23:59:59.999Z */
/* Go counts durations in int64 nanoseconds; so far and no further. */
#define MAX_DURATION (INT64_MAX / 1000000)

/* Days since 1970-01-01; the year is counted from March, so that the leap day
 * comes last (Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_from_civil(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int era = (y >= 0 ? y : y - 399) / 400;
	int of_era = y - era * 400;
	int of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return (int64_t)era * 146097 + of_era * 365 + of_era / 4 -
	    of_era / 100 + of_year - 719468;
}

static void civil_from_days(int64_t days, int *y_r, int *m_r, int *d_r)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int of_era = (int)(z - era * 146097);
	int y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) /
	    365;
	int of_year = of_era - (365 * y + y / 4 - y / 100);
	int m = (5 * of_year + 2) / 153;

	*d_r = of_year - (153 * m + 2) / 5 + 1;
	*m_r = m < 10 ? m + 3 : m - 9;
	*y_r = (int)(y + era * 400) + (*m_r <= 2);
}

char *timefmt_rfc3339(wall_t t, char *out)
{
	int64_t ms = t.ms, days;
	unsigned of_day;
	int y, m, d;

	if (ms < MIN_TIME)
		ms = MIN_TIME;
	if (ms > MAX_TIME)
		ms = MAX_TIME;
	days = ms / DAY_MS - (ms % DAY_MS < 0);
	of_day = (unsigned)(ms - days * DAY_MS);
	civil_from_days(days, &y, &m, &d);
	snprintf(out, TIMEFMT_MAX, "%04d-%02d-%02dT%02u:%02u:%02u.%03uZ",
	    y, m, d, of_day / 3600000, of_day / 60000 % 60,
	    of_day / 1000 % 60, of_day % 1000);
	return out;
}

char *timefmt_local(wall_t t)
{
	int64_t ms = t.ms % 1000 + (t.ms % 1000 < 0 ? 1000 : 0);
	time_t s = (time_t)((t.ms - ms) / 1000);
	char text[40] = "?";
	struct tm tm;

	if (localtime_r(&s, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return xasprintf("%s.%03d", text, (int)ms);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads a number of exactly `digits` digits within [min, max]. */
static bool take_number(const char **p, int digits, int min, int max, int *n_r)
{
	int i, n = 0;

	for (i = 0; i < digits; i++) {
		if (!is_digit((*p)[i]))
			return false;
		n = n * 10 + ((*p)[i] - '0');
	}
	*p += digits;
	*n_r = n;
	return n >= min && n <= max;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static int days_in_month(int y, int m)
{
	static const int days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
	};
	bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

	return days[m - 1] + (m == 2 && leap);
}

static bool take_date(const char **p, int64_t *ms_r)
{
	int y, m, d;

	if (!take_number(p, 4, 1, 9999, &y) || !take_char(p, '-') ||
	    !take_number(p, 2, 1, 12, &m) || !take_char(p, '-') ||
	    !take_number(p, 2, 1, days_in_month(y, m), &d))
		return false;
	*ms_r = days_from_civil(y, m, d) * DAY_MS;
	return true;
}

static bool take_clock(const char **p, int64_t *ms_r)
{
	int h, m, s, i, scale = 100, fraction = 0;

	if (!take_number(p, 2, 0, 23, &h) || !take_char(p, ':') ||
	    !take_number(p, 2, 0, 59, &m) || !take_char(p, ':') ||
	    !take_number(p, 2, 0, 59, &s))
		return false;
	if (take_char(p, '.')) {
		for (i = 0; is_digit(**p); i++, scale /= 10)
			fraction += (*(*p)++ - '0') * scale;
		if (i < 1 || i > 9)
			return false;
	}
	*ms_r = ((h * 60 + m) * INT64_C(60) + s) * 1000 + fraction;
	return true;
}

static bool take_offset(const char **p, int64_t *ms_r)
{
	int h, m, sign = **p == '-' ? -1 : 1;

	*ms_r = 0;
	if (take_char(p, 'Z'))
		return true;
	if ((!take_char(p, '+') && !take_char(p, '-')) ||
	    !take_number(p, 2, 0, 23, &h) || !take_char(p, ':') ||
	    !take_number(p, 2, 0, 59, &m))
		return false;
	*ms_r = sign * (h * 60 + m) * INT64_C(60000);
	return true;
}

int timefmt_parse_rfc3339(const char *text, wall_t *t_r, struct err *e)
{
	int64_t date, clock, offset, ms;
	const char *p = text;

	if (!take_date(&p, &date) || !take_char(&p, 'T') ||
	    !take_clock(&p, &clock) || !take_offset(&p, &offset) || *p)
		return err_set(e, "not an RFC 3339 time: \"%.64s\" "
		    "(expected e.g. 2026-11-22T07:45:32.475Z)", text);
	ms = date + clock - offset;
	if (ms < MIN_TIME || ms > MAX_TIME)
		return err_set(e, "time out of range: \"%.64s\"", text);
	t_r->ms = ms;
	return 0;
}

static const struct {
	const char *name;
	uint64_t ns;
} go_units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "\xc2\xb5s", 1000 },		/* U+00B5 micro sign */
	{ "\xce\xbcs", 1000 },		/* U+03BC Greek mu */
	{ "ms", 1000000 },
	{ "s", UINT64_C(1000000000) },
	{ "m", UINT64_C(60000000000) },
	{ "h", UINT64_C(3600000000000) },
};

/* Nanoseconds in the unit at *p, or 0.  The unit ends where a digit or a
 * point begins. */
static uint64_t take_go_unit(const char **p)
{
	size_t len = strcspn(*p, "0123456789."), i;

	for (i = 0; i < sizeof(go_units) / sizeof(go_units[0]); i++)
		if (strlen(go_units[i].name) == len &&
		    !memcmp(go_units[i].name, *p, len)) {
			*p += len;
			return go_units[i].ns;
		}
	return 0;
}

/* Reads digits; false if they go over INT64_MAX. */
static bool take_digits(const char **p, uint64_t *n_r)
{
	uint64_t n = 0;

	for (; is_digit(**p); ++*p) {
		if (n > (INT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(**p - '0');
	}
	*n_r = n;
	return true;
}

/* One part such as 3.2s, added to *ns. */
static bool take_go_part(const char **p, uint64_t *ns)
{
	const char *start = *p, *fraction;
	uint64_t whole, unit, scale, part;

	if (!take_digits(p, &whole))
		return false;
	fraction = *p;
	if (take_char(p, '.'))
		*p += strspn(*p, "0123456789");
	if (*p - start == 0 || (*p - start == 1 && *start == '.'))
		return false;
	unit = take_go_unit(p);
	if (!unit || whole > INT64_MAX / unit)
		return false;
	part = whole * unit;
	scale = unit;
	if (*fraction == '.')
		for (fraction++; is_digit(*fraction) && scale; fraction++) {
			part += scale / 10 * (uint64_t)(*fraction - '0');
			scale /= 10;
		}
	return !__builtin_add_overflow(*ns, part, ns) && *ns <= INT64_MAX;
}

int timefmt_parse_go_duration(const char *text, int64_t *ms_r, struct err *e)
{
	bool negative = *text == '-';
	const char *p = text + (*text == '-' || *text == '+');
	uint64_t ns = 0;

	if (!strcmp(p, "0")) {
		*ms_r = 0;
		return 0;
	}
	do {
		if (!take_go_part(&p, &ns))
			return err_set(e, "not a valid Go duration: \"%.64s\" "
			    "(expected e.g. 1m3.2s)", text);
	} while (*p);
	*ms_r = (int64_t)(ns / 1000000);
	if (negative)
		*ms_r = -*ms_r;
	return 0;
}

/* Biggest first: they may only come in this order. */
static const struct {
	const char *name;
	int64_t ms;
	bool exact;	/* written only if nothing would be left over */
} units[] = {
	{ "y", 365 * DAY_MS, true },
	{ "w", 7 * DAY_MS, true },
	{ "d", DAY_MS, false },
	{ "h", 3600000, false },
	{ "m", 60000, false },
	{ "s", 1000, false },
	{ "ms", 1, false },
};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* Which unit the len bytes at s are; UNITS if none. */
static unsigned find_unit(const char *s, size_t len)
{
	unsigned i;

	for (i = 0; i < UNITS; i++)
		if (strlen(units[i].name) == len &&
		    !memcmp(units[i].name, s, len))
			break;
	return i;
}

static int bad_duration(struct err *e, const char *text)
{
	return err_set(e, "not a valid duration string: \"%.64s\"", text);
}

int timefmt_parse_duration(const char *text, int64_t *ms_r, struct err *e)
{
	const char *p = text;
	unsigned unit, next = 0;
	int64_t ms = 0;
	uint64_t n;
	size_t len;

	if (!*text)
		return err_set(e, "empty duration string");
	if (!strcmp(text, "0"))
		p++;
	while (*p) {
		if (!is_digit(*p) || !take_digits(&p, &n))
			return bad_duration(e, text);
		len = strcspn(p, "0123456789");
		if (len == 0)
			return bad_duration(e, text);
		unit = find_unit(p, len);
		if (unit == UNITS)
			return err_set(e, "unknown unit \"%.*s\" in duration "
			    "\"%.64s\"", len < 32 ? (int)len : 32, p, text);
		if (unit < next)
			return bad_duration(e, text);
		next = unit + 1;
		p += len;
		if (n > (uint64_t)((MAX_DURATION - ms) / units[unit].ms))
			return err_set(e, "duration out of range: \"%.64s\"",
			    text);
		ms += (int64_t)n * units[unit].ms;
	}
	*ms_r = ms;
	return 0;
}

char *timefmt_duration(int64_t ms, char *out)
{
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms, mult;
	size_t len = 0;
	unsigned i;

	if (ms == 0)
		len += (size_t)snprintf(out, TIMEFMT_MAX, "0s");
	if (ms < 0)
		out[len++] = '-';
	for (i = 0; i < UNITS; i++) {
		mult = (uint64_t)units[i].ms;
		if (left < mult || (units[i].exact && left % mult))
			continue;
		len += (size_t)snprintf(out + len, TIMEFMT_MAX - len,
		    "%" PRIu64 "%s", left / mult, units[i].name);
		left %= mult;
	}
	return out;
}
