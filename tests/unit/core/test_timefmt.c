#include "core/timefmt.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/seeded.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_rfc3339_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-22T07:45:32.475111634Z", 1795333532475 },
		{ "2026-11-22T16:45:32.475111634+09:00", 1795333532475 },
		{ "2026-11-22T02:15:32.4-05:30", 1795333532400 },
		{ "2026-11-22T07:45:32.47Z", 1795333532470 },
		{ "2026-11-22T07:45:32.999999999Z", 1795333532999 },
		{ "2024-02-29T23:59:59Z", 1709251199000 },
		{ "1969-12-31T23:59:59.999Z", -1 },
		{ "0001-01-01T00:00:00Z", MIN_TIME },
		{ "0001-01-01T09:00:00+09:00", MIN_TIME },
		{ "9999-12-31T23:59:59.999999999Z", MAX_TIME },
	};
	struct err e;
	wall_t t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(timefmt_parse_rfc3339(cases[i].text, &t, &e),
		    0);
		assert_int_equal(t.ms, cases[i].ms);
	}
}

static void test_rfc3339_refused(void **state)
{
	static const char *const cases[] = {
		"", "2026", "2026-11-22", "2026-11-22T07:45:32",
		"2026-11-22 07:45:32Z", "2026-11-22t07:45:32Z",
		"2026-11-22T07:45:32z", "2026-11-22T07:45:32.Z",
		"2026-11-22T07:45:32.1234567890Z", "2026-11-22T07:45Z",
		"2026-11-22T24:00:00Z", "2026-11-22T07:60:00Z",
		"2026-11-22T07:45:60Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "2026-11-31T00:00:00Z",
		"2026-11-00T00:00:00Z", "0000-01-01T00:00:00Z",
		"-026-11-22T07:45:32Z", "2026-11-22T07:45:32+9:00",
		"2026-11-22T07:45:32+0900", "2026-11-22T07:45:32+24:00",
		"2026-11-22T07:45:32+09:60", "2026-11-22T07:45:32ZZ",
		" 2026-11-22T07:45:32Z", "2026-11-22T07:45:32Z ",
		"2026-11-22T+7:45:32Z", "0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
	};
	wall_t t = { 42 };
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		e.text[0] = '\0';
		if (timefmt_parse_rfc3339(cases[i], &t, &e) != -1)
			fail_msg("taken: %s", cases[i]);
		assert_non_null(strstr(e.text, cases[i]));
	}
	assert_int_equal(t.ms, 42);
}

static void test_rfc3339_write(void **state)
{
	char out[TIMEFMT_MAX];

	(void)state;
	assert_string_equal(timefmt_rfc3339((wall_t){ 1795333532475 }, out),
	    "2026-11-22T07:45:32.475Z");
	assert_string_equal(timefmt_rfc3339((wall_t){ -1 }, out),
	    "1969-12-31T23:59:59.999Z");
	assert_string_equal(timefmt_rfc3339((wall_t){ INT64_MIN }, out),
	    "0001-01-01T00:00:00.000Z");
	assert_string_equal(timefmt_rfc3339((wall_t){ INT64_MAX }, out),
	    "9999-12-31T23:59:59.999Z");
}

/* Random times against the C library, there and back. */
static void test_rfc3339_random(void **state)
{
	char out[TIMEFMT_MAX], libc[TIMEFMT_MAX];
	struct tm tm;
	int i;

	(void)state;
	seeded_start();
	for (i = 0; i < 100000; i++) {
		int64_t ms = MIN_TIME + (int64_t)(seeded() %
		    (uint64_t)(MAX_TIME - MIN_TIME + 1));
		int64_t rest = (ms % 1000 + 1000) % 1000;
		time_t s = (time_t)((ms - rest) / 1000);
		wall_t back;

		gmtime_r(&s, &tm);
		snprintf(libc, sizeof(libc),
		    "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		    (unsigned)(tm.tm_year + 1900) % 10000u,
		    (unsigned)(tm.tm_mon + 1) % 100u,
		    (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u,
		    (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u,
		    (unsigned)rest % 1000u);
		assert_string_equal(timefmt_rfc3339((wall_t){ ms }, out),
		    libc);
		assert_int_equal(timefmt_parse_rfc3339(out, &back, NULL), 0);
		assert_int_equal(back.ms, ms);
	}
}

static void test_go_duration(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0", 0 }, { "0s", 0 }, { "872.116848ms", 872 },
		{ "2.516354629s", 2516 }, { "1m3.2s", 63200 },
		{ "26h3m4s", 93784000 }, { "1h0m0s", 3600000 },
		{ "999999ns", 0 }, { "1500us", 1 },
		{ "1500\xc2\xb5s", 1 }, { "1500\xce\xbcs", 1 },
		{ ".5s", 500 }, { "1.s", 1000 }, { "-1.5s", -1500 },
		{ "+3s", 3000 }, { "1.0000000000000000000000000001s", 1000 },
		{ "2562047h47m16.854775807s", 9223372036854 },
	};
	struct err e;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (timefmt_parse_go_duration(cases[i].text, &ms, &e) != 0)
			fail_msg("refused: %s", cases[i].text);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void test_go_duration_refused(void **state)
{
	static const char *const cases[] = {
		"", "-", "+", "3", "s", ".s", ".", "1.2.3s", "3d", "1h ",
		" 1h", "1hh", "h1", "--1s", "1s-1s", "2562048h",
		"9223372036855ms", "99999999999999999999s", "0x1s",
		"2562047h47m16.854775808s", "18446744073709551615ns",
		"9223372036854775807ns1ns",
	};
	struct err e;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		e.text[0] = '\0';
		if (timefmt_parse_go_duration(cases[i], &ms, &e) != -1)
			fail_msg("taken: %s", cases[i]);
		assert_non_null(strstr(e.text, cases[i]));
	}
}

static void test_duration(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *written;	/* as Prometheus writes it */
	} cases[] = {
		{ "0", 0, "0s" }, { "0w", 0, "0s" }, { "0s", 0, "0s" },
		{ "324ms", 324, "324ms" }, { "3s", 3000, "3s" },
		{ "5m", 300000, "5m" }, { "1h", 3600000, "1h" },
		{ "4d", 345600000, "4d" },
		{ "4d1h", 349200000, "4d1h" },
		{ "14d", 1209600000, "2w" }, { "3w", 1814400000, "3w" },
		{ "3w2d1h", 1990800000, "23d1h" },
		{ "10y", 315360000000, "10y" },
		{ "400d", 34560000000, "400d" },
		{ "1h30m", 5400000, "1h30m" }, { "90m", 5400000, "1h30m" },
		{ "1y2w3d4h5m6s7ms", 33019506007, "382d4h5m6s7ms" },
		{ "0106751d", 9223286400000, "106751d" },
		{ "9223372036854ms", 9223372036854, "106751d23h47m16s854ms" },
	};
	char out[TIMEFMT_MAX];
	struct err e;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		if (timefmt_parse_duration(cases[i].text, &ms, &e) != 0)
			fail_msg("%s", e.text);
		assert_int_equal(ms, cases[i].ms);
		assert_string_equal(timefmt_duration(ms, out),
		    cases[i].written);
	}
}

static void test_duration_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ "", "empty duration string" },
		{ "1", "not a valid duration string: \"1\"" },
		{ "1.5h", "unknown unit \".\" in duration \"1.5h\"" },
		{ "-1w", "not a valid duration string: \"-1w\"" },
		{ "d", "not a valid duration string: \"d\"" },
		{ "1m1h", "not a valid duration string: \"1m1h\"" },
		{ "1h1h", "not a valid duration string: \"1h1h\"" },
		{ "1ms1s", "not a valid duration string: \"1ms1s\"" },
		{ "3x", "unknown unit \"x\" in duration \"3x\"" },
		{ "1h 3m", "unknown unit \"h \" in duration \"1h 3m\"" },
		{ " 1h", "not a valid duration string: \" 1h\"" },
		{ "5sec", "unknown unit \"sec\" in duration \"5sec\"" },
		{ "99999999999999999999s", "not a valid duration string: "
		    "\"99999999999999999999s\"" },
		{ "294y", "duration out of range: \"294y\"" },
		{ "200y4900w", "duration out of range: \"200y4900w\"" },
		{ "9223372036855ms",
		    "duration out of range: \"9223372036855ms\"" },
		{ "9000000000000000000y",
		    "duration out of range: \"9000000000000000000y\"" },
	};
	struct err e;
	int64_t ms;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(timefmt_parse_duration(cases[i].text, &ms,
		    &e), -1);
		assert_string_equal(e.text, cases[i].error);
	}
}

static void test_duration_write_extremes(void **state)
{
	char out[TIMEFMT_MAX];

	(void)state;
	assert_string_equal(timefmt_duration(INT64_MIN, out),
	    "-106751991167d7h12m55s808ms");
	assert_string_equal(timefmt_duration(INT64_MAX, out),
	    "106751991167d7h12m55s807ms");
	assert_string_equal(timefmt_duration(-1500, out), "-1s500ms");
}

/* What is written is read back, and rubbish does no harm. */
static void test_duration_random(void **state)
{
	static const char letters[] = "0123456789ywdhmsn.+-\xc2\xb5 TZ:";
	char out[TIMEFMT_MAX], rubbish[24];
	int64_t ms, back;
	wall_t t;
	size_t i, k, n;

	(void)state;
	seeded_start();
	for (i = 0; i < 100000; i++) {
		ms = (int64_t)(seeded() >> (21 + seeded_below(43)));
		if (ms <= MAX_DURATION) {
			timefmt_duration(ms, out);
			assert_int_equal(timefmt_parse_duration(out, &back,
			    NULL), 0);
			assert_int_equal(back, ms);
		}
		n = seeded_below(sizeof(rubbish) - 1);
		for (k = 0; k < n; k++)
			rubbish[k] = letters[seeded_below(sizeof(letters) - 1)];
		rubbish[n] = '\0';
		timefmt_parse_duration(rubbish, &back, NULL);
		timefmt_parse_go_duration(rubbish, &back, NULL);
		timefmt_parse_rfc3339(rubbish, &t, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc3339_read),
		cmocka_unit_test(test_rfc3339_refused),
		cmocka_unit_test(test_rfc3339_write),
		cmocka_unit_test(test_rfc3339_random),
		cmocka_unit_test(test_go_duration),
		cmocka_unit_test(test_go_duration_refused),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_duration_refused),
		cmocka_unit_test(test_duration_write_extremes),
		cmocka_unit_test(test_duration_random),
	};

	return cmocka_run_group_tests_name("timefmt", tests, NULL, NULL);
}
