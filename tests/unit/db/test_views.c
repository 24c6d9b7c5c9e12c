/* The views of uptime for the sqlite3 prompt (db/schema_2.c), held against what
 * the commands answer: random stays, gaps in watching and overlapping windows
 * of maintenance within the last 20 hours. */
#include "db/uptime_instances.c"

#include <math.h>

#include "core/err.h"
#include "db/file.h"
#include "db/history.h"
#include "db/statements.h"
#include "tests/unit/db/world.h"
#include "tests/unit/seeded.h"

enum { INSTANCES = 12, HOUR = 3600000 };

static sqlite3 *db;
static int64_t now;

static void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *fmt, ...)
{
	char text[512], *error = NULL;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", text, error);
}

static int64_t some(int64_t ms)
{
	return 1 + (int64_t)seeded_below((size_t)ms);
}

static void make_stays(sqlite3_stmt *put, int k, int64_t *id)
{
	static const int states[] = { 1, 2, 1, 3, 1, 4 };
	static const int causes[] = { 1, 2, 1, 6, 1, 3 };
	int64_t t = now - 20 * HOUR + some(HOUR);

	run("INSERT INTO roll VALUES(%d, 'c', '/d', 's', 'i%d', 'k', 'v',"
	    " NULL, NULL, 10, NULL, NULL, 1, 1, 0, NULL, 0, NULL)", k, k);
	for (size_t i = 0; i < 6; i++) {
		const int64_t values[] = { *id, k, states[i], causes[i], t, t,
			t, 1 };

		if (i > 0)
			run("UPDATE stays SET length_ms = %lld - from_ms"
			    " WHERE id = %lld", (long long)t,
			    (long long)*id - 1);
		for (int n = 0; n < 8; n++)
			sqlite3_bind_int64(put, n + 1, values[n]);
		assert_int_equal(sqlite3_step(put), SQLITE_DONE);
		sqlite3_reset(put);
		++*id;
		t += some(4 * HOUR);
		if (seeded_below(8) == 0)
			break;
	}
}

static void make(void)
{
	sqlite3_stmt *put;
	int64_t id = 1, t = now - 20 * HOUR;

	assert_int_equal(sqlite3_prepare_v2(db,
	    statements[SQL_PERIOD_BEGIN].sql, -1, &put, NULL), SQLITE_OK);
	for (int k = 1; k <= INSTANCES; k++)
		make_stays(put, k, &id);
	sqlite3_finalize(put);
	/* Up to an hour ago: so it does not matter when the view is asked. */
	while (t < now - 4 * HOUR) {
		int64_t to = t + some(3 * HOUR);

		run("INSERT INTO watching VALUES(NULL, 'c', '/d', %lld, %lld,"
		    " 1)", (long long)t, (long long)to);
		t = to + some(HOUR / 2);
	}
	for (int i = 0; i < 4; i++) {
		int64_t from = now - 20 * HOUR + some(15 * HOUR);

		run("INSERT INTO maintenance VALUES(NULL, %s, %s, %s, %lld,"
		    " %lld, 0, NULL, '', '', 1)", i % 2 ? "'c'" : "NULL",
		    i == 3 ? "NULL" : "'s'", i < 2 ? "'i3'" : "NULL",
		    (long long)from, (long long)(from + some(2 * HOUR)));
	}
}

struct comparing {
	sqlite3_stmt *view;
	int rows;
};

static void near(double a, double b, double most, const char *what)
{
	if (!(fabs(a - b) <= most))
		fail_msg("%s: %f is not %f", what, a, b);
}

static bool see(const struct history_uptime *row, void *arg)
{
	struct comparing *c = arg;
	sqlite3_stmt *v = c->view;
	bool judged = row->up_ms + row->down_ms > 0;

	sqlite3_reset(v);
	sqlite3_bind_text(v, 1, row->instance, -1, SQLITE_STATIC);
	/* Who was only unknown or in maintenance may be left out. */
	if (sqlite3_step(v) != SQLITE_ROW) {
		assert_false(judged);
		return true;
	}
	c->rows++;
	near(sqlite3_column_double(v, 2) * 1000, (double)row->up_ms, 0.5,
	    "up");
	near(sqlite3_column_double(v, 3) * 1000, (double)row->down_ms, 0.5,
	    "down");
	near(sqlite3_column_double(v, 1), row->coverage, 0.001, "coverage");
	if (judged)
		near(sqlite3_column_double(v, 0), row->uptime, 1e-9,
		    "uptime");
	else
		assert_int_equal(sqlite3_column_type(v, 0), SQLITE_NULL);
	return true;
}

static void compare(const char *view, int days)
{
	struct history_source source = history_of_file(path);
	const wall_t edges[] = { { now - days * INT64_C(24) * HOUR }, { now } };
	const struct history_uptime_query q = {
		.of = HISTORY_INSTANCES, .edges = edges, .nedges = 2,
		.min_instances = -1,
	};
	struct comparing c = { NULL, 0 };
	char sql[160];
	struct err e;
	void *session = source.open(source.arg, &e);

	snprintf(sql, sizeof(sql), "SELECT uptime, coverage, up_seconds,"
	    " down_seconds FROM %s WHERE instance = ?", view);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &c.view, NULL),
	    SQLITE_OK);
	assert_non_null(session);
	if (source.uptime(session, &q, see, &c, &e) != HISTORY_OK)
		fail_msg("%s", e.text);
	source.close(session);
	sqlite3_finalize(c.view);
	assert_int_equal(c.rows, INSTANCES);
}

static void test_views(void **state)
{
	struct db_file f;
	struct err e;

	(void)state;
	seeded_start();
	for (int i = 0; i < 20; i++) {
		folder_make();
		now = clock_wall().ms;
		assert_int_equal(file_open(&f, path, &e), 0);
		file_close(&f);
		assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
		run("PRAGMA synchronous = OFF");
		make();
		compare("uptime_24h", 1);
		compare("uptime_7d", 7);
		sqlite3_close(db);
		folder_remove();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_views) };

	return cmocka_run_group_tests_name("db/views", tests, NULL, NULL);
}
