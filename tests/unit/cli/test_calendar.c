/* cli/calendar.c in zones that have it in them:
 *	what is read as a moment, and what is not
 *	days of 23 and 25 hours, a midnight that does not exist, half hours
 *	weeks from Monday on, months, a range within one day */
#include "cli/calendar.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const wall_t now = { INT64_C(1795000000000) };

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static int64_t moment(const char *text, bool utc)
{
	wall_t t = { -1 };
	struct err e;

	if (calendar_parse(text, utc, now, &t, &e) != 0)
		fail_msg("%s", e.text);
	return t.ms;
}

static void test_moments(void **state)
{
	(void)state;
	zone("Asia/Shanghai");
	assert_int_equal(moment("now", false), now.ms);
	assert_int_equal(moment("30d", false), now.ms - 30 * 86400000LL);
	assert_int_equal(moment("0", false), 0);
	assert_int_equal(moment("1763000000", false), 1763000000000);
	assert_int_equal(moment("1763000000123", false), 1763000000123);
	assert_int_equal(moment("2026-10-01", true), 1790812800000);
	assert_int_equal(moment("2026-10-01", false),
	    1790812800000 - 8 * 3600000);
	assert_int_equal(moment("2026-10", true), 1790812800000);
	assert_int_equal(moment("2026-10-01T08:00", false), 1790812800000);
	assert_int_equal(moment("2026-10-01 08:00:30", false), 1790812830000);
	assert_int_equal(moment("2026-10-01T08:00:00+08:00", true),
	    1790812800000);
}

static void test_no_moments(void **state)
{
	static const char *const texts[] = { "", "yesterday", "2026-02-30",
		"2026-13-01", "2026-10-01T25:00", "-5", "1h2",
		"99999999999999999",
		"2026-10-01T08:00:00+8" };
	wall_t t;
	struct err e;

	(void)state;
	zone("UTC");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(calendar_parse(texts[i], false, now, &t, &e),
		    -1);
		assert_non_null(strstr(e.text, "is no time"));
	}
}

/* The lengths in hours of the intervals from one date to another. */
static void must_be(const char *from, const char *to,
    enum calendar_unit unit, bool utc, const char *hours)
{
	wall_t *edges, a = { moment(from, utc) }, b = { moment(to, utc) };
	size_t n = calendar_edges(a, b, unit, utc, &edges);
	char text[256] = "";

	assert_int_equal(edges[0].ms, a.ms);
	assert_int_equal(edges[n - 1].ms, b.ms);
	for (size_t i = 1; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s%g", i > 1 ? " " : "",
		    (double)(edges[i].ms - edges[i - 1].ms) / 3600000);
	assert_string_equal(text, hours);
	free(edges);
}

static void test_days(void **state)
{
	(void)state;
	zone("Europe/Berlin");
	must_be("2026-03-28", "2026-03-31", CALENDAR_DAY, false, "24 23 24");
	must_be("2026-10-24", "2026-10-27", CALENDAR_DAY, false, "24 25 24");
	must_be("2026-10-24", "2026-10-27", CALENDAR_DAY, true, "24 24 24");
	must_be("2026-10-24T06:00", "2026-10-24T09:00", CALENDAR_DAY, false,
	    "3");
	must_be("2026-10-24T06:00", "2026-10-25T02:00", CALENDAR_DAY, false,
	    "18 2");
	/* No midnight on 2018-11-04: the day begins at one. */
	zone("America/Sao_Paulo");
	must_be("2018-11-03", "2018-11-06", CALENDAR_DAY, false, "24 23 24");
	/* From its middle, and into it: 00:00 must be found all the same. */
	must_be("2018-11-03T12:00", "2018-11-05", CALENDAR_DAY, false,
	    "12 23");
	must_be("2018-11-04", "2018-11-05", CALENDAR_DAY, false, "23");
	assert_int_equal(moment("2018-11-04", false), 1541300400000);
	/* At midnight back to 23:00: a day of 25 hours. */
	must_be("2018-02-16", "2018-02-19", CALENDAR_DAY, false, "24 25 24");
	/* Back behind midnight: there are two of it, the first one counts. */
	zone("America/Havana");
	must_be("2026-10-30", "2026-11-03", CALENDAR_DAY, false,
	    "24 24 25 24");
	must_be("2026-03-07", "2026-03-10", CALENDAR_DAY, false, "24 23 24");
	/* A day that never was. */
	zone("Pacific/Apia");
	must_be("2011-12-28", "2012-01-01", CALENDAR_DAY, false, "24 24 24");
	zone("Australia/Lord_Howe");
	must_be("2026-10-03", "2026-10-06", CALENDAR_DAY, false,
	    "24 23.5 24");
	must_be("2026-04-04", "2026-04-07", CALENDAR_DAY, false,
	    "24 24.5 24");
	zone("Asia/Shanghai");
	must_be("2026-03-28", "2026-03-31", CALENDAR_DAY, false, "24 24 24");
}

static void test_weeks_and_months(void **state)
{
	(void)state;
	zone("Europe/Berlin");
	/* 2026-10-01 is a Thursday. */
	must_be("2026-10-01", "2026-10-15", CALENDAR_WEEK, false,
	    "96 168 72");
	must_be("2026-09-01", "2026-12-01", CALENDAR_MONTH, false,
	    "720 745 720");
	must_be("2026-12-15", "2027-02-15", CALENDAR_MONTH, false,
	    "408 744 336");
}

static void months_must_be(const char *text, enum calendar_months months,
    const char *from, const char *to)
{
	wall_t f, t;
	struct err e;

	if (calendar_months(text, months, false, &f, &t, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(f.ms, moment(from, false));
	assert_int_equal(t.ms, moment(to, false));
}

static void test_months_by_name(void **state)
{
	static const char *const wrong[] = { "", "2026", "2026-13", "2026-00",
		"2026-Q5", "2026-Q0", "2026-1", "2026-10-01", "2026-Q33",
		"1066-10", "2026-Q", "-2026-1", "2026--1", "2026-Q3x" };
	wall_t f, t;
	struct err e;

	(void)state;
	zone("Europe/Berlin");
	months_must_be("2026-10", CALENDAR_ONE_MONTH, "2026-10-01",
	    "2026-11-01");
	months_must_be("2026-12", CALENDAR_ONE_MONTH, "2026-12-01",
	    "2027-01-01");
	months_must_be("2026-Q3", CALENDAR_QUARTER, "2026-07-01",
	    "2026-10-01");
	months_must_be("2026-Q4", CALENDAR_QUARTER, "2026-10-01",
	    "2027-01-01");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(calendar_months(wrong[i], CALENDAR_ONE_MONTH,
		    false, &f, &t, &e), -1);
		assert_int_equal(calendar_months(wrong[i], CALENDAR_QUARTER,
		    false, &f, &t, &e), -1);
	}
}

static void test_dates(void **state)
{
	char out[CALENDAR_MAX];

	(void)state;
	zone("Asia/Shanghai");
	assert_string_equal(calendar_second((wall_t){ 253402297200000 },
	    false, out), "10000-01-01 07:00:00");
	zone("Europe/Berlin");
	assert_string_equal(calendar_date((wall_t){ moment("2026-10-01",
	    false) }, false, out), "2026-10-01");
	assert_string_equal(calendar_date((wall_t){ moment("2026-10-01",
	    false) }, true, out), "2026-09-30 22:00");
	assert_string_equal(calendar_second((wall_t){ moment("2026-10-01",
	    false) + 5999 }, false, out), "2026-10-01 00:00:05");
	assert_string_equal(calendar_second((wall_t){ moment("2026-10-01",
	    false) }, true, out), "2026-09-30 22:00:00");
}

static void test_zone_names(void **state)
{
	char *name;

	(void)state;
	zone("Asia/Shanghai");
	name = calendar_zone(false);
	assert_string_equal(name, "CST");
	free(name);
	name = calendar_zone(true);
	assert_string_equal(name, "UTC");
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moments),
		cmocka_unit_test(test_no_moments),
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_weeks_and_months),
		cmocka_unit_test(test_months_by_name),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_zone_names),
	};

	return cmocka_run_group_tests_name("cli/calendar", tests, NULL, NULL);
}
