/* The few things that are done with sqlite again and again, with errors as
 * text.  No statement of the schema is here: the writer's are in
 * statements.c, the reader's beside their use. */
#include "db/sql.h"

#include <stddef.h>

#include "core/err.h"

int sql_fail(sqlite3 *db, struct err *e, const char *what)
{
	return err_set(e, "%s: %s", what, sqlite3_errmsg(db));
}

int sql_exec(sqlite3 *db, const char *sql, struct err *e)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return err_set(e, "%s", sqlite3_errmsg(db));
	return 0;
}

int sql_each(sqlite3 *db, const char *sql,
    void (*fn)(sqlite3_stmt *row, void *arg), void *arg, struct err *e)
{
	sqlite3_stmt *s;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		return err_set(e, "%s", sqlite3_errmsg(db));
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		if (fn != NULL)
			fn(s, arg);
	/* The reason is lost once the statement is gone. */
	if (rc != SQLITE_DONE)
		err_set(e, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void keep_int(sqlite3_stmt *row, void *arg)
{
	*(int64_t *)arg = sqlite3_column_int64(row, 0);
}

int sql_int(sqlite3 *db, const char *sql, int64_t *v_r, struct err *e)
{
	return sql_each(db, sql, keep_int, v_r, e);
}

static int meta_step(sqlite3 *db, const char *sql, const char *key,
    const int64_t *v, int64_t *v_r)
{
	sqlite3_stmt *s;
	int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	if (v != NULL)
		sqlite3_bind_int64(s, 2, *v);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && v_r != NULL)
		*v_r = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int sql_meta_int(sqlite3 *db, const char *key, int64_t *v_r)
{
	return meta_step(db, "SELECT value FROM meta WHERE key = ?", key,
	    NULL, v_r);
}

int sql_set_meta_int(sqlite3 *db, const char *key, int64_t v)
{
	return meta_step(db, "REPLACE INTO meta VALUES(?, ?)", key, &v, NULL);
}

bool sql_is_corrupt(int rc)
{
	rc &= 0xff;
	return rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
}

const char *sql_text_or_null(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

const char *sql_text(sqlite3_stmt *row, int column)
{
	const char *s = sql_text_or_null(row, column);

	return s != NULL ? s : "";
}

wall_t sql_wall(sqlite3_stmt *row, int column)
{
	return (wall_t){ sqlite3_column_int64(row, column) };
}
