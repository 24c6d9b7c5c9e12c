/* Brings a database to the present schema, by the numbered steps that lead to
 * it (schema_1.c and so on).  file.c runs them when it opens the file. */
#include "db/migrations.h"

#include <stdio.h>

#include "core/err.h"
#include "db/schema.h"
#include "db/sql.h"

/* Step n brings version n-1 to version n. */
static const char *const *const steps[] = { schema_1, schema_2 };

int64_t migrations_latest(void)
{
	return sizeof(steps) / sizeof(steps[0]);
}

static int run_texts(sqlite3 *db, int64_t version, struct err *e)
{
	char mark[80];

	for (size_t i = 0; steps[version - 1][i] != NULL; i++)
		if (sql_exec(db, steps[version - 1][i], e) != 0)
			return -1;
	snprintf(mark, sizeof(mark), "PRAGMA application_id=%d;"
	    " PRAGMA user_version=%d", APPLICATION_ID, (int)version);
	return sql_exec(db, mark, e);
}

static int run_step(sqlite3 *db, int64_t version, struct err *e)
{
	if (sql_exec(db, "BEGIN IMMEDIATE", e) == 0 &&
	    run_texts(db, version, e) == 0 &&
	    sql_exec(db, "COMMIT", e) == 0)
		return 0;
	if (!sqlite3_get_autocommit(db))
		sql_exec(db, "ROLLBACK", NULL);
	return err_prefix(e, "bring the schema to version %d", (int)version);
}

int migrations_run(sqlite3 *db, struct err *e)
{
	int64_t version = 0;

	if (sql_int(db, "PRAGMA user_version", &version, e) != 0)
		return -1;
	while (version < migrations_latest())
		if (run_step(db, ++version, e) != 0)
			return -1;
	return 0;
}

enum db_kind migrations_look(sqlite3 *db, int64_t *version_r, struct err *e)
{
	int64_t id = 0, tables = 0;

	*version_r = 0;
	if (sql_int(db, "SELECT count(*) FROM sqlite_schema", &tables,
	    e) != 0 ||
	    sql_int(db, "PRAGMA application_id", &id, e) != 0 ||
	    sql_int(db, "PRAGMA user_version", version_r, e) != 0)
		return sql_is_corrupt(sqlite3_errcode(db)) ? DB_CORRUPT :
		    DB_UNREADABLE;
	if (id != APPLICATION_ID)
		return tables == 0 && id == 0 && *version_r == 0 ? DB_EMPTY :
		    DB_FOREIGN;
	return *version_r > migrations_latest() ? DB_NEWER : DB_OURS;
}
