/* db/tool_*.c on a database with a bit of everything in it:
 *	export, import and export again give the same text; odd texts, large
 *	numbers, blobs; what is cut off or damaged is refused and leaves nothing
 *	a backup is whole, beside a writer too, and replaces nothing unasked,
 *	nor what appears while it is made
 *	each kind of thing that can be wrong is found by the check
 *	vacuum; refused while another has the lock
 *	what is interrupted leaves nothing behind, and nothing changed */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

static bool no_links;

/* As on a vfat. */
static int link_or_not(const char *from, const char *to)
{
	if (!no_links)
		return link(from, to);
	errno = EPERM;
	return -1;
}

#define link link_or_not
#include "db/tool_backup.c"

#include <glob.h>
#include <sys/stat.h>

#include "db/file.h"
#include "db/lock.h"
#include "tests/unit/db/world.h"
#include "tests/unit/seeded.h"

static char other[160], text_name[160];

static int setup(void **state)
{
	struct db_file f;
	struct err e;

	(void)state;
	folder_make();
	snprintf(other, sizeof(other), "%s/other.db", folder);
	snprintf(text_name, sizeof(text_name), "%s/text", folder);
	assert_int_equal(file_open(&f, path, &e), 0);
	file_close(&f);
	run_sql("INSERT INTO roll WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < 20) SELECT i, 'im', '/a', 'a',"
	    " 'i' || i, '/a/i' || i, 'v', NULL, NULL, 10, NULL, NULL, i, i, 0,"
	    " NULL, 0, NULL FROM n;"
	    "INSERT INTO stays WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < 200) SELECT i, 1 + i % 20,"
	    " CASE i / 20 % 2 WHEN 0 THEN 0 ELSE 5 END,"
	    " 1763000000000 + i * 1000, CASE WHEN i <= 180 THEN 20000 END, 0,"
	    " 0, CASE WHEN i > 20 THEN 20 END, i FROM n;"
	    "INSERT INTO watching VALUES(1, 'im', '/a', 1763000000000,"
	    " 1763000900000, 1);"
	    "INSERT INTO maintenance VALUES(1, 'im', 'a', NULL, 5, 9, 0, NULL,"
	    " 'why', 'me', 5)");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove();
	return 0;
}

/* Free the result. */
static char *exported(const char *database)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	int64_t rows;
	struct err e = { "" };

	if (tool_export(database, out, NULL, &rows, &e) != 0)
		fail_msg("%s", e.text);
	fclose(out);
	return text;
}

static int import_text(const char *database, const char *text, size_t n,
    struct err *e)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, n, "r");
	int64_t rows;
	int rc = tool_import(database, in, "text", &rows, e);

	fclose(in);
	return rc;
}

static void must_come_back(void)
{
	char *text = exported(path), *again;
	struct err e = { "" };

	unlink(other);
	if (import_text(other, text, strlen(text), &e) != 0)
		fail_msg("%s", e.text);
	again = exported(other);
	assert_string_equal(again, text);
	free(text);
	free(again);
}

static void test_round_trip(void **state)
{
	(void)state;
	must_come_back();
	run_sql("UPDATE roll SET value = char(1, 10, 34, 92, 127, 8232) || 'ä'"
	    " WHERE id = 1;"
	    "UPDATE roll SET value = CAST(x'ff00fe' AS TEXT) WHERE id = 2;"
	    "UPDATE roll SET value = x'00ff' WHERE id = 3;"
	    "UPDATE roll SET value = '' WHERE id = 4;"
	    "UPDATE roll SET value = 0.1 WHERE id = 5;"
	    "UPDATE roll SET created_index = 9223372036854775807,"
	    " modified_index = -9223372036854775807 - 1 WHERE id = 6;"
	    "UPDATE roll SET created_index = 9007199254740993 WHERE id = 7");
	must_come_back();
}

/* Any bytes in any column that takes them. */
static void test_random_values(void **state)
{
	sqlite3_stmt *s;
	sqlite3 *db;

	(void)state;
	seeded_start();
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db, "INSERT INTO meta VALUES(?, ?)", -1, &s, NULL);
	for (int i = 0; i < 300; i++) {
		char bytes[40], key[16];
		size_t n = seeded_below(sizeof(bytes));

		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)seeded();
		snprintf(key, sizeof(key), "k%d", i);
		sqlite3_bind_text(s, 1, key, -1, SQLITE_TRANSIENT);
		if (i % 3 == 0)
			sqlite3_bind_text(s, 2, bytes, (int)n,
			    SQLITE_TRANSIENT);
		else if (i % 3 == 1)
			sqlite3_bind_blob(s, 2, bytes, (int)n,
			    SQLITE_TRANSIENT);
		else
			sqlite3_bind_int64(s, 2, (int64_t)seeded() >>
			    seeded_below(64));
		assert_int_equal(sqlite3_step(s), SQLITE_DONE);
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	must_come_back();
}

static bool is_there(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0;
}

static size_t files(const char *names)
{
	char *pattern = xasprintf("%s/%s", folder, names);
	glob_t g;
	size_t n;

	n = glob(pattern, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
	globfree(&g);
	free(pattern);
	return n;
}

static void must_refuse(const char *text, size_t n, const char *why)
{
	struct err e = { "" };

	assert_int_equal(import_text(other, text, n, &e), -1);
	if (strstr(e.text, why) == NULL)
		fail_msg("unexpected: %s", e.text);
	assert_false(is_there(other));
}

/* Free the result. */
static char *replaced(const char *text, const char *what, const char *with)
{
	const char *at = strstr(text, what);

	assert_non_null(at);
	return xasprintf("%.*s%s%s", (int)(at - text), text, with,
	    at + strlen(what));
}

/* The line of a table without rows, and the number of rows. */
static void test_bad_import_of_all(void **state)
{
	char *text = exported(path), *bad;

	(void)state;
	bad = replaced(text, "{\"table\":\"clock_jumps\",\"columns\":"
	    "[\"at_ms\",\"jump_ms\"]}\n", "");
	must_refuse(bad, strlen(bad), "table \"clock_jumps\" is missing");
	free(bad);
	bad = replaced(text, "\"end\":true,\"rows\":2",
	    "\"end\":true,\"rows\":1");
	must_refuse(bad, strlen(bad), "it should have 122 rows, and has 222");
	free(bad);
	bad = xasprintf("%s[1]\n", text);
	must_refuse(bad, strlen(bad), "something behind the end");
	free(bad);
	free(text);
}

static void test_bad_imports(void **state)
{
	static const char head[] = "{\"rollcall_export\":1,\"schema\":2}\n";
	char *text = exported(path), lines[512];
	const char *const bad[][2] = {
		{ "{\"table\":\"photos\",\"columns\":[\"a\"]}", "photos" },
		{ "{\"table\":\"meta\",\"columns\":[\"a\"]}", "column \"a\"" },
		{ "{\"table\":\"meta\",\"columns\":[]}", "without columns" },
		{ "[1]", "before any table" },
		{ "{\"table\":\"meta\",\"columns\":[\"key\"]}\n[1,2]",
		  "2 values for 1" },
		{ "{\"table\":\"meta\",\"columns\":[\"key\"]}\n[1.5]",
		  "\"key\" cannot be read" },
		{ "{\"table\":\"meta\",\"columns\":[\"key\"]}"
		  "\n[{\"blob\":\"0x\"}]", "cannot be read" },
		{ "{\"table\":\"meta\",\"columns\":[\"key\"]}\n[\"a\"]\n"
		  "[\"a\"]", "text:4: insert: UNIQUE" },
		{ "{\"table\":\"meta\",\"columns\":[\"key\"]}\n[\"a\"]\n"
		  "{\"table\":\"meta\",\"columns\":[\"key\"]}",
		  "text:4: table \"meta\" for a second time: it began in"
		  " line 2" },
		{ "{\"table\":\"alerts\",\"columns\":[\"state\"]}\n"
		  "{\"end\":true,\"rows\":0}", "text:3: this is the end, but"
		  " the line of table \"clock_jumps\" is missing" },
		{ "nonsense", "text:2" },
	};

	(void)state;
	/* Wherever it is cut off; at the very end only a newline is missing. */
	for (size_t n = 1; n + 1 < strlen(text); n += 1 + n / 7)
		must_refuse(text, n, "text:");
	must_refuse("{\"rollcall_export\":1,\"schema\":9}\n", 35, "version 9");
	must_refuse("{}\n", 3, "no export of rollcall");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(lines, sizeof(lines), "%s%s\n", head, bad[i][0]);
		must_refuse(lines, strlen(lines), bad[i][1]);
	}
	free(text);
}

/* Into what is not empty nothing is put, and nothing is lost of it. */
static void test_import_into_something(void **state)
{
	char *text = exported(path), *again;
	struct err e = { "" };

	(void)state;
	assert_int_equal(import_text(path, text, strlen(text), &e), -1);
	assert_non_null(strstr(e.text, "is not empty"));
	again = exported(path);
	assert_string_equal(again, text);
	free(text);
	free(again);
}

static void test_backup(void **state)
{
	char *text = exported(path), *copy;
	struct err e = { "" };

	(void)state;
	assert_int_equal(tool_backup(path, other, false, NULL, &e), 0);
	copy = exported(other);
	assert_string_equal(copy, text);
	assert_int_equal(tool_backup(path, other, false, NULL, &e), -1);
	assert_non_null(strstr(e.text, "is there already"));
	assert_int_equal(tool_backup(path, other, true, NULL, &e), 0);
	assert_int_equal(tool_backup(path, path, true, NULL, &e), -1);
	assert_non_null(strstr(e.text, "the database itself"));
	assert_int_equal(tool_backup("/nonexistent", other, true, NULL, &e),
	    -1);
	assert_int_equal(tool_backup(path, "/nonexistent/x", false, NULL, &e),
	    -1);
	assert_non_null(strstr(e.text, "/nonexistent/x"));
	free(text);
	free(copy);
}

static void appear(double share, void *times)
{
	if (share == 1 && ++*(int *)times == 1)
		fclose(fopen(other, "w"));
}

/* What comes to be there in the meantime is nobody's to replace, either. */
static void test_target_appears(void **state)
{
	int times = 0;
	struct tool_progress progress = { appear, &times };
	struct err e = { "" };
	struct stat st;

	no_links = *state != NULL;
	assert_int_equal(tool_backup(path, other, false, &progress, &e), -1);
	assert_int_equal(times, 1);
	assert_non_null(strstr(e.text, "is there already"));
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_size, 0);
	times = 0;
	assert_int_equal(tool_backup(path, other, true, &progress, &e), 0);
	free(exported(other));
	unlink(other);
	assert_int_equal(tool_backup(path, other, false, NULL, &e), 0);
	free(exported(other));
	assert_int_equal(files("*.part-*"), 0);
	no_links = false;
}

static void test_target_appears_without_links(void **state)
{
	*state = &no_links;
	test_target_appears(state);
	*state = NULL;
}

/* A log that another database left under that name is not played in. */
static void test_leftovers(void **state)
{
	char wal[200];
	FILE *f;
	struct err e = { "" };

	(void)state;
	snprintf(wal, sizeof(wal), "%s-wal", other);
	f = fopen(wal, "w");
	fputs("left", f);
	fclose(f);
	assert_int_equal(tool_backup(path, other, true, NULL, &e), -1);
	assert_non_null(strstr(e.text, "choose another name"));
	assert_false(is_there(other));
}

/* Writes between two steps, which would make sqlite begin anew. */
static void write_meanwhile(double share, void *n)
{
	(void)share;
	if (++*(int *)n > 1000)
		fail_msg("it does not come to an end");
	run_sql("INSERT INTO clock_jumps VALUES(1, 1)");
}

static void test_backup_beside_a_writer(void **state)
{
	int steps = 0;
	struct tool_progress progress = { write_meanwhile, &steps };
	char *text, *copy;
	struct err e = { "" };

	(void)state;
	run_sql("INSERT INTO meta WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < 4000) SELECT 'x' || i,"
	    " randomblob(1000) FROM n");
	text = exported(path);
	if (tool_backup(path, other, false, &progress, &e) != 0)
		fail_msg("%s", e.text);
	assert_true(steps > 2);
	copy = exported(other);		/* as it was at the beginning */
	assert_string_equal(copy, text);
	assert_int_equal(ask("SELECT count(*) FROM clock_jumps"), steps);
	free(text);
	free(copy);
}

/* --- check --- */

static char findings[4096];

static void note(const char *what, void *arg)
{
	size_t n = strlen(findings);

	(void)arg;
	snprintf(findings + n, sizeof(findings) - n, "%s\n", what);
}

static int64_t check(void)
{
	struct tool_summary s;
	struct err e = { "" };

	findings[0] = '\0';
	if (tool_check(path, note, NULL, &s, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(s.instances, 20);
	return s.wrong;
}

static void test_check(void **state)
{
	static const char *const damage[][3] = {
		{ "UPDATE stays SET instance = 99 WHERE id = 7",
		  "UPDATE stays SET instance = 8 WHERE id = 7",
		  "stays, id 7: its instance is not in the roll" },
		{ "UPDATE stays SET length_ms = -1 WHERE id = 8",
		  "UPDATE stays SET length_ms = 20000 WHERE id = 8",
		  "stays, id 8: it ends before it begins" },
		{ "UPDATE stays SET what = 60 WHERE id = 8",
		  "UPDATE stays SET what = 0 WHERE id = 8",
		  "stays, id 8: its cause is none" },
		{ "UPDATE stays SET back = -3 WHERE id = 30",
		  "UPDATE stays SET back = 20 WHERE id = 30",
		  "stays, id 30: the one before it is not before it" },
		{ "UPDATE stays SET back = 19 WHERE id = 30",
		  "UPDATE stays SET back = 20 WHERE id = 30",
		  "stays, id 30: the one before it is another instance's" },
		{ "UPDATE stays SET length_ms = NULL WHERE id = 10",
		  "UPDATE stays SET length_ms = 20000 WHERE id = 10",
		  "stays, id 30: the one before it goes on" },
		{ "UPDATE stays SET length_ms = 20001 WHERE id = 10",
		  "UPDATE stays SET length_ms = 20000 WHERE id = 10",
		  "stays, id 30: the one before it ends later" },
		{ "UPDATE stays SET length_ms = 19999 WHERE id = 10",
		  "UPDATE stays SET length_ms = 20000 WHERE id = 10",
		  "stays, id 30: the one before it ends earlier" },
		{ "UPDATE stays SET back = NULL WHERE id = 30",
		  "UPDATE stays SET back = 20 WHERE id = 30",
		  "stays, id 30: the one before it is not the last" },
		{ "UPDATE stays SET back = 40 WHERE id = 50",
		  "UPDATE stays SET back = 20 WHERE id = 50",
		  "stays, id 50: the one before it is not the last" },
		{ "UPDATE stays SET id = 1000, instance = 99 WHERE id = 30",
		  "UPDATE stays SET id = 30, instance = 11 WHERE id = 1000",
		  "stays, id 50: the one before it is missing" },
		{ "UPDATE roll SET last_stay = 5 WHERE id = 3",
		  "UPDATE roll SET last_stay = 182 WHERE id = 3",
		  "roll, id 3: its last stay is another one" },
		{ "UPDATE watching SET to_ms = 1",
		  "UPDATE watching SET to_ms = 1763000900000",
		  "watching, id 1: it ends before it begins" },
		{ "UPDATE maintenance SET ended_ms = 4",
		  "UPDATE maintenance SET ended_ms = NULL",
		  "maintenance, id 1: it ends before it begins" },
	};

	(void)state;
	assert_int_equal(check(), 0);
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		run_sql(damage[i][0]);
		assert_true(check() > 0);
		if (strstr(findings, damage[i][2]) == NULL)
			fail_msg("%s: not in:\n%s", damage[i][2], findings);
		run_sql(damage[i][1]);
		if (check() != 0)
			fail_msg("not mended: %s", findings);
	}
}

/* Stays that retention has deleted are not missed, with others in between
 * that go on or went on for long. */
static void test_check_after_retention(void **state)
{
	(void)state;
	run_sql("UPDATE stays SET length_ms = 20000 + 1000000 WHERE id = 5;"
	    "UPDATE stays SET from_ms = from_ms + 1000000 WHERE id > 20"
	    "  AND instance = 6;"
	    "DELETE FROM stays WHERE from_ms + length_ms < 1763000072000");
	assert_int_equal(ask("SELECT min(id) FROM stays"), 5);
	assert_int_equal(ask("SELECT count(*) FROM stays WHERE id < 52"), 3);
	if (check() != 0)
		fail_msg("%s", findings);
	/* But 49 ended before 50 and 51 did, and should be gone, too. */
	run_sql("INSERT INTO stays VALUES(49, 10, 5, 1763000049000, 20000, 0,"
	    " 0, 20, 49)");
	check();
	if (strstr(findings, "id 70: the one before it is missing") == NULL)
		fail_msg("%s", findings);
}

/* What is still in the log is as much on the disk as the rest. */
static void test_check_counts_the_log(void **state)
{
	struct tool_summary s;
	struct err e = { "" };
	int64_t file, log;
	struct stat st;
	sqlite3 *db;
	char *wal = xasprintf("%s-wal", path);

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sql_exec(db, "INSERT INTO meta VALUES('x',"
	    " randomblob(100000))", &e), 0);
	assert_int_equal(stat(wal, &st), 0);
	log = st.st_size;
	assert_true(log > 100000);
	assert_int_equal(stat(path, &st), 0);
	file = st.st_size;
	assert_int_equal(tool_check(path, note, NULL, &s, &e), 0);
	assert_int_equal(s.bytes, file + log);
	sqlite3_close(db);
	free(wal);
}

/* Of each kind so many are shown. */
static void test_check_many(void **state)
{
	(void)state;
	run_sql("UPDATE stays SET length_ms = -1 WHERE length_ms IS NOT NULL");
	assert_true(check() > 180);
	assert_non_null(strstr(findings, "stays, id 20: it ends before"));
	assert_null(strstr(findings, "stays, id 21: it ends before"));
	assert_non_null(strstr(findings,
	    "\nstays: 160 more: it ends before it begins\n"));
}

/* --- vacuum --- */

static void test_vacuum(void **state)
{
	struct db_lock lock = { .fd = -1 };
	int64_t before, after;
	struct err e = { "" };

	(void)state;
	run_sql("INSERT INTO meta WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < 1000) SELECT 'x' || i,"
	    " randomblob(1000) FROM n; PRAGMA wal_checkpoint(TRUNCATE);"
	    "DELETE FROM meta; PRAGMA wal_checkpoint(TRUNCATE)");
	if (tool_vacuum(path, &before, &after, &e) != 0)
		fail_msg("%s", e.text);
	assert_true(before > 1000000 && after < before / 2);
	assert_int_equal(check(), 0);
	assert_int_equal(lock_take(&lock, path, &e), 0);
	assert_int_equal(tool_vacuum(path, &before, &after, &e), -1);
	assert_non_null(strstr(e.text, path));
	lock_release(&lock);
	/* What is damaged stays as it is. */
	assert_int_equal(truncate(path, 20000), 0);
	assert_int_equal(tool_vacuum(path, &before, &after, &e), -1);
	assert_int_equal(before, 20000);
	assert_int_equal(after, 20000);
	assert_int_equal(tool_vacuum("/nonexistent.db", &before, &after, &e),
	    -1);
}

/* --- interrupted --- */

static void stop_soon(double share, void *n)
{
	(void)share;
	if (++*(int *)n == 2)
		tool_stopping = 1;
}

static void test_interrupted(void **state)
{
	int64_t before, after, rows, pages = ask("PRAGMA page_count");
	int steps = 0;
	struct tool_progress progress = { stop_soon, &steps };
	char *text = exported(path);
	struct err e = { "" };
	size_t n = files("*");
	FILE *out = fopen("/dev/null", "w");

	(void)state;
	run_sql("INSERT INTO meta WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < 4000) SELECT 'x' || i,"
	    " randomblob(1000) FROM n; DELETE FROM meta WHERE key LIKE 'x%'");
	assert_int_equal(tool_backup(path, other, false, &progress, &e), -1);
	assert_string_equal(e.text, "interrupted");
	assert_int_equal(steps, 2);

	assert_int_equal(tool_stopping, 1);
	assert_int_equal(tool_vacuum(path, &before, &after, &e), -1);
	assert_non_null(strstr(e.text, "interrupted"));
	assert_true(ask("PRAGMA page_count") > pages);
	assert_int_equal(setenv("TMPDIR", folder, 1), 0);
	assert_int_equal(tool_export(path, out, NULL, &rows, &e), -1);
	unsetenv("TMPDIR");
	assert_string_equal(e.text, "interrupted");
	assert_int_equal(import_text(other, text, strlen(text), &e), -1);
	assert_string_equal(e.text, "text:1: interrupted");
	tool_stopping = 0;
	unlink(other);
	snprintf(other, sizeof(other), "%s/other.db.lock", folder);
	assert_int_equal(unlink(other), 0);	/* locks stay */
	assert_int_equal(files("*"), n);
	fclose(out);
	free(text);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_round_trip), T(test_random_values),
		T(test_bad_imports), T(test_bad_import_of_all),
		T(test_import_into_something),
		T(test_backup), T(test_leftovers), T(test_target_appears),
		T(test_target_appears_without_links),
		T(test_backup_beside_a_writer),
		T(test_check), T(test_check_after_retention),
		T(test_check_many), T(test_check_counts_the_log),
		T(test_vacuum), T(test_interrupted),
	};

	return cmocka_run_group_tests_name("db/tools", tests, NULL, NULL);
}
