/* Runs the statements of units (statements.c) as one transaction.  Knows
 * nothing of threads, queues or retries: that is writer.c, its only caller
 * but the tests. */
#include "db/commit.h"

#include <stdbool.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "db/sql.h"

struct committer {
	sqlite3 *db;
	sqlite3_stmt *prepared[SQL_COUNT];
};

struct committer *committer_new(sqlite3 *db)
{
	struct committer *c = xcalloc(1, sizeof(*c));

	c->db = db;
	return c;
}

void committer_free(struct committer *c)
{
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(c->prepared[i]);
	free(c);
}

static void bind(sqlite3_stmt *s, const struct op *op)
{
	struct value values[OP_MAX_VALUES];

	op_values(op, values);
	for (unsigned i = 0; i < op->n; i++) {
		const struct value *v = &values[i];
		int at = (int)i + 1;

		switch (v->type) {
		case VALUE_NULL:
			sqlite3_bind_null(s, at);
			break;
		case VALUE_INT:
			sqlite3_bind_int64(s, at, v->i);
			break;
		case VALUE_TEXT:
			sqlite3_bind_text(s, at, v->s, -1, SQLITE_STATIC);
			break;
		}
	}
}

/* What is wrong with the row itself, not with the file. */
static bool is_refusal(int rc)
{
	rc &= 0xff;
	return rc == SQLITE_CONSTRAINT || rc == SQLITE_MISMATCH ||
	    rc == SQLITE_TOOBIG;
}

static int run_op(struct committer *c, const struct op *op)
{
	sqlite3_stmt **s = &c->prepared[op->id];
	int rc;

	if (*s == NULL) {
		rc = sqlite3_prepare_v3(c->db, statements[op->id].sql, -1,
		    SQLITE_PREPARE_PERSISTENT, s, NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	bind(*s, op);
	rc = sqlite3_step(*s);
	if (is_refusal(rc)) {
		log_error("database refuses a row: left out",
		    LOG_S("error", sqlite3_errmsg(c->db)),
		    LOG_S("statement", statements[op->id].sql));
		rc = SQLITE_DONE;
	}
	sqlite3_reset(*s);
	sqlite3_clear_bindings(*s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run_unit(struct committer *c, const struct unit *u)
{
	const struct op *op = TAILQ_FIRST(&u->ops);
	int rc = SQLITE_OK;

	for (; op != NULL && rc == SQLITE_OK; op = TAILQ_NEXT(op, link))
		rc = run_op(c, op);
	return rc;
}

static int run_units(struct committer *c, const struct units *units)
{
	const struct unit *u = TAILQ_FIRST(units);
	int rc = SQLITE_OK;

	for (; u != NULL && rc == SQLITE_OK; u = TAILQ_NEXT(u, link))
		rc = run_unit(c, u);
	return rc;
}

static int run_text(struct committer *c, const char *sql)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL);
}

int commit_units(struct committer *c, const struct units *units,
    struct err *e)
{
	int rc = run_text(c, "BEGIN IMMEDIATE");

	if (rc == SQLITE_OK)
		rc = run_units(c, units);
	if (rc == SQLITE_OK)
		rc = run_text(c, "COMMIT");
	if (rc == SQLITE_OK)
		return rc;
	err_set(e, "%s", sqlite3_errmsg(c->db));
	if (!sqlite3_get_autocommit(c->db))
		run_text(c, "ROLLBACK");
	return rc;
}
