/* The examples of docs/UPTIME.md, read from there and run:
 *	watched FROM-TO			times of one day, HH:MM
 *	TIME NAME STATE CAUSE [earliest TIME seen TIME]
 *	maintenance FROM-TO [NAME]
 *	expected TIME MIN
 *	ask instances|services [min N] FROM-TO [FROM-TO...]
 * and below a question its rows: NAME field=value... */
#include "db/uptime_instances.c"

#include <math.h>

#include "core/err.h"
#include "core/timefmt.h"
#include "db/file.h"
#include "db/history.h"
#include "db/statements.h"
#include "tests/unit/db/world.h"

static sqlite3 *db;
static sqlite3_stmt *put_stay;
static int64_t next_id;
static int examples, rows;

static struct told {
	char name[16];
	struct history_uptime row;
} told[64];
static size_t ntold, next;

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

static int64_t at(const char *text)
{
	int h, m;

	if (sscanf(text, "%d:%d", &h, &m) != 2)
		fail_msg("\"%s\" is no time", text);
	return T0 + (h * 60 + m) * INT64_C(60000);
}

static int64_t index_of(const char *const *words, int n, const char *word)
{
	for (int i = 1; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	fail_msg("\"%s\" is no word of history", word);
	return 0;
}

static void add_stay(char *line)
{
	static const char *const states[] = { "", "up", "expired", "lost",
		"deregistered" };
	static const char *const causes[] = { "", "registered", "expire",
		"delete", "dir_expire", "dir_delete", "diff", "etcd_outage",
		"forgotten", "unwatched" };
	char time[16], name[16], state[16], cause[16], earliest[16], seen[16];
	int n = sscanf(line, "%15s %15s %15s %15s earliest %15s seen %15s",
	    time, name, state, cause, earliest, seen);
	const int64_t values[] = { next_id++, name[0], index_of(states, 5,
	    state), index_of(causes, 10, cause), at(time),
	    at(n == 6 ? earliest : time), at(n == 6 ? seen : time), 1 };

	assert_true(n == 4 || n == 6);
	run("INSERT OR IGNORE INTO roll VALUES(%d, 'c', '/d', 's', '%s', 'k',"
	    " 'v', NULL, NULL, 10, NULL, NULL, 1, 1, 0, NULL, 0, NULL)",
	    name[0], name);
	for (int i = 0; i < 8; i++)
		sqlite3_bind_int64(put_stay, i + 1, values[i]);
	assert_int_equal(sqlite3_step(put_stay), SQLITE_DONE);
	sqlite3_reset(put_stay);
}

static bool see(const struct history_uptime *row, void *arg)
{
	(void)arg;
	assert_true(ntold < 64);
	snprintf(told[ntold].name, sizeof(told[ntold].name), "%s",
	    row->instance != NULL ? row->instance : row->service);
	told[ntold++].row = *row;
	return true;
}

static void ask_rows(char *line)
{
	struct history_source source = history_of_file(path);
	wall_t edges[8];
	struct history_uptime_query q = { .edges = edges,
	    .min_instances = -1 };
	struct err e = { "" };
	void *session = source.open(source.arg, &e);
	char *word;

	assert_non_null(session);
	assert_int_equal(next, ntold);	/* all of the last were looked at */
	ntold = next = 0;
	for (word = strtok(line, " \n"); word != NULL;
	    word = strtok(NULL, " \n")) {
		if (strcmp(word, "instances") == 0)
			q.of = HISTORY_INSTANCES;
		else if (strcmp(word, "min") == 0)
			q.min_instances = atoi(strtok(NULL, " \n"));
		else if (strchr(word, '-') != NULL) {
			if (q.nedges == 0)
				edges[q.nedges++].ms = at(word);
			edges[q.nedges++].ms = at(strchr(word, '-') + 1);
		}
	}
	if (source.uptime(session, &q, see, NULL, &e) != HISTORY_OK)
		fail_msg("%s", e.text);
	source.close(session);
}

#define MS(name, member) { name, offsetof(struct history_uptime, member), 'm' }
#define RATIO(name, member) \
	{ name, offsetof(struct history_uptime, member), 'r' }
#define COUNT(name, member) \
	{ name, offsetof(struct history_uptime, member), 'n' }

static const struct {
	const char *name;
	size_t offset;
	char type;
} fields[] = {
	MS("up", up_ms), MS("down", down_ms), MS("none", none_ms),
	MS("maintenance", maintenance_ms), MS("absent", absent_ms),
	MS("unknown", unknown_ms), MS("longest", longest_ms),
	MS("mtbf", mtbf_ms), MS("mttr", mttr_ms), RATIO("uptime", uptime),
	RATIO("low", uptime_low), RATIO("high", uptime_high),
	RATIO("coverage", coverage), COUNT("outages", outages),
};

static void compare(const struct history_uptime *row, const char *name,
    const char *value)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *p = (const char *)row + fields[i].offset;
		char text[TIMEFMT_MAX];
		int64_t v;
		double d;

		if (strcmp(fields[i].name, name) != 0)
			continue;
		memcpy(&v, p, sizeof(v));
		memcpy(&d, p, sizeof(d));
		if (fields[i].type == 'm')
			timefmt_duration(v, text);
		else if (fields[i].type == 'r')
			snprintf(text, sizeof(text), "%.9g", d);
		else
			snprintf(text, sizeof(text), "%d", (int)v);
		if (strcmp(text, value) != 0)
			fail_msg("%s is %s, not %s", name, text, value);
		return;
	}
	fail_msg("no field \"%s\"", name);
}

static void check_row(char *line)
{
	char *word = strtok(line, " \n"), *value;

	if (next == ntold)
		fail_msg("one row more than there is: %s", line);
	assert_string_equal(told[next].name, word);
	while ((word = strtok(NULL, " \n")) != NULL) {
		value = strchr(word, '=');
		assert_non_null(value);
		*value = '\0';
		compare(&told[next].row, word, value + 1);
	}
	next++;
	rows++;
}

static void begin_example(void)
{
	examples++;
	next_id = 1;
	run("DELETE FROM stays; DELETE FROM roll; DELETE FROM watching;"
	    "DELETE FROM maintenance; DELETE FROM expectations");
}

static void do_line(char *line)
{
	char a[16], b[16], name[16] = "";
	int min;

	if (sscanf(line, "watched %15[^-]-%15s", a, b) == 2)
		run("INSERT INTO watching VALUES(NULL, 'c', '/d', %lld, %lld,"
		    " 1)", (long long)at(a), (long long)at(b));
	else if (sscanf(line, "maintenance %15[^-]-%15s %15s", a, b,
	    name) >= 2)
		run("INSERT INTO maintenance VALUES(NULL, 'c', 's', %s%s%s,"
		    " %lld, %lld, 0, NULL, '', '', 1)", *name ? "'" : "NULL",
		    name, *name ? "'" : "", (long long)at(a),
		    (long long)at(b));
	else if (sscanf(line, "expected %15s %d", a, &min) == 2)
		run("INSERT INTO expectations VALUES('c', 's', %lld, %d)",
		    (long long)at(a), min);
	else if (strncmp(line, "ask ", 4) == 0)
		ask_rows(line + 4);
	else if (line[2] == ':')
		add_stay(line);
	else
		check_row(line);
}

static void test_page(void **state)
{
	FILE *page = fopen("docs/UPTIME.md", "r");
	bool inside = false;
	char line[256];

	(void)state;
	assert_non_null(page);
	while (fgets(line, sizeof(line), page) != NULL) {
		if (strcmp(line, "```example\n") == 0) {
			inside = true;
			begin_example();
		} else if (strncmp(line, "```", 3) == 0) {
			inside = false;
		} else if (inside) {
			do_line(line);
		}
	}
	fclose(page);
	assert_int_equal(next, ntold);
	printf("%d examples, %d rows\n", examples, rows);
	assert_true(examples >= 8 && rows >= 12);
}

static int setup(void **state)
{
	struct db_file f;
	struct err e;

	(void)state;
	folder_make();
	assert_int_equal(file_open(&f, path, &e), 0);
	file_close(&f);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
	    statements[SQL_PERIOD_BEGIN].sql, -1, &put_stay, NULL), SQLITE_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sqlite3_finalize(put_stay);
	sqlite3_close(db);
	folder_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_page, setup, teardown),
	};

	return cmocka_run_group_tests_name("docs/UPTIME.md", tests, NULL,
	    NULL);
}
