/* cli/uptime.c, cli/outages.c and cli/uptime_table.c on a database made by
 * hand, in which all was watched for ten hours of one day:
 *	services and instances; by day; the three formats; bars; a minimum
 *	nothing known; figures that must not be rounded up; wrong flags */
#include "cli/uptime_table.c"
#include "cli/command.h"
#include "cli/flags.h"
#include "tests/unit/cli/asked.h"

#define UPTIME(...) \
	run(cli_uptime, "--storage.path", database, __VA_ARGS__, NULL)
#define OUTAGES(...) \
	run(cli_outages, "--storage.path", database, __VA_ARGS__, NULL)

#define DAY "--from=2025-11-13", "--to=2025-11-14"

static void watch(void)
{
	/* 02:13:20 to 12:13:20; expired at 05:25:20.475, seen 26 ms later. */
	sql("INSERT INTO watching VALUES(1, 'im', '/login_servers',"
	    " 1763000000000, 1763036000000, 1);"
	    "INSERT INTO expectations VALUES('im', 'login_server',"
	    " 1763000000000, 1)");
}

static void test_services(void **state)
{
	(void)state;
	watch();
	assert_int_equal(UPTIME(DAY), EXIT_OK);
	assert_string_equal(printed,
	    "SERVICE         UPTIME    SEEN   DOWN  OUTAGES  LONGEST"
	    "  11-13 .. 2025-11-14\n"
	    "login_server  32.001 %  41.6 %  6h47m        1    6h47m"
	    "  ?###-______?????????\n"
	    "\n# up, _.:-=+* down for a part, ? not watched\n"
	    "Dates are in UTC.\n"
	    "\nHistory begins at 2025-11-13 02:13 UTC: before that nothing"
	    " is known.\n");
}

static void test_instances(void **state)
{
	(void)state;
	watch();
	assert_int_equal(UPTIME("--instances", DAY), EXIT_OK);
	assert_non_null(strstr(printed, "\nlogin_server/0001-0001  32.001 %"));
	assert_int_equal(UPTIME("login_server/*-0001", DAY), EXIT_OK);
	assert_non_null(strstr(printed, "\nlogin_server/0001-0001  32.001 %"));
	assert_int_equal(UPTIME("--instances", "--from=2025-11-12",
	    "--to=2025-11-13"), EXIT_OK);
	assert_string_equal(printed, "no instance is known in that time\n"
	    "\nHistory begins at 2025-11-13 02:13 UTC: before that nothing"
	    " is known.\n");
}

/* All days that were asked for, of which history tells a part. */
static void test_by_day(void **state)
{
	(void)state;
	watch();
	sql("UPDATE watching SET to_ms = to_ms + 86400000");
	assert_int_equal(UPTIME("--by=day", "--from=2025-11-12",
	    "--to=2025-11-15"), EXIT_OK);
	assert_string_equal(printed,
	    "SERVICE       FROM (UTC)    UPTIME    SEEN    DOWN  OUTAGES"
	    "  LONGEST    MTTR\n"
	    "login_server  2025-11-12         -   0.0 %       -        0"
	    "        -       -\n"
	    "login_server  2025-11-13  14.694 %  90.7 %  18h34m        1"
	    "   18h34m  18h34m\n"
	    "login_server  2025-11-14   0.000 %  50.9 %  12h13m        1"
	    "   12h13m  12h13m\n"
	    "\nHistory begins at 2025-11-13 02:13 UTC: before that nothing"
	    " is known.\n");
}

/* 2 of 1 never were up; in maintenance nothing is down. */
static void test_minimum_and_maintenance(void **state)
{
	(void)state;
	watch();
	assert_int_equal(UPTIME("--min=2", DAY), EXIT_OK);
	assert_non_null(strstr(printed, " 0.000 %"));
	assert_int_equal(UPTIME("--min=0", DAY), EXIT_OK);
	assert_non_null(strstr(printed, " 100 %"));
	sql("INSERT INTO maintenance VALUES(1, 'im', 'login_server', NULL,"
	    " 1763011520475, 1763036000000, 0, NULL, '', '', 1)");
	assert_int_equal(UPTIME(DAY), EXIT_OK);
	assert_non_null(strstr(printed, " 100 %"));
	assert_non_null(strstr(printed, "###mmm"));
}

static void test_formats(void **state)
{
	(void)state;
	watch();
	assert_int_equal(UPTIME("--format=json", "--from=1763000000",
	    "--to=1763036000"), EXIT_OK);
	assert_string_equal(printed,
	    "[{\"from\":\"2025-11-13T02:13:20.000Z\","
	    "\"to\":\"2025-11-13T12:13:20.000Z\",\"etcd_cluster\":\"im\","
	    "\"service_name\":\"login_server\",\"instance_id\":null,"
	    "\"uptime\":0.320013194,\"uptime_low\":0.320013194,"
	    "\"uptime_high\":0.320013194,\"coverage\":1,"
	    "\"up_seconds\":11520.475,\"down_seconds\":24479.525,"
	    "\"none_seconds\":24479.525,\"maintenance_seconds\":0.000,"
	    "\"absent_seconds\":0.000,\"unknown_seconds\":0.000,"
	    "\"outages\":1,\"longest_outage_seconds\":24479.525,"
	    "\"mtbf_seconds\":11520.475,\"mttr_seconds\":24479.525}]\n");
	assert_int_equal(UPTIME("--format=csv", DAY), EXIT_OK);
	assert_memory_equal(printed, "from,to,etcd_cluster,", 21);
}

/* 99.99998 % is not 100 %, and no figure is made up for nothing. */
static void test_figures(void **state)
{
	char *text;

	(void)state;
	text = percent(0.9999998, 3);
	assert_string_equal(text, "99.999 %");
	free(text);
	text = percent(0, 3);
	assert_string_equal(text, "0.000 %");
	free(text);
	text = percent(NAN, 3);
	assert_string_equal(text, "-");
	free(text);
	assert_int_equal(UPTIME("--since=1h"), EXIT_OK);
	assert_non_null(strstr(printed, "Nothing was watched yet."));
	/* In the middle of an outage, and before it. */
	watch();
	assert_int_equal(UPTIME("--wide", "--from=2025-11-13T08:00",
	    "--to=2025-11-13T09:00"), EXIT_OK);
	assert_non_null(strstr(printed, " 1h        1       1h     -    1h "));
	assert_int_equal(UPTIME("--wide", "--from=2025-11-13T03:00",
	    "--to=2025-11-13T04:00"), EXIT_OK);
	assert_non_null(strstr(printed, " 0s        0        -     -     - "));
}

static void test_outages(void **state)
{
	(void)state;
	watch();
	setenv("COLUMNS", "120", 1);
	assert_int_equal(OUTAGES(DAY), EXIT_OK);
	setenv("COLUMNS", "80", 1);
	assert_memory_equal(printed,
	    "BEGAN (UTC)          SERVICE/INSTANCE        LASTED", 50);
	assert_non_null(strstr(printed,
	    "\n2025-11-13 05:25:20  login_server/0001-0001  "));
	assert_non_null(strstr(printed, ", goes on"));
	assert_non_null(strstr(printed, "expire"));
	assert_non_null(strstr(printed, " 26ms"));
	assert_int_equal(OUTAGES("--services", DAY), EXIT_OK);
	assert_non_null(strstr(printed, "0 of 1 up"));
	assert_int_equal(OUTAGES("--format=json", DAY), EXIT_OK);
	assert_non_null(strstr(printed,
	    "\"seen\":\"2025-11-13T05:25:20.501Z\""));
	assert_non_null(strstr(printed, "\"down_seconds\":24479.525"));
	assert_int_equal(OUTAGES("--from=2025-11-13T03:00",
	    "--to=2025-11-13T04:00"), EXIT_OK);
	assert_memory_equal(printed, "no outages\n", 11);
}

/* A slice is what is known of it, down if any of it was. */
static void test_levels(void **state)
{
	static const struct {
		int64_t up, down, maintenance, absent, unknown;
		char level;
	} cases[] = {
		{ 10, 0, 0, 0, 0, LEVELS }, { 9, 0, 4, 4, 8, LEVELS },
		{ 1, 0, 0, 0, 1000, LEVELS }, { 9, 0, 10, 0, 0, LEVELS },
		{ 0, 0, 1, 10, 9, MAINTENANCE }, { 0, 0, 0, 10, 9, ABSENT },
		{ 0, 0, 0, 0, 1, UNKNOWN },
		{ 1000000, 1, 0, 0, 9000000, LEVELS - 1 },
		{ 0, 1, 0, 0, 9, 1 }, { 1, 1, 0, 0, 0, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(level_of(&(struct history_uptime){
		    .up_ms = cases[i].up, .down_ms = cases[i].down,
		    .maintenance_ms = cases[i].maintenance,
		    .absent_ms = cases[i].absent,
		    .unknown_ms = cases[i].unknown }), cases[i].level);
}

/* Two clusters, in UTF-8, on 80 columns: two bars, and what they mean. */
static void test_utf8(void **state)
{
	(void)state;
	watch();
	sql("INSERT INTO roll SELECT 2, 'b', directory, service_name,"
	    " instance_id, key, value, address, labels, ttl_s, expires_ms,"
	    " last_beat_ms, created_index, modified_index, expirations,"
	    " held_until_ms, forgotten, NULL FROM roll;"
	    "INSERT INTO stays VALUES(3, 2, 0, 1763000000000, NULL, 0, 0,"
	    " NULL, NULL);"
	    "INSERT INTO watching VALUES(2, 'b', '/login_servers',"
	    " 1763000000000, 1763036000000, 1);"
	    "INSERT INTO expectations VALUES('b', 'login_server',"
	    " 1763000000000, 1)");
	setenv("LC_ALL", "C.UTF-8", 1);
	assert_int_equal(UPTIME("--since=0", "--to=1763036000"), EXIT_OK);
	setenv("LC_ALL", "C", 1);
	assert_string_equal(printed,
	    "SERVICE             UPTIME   SEEN   DOWN  OUTAGES  LONGEST"
	    "  2025-11-13\n"
	    "im: login_server  32.001 %  100 %  6h47m        1    6h47m"
	    "  \u2588\u2588\u2588\u2588\u2588\u2588\u2583\u2581\u2581"
	    "\u2581\u2581\u2581\u2581\u2581\u2581\u2581\u2581\u2581"
	    "\u2581\u2581\n"
	    "b: login_server      100 %  100 %     0s        0        -"
	    "  \u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588"
	    "\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588"
	    "\u2588\u2588\n"
	    "\n\u2588 up, \u2581-\u2587 down for a part\n"
	    "Dates are in UTC.\n");
	assert_int_equal(OUTAGES("--since=0"), EXIT_OK);
	assert_null(strstr(printed, "im: "));
	sql("UPDATE stays SET what = 5 WHERE id = 3");
	assert_int_equal(OUTAGES("--since=0"), EXIT_OK);
	assert_non_null(strstr(printed, " im: login_server/0001-0001 "));
	assert_non_null(strstr(printed, " b: login_server/0001-0001 "));
}

/* What was found by comparing began at some moment before; what ran out,
 * when etcd says. */
static void test_doubt(void **state)
{
	(void)state;
	watch();
	setenv("COLUMNS", "120", 1);
	sql("UPDATE stays SET what = 64 + 4 * 5 + 2, early_ms = 3600000,"
	    " late_ms = 800 WHERE id = 2");
	assert_int_equal(OUTAGES(DAY), EXIT_OK);
	assert_non_null(strstr(printed, " 800ms +/-1h  10.0.0.7"));
	setenv("LC_ALL", "C.UTF-8", 1);
	assert_int_equal(OUTAGES(DAY), EXIT_OK);
	setenv("LC_ALL", "C", 1);
	assert_non_null(strstr(printed, " 800ms \u00b11h  10.0.0.7"));
	/* Whom the address belongs to is no question for a service. */
	assert_int_equal(OUTAGES("--services", DAY), EXIT_OK);
	assert_null(strstr(printed, "ADDRESS"));
	assert_null(strstr(printed, "+/-"));
	setenv("COLUMNS", "80", 1);
}

static void test_wrong(void **state)
{
	(void)state;
	assert_int_equal(UPTIME("--by=year"), EXIT_USAGE);
	assert_int_equal(UPTIME("--min=-2"), EXIT_USAGE);
	assert_int_equal(UPTIME("--limit=-2"), EXIT_USAGE);
	assert_int_equal(OUTAGES("--min=2"), EXIT_USAGE);
	assert_non_null(strstr(printed, "--min is for --services"));
	assert_int_equal(OUTAGES("--services", "a/b"), EXIT_FAILED);
	assert_non_null(strstr(printed, "only among instances"));
	assert_int_equal(UPTIME("--from=2025-02-30"), EXIT_USAGE);
	assert_non_null(strstr(printed, "\"2025-02-30\" is no time"));
}

/* The range is what was asked for, or it is said why not. */
static void test_ranges(void **state)
{
	(void)state;
	watch();
	/* From the beginning of history, not of 1970. */
	assert_int_equal(UPTIME("--since=0", "--to=1763036000", "--by=day",
	    "--format=csv"), EXIT_OK);
	assert_non_null(strstr(printed,
	    "\n2025-11-13T02:13:20.000Z,2025-11-13T12:13:20.000Z,im,"));
	assert_int_equal(UPTIME("--since=0", "--to=1763036000"), EXIT_OK);
	assert_non_null(strstr(printed, "32.001 %  100 %"));
	assert_null(strstr(printed, "History begins"));
	assert_int_equal(UPTIME("--month=2025-11", "--format=csv"), EXIT_OK);
	assert_non_null(strstr(printed,
	    "\n2025-11-01T00:00:00.000Z,2025-12-01T00:00:00.000Z,im,"));
	assert_int_equal(UPTIME("--quarter=2025-Q4", "--format=csv"), EXIT_OK);
	assert_non_null(strstr(printed,
	    "\n2025-10-01T00:00:00.000Z,2026-01-01T00:00:00.000Z,im,"));
	assert_int_equal(UPTIME("--month=9000-01"), EXIT_USAGE);
	assert_non_null(strstr(printed, "--month: it has not begun yet"));
	assert_int_equal(UPTIME("--month=2025-11", "--to=now"), EXIT_USAGE);
	assert_non_null(strstr(printed, "--month is a whole range"));
	assert_int_equal(UPTIME("--quarter=2025-Q5"), EXIT_USAGE);
	assert_non_null(strstr(printed, "such as 2026-Q3"));
	/* A duration counts back from the end, unless that is one, too. */
	assert_int_equal(UPTIME("--since=1d", "--to=2025-11-14",
	    "--format=csv"), EXIT_OK);
	assert_non_null(strstr(printed,
	    "\n2025-11-13T00:00:00.000Z,2025-11-14T00:00:00.000Z,im,"));
	assert_int_equal(UPTIME("--since=7d", "--to=8d"), EXIT_USAGE);
	assert_int_equal(UPTIME("--since=7d", "--to=6d"), EXIT_OK);
	assert_int_equal(UPTIME("--since=2025-11-14", "--to=2025-11-13"),
	    EXIT_USAGE);
	assert_non_null(strstr(printed, "the range is empty"));
}

/* Every table names the zone of its times. */
static void test_zone(void **state)
{
	(void)state;
	watch();
	setenv("TZ", "Asia/Shanghai", 1);
	tzset();
	assert_int_equal(UPTIME(DAY), EXIT_OK);
	assert_non_null(strstr(printed, "\nDates are in CST.\n"));
	assert_non_null(strstr(printed, " 2025-11-13 10:13 CST: before"));
	assert_int_equal(UPTIME(DAY, "--by=day", "--utc"), EXIT_OK);
	assert_non_null(strstr(printed, " FROM (UTC) "));
	assert_int_equal(OUTAGES(DAY), EXIT_OK);
	assert_memory_equal(printed, "BEGAN (CST) ", 12);
	assert_non_null(strstr(printed, "\n2025-11-13 13:25:20  login"));
	assert_int_equal(OUTAGES(DAY, "--utc"), EXIT_OK);
	assert_memory_equal(printed, "BEGAN (UTC) ", 12);
	assert_non_null(strstr(printed, "\n2025-11-13 05:25:20  login"));
}

static void test_whom(void **state)
{
	(void)state;
	watch();
	assert_int_equal(UPTIME("login_server/", DAY), EXIT_OK);
	assert_non_null(strstr(printed, "\nlogin_server  "));
	assert_int_equal(UPTIME("/0001-*", DAY), EXIT_OK);
	assert_non_null(strstr(printed, "\nlogin_server/0001-0001  "));
	assert_int_equal(UPTIME("a/b", "--instance=c"), EXIT_USAGE);
	assert_non_null(strstr(printed, "INSTANCE is given twice"));
	assert_int_equal(UPTIME("a/b", "--service=c"), EXIT_USAGE);
	assert_non_null(strstr(printed, "SERVICE is given twice"));
	assert_int_equal(UPTIME("--url=http://127.0.0.1:1"), EXIT_USAGE);
	assert_non_null(strstr(printed,
	    "--url and --storage.path exclude each other"));
	assert_int_equal(UPTIME("--http.config.file=x"), EXIT_USAGE);
	assert_non_null(strstr(printed, "--http.config.file is for --url"));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_services), T(test_instances), T(test_by_day),
		T(test_minimum_and_maintenance), T(test_formats),
		T(test_figures), T(test_ranges), T(test_whom), T(test_zone),
		T(test_levels), T(test_utf8), T(test_outages), T(test_doubt),
		T(test_wrong),
	};

	return cmocka_run_group_tests_name("cli/uptime", tests, NULL, NULL);
}
