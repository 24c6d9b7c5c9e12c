/* db/record.c, as far as test_db.c does not see it:
 *	what is kept of a service goes with it, in this run and the next */
#include "db/record.c"

#include "db/commit.h"
#include "db/migrations.h"
#include "tests/unit/db/world.h"

enum { NAMES = 300 };

static struct recorder *recorder;
static struct committer *committer;

static void emit(enum event_type type, wall_t when)
{
	struct units units = TAILQ_HEAD_INITIALIZER(units);
	struct unit *u = unit_new();
	struct err e;

	recorder_event(recorder, u, &(struct event){ .type = type,
	    .when = when, .service = &service });
	recorder_unit(recorder, u);
	TAILQ_INSERT_TAIL(&units, u, link);
	assert_int_equal(commit_units(committer, &units, &e), SQLITE_OK);
	unit_free(u);
}

static void test_forgotten_services_leave_nothing(void **state)
{
	sqlite3 *db;
	struct err e;
	char name[32];

	(void)state;
	world_reset();
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(migrations_run(db, &e), 0);
	recorder = recorder_new(db, &e);
	committer = committer_new(db);
	assert_non_null(recorder);
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "service %d", i);
		service.name = name;
		emit(EVENT_SERVICE, (wall_t){ T0 + i });
		if (i > 0)		/* one stays */
			emit(EVENT_SERVICE_DROPPED, (wall_t){ T0 + 1000 + i });
		assert_true(table_count(recorder->minima) <= 2);
	}
	recorder_free(recorder);

	recorder = recorder_new(db, &e);
	assert_non_null(recorder);
	assert_int_equal(table_count(recorder->minima), 1);
	assert_non_null(table_get(recorder->minima, "im/service 0"));
	recorder_free(recorder);
	committer_free(committer);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forgotten_services_leave_nothing),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
