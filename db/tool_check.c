/* `rollcall db check`: sqlite's own check of the file, then rows that cannot be
 * right together, by one table of questions.  Only tells; what to do about it
 * is for a person to decide. */
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "db/file.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/tools.h"

enum { SHOWN = 20 };		/* of each kind */

/* Each gives the ids of rows that are wrong.
 *
 * Retention deletes stays, so that a link to nothing can be right.  But it goes
 * along ids and deletes whatever ended before some moment (keep_tasks.c): where
 * a stay is gone that ended when the next began, none with a smaller id that
 * ended earlier can be left. */
static const struct {
	const char *table, *what, *sql;
} questions[] = {
	{ "stays", "its instance is not in the roll",
	  "SELECT s.id FROM stays s LEFT JOIN roll i ON i.id = s.instance"
	  " WHERE i.id IS NULL" },
	{ "stays", "it ends before it begins",
	  "SELECT id FROM stays WHERE length_ms < 0" },
	{ "stays", "its cause is none",
	  "SELECT id FROM stays WHERE what < 0 OR (what >> 2 & 15) > 8" },
	{ "stays", "the one before it is not before it",
	  "SELECT id FROM stays WHERE back <= 0 OR back >= id" },
	{ "stays", "the one before it is another instance's",
	  "SELECT s.id FROM stays s JOIN stays b ON b.id = s.id - s.back"
	  " WHERE b.instance <> s.instance" },
	{ "stays", "the one before it is missing",
	  "WITH lost AS (SELECT s.id, s.from_ms, s.id - s.back AS at"
	  "  FROM stays s LEFT JOIN stays b ON b.id = s.id - s.back"
	  "  WHERE s.back > 0 AND s.back < s.id AND b.id IS NULL),"
	  " ends AS (SELECT id AS at, from_ms + length_ms AS ms, NULL AS id,"
	  "  NULL AS from_ms FROM stays WHERE id < (SELECT max(at) FROM lost)"
	  "  UNION ALL SELECT at, NULL, id, from_ms FROM lost)"
	  " SELECT id FROM (SELECT id, from_ms, min(ms) OVER (ORDER BY at)"
	  "  AS earliest FROM ends) WHERE earliest < from_ms ORDER BY id" },
	{ "stays", "the one before it is not the last before it",
	  "SELECT id FROM (SELECT id, back, lag(id)"
	  "  OVER (PARTITION BY instance ORDER BY id) AS last FROM stays)"
	  " WHERE last > id - ifnull(back, id) ORDER BY id" },
	{ "stays", "the one before it goes on",
	  "SELECT s.id FROM stays s JOIN stays b ON b.id = s.id - s.back"
	  " WHERE b.length_ms IS NULL" },
	{ "stays", "the one before it ends later than it begins",
	  "SELECT s.id FROM stays s JOIN stays b ON b.id = s.id - s.back"
	  " WHERE b.from_ms + b.length_ms > s.from_ms"
	  "  AND s.from_ms >= b.from_ms" },
	{ "stays", "the one before it ends earlier than it begins",
	  "SELECT s.id FROM stays s JOIN stays b ON b.id = s.id - s.back"
	  " WHERE b.from_ms + b.length_ms < s.from_ms" },
	{ "roll", "its last stay is another one",
	  "SELECT i.id FROM roll i LEFT JOIN (SELECT instance, max(id) AS last"
	  "  FROM stays GROUP BY instance) s ON s.instance = i.id"
	  " WHERE s.last IS NOT NULL AND i.last_stay IS NOT s.last" },
	{ "watching", "it ends before it begins",
	  "SELECT id FROM watching WHERE to_ms < from_ms" },
	{ "maintenance", "it ends before it begins",
	  "SELECT id FROM maintenance WHERE ifnull(ended_ms, to_ms) <"
	  " from_ms" },
};

struct checking {
	void (*found)(const char *what, void *arg);
	void *arg;
	struct tool_summary *summary;
	const char *table, *what;	/* the kind */
	int64_t n;			/* of that kind */
};

static void say(struct checking *c, const char *text)
{
	c->summary->wrong++;
	if (++c->n <= SHOWN)
		c->found(text, c->arg);
}

static void say_how_many(struct checking *c)
{
	char *text = xasprintf("%s: %lld more: %s", c->table,
	    (long long)c->n - SHOWN, c->what);

	if (c->n > SHOWN)
		c->found(text, c->arg);
	free(text);
	c->n = 0;
}

static void verdict(sqlite3_stmt *row, void *arg)
{
	if (strcmp(sql_text(row, 0), "ok") != 0)
		say(arg, sql_text(row, 0));
}

static void wrong_row(sqlite3_stmt *row, void *arg)
{
	struct checking *c = arg;
	char *text = xasprintf("%s, id %lld: %s", c->table,
	    (long long)sqlite3_column_int64(row, 0), c->what);

	say(c, text);
	free(text);
}

static int ask(sqlite3 *db, struct checking *c, struct err *e)
{
	c->table = "sqlite";
	c->what = "its check stops at 1000";
	if (sql_each(db, "PRAGMA integrity_check(1000)", verdict, c, e) != 0)
		return -1;
	say_how_many(c);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		c->table = questions[i].table;
		c->what = questions[i].what;
		if (sql_each(db, questions[i].sql, wrong_row, c, e) != 0)
			return -1;
		say_how_many(c);
	}
	return 0;
}

static int sum_up(sqlite3 *db, struct tool_summary *s, struct err *e)
{
	const struct {
		const char *sql;
		int64_t *v;
	} sums[] = {
		{ "SELECT count(*) FROM (SELECT DISTINCT cluster, service_name,"
		  " instance_id FROM roll)", &s->instances },
		{ "SELECT count(*) FROM stays", &s->stays },
		{ "SELECT min(from_ms) FROM watching", &s->watched_from },
		{ "SELECT max(to_ms) FROM watching", &s->watched_to },
	};

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		if (sql_int(db, sums[i].sql, sums[i].v, e) != 0)
			return -1;
	return 0;
}

int tool_check(const char *path, void (*found)(const char *what, void *arg),
    void *arg, struct tool_summary *summary_r, struct err *e)
{
	struct checking c = { .found = found, .arg = arg };
	sqlite3 *db = reader_open(path, e);
	int rc = -1;

	*summary_r = (struct tool_summary){ .wrong = 0 };
	c.summary = summary_r;
	if (db != NULL && ask(db, &c, e) == 0 &&
	    sum_up(db, summary_r, e) == 0)
		rc = 0;
	summary_r->bytes = file_bytes(path);
	sqlite3_close(db);
	return rc;
}
