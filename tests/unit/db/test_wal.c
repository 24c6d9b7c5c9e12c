/* db/wal.c:
 *	a transaction that another process leaves open is told once, with its
 *	pid, when the log is large; commits go on meanwhile
 *	the log is emptied when that process is gone, and that is told too
 *	without such a reader the log stays small and nobody is named */
#include "db/wal.c"

#include <sys/wait.h>

#include "db/file.h"
#include "tests/unit/db/world.h"

enum { MB = 1 << 20 };

static struct db_file file;
static struct wal wal;

static int setup(void **state)
{
	struct err e;

	(void)state;
	folder_make();
	assert_int_equal(file_open(&file, path, &e), 0);
	wal_watch(&wal, file.db, file.path);
	wal.warn_bytes = 8 * MB;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	file_close(&file);
	wal_release(&wal);
	folder_remove();
	return 0;
}

/* A transaction of 250 KB or so. */
static void write_some(void)
{
	assert_int_equal(sqlite3_exec(file.db, "REPLACE INTO meta SELECT value,"
	    " randomblob(1000) FROM generate WHERE value <= 250", NULL, NULL,
	    NULL), SQLITE_OK);
	wal_checkpoint(&wal);
}

static void write_until(int64_t log_bytes)
{
	for (int i = 0; i < 1000 && wal_size(&wal) <= log_bytes; i++)
		write_some();
	assert_true(wal_size(&wal) > log_bytes);
}

static void make_numbers(void)
{
	assert_int_equal(sqlite3_exec(file.db, "CREATE TEMP TABLE generate AS"
	    " WITH RECURSIVE g(value) AS (SELECT 1 UNION ALL"
	    " SELECT value + 1 FROM g WHERE value < 1000) SELECT value FROM g",
	    NULL, NULL, NULL), SQLITE_OK);
}

/* A process with a transaction of its own, which ends when told. */
struct reader {
	pid_t pid;
	int begun[2], end[2];
};

static void read_until_told(const struct reader *r)
{
	sqlite3 *db;
	char c = 0;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "BEGIN; SELECT count(*) FROM meta", NULL, NULL,
	    NULL) != SQLITE_OK || write(r->begun[1], &c, 1) != 1)
		_exit(1);
	close(r->end[1]);
	_exit(read(r->end[0], &c, 1) == 0 ? 0 : 1);
}

static void reader_start(struct reader *r)
{
	char c;

	assert_int_equal(pipe(r->begun), 0);
	assert_int_equal(pipe(r->end), 0);
	r->pid = fork();
	if (r->pid == 0)
		read_until_told(r);
	assert_int_equal(read(r->begun[0], &c, 1), 1);
}

static void reader_end(struct reader *r)
{
	int status;

	close(r->end[1]);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	close(r->end[0]);
	close(r->begun[0]);
	close(r->begun[1]);
}

static void test_held(void **state)
{
	struct reader r;
	char program[32];

	(void)state;
	make_numbers();
	write_some();
	reader_start(&r);
	assert_int_equal(wal_reader(&wal), r.pid);
	program_of(r.pid, program);
	assert_string_equal(program, "test_wal");
	write_until(6 * MB);
	assert_false(wal.held);
	write_until(10 * MB);
	assert_true(wal.held);
	write_until(20 * MB);
	reader_end(&r);
	assert_int_equal(wal_reader(&wal), 0);
	write_some();			/* copies */
	write_some();			/* begins anew */
	assert_false(wal.held);
	/* journal_size_limit */
	assert_true(wal_size(&wal) <= 16 * MB);
}

/* Queries of this process: nobody has to be told for a while. */
static void test_held_by_ourselves(void **state)
{
	sqlite3 *own;

	(void)state;
	clock_set((mono_t){ 5000 }, (wall_t){ 1764139199358 });
	make_numbers();
	write_some();
	assert_int_equal(sqlite3_open(path, &own), SQLITE_OK);
	assert_int_equal(sqlite3_exec(own, "BEGIN; SELECT count(*) FROM meta",
	    NULL, NULL, NULL), SQLITE_OK);
	write_until(10 * MB);
	clock_advance(OWN_MS - 1);
	write_until(11 * MB);
	assert_false(wal.held);
	clock_advance(1);
	write_until(12 * MB);
	assert_true(wal.held);
	sqlite3_close(own);
	write_some();
	write_some();
	assert_false(wal.held);
	assert_int_equal(wal.lags_since.ms, 0);
	clock_use_real();
}

static void test_not_held(void **state)
{
	(void)state;
	make_numbers();
	for (int i = 0; i < 100; i++)
		write_some();
	assert_false(wal.held);
	assert_true(wal_size(&wal) < 8 * MB);
	assert_int_equal(wal_reader(&wal), 0);
}

static void test_lines(void **state)
{
	char line[200];

	(void)state;
	assert_int_equal(reader_of("1: POSIX  ADVISORY  READ 77 fd:01:42 124"
	    " 124\n", 42), 77);
	assert_int_equal(reader_of("1: POSIX  ADVISORY  READ 77 fd:01:42 124"
	    " 124\n", 43), 0);
	assert_int_equal(reader_of("1: POSIX  ADVISORY  READ 77 fd:01:42 128"
	    " 128\n", 42), 0);
	assert_int_equal(reader_of("1: POSIX  ADVISORY  WRITE 77 fd:01:42 124"
	    " 124\n", 42), 0);
	assert_int_equal(reader_of("1: FLOCK  ADVISORY  WRITE 77 fd:01:42 0"
	    " EOF\n", 42), 0);
	snprintf(line, sizeof(line), "1: POSIX ADVISORY READ %d fd:01:42 124"
	    " 124\n", getpid());
	assert_int_equal(reader_of(line, 42), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(test_held),
		T(test_held_by_ourselves),
		T(test_not_held),
		T(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
