/* What tables and columns there are, asked of sqlite itself.  Used by
 * tool_export.c and tool_import.c. */
#include "db/tables.h"

#include <stdlib.h>

#include "core/xalloc.h"
#include "db/sql.h"

static void add(sqlite3_stmt *row, void *arg)
{
	struct table_names *t = arg;

	t->v = xreallocarray(t->v, t->n + 1, sizeof(char *));
	t->v[t->n++] = xstrdup(sql_text(row, 0));
}

void table_names_free(struct table_names *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
	*t = (struct table_names){ NULL, 0 };
}

int tables_list(sqlite3 *db, struct table_names *t_r, struct err *e)
{
	*t_r = (struct table_names){ NULL, 0 };
	return sql_each(db, "SELECT name FROM sqlite_schema"
	    " WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
	    " AND name NOT IN ('states', 'causes') ORDER BY name", add, t_r,
	    e);
}

static int ask(sqlite3 *db, const char *form, const char *table,
    struct table_names *c_r, struct err *e)
{
	char *sql = sqlite3_mprintf(form, table);
	int rc;

	*c_r = (struct table_names){ NULL, 0 };
	rc = sql_each(db, sql, add, c_r, e);
	sqlite3_free(sql);
	return rc;
}

int tables_columns(sqlite3 *db, const char *table, struct table_names *c_r,
    struct err *e)
{
	return ask(db, "SELECT name FROM pragma_table_info(%Q) ORDER BY cid",
	    table, c_r, e);
}

int tables_key(sqlite3 *db, const char *table, struct table_names *c_r,
    struct err *e)
{
	return ask(db, "SELECT name FROM pragma_table_info(%Q) WHERE pk > 0"
	    " ORDER BY pk", table, c_r, e);
}
