/* What history costs and how long its answers take; each figure is one line:
 * name value unit.
 *	build/bench/history [INSTANCES DAYS PERIODS MEMBER_DAYS [FILE]]
 *		default 10000 365 100 30, in a temporary folder
 * The database is written by the statements and transactions of the daemon.
 * Instances stand in services of a hundred, go down PERIODS / 2 times for one
 * to twenty minutes each, and the daemon was restarted once in twelve days.
 * Five members are polled every 15 s, one of them has four followers.  Times
 * are medians of several runs, each by a session of its own, as a command is;
 * with FILE the database is kept, and only asked if it is there. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/history_fill.h"
#include "db/history.h"

enum { RUNS = 7 };

/* --- sizes --- */

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;
	int64_t v;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		die("%s: %s", sql, sqlite3_errmsg(db));
	v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return v;
}

static void print_sizes(const char *path)
{
	sqlite3 *db;
	double samples;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != 0)
		die("%s: %s", path, sqlite3_errmsg(db));
	printf("history_period_bytes %.1f B\n", (double)ask(db,
	    "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM"
	    " sqlite_schema WHERE tbl_name = 'stays')") /
	    (double)ask(db, "SELECT count(*) FROM stays"));
	samples = (double)ask(db, "SELECT count(*) FROM members") *
	    MEMBER_VALUES + (double)ask(db, "SELECT count(*) FROM followers") *
	    FOLLOWER_VALUES;
	if (samples > 0)
		printf("history_sample_bytes %.2f B\n", (double)ask(db,
		    "SELECT sum(pgsize) FROM dbstat"
		    " WHERE name IN ('members', 'followers')") / samples);
	sqlite3_close(db);
}

/* --- questions --- */

static size_t told;

static bool see_uptime(const struct history_uptime *row, void *arg)
{
	(void)row;
	(void)arg;
	told++;
	return true;
}

static bool see_outage(const struct history_outage *row, void *arg)
{
	(void)row;
	(void)arg;
	told++;
	return true;
}

static bool see_event(const struct history_event *row, void *arg)
{
	(void)row;
	(void)arg;
	told++;
	return true;
}

static enum history_rc ask_range(const struct history_source *source,
    void *session, enum history_of of, const char *service, int days,
    int step_days, struct err *e)
{
	wall_t edges[400];
	struct history_uptime_query q = {
		.who.service = service, .of = of, .edges = edges,
		.min_instances = -1,
	};

	for (int d = days; d >= 0; d -= step_days)
		edges[q.nedges++].ms = END - d * DAY;
	return source->uptime(session, &q, see_uptime, NULL, e);
}

static enum history_rc all_year(const struct history_source *source,
    void *session, struct err *e)
{
	return ask_range(source, session, HISTORY_INSTANCES, NULL, 365, 365,
	    e);
}

static enum history_rc all_30d(const struct history_source *source,
    void *session, struct err *e)
{
	return ask_range(source, session, HISTORY_INSTANCES, NULL, 30, 30, e);
}

static enum history_rc services_year(const struct history_source *source,
    void *session, struct err *e)
{
	return ask_range(source, session, HISTORY_SERVICES, NULL, 365, 365,
	    e);
}

static enum history_rc services_30d(const struct history_source *source,
    void *session, struct err *e)
{
	return ask_range(source, session, HISTORY_SERVICES, NULL, 30, 30, e);
}

static enum history_rc service_by_day(const struct history_source *source,
    void *session, struct err *e)
{
	return ask_range(source, session, HISTORY_SERVICES, "service_003", 90,
	    1, e);
}

static enum history_rc last_events(const struct history_source *source,
    void *session, struct err *e)
{
	const struct history_events_query q = {
		.limit = 100, .newest_first = true,
	};

	return source->events(session, &q, see_event, NULL, e);
}

static enum history_rc outages_of_one(const struct history_source *source,
    void *session, struct err *e)
{
	const struct history_outages_query q = {
		.who = { NULL, "service_003", "0003-0042" },
		.of = HISTORY_INSTANCES, .from.ms = END - 365 * DAY,
		.to.ms = END, .min_instances = -1,
	};

	return source->outages(session, &q, see_outage, NULL, e);
}

static enum history_rc last_outages(const struct history_source *source,
    void *session, struct err *e)
{
	const struct history_outages_query q = {
		.of = HISTORY_INSTANCES, .from.ms = END - DAY,
		.to.ms = END, .min_instances = -1, .limit = 50,
	};

	return source->outages(session, &q, see_outage, NULL, e);
}

static const struct {
	const char *name;
	enum history_rc (*ask)(const struct history_source *source,
	    void *session, struct err *e);
} questions[] = {
	{ "all_year", all_year }, { "all_30d", all_30d },
	{ "services_year", services_year }, { "services_30d", services_30d },
	{ "service_by_day", service_by_day }, { "last_events", last_events },
	{ "outages_of_one", outages_of_one },
	{ "last_outages", last_outages },
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void time_question(const struct history_source *source, size_t i)
{
	double ms[RUNS];

	for (int run = 0; run < RUNS; run++) {
		int64_t began = clock_mono_us();
		struct err e;
		void *session = source->open(source->arg, &e);

		told = 0;
		if (session == NULL ||
		    questions[i].ask(source, session, &e) != HISTORY_OK)
			die("%s: %s", questions[i].name, e.text);
		source->close(session);
		ms[run] = seconds_since(began) * 1000;
	}
	qsort(ms, RUNS, sizeof(ms[0]), compare);
	printf("history_%s %.2f ms\n", questions[i].name, ms[RUNS / 2]);
	printf("# %zu rows, %.2f to %.2f ms\n", told, ms[0], ms[RUNS - 1]);
}

static long number(int argc, char **argv, int i, long otherwise)
{
	return argc > i ? atol(argv[i]) : otherwise;
}

int main(int argc, char **argv)
{
	struct size s = {
		.instances = number(argc, argv, 1, 10000),
		.days = number(argc, argv, 2, 365),
		.periods = number(argc, argv, 3, 100),
		.member_days = number(argc, argv, 4, 30),
	};
	char folder[] = "/tmp/rollcall-bench-XXXXXX", *path;
	struct history_source source;
	struct stat st;

	s.from = END - s.days * DAY;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 5)
		path = xstrdup(argv[5]);
	else if (mkdtemp(folder) != NULL)
		path = xasprintf("%s/rollcall.db", folder);
	else
		die("%s: cannot be made", folder);
	if (stat(path, &st) != 0)
		write_all(path, &s);
	print_sizes(path);
	source = history_of_file(path);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		time_question(&source, i);
	if (argc <= 5) {
		char *command = xasprintf("rm -rf %s", folder);

		if (system(command) != 0)
			die("%s: cannot be removed", folder);
		free(command);
	}
	free(path);
	return 0;
}
