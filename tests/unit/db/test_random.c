/* Random sequences of changes against a naive model of the table periods:
 *	whatever the units, whenever the disk fails and however often the
 *	daemon starts anew, the table is the model
 *	where the queue overflows, rows are missing, and as many as were
 *	counted, but no row that is there differs, and the open ones are right
 * The seed is printed; SEED=n repeats a run. */
struct queue_limits;
static const struct queue_limits *limits;

#define BEFORE_START(d) \
	do { \
		if (limits != NULL) { \
			queue_free((d)->queue); \
			(d)->queue = queue_new(limits); \
		} \
	} while (0)

#include "db/db.c"

#include "tests/unit/db/daemon.h"
#include "tests/unit/db/faulty_vfs.h"
#include "tests/unit/seeded.h"

enum { INSTANCES = 12, MAX_ROWS = 20000 };

struct row {
	int64_t instance, state, cause, from, to, earliest, seen, etcd_index;
	bool open, found;
};

static struct row rows[MAX_ROWS];	/* by id - 1 */
static struct instance instances[INSTANCES];
static int64_t now;

static int setup(void **state)
{
	(void)state;
	folder_make();
	world_reset();
	memset(rows, 0, sizeof(rows));
	now = T0;
	for (int i = 0; i < INSTANCES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "i%d", i);
		instances[i] = instance_named(i + 1, name);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	faulty_fail(0, 0);
	limits = NULL;
	for (int i = 0; i < INSTANCES; i++)
		instance_gone(&instances[i]);
	folder_remove();
	return 0;
}

static void random_change(void)
{
	struct instance *i = &instances[seeded_below(INSTANCES)];
	enum state state = (enum state)(STATE_UP + seeded_below(4));
	enum cause cause = (enum cause)(CAUSE_REGISTERED +
	    seeded_below(CAUSE_COUNT - 1));
	int64_t late = seeded_below(3) == 0 ? (int64_t)seeded_below(50) : 0;
	int64_t ended = i->period.id;
	struct event e;
	struct row *r;

	now += (int64_t)seeded_below(20);
	e = change(i, state, cause, now, late);
	assert_true(e.instance.begun.id <= MAX_ROWS);
	if (seeded_below(4) == 0)
		e.instance.noticed.earliest.ms -= 7;
	if (ended != 0) {
		rows[ended - 1].to = now;
		rows[ended - 1].open = false;
	}
	r = &rows[e.instance.begun.id - 1];
	*r = (struct row){ .instance = i->id, .state = (int64_t)state,
	    .cause = (int64_t)cause, .from = now, .open = true,
	    .earliest = e.instance.noticed.earliest.ms, .seen = now + late,
	    .etcd_index = 7 };
	emit(e);
}

static void compare_row(sqlite3_stmt *s)
{
	int64_t id = sqlite3_column_int64(s, 0);
	struct row *r = &rows[id - 1];

	assert_true(id >= 1 && id < next_period);
	r->found = true;
	assert_int_equal(sqlite3_column_int64(s, 1), r->instance);
	assert_int_equal(sqlite3_column_int64(s, 2), r->state);
	assert_int_equal(sqlite3_column_int64(s, 3), r->cause);
	assert_int_equal(sqlite3_column_int64(s, 4), r->from);
	assert_int_equal(sqlite3_column_type(s, 5) == SQLITE_NULL, r->open);
	if (!r->open)
		assert_int_equal(sqlite3_column_int64(s, 5), r->to);
	assert_int_equal(sqlite3_column_int64(s, 6), r->earliest);
	assert_int_equal(sqlite3_column_int64(s, 7), r->seen);
	assert_int_equal(sqlite3_column_int64(s, 8), r->etcd_index);
}

/* Returns how many rows of the model are missing; none of them open. */
static size_t compare(void)
{
	sqlite3 *c;
	sqlite3_stmt *s;
	size_t missing = 0;

	assert_int_equal(sqlite3_open(path, &c), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(c, "SELECT id, instance, state,"
	    " cause, from_ms, to_ms, ifnull(earliest_ms, from_ms),"
	    " ifnull(seen_ms, from_ms), etcd_index FROM periods", -1, &s,
	    NULL), SQLITE_OK);
	for (int64_t i = 0; i < next_period - 1; i++)
		rows[i].found = false;
	while (sqlite3_step(s) == SQLITE_ROW)
		compare_row(s);
	sqlite3_finalize(s);
	sqlite3_close(c);
	for (int64_t i = 0; i < next_period - 1; i++) {
		missing += !rows[i].found;
		assert_true(rows[i].found || !rows[i].open);
	}
	return missing;
}

static void random_disk(void)
{
	static const int failures[] = { SQLITE_FULL, SQLITE_IOERR_WRITE,
	    SQLITE_OK, SQLITE_OK };

	faulty_fail(failures[seeded_below(4)], (int)seeded_below(10));
}

static void run(int steps)
{
	uint64_t unit = 0;

	for (int step = 0; step < steps; step++) {
		size_t n = seeded_below(seeded_below(5) == 0 ? 60 : 4);

		while (n-- > 0)
			random_change();
		n = flush();
		if (n != 0)
			unit = n;
		if (seeded_below(10) == 0)
			random_disk();
	}
	faulty_fail(0, 0);
	assert_true(committed_within(unit, 20000));
}

static void test_table_is_the_model(void **state)
{
	(void)state;
	for (int start = 0; start < 5; start++) {
		daemon_start();
		run(100);
		assert_int_equal(compare(), 0);
		assert_true(daemon_stop(5000));
	}
	assert_int_equal(compare(), 0);
}

static void test_overflow(void **state)
{
	static const struct queue_limits tiny = { 1000, 1 << 20, 20000 };
	size_t missing;

	(void)state;
	limits = &tiny;
	daemon_start();
	for (int i = 0; i < 5; i++) {
		faulty_fail(SQLITE_FULL, 0);
		for (int step = 0; step < 100; step++) {
			for (size_t n = seeded_below(10); n > 0; n--)
				random_change();
			flush();
		}
		assert_true(queue_counts(db->queue).bytes < 100000);
		faulty_fail(0, 0);
		run(1);
		random_change();
		assert_true(committed_within(flush(), 20000));
		missing = compare();
		assert_true(missing > 0);
		assert_int_equal(missing,
		    queue_counts(db->queue).transitions_collapsed);
	}
	assert_true(daemon_stop(5000));
	assert_int_equal(ask("SELECT count(*) FROM pragma_integrity_check"
	    " WHERE integrity_check <> 'ok'"), 0);
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_table_is_the_model), T(test_overflow),
	};

	seeded_start();
	faulty_install();
	return cmocka_run_group_tests_name("db/random", tests, NULL, NULL);
}
