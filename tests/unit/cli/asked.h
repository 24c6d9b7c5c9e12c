#ifndef TESTS_UNIT_CLI_ASKED_H
#define TESTS_UNIT_CLI_ASKED_H

/* A database made by hand, and commands run on it: what they print, both
 * streams, is in `printed`. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "db/db.h"
#include "tests/unit/cli/printed.h"

static char folder[64], database[128], printed[65536];

static void sql(const char *text)
{
	sqlite3 *db;
	char *error = NULL;

	assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s", error);
	sqlite3_close(db);
}

static int setup(void **state)
{
	struct err e;
	struct db *db;

	(void)state;
	setenv("TZ", "UTC", 1);
	setenv("COLUMNS", "80", 1);
	setenv("LC_ALL", "C", 1);
	tzset();
	snprintf(folder, sizeof(folder), "/tmp/rollcall-events-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(database, sizeof(database), "%s/h.db", folder);
	db = db_open(database, &e);
	assert_non_null(db);
	assert_true(db_close(db, 0));
	sql("INSERT INTO roll SELECT 1, 'im', '/login_servers',"
	    " 'login_server', '0001-0001', '/login_servers/0001-0001', 'v',"
	    " '10.0.0.7:8008', NULL, 10, NULL, NULL, 5, 6, 1, NULL, 0, NULL;"
	    "INSERT INTO stays VALUES(1, 1, 0, 1763000000000, 11520475, 0, 0,"
	    " NULL, 41);"
	    "INSERT INTO stays VALUES(2, 1, 5, 1763011520475, NULL, 5475, 26,"
	    " 1, 42);");
	return 0;
}

static int teardown(void **state)
{
	char remove[128];

	(void)state;
	snprintf(remove, sizeof(remove), "rm -rf %s", folder);
	assert_int_equal(system(remove), 0);
	return 0;
}

/* Runs the command with these flags. */
static int run(int (*command)(int argc, char **argv), const char *flag, ...)
{
	char name[] = "test", *argv[16] = { name };
	struct printing_to to;
	int argc = 1, rc;
	va_list ap;

	va_start(ap, flag);
	for (; flag != NULL; flag = va_arg(ap, const char *))
		argv[argc++] = xstrdup(flag);
	va_end(ap);
	to = printed_begin(true);
	rc = command(argc, argv);
	printed_end(&to, printed, sizeof(printed));
	while (argc > 1)
		free(argv[--argc]);
	return rc;
}

#endif
