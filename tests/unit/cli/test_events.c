/* cli/events.c with its printers, on a database made by hand:
 *	the three formats; the table in 80 columns and in more
 *	what would steer a terminal, several clusters, lengths rounded
 *	nothing to show; wrong flags; no database */
#include "cli/events.c"
#include "cli/events_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "db/db.h"

static char folder[64], database[128], printed[65536];

static void sql(const char *text)
{
	sqlite3 *db;
	char *error = NULL;

	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s", error);
	sqlite3_close(db);
}

static int setup(void **state)
{
	struct err e;
	struct db *db;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	snprintf(folder, sizeof(folder), "/tmp/rollcall-events-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(database, sizeof(database), "%s/h.db", folder);
	db = db_open(database, &e);
	assert_non_null(db);
	assert_true(db_close(db, 0));
	sql("INSERT INTO roll SELECT 1, 'im', '/login_servers',"
	    " 'login_server', '0001-0001', '/login_servers/0001-0001', 'v',"
	    " '10.0.0.7:8008', NULL, 10, NULL, NULL, 5, 6, 1, NULL, 0, NULL;"
	    "INSERT INTO stays VALUES(1, 1, 0, 1763000000000, 11520475, 0, 0,"
	    " NULL, 41);"
	    "INSERT INTO stays VALUES(2, 1, 5, 1763011520475, NULL, 5475, 26,"
	    " 1, 42);");
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
	return 0;
}

/* Runs the command with these flags, both streams into printed. */
static int run(const char *flag, ...)
{
	char name[] = "events", *argv[16] = { name };
	int argc = 1, out = dup(1), err = dup(2), rc;
	FILE *to = tmpfile();
	va_list ap;
	size_t n;

	va_start(ap, flag);
	for (; flag != NULL; flag = va_arg(ap, const char *))
		argv[argc++] = xstrdup(flag);
	va_end(ap);
	fflush(stdout);
	dup2(fileno(to), 1);
	dup2(fileno(to), 2);
	rc = cli_events(argc, argv);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	rewind(to);
	n = fread(printed, 1, sizeof(printed) - 1, to);
	printed[n] = '\0';
	fclose(to);
	while (argc > 1)
		free(argv[--argc]);
	return rc;
}

#define RUN(...) \
	run("--storage.path", database, __VA_ARGS__, NULL)

static void test_table(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=0"), EXIT_OK);
	assert_string_equal(printed,
	    "TIME (UTC)               SERVICE/INSTANCE        STATE    CAUSE"
	    "       AFTER\n"
	    "2025-11-13 02:13:20.000  login_server/0001-0001  up      "
	    " registered  first seen\n"
	    "2025-11-13 05:25:20.475  login_server/0001-0001  expired  expire"
	    "      up 3h12m\n");
}

static void test_wide_table(void **state)
{
	const struct history_events_query q = { .limit = 1 };
	struct history_source source = history_of_file(database);
	void *session;
	struct events_printer *p;
	char text[512] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct err e;

	(void)state;
	p = events_printer_new(out, EVENTS_TABLE, 120);
	session = source.open(source.arg, &e);
	assert_non_null(session);
	assert_int_equal(source.events(session, &q, events_print, p, &e),
	    HISTORY_OK);
	source.close(session);
	events_printer_end(p, (wall_t){ 0 });
	fclose(out);
	assert_string_equal(text,
	    "TIME (UTC)               SERVICE/INSTANCE        STATE    CAUSE "
	    "  AFTER     ADDRESS\n"
	    "2025-11-13 05:25:20.475  login_server/0001-0001  expired  expire"
	    "  up 3h12m  10.0.0.7:8008\n");
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
	assert_int_equal(RUN("--since=0", "--limit=1"), EXIT_OK);
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
	assert_int_equal(RUN("--since=0"), EXIT_OK);
	assert_non_null(strstr(printed, "im: login_server/0001-0001"));
	assert_non_null(strstr(printed, "b: login_server/0001-0001"));
	assert_int_equal(RUN("--since=0", "--cluster=b"), EXIT_OK);
	assert_null(strstr(printed, "im: "));
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=2026-01-02T03:04:05Z"), EXIT_OK);
	assert_string_equal(printed, "no events since 2026-01-02 03:04:05\n");
	assert_int_equal(RUN("--since=0", "--service=x"), EXIT_OK);
	assert_string_equal(printed, "no events\n");
	assert_int_equal(RUN("--format=json"), EXIT_OK);
	assert_string_equal(printed, "[]\n");
	assert_int_equal(RUN("--format=csv"), EXIT_OK);
	assert_memory_equal(printed, "time,earliest,", 14);
}

static void test_window(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=2025-11-13T02:00:00Z",
	    "--until=2025-11-13T03:00:00Z"), EXIT_OK);
	assert_non_null(strstr(printed, "registered"));
	assert_null(strstr(printed, "expire"));
	assert_int_equal(RUN("--since=100y"), EXIT_OK);
	assert_non_null(strstr(printed, "expire"));
}

static void test_wrong(void **state)
{
	(void)state;
	assert_int_equal(RUN("--since=5 minutes"), EXIT_USAGE);
	assert_non_null(strstr(printed, "--since: unknown unit"));
	assert_int_equal(RUN("--until=2026-13-01T00:00:00Z"), EXIT_USAGE);
	assert_non_null(strstr(printed, "--until: "));
	assert_int_equal(RUN("--since=1h", "--until=2h"), EXIT_USAGE);
	assert_non_null(strstr(printed, "before"));
	assert_int_equal(RUN("--limit=-1"), EXIT_USAGE);
	assert_int_equal(run("--storage.path=/nonexistent.db", NULL),
	    EXIT_FAILED);
	assert_string_equal(printed,
	    "rollcall events: /nonexistent.db: No such file or directory\n");
}

static void test_rounding(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "0s" }, { 7, "7ms" }, { 999, "999ms" },
		{ 1234, "1s200ms" }, { 12345, "12s" }, { 75999, "1m15s" },
		{ 3600000 + 65000, "1h1m" }, { 90061000, "1d1h" },
	};
	char out[TIMEFMT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(timefmt_duration(
		    events_round_down(cases[i].ms), out), cases[i].text);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_table), T(test_wide_table), T(test_json), T(test_csv),
		T(test_hostile_names), T(test_clusters), T(test_nothing),
		T(test_window), T(test_wrong),
		cmocka_unit_test(test_rounding),
	};

	return cmocka_run_group_tests_name("cli/events", tests, NULL, NULL);
}
