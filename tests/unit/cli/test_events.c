/* cli/events.c with its printers, on a database made by hand:
 *	the three formats; the table in 80 columns and in more
 *	what would steer a terminal, several clusters, times in UTC
 *	nothing to show; wrong flags; no database */
#include "cli/events.c"
#include "tests/unit/cli/asked.h"

#define RUN(...) \
	run(cli_events, "--storage.path", database, __VA_ARGS__, NULL)

static void test_table(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=0"), EXIT_OK);
	assert_string_equal(printed,
	    "TIME (UTC)               SERVICE/INSTANCE        STATE    CAUSE"
	    "       AFTER\n"
	    "2025-11-13 02:13:20.000  login_server/0001-0001  up      "
	    " registered  new\n"
	    "2025-11-13 05:25:20.475  login_server/0001-0001  expired  expire"
	    "      up 3h12m\n");
}

static void is_wide(void)
{
	assert_int_equal(RUN("--since=0", "--limit=1"), EXIT_OK);
	assert_string_equal(printed,
	    "TIME (UTC)               SERVICE/INSTANCE        STATE    CAUSE "
	    "  AFTER     ADDRESS\n"
	    "2025-11-13 05:25:20.475  login_server/0001-0001  expired  expire"
	    "  up 3h12m  10.0.0.7:8008\n");
}

/* In a pipe as well. */
static void test_wide_table(void **state)
{
	(void)state;
	setenv("COLUMNS", "120", 1);
	is_wide();
	unsetenv("COLUMNS");
	is_wide();
}

static void test_json(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=0", "--format=json"), EXIT_OK);
	assert_string_equal(printed,
	    "[{\"time\":\"2025-11-13T02:13:20.000Z\","
	    "\"earliest\":\"2025-11-13T02:13:20.000Z\","
	    "\"seen\":\"2025-11-13T02:13:20.000Z\",\"etcd_cluster\":\"im\","
	    "\"service_name\":\"login_server\",\"instance_id\":\"0001-0001\","
	    "\"state\":\"up\",\"cause\":\"registered\",\"was\":null,"
	    "\"address\":\"10.0.0.7:8008\",\"directory\":\"/login_servers\","
	    "\"key\":\"/login_servers/0001-0001\",\"was_seconds\":null,"
	    "\"etcd_index\":41},\n"
	    " {\"time\":\"2025-11-13T05:25:20.475Z\","
	    "\"earliest\":\"2025-11-13T05:25:15.000Z\","
	    "\"seen\":\"2025-11-13T05:25:20.501Z\",\"etcd_cluster\":\"im\","
	    "\"service_name\":\"login_server\",\"instance_id\":\"0001-0001\","
	    "\"state\":\"expired\",\"cause\":\"expire\",\"was\":\"up\","
	    "\"address\":\"10.0.0.7:8008\",\"directory\":\"/login_servers\","
	    "\"key\":\"/login_servers/0001-0001\",\"was_seconds\":11520.475,"
	    "\"etcd_index\":42}]\n");
}

static void test_csv(void **state)
{
	(void)state;
	sql("UPDATE roll SET address = NULL, key = 'a,\"b\"'");
	assert_int_equal(RUN("--since=0", "--format=csv", "--limit=1"),
	    EXIT_OK);
	assert_string_equal(printed,
	    "time,earliest,seen,etcd_cluster,service_name,instance_id,state,"
	    "cause,was,address,directory,key,was_seconds,etcd_index\n"
	    "2025-11-13T05:25:20.475Z,2025-11-13T05:25:15.000Z,"
	    "2025-11-13T05:25:20.501Z,im,login_server,0001-0001,expired,"
	    "expire,up,,/login_servers,\"a,\"\"b\"\"\",11520.475,42\n");
}

static void test_hostile_names(void **state)
{
	(void)state;
	sql("UPDATE roll SET instance_id = 'a' || char(27) || '[2J' ||"
	    " char(10) || char(155) || 'ä'");
	setenv("COLUMNS", "120", 1);
	assert_int_equal(RUN("--since=0", "--limit=1"), EXIT_OK);
	setenv("COLUMNS", "80", 1);
	assert_non_null(strstr(printed,
	    "login_server/a\\x1b[2J\\n\\u009bä  expired"));
	assert_int_equal(RUN("--since=0", "--format=json"), EXIT_OK);
	assert_non_null(strstr(printed, "a\\u001b[2J\\n"));
}

static void test_clusters(void **state)
{
	(void)state;
	sql("INSERT INTO roll SELECT 2, 'b', directory, service_name,"
	    " instance_id, key, value, address, labels, ttl_s, expires_ms,"
	    " last_beat_ms, created_index, modified_index, expirations,"
	    " held_until_ms, forgotten, NULL FROM roll;"
	    "INSERT INTO stays VALUES(3, 2, 0, 1763011530000, NULL, 0, 0,"
	    " NULL, NULL)");
	setenv("COLUMNS", "78", 1);
	assert_int_equal(RUN("--since=0"), EXIT_OK);
	assert_non_null(strstr(printed, "im: login_\u2026r/0001-0001  "));
	setenv("COLUMNS", "120", 1);
	assert_int_equal(RUN("--since=0"), EXIT_OK);
	setenv("COLUMNS", "80", 1);
	assert_non_null(strstr(printed, "im: login_server/0001-0001"));
	assert_non_null(strstr(printed, "b: login_server/0001-0001"));
	assert_int_equal(RUN("--since=0", "--cluster=b"), EXIT_OK);
	assert_null(strstr(printed, "im: "));
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=2026-01-02T03:04:05Z"), EXIT_OK);
	assert_memory_equal(printed, "no events since 2026-01-02 03:04:05"
	    " UTC\n", 40);
	assert_int_equal(RUN("--format=json"), EXIT_OK);
	assert_string_equal(printed, "[]\n");
	assert_int_equal(RUN("--format=csv"), EXIT_OK);
	assert_memory_equal(printed, "time,earliest,", 14);
}

static void test_window(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=2025-11-13T02:00:00Z",
	    "--to=2025-11-13T03:00:00Z"), EXIT_OK);
	assert_non_null(strstr(printed, "registered"));
	assert_null(strstr(printed, "expire"));
	assert_int_equal(RUN("--since=50y"), EXIT_OK);
	assert_non_null(strstr(printed, "expire"));
}

static void test_utc(void **state)
{
	(void)state;
	setenv("TZ", "Asia/Shanghai", 1);
	tzset();
	assert_int_equal(RUN("--since=2025-11-13", "--limit=1"), EXIT_OK);
	assert_memory_equal(printed, "TIME (CST) ", 11);
	assert_non_null(strstr(printed, "\n2025-11-13 13:25:20.475  "));
	assert_int_equal(RUN("--utc", "--since=2025-11-13", "--limit=1"),
	    EXIT_OK);
	assert_memory_equal(printed, "TIME (UTC) ", 11);
	assert_non_null(strstr(printed, "\n2025-11-13 05:25:20.475  "));
}

static void test_wrong(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=5 minutes"), EXIT_USAGE);
	assert_non_null(strstr(printed,
	    "--since: \"5 minutes\" is no time"));
	assert_int_equal(RUN("--to=2026-13-01T00:00:00Z"), EXIT_USAGE);
	assert_non_null(strstr(printed, "--to: "));
	assert_int_equal(RUN("--since=1h", "--to=2h"), EXIT_USAGE);
	assert_non_null(strstr(printed, "empty"));
	assert_int_equal(RUN("--since=1h", "--from=2h"), EXIT_USAGE);
	assert_non_null(strstr(printed, "one of them"));
	assert_int_equal(RUN("a", "b"), EXIT_USAGE);
	assert_non_null(strstr(printed, "unexpected argument"));
	assert_int_equal(RUN("--limit=-1"), EXIT_USAGE);
	assert_int_equal(run(cli_events, "--storage.path=/nonexistent.db",
	    NULL), EXIT_FAILED);
	assert_string_equal(printed,
	    "rollcall events: /nonexistent.db: No such file or directory\n");
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_table), T(test_wide_table), T(test_json), T(test_csv),
		T(test_hostile_names), T(test_clusters), T(test_nothing),
		T(test_window), T(test_utc), T(test_wrong),
	};

	return cmocka_run_group_tests_name("cli/events", tests, NULL, NULL);
}
