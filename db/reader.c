/* Read-only connections, for the commands that read history beside a running
 * daemon or without one.  Says in plain words why a file cannot be read:
 * sqlite's own texts do not help there. */
#include "db/reader.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "core/err.h"
#include "db/migrations.h"
#include "db/sql.h"

enum { READ_BUSY_MS = 5000 };

static void matches(sqlite3_context *c, int n, sqlite3_value **v)
{
	const char *glob = (const char *)sqlite3_value_text(v[0]);
	const char *text = (const char *)sqlite3_value_text(v[1]);

	(void)n;
	sqlite3_result_int(c, glob != NULL && text != NULL &&
	    fnmatch(glob, text, 0) == 0);
}

static int cannot_read(sqlite3 *db, const char *path, struct err *e)
{
	int rc = sqlite3_errcode(db) & 0xff;

	if (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY)
		return err_set(e, "%s cannot be read: sqlite keeps %s-shm "
		    "beside it, which this user may not write (run it as the "
		    "daemon's user, or copy the file)", path, path);
	if (rc == SQLITE_NOTADB)
		return err_set(e, "%s is not a database", path);
	return err_set(e, "read %s: %s", path, sqlite3_errmsg(db));
}

static int check(sqlite3 *db, const char *path, struct err *e)
{
	int64_t version = 0;

	switch (migrations_look(db, &version, e)) {
	case DB_FOREIGN:
		return err_set(e, "%s belongs to another program", path);
	case DB_NEWER:
		return err_set(e, "%s was written by a newer rollcall: use "
		    "that one", path);
	case DB_EMPTY:
		return err_set(e, "%s is empty: no rollcall has written to it",
		    path);
	case DB_OURS:
		break;
	default:
		return cannot_read(db, path, e);
	}
	if (version < migrations_latest())
		return err_set(e, "%s has version %d, this rollcall reads "
		    "version %d: start its daemon once, which brings it up to "
		    "date", path, (int)version, (int)migrations_latest());
	return 0;
}

sqlite3 *reader_open(const char *path, struct err *e)
{
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_EXRESCODE |
	    SQLITE_OPEN_NOMUTEX;	/* of one thread */
	sqlite3 *db = NULL;
	struct stat st;

	if (stat(path, &st) != 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
		err_set(e, "open %s: %s", path, db == NULL ? "out of memory" :
		    strerror(sqlite3_system_errno(db)));
		sqlite3_close(db);
		return NULL;
	}
	/* A fifth of its fast small allocations do for a few statements;
	 * without any a look at a row takes half as long again. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 1200, 20);
	sqlite3_busy_timeout(db, READ_BUSY_MS);
	sqlite3_create_function(db, "matches", 2,
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, matches, NULL, NULL);
	/* Who looks at history reads most pages once: a quarter of what sqlite
	 * would keep of them does as well. */
	if (check(db, path, e) == 0 &&
	    sql_exec(db, "PRAGMA cache_size=-500", e) == 0)
		return db;
	sqlite3_close(db);
	return NULL;
}
