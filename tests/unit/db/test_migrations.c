/* db/migrations.c, each step from the version before it, with rows in it:
 *	killed at any write: the file is of the old version with all that was in
 *	it, or of the new one; the next start goes on from there
 *	a disk that fails at any write: an error that names the step, the same
 *	interrupted in the middle of a statement: the same
 *	at the end nothing is lost */
#include "db/migrations.c"

#include <sys/wait.h>

#include "db/file.h"
#include "tests/unit/db/faulty_vfs.h"
#include "tests/unit/db/world.h"

static sqlite3 *connect_file(void)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sql_exec(db, "PRAGMA auto_vacuum=INCREMENTAL;"
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", NULL), 0);
	return db;
}

/* --- a file of an older version, with something in it --- */

/* The statements that fill version n, beginning with 1. */
static const char *const content[] = {
	"INSERT INTO meta VALUES('k', 1);"
	"INSERT INTO member_names VALUES(1,'im','a');"
	"INSERT INTO members(member, at_ms, up) WITH RECURSIVE n(i) AS"
	" (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
	" SELECT 1, i * 15000, 1 FROM n;"
	"INSERT INTO instances WITH RECURSIVE n(i) AS"
	" (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)"
	" SELECT i, 'im', '/a', 'a', 'i' || i, '/a/i' || i, NULL, NULL, NULL,"
	" 10, NULL, NULL, i, i, 0, NULL, 0 FROM n;"
	"INSERT INTO periods WITH RECURSIVE n(i) AS"
	" (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
	" SELECT i, 1 + i % 20, 1 + i / 20 % 2, 1 + i / 20 % 2,"
	" 1763000000000 + i * 1000, CASE WHEN i <= 580 THEN"
	" 1763000000000 + (i + 20) * 1000 END, NULL, NULL, i FROM n;",
	"",
};

#define WHAT_IS_IN(instances) \
	"SELECT (SELECT count(*) || ' ' || sum(at_ms) FROM members) || ' ' ||" \
	" (SELECT count(*) || ' ' || sum(modified_index) FROM " instances ")" \
	" || ' ' || (SELECT count(*) || ' ' || sum(from_ms) || ' ' ||" \
	"  sum(to_ms) || ' ' || sum(state * instance) || ' ' ||" \
	"  sum(etcd_index) FROM periods)"

/* What is in a file of version n, in a few words, which stay the same. */
static const char *const questions[] = {
	WHAT_IS_IN("instances"), WHAT_IS_IN("roll"),
};

enum { KNOWN = sizeof(questions) / sizeof(questions[0]) };

static void make_version(int64_t version)
{
	sqlite3 *db = connect_file();
	struct err e;

	for (int64_t v = 1; v <= version; v++) {
		if (run_step(db, v, &e) != 0)
			fail_msg("%s", e.text);
		if (v <= KNOWN && sql_exec(db, content[v - 1], &e) != 0)
			fail_msg("%s", e.text);
	}
	sqlite3_close(db);
}

static int64_t version_now(void)
{
	return ask("PRAGMA user_version");
}

static void check_file(int64_t old, const char *was)
{
	int64_t version = version_now();

	ask_equal("PRAGMA integrity_check", "ok");
	assert_in_range(version, old, migrations_latest());
	if (version == old && old > 0)
		ask_equal(questions[old - 1], was);
}

/* --- from one version to the latest, under difficulties --- */

struct trouble {
	const char *name;
	void (*begin)(sqlite3 *db, int n);
};

static void kill_at(sqlite3 *db, int n)
{
	(void)db;
	faulty.die_after = n;
}

static void fail_at(sqlite3 *db, int n)
{
	(void)db;
	faulty_fail(SQLITE_FULL, n - 1);
}

static void break_at(sqlite3 *db, int n)
{
	(void)db;
	faulty_fail(SQLITE_IOERR_WRITE, n - 1);
}

static int left;

static int count_down(void *arg)
{
	(void)arg;
	return --left <= 0;
}

static void interrupt_at(sqlite3 *db, int n)
{
	left = n;
	sqlite3_progress_handler(db, 20, count_down, NULL);
}

static int kill_when_counted(void *arg)
{
	(void)arg;
	if (--left <= 0)
		raise(SIGKILL);
	return 0;
}

static void kill_in_statement(sqlite3 *db, int n)
{
	left = n;
	sqlite3_progress_handler(db, 20, kill_when_counted, NULL);
}

static const struct trouble troubles[] = {
	{ "killed at a write", kill_at },
	{ "killed in a statement", kill_in_statement },
	{ "disk full", fail_at },
	{ "disk broken", break_at },
	{ "interrupted", interrupt_at },
};

/* In a process of its own.  True if it got through. */
static bool migrate(const struct trouble *t, int n)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct err e = { "" };
		sqlite3 *db = connect_file();
		int rc;

		t->begin(db, n);
		rc = migrations_run(db, &e);
		if (rc != 0 && strstr(e.text, "bring the schema to version")
		    == NULL)
			_exit(2);
		_exit(rc == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		fail_msg("%s: the error does not name the step", t->name);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void from_version(int64_t old, const struct trouble *t)
{
	char *was = NULL;
	int tries = 0, n = 1;
	bool through = false;

	while (!through) {
		folder_make();
		make_version(old);
		if (old > 0)
			was = ask_text(questions[old - 1]);
		through = migrate(t, n);
		check_file(old, was);
		/* The next start, on a disk that works. */
		assert_true(migrate(t, 1 << 30));
		assert_int_equal(version_now(), migrations_latest());
		ask_equal("PRAGMA integrity_check", "ok");
		if (old > 0)
			ask_equal(questions[migrations_latest() - 1], was);
		free(was);
		was = NULL;
		folder_remove();
		n += 1 + n / 2;
		tries++;
	}
	assert_true(tries > 3);
}

static void each_version(const struct trouble *t)
{
	for (int64_t old = 0; old < migrations_latest(); old++) {
		assert_int_equal(migrations_latest(), KNOWN);
		from_version(old, t);
	}
}

static void test_troubles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++)
		each_version(&troubles[i]);
}

/* All columns of all periods, as the second version's view has them. */
#define ALL_PERIODS \
	"SELECT group_concat(ifnull(id, '-') || ' ' || instance || ' ' ||" \
	" state || ' ' || cause || ' ' || from_ms || ' ' ||" \
	" ifnull(to_ms, '-') || ' ' || ifnull(earliest_ms, '-') || ' ' ||" \
	" ifnull(seen_ms, '-') || ' ' || ifnull(etcd_index, '-'), char(10))" \
	" FROM (SELECT * FROM periods ORDER BY id)"

/* Each state and cause, open and closed, with and without a doubt. */
static void test_stays_are_the_periods(void **state)
{
	char *before, *after;
	struct db_file f;
	struct err e;

	(void)state;
	folder_make();
	make_version(1);
	run_sql("DELETE FROM periods; INSERT INTO periods"
	    " WITH RECURSIVE n(i) AS"
	    " (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 720)"
	    " SELECT i, 1 + i % 20, 1 + i % 4, 1 + i % 9,"
	    " 1763000000000 + i * 1000,"
	    " CASE WHEN i % 7 THEN 1763000000000 + i * 1017 END,"
	    " CASE WHEN i % 3 = 0 THEN 1763000000000 + i * 999 END,"
	    " CASE WHEN i % 5 = 0 THEN 1763000000000 + i * 1003 END,"
	    " CASE WHEN i % 2 THEN i END FROM n");
	before = ask_text(ALL_PERIODS);
	assert_int_equal(file_open(&f, path, &e), 0);
	file_close(&f);
	after = ask_text(ALL_PERIODS);
	assert_string_equal(before, after);
	free(before);
	free(after);
	/* Who is walked back to, and when it began is in doubt. */
	assert_int_equal(ask("SELECT count(*) FROM stays s WHERE back IS NOT"
	    " (SELECT s.id - max(o.id) FROM stays o"
	    "  WHERE o.instance = s.instance AND o.id < s.id)"), 0);
	assert_int_equal(ask("SELECT count(*) FROM roll WHERE last_stay IS NOT"
	    " (SELECT max(id) FROM stays WHERE instance = roll.id)"), 0);
	assert_int_equal(ask("SELECT count(*) FROM stays JOIN periods"
	    " USING(id) WHERE (what >= 64) <> (cause NOT IN (2, 4, 7) AND"
	    " ifnull(earliest_ms, 0) + ifnull(seen_ms, 0) > 0)"), 0);
	folder_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stays_are_the_periods),
		cmocka_unit_test(test_troubles),
	};

	faulty_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
