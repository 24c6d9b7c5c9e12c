/* db/keep.c, db/keep_tasks.c, db/keep_clock.c:
 *	statistics: raw, one per 5 min, one per hour, none, by age; the last
 *	row of a bucket stays, whole; against a witness in plain SQL
 *	slices keep to their time, whatever a row costs
 *	killed at any write: done again, nothing else is missing
 *	history only as configured; what is in force at the cutoff stays
 *	stays by their end, instances with their last one, but for the last one
 *	of a service; the answers about later: test_uptime_random.c
 *	pages are given back
 *	a clock far ahead deletes nothing for an hour
 *	a full disk, somebody else's transaction: tried again */
#include "db/keep.c"

#include <sys/stat.h>
#include <sys/wait.h>

#include "core/registry.h"
#include "tests/unit/db/faulty_vfs.h"
#include "tests/unit/db/world.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
/* In the middle of a bucket of either length. */
#define NOW (T0 + DAY / 2 + 137123)

static struct db_file file;
static struct keeper *keeper;
static const struct keep_policy for_ever;

static void open_file(void)
{
	struct err e;

	if (file_open(&file, path, &e) != 0)
		fail_msg("%s", e.text);
	keeper = keeper_new(file.db);
}

static void close_file(void)
{
	keeper_free(keeper);
	file_close(&file);
}

static int setup(void **state)
{
	(void)state;
	clock_set((mono_t){ 1000 }, (wall_t){ NOW });
	folder_make();
	open_file();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	faulty_fail(SQLITE_OK, 0);
	close_file();
	folder_remove();
	clock_use_real();
	return 0;
}

static void sql(const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(file.db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
}

static int64_t number(const char *text)
{
	int64_t v = -1;
	struct err e;

	if (sql_int(file.db, text, &v, &e) != 0)
		fail_msg("%s: %s", text, e.text);
	return v;
}

/* Goes on until a whole pass is over; the number of slices. */
static int keep_house_for(const struct keep_policy *p)
{
	int n = 0, due;

	do {
		due = keeper_due_ms(keeper, clock_mono());
		clock_advance(due);
		assert_int_equal(keeper_step(keeper, p), SQLITE_OK);
		n++;
	} while (keeper->due.ms - clock_mono().ms < PASS_MS);
	return n;
}

/* Polls every 15 s from `from` to `to` ago, of two members that follow each
 * other and one of another cluster.  `get_ok` says which one a row is. */
static void polls(int64_t from_ago, int64_t to_ago)
{
	char text[800];

	sql("INSERT OR IGNORE INTO member_names VALUES(1,'im','a'),"
	    "(2,'im','b'),(3,'other','a')");
	snprintf(text, sizeof(text), "WITH RECURSIVE t(at) AS (SELECT %lld"
	    " UNION ALL SELECT at + 15000 FROM t WHERE at + 15000 < %lld)"
	    " INSERT INTO members(member, at_ms, up, get_ok) SELECT n.id,"
	    " at + n.id, 1, at / 15000 FROM t, member_names n",
	    (long long)(NOW - from_ago), (long long)(NOW - to_ago));
	sql(text);
	sql("INSERT OR IGNORE INTO followers(member, follower, at_ms,"
	    " latency_us) SELECT m.member, f.id, m.at_ms, m.get_ok FROM"
	    " members m JOIN member_names n ON n.id = m.member"
	    " JOIN member_names f ON f.cluster = n.cluster AND f.id <> n.id");
}

/* The same in other words: what has to be left of a table. */
static void witness(const char *table, const char *who, int64_t kept_ms)
{
	char text[1200];

	snprintf(text, sizeof(text), "CREATE TABLE left_%s AS SELECT * FROM %s"
	    " WHERE (%s, at_ms) IN (SELECT %s, max(at_ms) FROM %s"
	    "  GROUP BY %s, CASE WHEN at_ms < %lld / 3600000 * 3600000"
	    "   THEN 'h' || (at_ms / 3600000)"
	    "   WHEN at_ms < %lld / 300000 * 300000"
	    "   THEN 'm' || (at_ms / 300000) ELSE at_ms END)"
	    " AND at_ms >= %lld / 3600000 * 3600000",
	    table, table, who, who, table, who,
	    (long long)(NOW - 30 * DAY), (long long)(NOW - 2 * DAY),
	    kept_ms > 0 ? (long long)(NOW - kept_ms) : 0LL);
	sql(text);
}

static void witnesses(int64_t kept_ms)
{
	witness("members", "member", kept_ms);
	witness("followers", "member, follower", kept_ms);
}

static void check_table(const char *table)
{
	char text[300];

	snprintf(text, sizeof(text), "SELECT count(*) FROM (SELECT * FROM"
	    " (SELECT * FROM %s EXCEPT SELECT * FROM left_%s) UNION ALL"
	    " SELECT * FROM (SELECT * FROM left_%s EXCEPT SELECT * FROM %s))",
	    table, table, table, table);
	assert_int_equal(number(text), 0);
}

static void check_witnesses(void)
{
	assert_true(number("SELECT count(*) FROM left_members") > 0);
	assert_true(number("SELECT count(*) FROM left_followers") > 0);
	check_table("members");
	check_table("followers");
}

static void some_history_of_polls(void)
{
	polls(61 * DAY, 60 * DAY);
	polls(30 * DAY + 5 * HOUR, 30 * DAY - 5 * HOUR);
	polls(51 * HOUR, 47 * HOUR);
	polls(HOUR, 0);
}

static void test_thinned(void **state)
{
	uint64_t deleted;
	int64_t rows;

	(void)state;
	some_history_of_polls();
	rows = number("SELECT (SELECT count(*) FROM members) +"
	    " (SELECT count(*) FROM followers)");
	witnesses(0);
	keep_house_for(&for_ever);
	check_witnesses();
	deleted = keeper_counts(keeper).deleted[KEEP_THINNED];
	assert_int_equal(deleted, rows - number("SELECT (SELECT count(*) FROM"
	    " members) + (SELECT count(*) FROM followers)"));
	assert_int_equal(keeper_counts(keeper).deleted[KEEP_RETENTION], 0);
	/* Nothing is left to do. */
	keeper->due = clock_mono();
	assert_int_equal(keep_house_for(&for_ever), 1);
	assert_int_equal(keeper_counts(keeper).deleted[KEEP_THINNED], deleted);
}

/* As it lives: polls come, time passes, it is stopped and started. */
static void test_thinned_as_time_passes(void **state)
{
	(void)state;
	polls(54 * HOUR, 0);
	clock_set((mono_t){ 1000 }, (wall_t){ NOW - 6 * HOUR });
	for (int i = 0; i < 6 * 12; i++) {
		keep_house_for(&for_ever);
		if (i % 10 == 9) {
			close_file();
			open_file();
		}
		clock_set((mono_t){ 1000 + i * 300000 },
		    (wall_t){ NOW - 6 * HOUR + (i + 1) * 300000 });
	}
	clock_set((mono_t){ 1000 + 100 * 300000 }, (wall_t){ NOW });
	keep_house_for(&for_ever);
	witnesses(0);			/* what there is, is what is left */
	check_witnesses();
	assert_int_equal(number("SELECT max(n) FROM (SELECT count(*) AS n FROM"
	    " members WHERE at_ms < (SELECT max(at_ms) - 172800000 - 300000"
	    "  FROM members) GROUP BY member, at_ms / 300000)"), 1);
}

static void test_statistics_end(void **state)
{
	const struct keep_policy p = { 0, 45 * DAY };

	(void)state;
	some_history_of_polls();
	sql("INSERT INTO member_names VALUES(9,'im','gone')");
	witnesses(45 * DAY);
	keep_house_for(&p);
	check_witnesses();
	assert_true(keeper_counts(keeper).deleted[KEEP_RETENTION] > 0);
	assert_int_equal(number("SELECT count(*) FROM member_names"), 3);
}

/* --- time --- */

static void a_row_takes_time(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)c;
	(void)n;
	(void)v;
	clock_advance(1);
}

/* On a disk that takes a millisecond per row. */
static void test_slices_keep_to_their_time(void **state)
{
	(void)state;
	polls(60 * HOUR, 47 * HOUR);
	witnesses(0);
	sqlite3_create_function(file.db, "takes_time", 0, SQLITE_UTF8, NULL,
	    a_row_takes_time, NULL, NULL);
	sql("CREATE TEMP TRIGGER slow AFTER DELETE ON main.followers"
	    " BEGIN SELECT takes_time(); END");
	keep_house_for(&for_ever);
	check_witnesses();
	/* A bucket of 38 rows is the smallest slice there is. */
	assert_in_range(keeper_counts(keeper).longest_us, 20000, 50000);
}

static void test_rests_in_between(void **state)
{
	int64_t before;

	(void)state;
	assert_int_equal(keeper_due_ms(keeper, clock_mono()), FIRST_PASS_MS);
	polls(60 * HOUR, 59 * HOUR);
	sqlite3_create_function(file.db, "takes_time", 0, SQLITE_UTF8, NULL,
	    a_row_takes_time, NULL, NULL);
	sql("CREATE TEMP TRIGGER slow AFTER DELETE ON main.members"
	    " BEGIN SELECT takes_time(); END");
	before = clock_mono().ms;
	assert_int_equal(keeper_step(keeper, &for_ever), SQLITE_OK);
	assert_true(clock_mono().ms - before >= 19);
	assert_int_equal(keeper_due_ms(keeper, clock_mono()),
	    1 + REST * (clock_mono().ms - before));
}

/* --- kills --- */

static bool killed_at_write(int n)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const struct keep_policy p = { 0, 45 * DAY };

		open_file();
		faulty.die_after = n;
		keep_house_for(&p);
		close_file();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void test_killed(void **state)
{
	const struct keep_policy p = { 0, 45 * DAY };
	int n = 1;

	(void)state;
	polls(61 * DAY, 61 * DAY - 4 * HOUR);
	polls(30 * DAY + 5 * HOUR, 30 * DAY - 2 * HOUR);
	witnesses(45 * DAY);
	close_file();
	while (killed_at_write(n))
		n += 1 + n / 3;
	assert_true(n > 20);
	open_file();
	keep_house_for(&p);
	check_witnesses();
	assert_int_equal(number("SELECT count(*) FROM pragma_integrity_check"
	    " WHERE integrity_check <> 'ok'"), 0);
}

/* --- history --- */

#define AT(ago) "(SELECT now - " #ago " * 86400000 FROM now)"

static void old_history(void)
{
	char text[100];

	snprintf(text, sizeof(text), "CREATE TEMP TABLE now AS SELECT %lld"
	    " AS now", (long long)NOW);
	sql(text);
	sql("INSERT INTO watching VALUES"
	    "(1,'im','/a'," AT(30) "," AT(21) ",1),"
	    "(2,'im','/b'," AT(30) "," AT(21) ",1),"
	    "(3,'im','/a'," AT(21) "," AT(19) ",1),"
	    "(4,'im','/a'," AT(19) "," AT(0) ",1)");
	sql("INSERT INTO expectations VALUES"
	    "('im','a'," AT(40) ",1),('im','a'," AT(30) ",2),"
	    "('im','a'," AT(10) ",3),('im','b'," AT(40) ",1)");
	sql("INSERT INTO clock_jumps VALUES(" AT(21) ",5),(" AT(19) ",6)");
	sql("INSERT INTO maintenance(id, from_ms, to_ms, end_when_back,"
	    " ended_ms, created_ms) VALUES"
	    "(1," AT(30) "," AT(21) ",0,NULL,0),"
	    "(2," AT(30) "," AT(19) ",0,NULL,0),"
	    "(3," AT(30) "," AT(19) ",0," AT(29) ",0)");
}

static char *list(const char *text)
{
	static char out[200];
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_prepare_v2(file.db, text, -1, &s, NULL), 0);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	snprintf(out, sizeof(out), "%s", sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return out;
}

static void check_history(const char *watching, const char *expectations,
    const char *jumps, const char *maintenance)
{
	assert_string_equal(list("SELECT group_concat(id) FROM"
	    " (SELECT id FROM watching ORDER BY id)"),
	    watching);
	assert_string_equal(list("SELECT group_concat(min_instances) FROM"
	    " expectations"), expectations);
	assert_string_equal(list("SELECT group_concat(jump_ms) FROM"
	    " clock_jumps"), jumps);
	assert_string_equal(list("SELECT group_concat(id) FROM"
	    " (SELECT id FROM maintenance ORDER BY id)"),
	    maintenance);
}

static void test_history_is_kept(void **state)
{
	const struct keep_policy p = { 0, DAY };

	(void)state;
	old_history();
	keep_house_for(&p);
	check_history("1,2,3,4", "1,2,3,1", "5,6", "1,2,3");
}

static void test_history_ends(void **state)
{
	const struct keep_policy p = { 20 * DAY, 0 };

	(void)state;
	old_history();
	keep_house_for(&p);
	check_history("2,3,4", "2,3,1", "6", "2");
	assert_int_equal(keeper_counts(keeper).deleted[KEEP_RETENTION], 5);
}

/* An instance, and one of its stays: from and to, in days ago; to -1: it goes
 * on. */
static void roll(int id, const char *of_service)
{
	char text[400];

	snprintf(text, sizeof(text), "INSERT INTO roll VALUES(%d, 'im', '/a',"
	    " '%s', 'i%d', '/a/i%d', NULL, NULL, NULL, 10, NULL, NULL, 1, 1,"
	    " 0, NULL, 0, NULL)", id, of_service, id, id);
	sql(text);
}

static void stay(int id, int instance, enum state state, int from, int to)
{
	char text[400], length[32] = "NULL";

	if (to >= 0)
		snprintf(length, sizeof(length), "%lld",
		    (long long)((from - to) * DAY));
	snprintf(text, sizeof(text), "INSERT INTO stays VALUES(%d, %d, %d,"
	    " %lld, %s, 0, 0, NULL, NULL)", id, instance, state - 1,
	    (long long)(NOW - from * DAY), length);
	sql(text);
}

static void some_stays(void)
{
	roll(1, "a");			/* here for long */
	roll(2, "a");			/* left long ago */
	roll(3, "a");			/* left a moment ago */
	roll(4, "last");		/* the last one of a service */
	roll(5, "forgotten");		/* the same, of one forgotten */
	roll(6, "a");			/* still here */
	sql("INSERT INTO service_totals VALUES('im','a',0,0,0,0),"
	    "('im','last',0,0,0,0)");
	stay(1, 1, STATE_UP, 100, 60);
	stay(2, 2, STATE_UP, 90, 50);
	stay(3, 4, STATE_UP, 90, 50);
	stay(4, 5, STATE_UP, 90, 50);
	stay(5, 1, STATE_EXPIRED, 60, 19);
	stay(6, 3, STATE_UP, 60, 10);
	stay(7, 2, STATE_DEREGISTERED, 50, -1);
	stay(8, 4, STATE_DEREGISTERED, 50, -1);
	stay(9, 5, STATE_DEREGISTERED, 50, -1);
	stay(10, 6, STATE_UP, 40, -1);
	stay(1000000, 1, STATE_UP, 19, -1);
	stay(1000001, 3, STATE_DEREGISTERED, 10, -1);
}

static void check_stays(const char *stays, const char *rolls)
{
	assert_string_equal(list("SELECT group_concat(id) FROM"
	    " (SELECT id FROM stays ORDER BY id)"), stays);
	assert_string_equal(list("SELECT group_concat(id) FROM"
	    " (SELECT id FROM roll ORDER BY id)"), rolls);
}

static void test_stays_end(void **state)
{
	const struct keep_policy p = { 20 * DAY, 0 }, more = { DAY, 0 };

	(void)state;
	some_stays();
	keep_house_for(&for_ever);
	check_stays("1,2,3,4,5,6,7,8,9,10,1000000,1000001", "1,2,3,4,5,6");
	keep_house_for(&p);
	check_stays("5,6,8,10,1000000,1000001", "1,3,4,6");
	assert_int_equal(keeper_counts(keeper).deleted[KEEP_RETENTION], 8);
	/* Half a day later nothing is new; shorter takes effect at once. */
	clock_advance(DAY / 2);
	keep_house_for(&p);
	check_stays("5,6,8,10,1000000,1000001", "1,3,4,6");
	keep_house_for(&more);
	check_stays("8,10,1000000,1000001", "1,3,4,6");
}

/* A slice of newer ones ends the pass, and nothing old is behind it. */
static void test_stays_are_not_all_read(void **state)
{
	const struct keep_policy p = { 20 * DAY, 0 };
	int n;

	(void)state;
	roll(1, "a");
	stay(1, 1, STATE_UP, 30, 25);
	for (int id = 2; id < 2000; id++)
		stay(id, 1, STATE_UP, 10, 9);
	n = keep_house_for(&p);
	assert_int_equal(number("SELECT min(id) FROM stays"), 2);
	assert_true(n < 15);
}

/* --- room --- */

static void test_pages_are_given_back(void **state)
{
	int64_t before, after;
	struct stat st;

	(void)state;
	polls(9 * DAY, 3 * DAY);
	before = number("PRAGMA page_count");
	keep_house_for(&for_ever);
	after = number("PRAGMA page_count");
	assert_true(after < before / 2);
	assert_in_range(number("PRAGMA freelist_count"), 0,
	    SPARE_PAGES + after / 32);
	/* So is the file. */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 4096 * after);
	assert_int_equal(keeper_counts(keeper).free_bytes,
	    4096 * number("PRAGMA freelist_count"));
}

/* --- trouble --- */

static void test_clock_far_ahead(void **state)
{
	const struct keep_policy p = { 30 * DAY, 0 };

	(void)state;
	old_history();
	keep_house_for(&p);
	check_history("1,2,3,4", "2,3,1", "5,6", "1,2,3");
	clock_step(300 * DAY);
	clock_rebase();
	for (int i = 0; i < 10; i++)
		assert_int_equal(keep_house_for(&p), 1);
	check_history("1,2,3,4", "2,3,1", "5,6", "1,2,3");
	/* Set back in time. */
	clock_step(-300 * DAY);
	clock_rebase();
	clock_advance(2 * HOUR);
	keep_house_for(&p);
	check_history("1,2,3,4", "2,3,1", "5,6", "1,2,3");
	/* It was right after all. */
	clock_step(300 * DAY);
	clock_rebase();
	keep_house_for(&p);
	clock_advance(HOUR);
	keep_house_for(&p);
	check_history("2,4", "3,1", "(null)", "(null)");
}

static void test_disk_full(void **state)
{
	(void)state;
	some_history_of_polls();
	witnesses(0);
	clock_advance(FIRST_PASS_MS);
	for (int after = 0; after < 5; after++) {
		faulty_fail(SQLITE_FULL, after);
		for (int i = 0; i < 5; i++)
			if (keeper_step(keeper, &for_ever) != SQLITE_OK)
				break;
		assert_true(keeper->failing);
		assert_true(sqlite3_get_autocommit(file.db));
		assert_int_equal(keeper_due_ms(keeper, clock_mono()),
		    RETRY_MS);
	}
	faulty_fail(SQLITE_OK, 0);
	keep_house_for(&for_ever);
	assert_false(keeper->failing);
	check_witnesses();
}

static void test_beside_a_transaction(void **state)
{
	int64_t before = clock_mono_us();
	sqlite3 *other;

	(void)state;
	polls(60 * HOUR, 47 * HOUR);
	witnesses(0);
	clock_advance(FIRST_PASS_MS);
	keeper->task = 0;
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(keeper_step(keeper, &for_ever), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL,
	    NULL), SQLITE_OK);
	clock_use_real();
	before = clock_mono_us();
	assert_int_equal(keeper_step(keeper, &for_ever) & 0xff, SQLITE_BUSY);
	assert_true(clock_mono_us() - before < FILE_BUSY_MS * 1000 / 2);
	clock_set((mono_t){ 1000 }, (wall_t){ NOW });
	keeper->due = clock_mono();
	sqlite3_close(other);
	keep_house_for(&for_ever);
	check_witnesses();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_thinned),
		T(test_thinned_as_time_passes),
		T(test_statistics_end),
		T(test_slices_keep_to_their_time),
		T(test_rests_in_between),
		T(test_killed),
		T(test_history_is_kept),
		T(test_history_ends),
		T(test_stays_end),
		T(test_stays_are_not_all_read),
		T(test_pages_are_given_back),
		T(test_clock_far_ahead),
		T(test_disk_full),
		T(test_beside_a_transaction),
	};

	faulty_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
