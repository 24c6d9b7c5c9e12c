#ifndef TESTS_UNIT_DB_WORLD_H
#define TESTS_UNIT_DB_WORLD_H

/* A small registry made by hand and the events that tell of it, a folder for
 * the database, and questions to it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "core/clock.h"
#include "core/err.h"
#include "core/event.h"
#include "core/xalloc.h"

#define UNUSED __attribute__((unused))

#define T0 INT64_C(1763000000000)

static char folder[64], path[128];

static UNUSED void folder_make(void)
{
	snprintf(folder, sizeof(folder), "/tmp/rollcall-db-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/rollcall.db", folder);
}

static UNUSED void folder_remove(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

/* The first column of the first row of a query, as an integer. */
static UNUSED int64_t ask(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	int64_t v;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE,
	    NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	v = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : -1;
	sqlite3_finalize(s);
	sqlite3_close(db);
	return v;
}

/* The same as text; free it. */
static UNUSED char *ask_text(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	char *text = NULL;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE,
	    NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(s) == SQLITE_ROW)
		text = xstrdup((const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return text;
}

static UNUSED void ask_equal(const char *sql, const char *expected)
{
	char *text = ask_text(sql);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static UNUSED void run_sql(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* --- the registry by hand --- */

static char im[] = "im", login[] = "login_server", logins[] =
	"/login_servers";
static struct cluster cluster = { .name = im };
static struct service service = {
	.cluster = &cluster, .name = login, .min_instances = 2 };
static struct directory directory = { .cluster = &cluster, .path = logins };

static int64_t next_period = 1;

static UNUSED void world_reset(void)
{
	next_period = 1;
	cluster = (struct cluster){ .name = im };
	service = (struct service){ .cluster = &cluster, .name = login,
	    .min_instances = 2 };
	directory = (struct directory){ .cluster = &cluster, .path = logins };
}

static UNUSED struct instance instance_named(int64_t id, const char *name)
{
	char *key = xasprintf("%s/%s", logins, name);
	struct names *names = names_new(name, key, "10.0.0.7:8008",
	    "10.0.0.7:8008", "");

	free(key);
	return (struct instance){
		.id = id, .service = &service, .directory = &directory,
		.names = names, .ttl_s = 10,
	};
}

static UNUSED void instance_gone(struct instance *i)
{
	names_unref(i->names);
}

/* The instance enters a state at `ms`, seen later by `late_ms`. */
static UNUSED struct event change(struct instance *i, enum state state,
    enum cause cause, int64_t ms, int64_t late_ms)
{
	struct event e = { .type = EVENT_INSTANCE, .when = { ms + late_ms } };

	e.instance.instance = i;
	e.instance.was = i->period.id != 0 ? i->period.state : 0;
	e.instance.ended_id = i->period.id;
	i->period = (struct period){ .id = next_period++, .state = state,
	    .cause = cause, .from = { ms } };
	e.instance.begun = i->period;
	e.instance.noticed = (struct notice){ .earliest = { ms },
	    .seen = { ms + late_ms }, .index = 7 };
	return e;
}

#endif
