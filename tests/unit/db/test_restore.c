/* How the start reads the database: which of its queries go through every
 * instance there ever was.  What they bring back is in test_db.c. */
#include "db/restore.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/xalloc.h"
#include "db/migrations.h"

/* sqlite's plan, a step a line. */
static char *plan_of(sqlite3 *file, const char *sql)
{
	char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *s;
	struct buf b;

	buf_init(&b, 10000);
	assert_int_equal(sqlite3_prepare_v2(file, explain, -1, &s, NULL),
	    SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		buf_addf(&b, "%s\n", (const char *)sqlite3_column_text(s, 3));
	sqlite3_finalize(s);
	free(explain);
	return buf_take(&b, NULL);
}

/* The roll is read twice; everything else by what it is about. */
static void reads_the_roll_twice(void **state)
{
	sqlite3 *file;
	struct err e;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &file), SQLITE_OK);
	assert_int_equal(migrations_run(file, &e), 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *plan = plan_of(file, parts[i].sql);
		bool all = strstr(plan, "SCAN i") != NULL ||
		    strstr(plan, "SCAN roll") != NULL ||
		    strstr(plan, "SCAN stays") != NULL;

		if (all != (parts[i].fn == instance || parts[i].fn == feed) ||
		    strstr(plan, "AUTOMATIC") != NULL)
			fail_msg("%s:\n%s", parts[i].sql, plan);
		free(plan);
	}
	sqlite3_close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_roll_twice),
	};

	return cmocka_run_group_tests_name("db/restore", tests, NULL, NULL);
}
