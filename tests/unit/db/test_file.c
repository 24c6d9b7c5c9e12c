/* db/file.c, db/lock.c, db/migrations.c:
 *	a fresh file: WAL, vacuum mode, application id, version, tables, views
 *	opened again: nothing changes; a clean close leaves no WAL
 *	a second rollcall is refused and told who has it
 *	damaged: set aside with its WAL, a fresh one started
 *	newer, foreign, text: refused and left as they are
 *	damage noted by a writer is checked at the next start */
#include "db/file.c"

#include <sys/wait.h>

#include "core/registry.h"
#include "tests/unit/db/world.h"

static int setup(void **state)
{
	(void)state;
	folder_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove();
	return 0;
}

static void make_file(void)
{
	struct db_file f;
	struct err e;

	assert_int_equal(file_open(&f, path, &e), 0);
	file_close(&f);
}

static void must_refuse(const char *what)
{
	struct db_file f;
	struct err e = { "" };

	assert_int_equal(file_open(&f, path, &e), -1);
	if (strstr(e.text, what) == NULL || strstr(e.text, path) == NULL)
		fail_msg("unexpected: %s", e.text);
}

static bool exists(const char *suffix)
{
	char name[256];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return access(name, F_OK) == 0;
}

static void write_file(const char *bytes, size_t n)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fwrite(bytes, 1, n, out);
	fclose(out);
}

static void overwrite(long at, size_t n)
{
	FILE *out = fopen(path, "r+");

	assert_non_null(out);
	fseek(out, at, SEEK_SET);
	while (n-- > 0)
		fputc(0x5a, out);
	fclose(out);
}

static void test_fresh(void **state)
{
	(void)state;
	make_file();
	assert_false(exists("-wal"));
	ask_equal("PRAGMA journal_mode", "wal");
	assert_int_equal(ask("PRAGMA auto_vacuum"), 2);
	assert_int_equal(ask("PRAGMA application_id"), APPLICATION_ID);
	assert_int_equal(ask("PRAGMA user_version"), 2);
	ask_equal("SELECT group_concat(name) FROM (SELECT name FROM"
	    " sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite%'"
	    " ORDER BY name)",
	    "alerts,causes,clock_jumps,clusters,expectations,followers,"
	    "maintenance,member_names,members,meta,outbox,roll,service_totals,"
	    "silences,states,stays,watching");
	make_file();
	assert_int_equal(ask("PRAGMA user_version"), 2);
	assert_int_equal(ask("SELECT count(*) FROM events, instances_now,"
	    " outages_raw, looked_at"), 0);
}

/* Else sqlite 3.40 takes a good file for a damaged one. */
static void test_key_comes_first(void **state)
{
	(void)state;
	make_file();
	assert_int_equal(ask("SELECT count(*) FROM sqlite_schema t,"
	    " pragma_table_info(t.name) c WHERE t.sql LIKE '%WITHOUT ROWID%'"
	    " AND c.pk > 0 AND c.cid <> c.pk - 1"), 0);
}

static void test_words(void **state)
{
	char sql[80];

	(void)state;
	make_file();
	for (int i = STATE_UP; i <= STATE_DEREGISTERED; i++) {
		snprintf(sql, sizeof(sql),
		    "SELECT name FROM states WHERE id=%d", i);
		ask_equal(sql, state_name((enum state)i));
	}
	for (int i = CAUSE_REGISTERED; i < CAUSE_COUNT; i++) {
		snprintf(sql, sizeof(sql),
		    "SELECT name FROM causes WHERE id=%d", i);
		ask_equal(sql, cause_name((enum cause)i));
	}
	assert_int_equal(ask("SELECT count(*) FROM causes"),
	    CAUSE_COUNT - 1);
}

static void test_lock(void **state)
{
	struct db_file f;
	struct err e;
	char who[32];

	(void)state;
	assert_int_equal(file_open(&f, path, &e), 0);
	snprintf(who, sizeof(who), "(pid %ld)", (long)getpid());
	must_refuse(who);
	file_close(&f);
	make_file();
}

/* The lock ends with the process that had it, however it ended. */
static void test_lock_of_the_dead(void **state)
{
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		struct db_file f;
		struct err e;

		_exit(file_open(&f, path, &e) == 0 ? 7 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 7);
	make_file();
}

static void test_no_folder(void **state)
{
	struct db_file f;
	struct err e;

	(void)state;
	assert_int_equal(file_open(&f, "/nonexistent/x.db", &e), -1);
	assert_non_null(strstr(e.text, "/nonexistent/x.db.lock"));
}

static void must_set_aside(void)
{
	struct db_file f;
	struct err e = { "" };

	if (file_open(&f, path, &e) != 0)
		fail_msg("%s", e.text);
	assert_non_null(f.set_aside);
	assert_non_null(strstr(f.set_aside, ".corrupt-2"));
	assert_int_equal(access(f.set_aside, F_OK), 0);
	file_close(&f);
	assert_int_equal(ask("PRAGMA user_version"), 2);
	assert_int_equal(ask("SELECT count(*) FROM periods"), 0);
}

static void test_damaged_header(void **state)
{
	(void)state;
	make_file();
	overwrite(0, 100);
	must_set_aside();
	overwrite(0, 100);
	must_set_aside();	/* within the same second: another name */
}

static void test_damaged_schema(void **state)
{
	(void)state;
	make_file();
	overwrite(100, 3000);
	must_set_aside();
}

static void test_garbage_without_lock(void **state)
{
	(void)state;
	write_file("\0\1\2\3garbage, but not text", 24);
	must_set_aside();
}

static void test_cut_off(void **state)
{
	(void)state;
	make_file();
	assert_int_equal(truncate(path, 9000), 0);
	must_set_aside();
}

/* Damage in a page that a start does not read: found by the check that
 * follows a stop that was not clean, or a note. */
static void damage_a_leaf(void)
{
	make_file();
	run_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n"
	    " WHERE i < 5000) INSERT INTO members(member, at_ms, watchers)"
	    " SELECT 1, i, i FROM n");
	run_sql("PRAGMA wal_checkpoint(TRUNCATE)");
	overwrite(ask("SELECT 4096 * (max(pageno) - 10) FROM dbstat"
	    " WHERE name = 'members'"), 4096);
}

static void test_damage_after_a_crash(void **state)
{
	sqlite3 *db;
	struct db_file f;
	struct err e;

	(void)state;
	damage_a_leaf();
	make_file();		/* after a clean stop nobody looks there */
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_exec(db, "INSERT INTO clock_jumps VALUES(1, 1)", NULL, NULL,
	    NULL);
	sqlite3_close(db);
	assert_true(exists("-wal"));
	assert_int_equal(file_open(&f, path, &e), 0);
	assert_non_null(f.set_aside);
	{
		char wal[512];

		snprintf(wal, sizeof(wal), "%s-wal", f.set_aside);
		assert_int_equal(access(wal, F_OK), 0);
	}
	file_close(&f);
}

static void test_damage_noted(void **state)
{
	struct db_file f;
	struct err e;

	(void)state;
	damage_a_leaf();
	assert_int_equal(file_open(&f, path, &e), 0);
	assert_null(f.set_aside);
	lock_note_damage(&f.lock);
	file_close(&f);
	must_set_aside();
	assert_int_equal(file_open(&f, path, &e), 0);
	assert_false(f.lock.damage);
	file_close(&f);
}

/* What a check says about rows is no reason to begin anew. */
static void test_odd_rows(void **state)
{
	struct db_file f;
	struct err e;

	(void)state;
	make_file();
	run_sql("INSERT INTO service_totals VALUES('im', 'a', 1, 1, 1, 1);"
	    "PRAGMA writable_schema = ON;"
	    "UPDATE sqlite_schema SET sql = replace(sql, 'losses INTEGER',"
	    " 'losses INTEGER CHECK(losses > 5)')"
	    " WHERE name = 'service_totals'");
	assert_true(ask("SELECT count(*) FROM pragma_quick_check"
	    " WHERE quick_check LIKE 'CHECK%'") == 1);
	assert_int_equal(file_open(&f, path, &e), 0);
	lock_note_damage(&f.lock);
	file_close(&f);
	assert_int_equal(file_open(&f, path, &e), 0);
	assert_null(f.set_aside);
	file_close(&f);
}

static void test_newer(void **state)
{
	(void)state;
	make_file();
	run_sql("PRAGMA user_version = 99");
	must_refuse("newer");
	assert_int_equal(ask("PRAGMA user_version"), 99);
}

static void test_foreign(void **state)
{
	(void)state;
	run_sql("CREATE TABLE photos(x); INSERT INTO photos VALUES(1)");
	must_refuse("another program");
	assert_int_equal(ask("SELECT count(*) FROM photos"), 1);
	ask_equal("PRAGMA journal_mode", "delete");
}

static void test_text(void **state)
{
	const char text[] = "clusters:\n  - name: im\n";

	(void)state;
	write_file(text, strlen(text));
	must_refuse("text");
	assert_true(exists(""));
}

static void test_empty_file(void **state)
{
	(void)state;
	write_file("", 0);
	make_file();
	assert_int_equal(ask("PRAGMA user_version"), 2);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_fresh), T(test_key_comes_first),
		T(test_words), T(test_lock),
		T(test_lock_of_the_dead), T(test_no_folder),
		T(test_damaged_header), T(test_damaged_schema),
		T(test_garbage_without_lock), T(test_cut_off),
		T(test_damage_after_a_crash), T(test_damage_noted),
		T(test_odd_rows), T(test_newer), T(test_foreign), T(test_text),
		T(test_empty_file),
	};

	return cmocka_run_group_tests_name("db/file", tests, NULL, NULL);
}
