/* History as events: each row of `periods` is one, told at the moment it was
 * seen.  First the ids are collected, then each is read by itself and copied
 * before it is told, so that no read transaction is open while the caller
 * prints. */
#include "db/history.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/err.h"
#include "core/registry.h"
#include "core/xalloc.h"
#include "db/reader.h"
#include "db/sql.h"

struct ids {
	int64_t *v;
	size_t n, cap;
};

static const char find_sql[] =
	"SELECT p.id FROM periods p JOIN instances i ON i.id = p.instance"
	" WHERE ifnull(p.seen_ms, p.from_ms) >= ?1"
	" AND ifnull(p.seen_ms, p.from_ms) < ?2"
	" AND (?3 IS NULL OR i.cluster = ?3)"
	" AND (?4 IS NULL OR matches(?4, i.service_name))"
	" AND (?5 IS NULL OR matches(?5, i.instance_id))"
	" ORDER BY p.id DESC LIMIT ?6";

/* The stay before may belong to another row of instances, of the same
 * identity, and then it is open: it ends where this one begins. */
static const char row_sql[] =
	"SELECT i.cluster, i.directory, i.service_name, i.instance_id,"
	" i.address, i.key, p.from_ms, ifnull(p.earliest_ms, p.from_ms),"
	" ifnull(p.seen_ms, p.from_ms), p.state, p.cause, p.etcd_index,"
	" q.state, ifnull(q.to_ms, p.from_ms) - q.from_ms"
	" FROM periods p JOIN instances i ON i.id = p.instance"
	" LEFT JOIN periods q ON q.id = (SELECT max((SELECT z.id"
	"  FROM periods z WHERE z.instance = j.id"
	"  AND (z.from_ms, z.id) < (p.from_ms, p.id)"
	"  ORDER BY z.from_ms DESC, z.id DESC LIMIT 1)) FROM instances j"
	"  WHERE (j.cluster, j.service_name, j.instance_id) ="
	"  (i.cluster, i.service_name, i.instance_id))"
	" WHERE p.id = ?";

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		sql_fail(db, e, "read the history");
	return s;
}

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

static void add_id(struct ids *ids, int64_t id)
{
	if (ids->n == ids->cap) {
		ids->cap = ids->cap ? ids->cap * 2 : 256;
		ids->v = xreallocarray(ids->v, ids->cap, sizeof(*ids->v));
	}
	ids->v[ids->n++] = id;
}

/* Newest first. */
static int find(sqlite3 *db, const struct history_query *q, struct ids *ids,
    struct err *e)
{
	sqlite3_stmt *s = prepare(db, find_sql, e);
	int rc;

	if (s == NULL)
		return -1;
	sqlite3_bind_int64(s, 1, q->since.ms != 0 ? q->since.ms : INT64_MIN);
	sqlite3_bind_int64(s, 2, q->until.ms != 0 ? q->until.ms : INT64_MAX);
	bind_text(s, 3, q->cluster);
	bind_text(s, 4, q->service);
	bind_text(s, 5, q->instance);
	sqlite3_bind_int64(s, 6, q->limit > 0 ? q->limit : -1);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		add_id(ids, sqlite3_column_int64(s, 0));
	if (rc != SQLITE_DONE)
		sql_fail(db, e, "read the history");
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

static const char *state_text(sqlite3_stmt *s, int column)
{
	int64_t v = sqlite3_column_int64(s, column);

	return v >= STATE_UP && v <= STATE_DEREGISTERED ?
	    state_name((enum state)v) : "unknown";
}

static const char *cause_text(sqlite3_stmt *s, int column)
{
	int64_t v = sqlite3_column_int64(s, column);

	return v >= CAUSE_REGISTERED && v < CAUSE_COUNT ?
	    cause_name((enum cause)v) : "unknown";
}

enum { NTEXTS = 6 };	/* the leading columns of row_sql */

static void copy_row(sqlite3_stmt *s, char *texts[NTEXTS],
    struct history_event *ev)
{
	for (int i = 0; i < NTEXTS; i++)
		texts[i] = xstrdup(sql_text_or_null(s, i));
	*ev = (struct history_event){
		.at = sql_wall(s, 6), .earliest = sql_wall(s, 7),
		.seen = sql_wall(s, 8),
		.cluster = texts[0], .directory = texts[1],
		.service = texts[2], .instance_id = texts[3],
		.address = texts[4], .key = texts[5],
		.state = state_text(s, 9), .cause = cause_text(s, 10),
		.etcd_index = (uint64_t)sqlite3_column_int64(s, 11),
		.before_ms = -1,
	};
	if (sqlite3_column_type(s, 12) != SQLITE_NULL)
		ev->was = state_text(s, 12);
	if (sqlite3_column_type(s, 13) != SQLITE_NULL)
		ev->before_ms = sqlite3_column_int64(s, 13);
}

static int tell(sqlite3_stmt *s, int64_t id,
    void (*fn)(const struct history_event *ev, void *arg), void *arg)
{
	struct history_event ev;
	char *texts[NTEXTS];
	int rc;

	sqlite3_bind_int64(s, 1, id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		copy_row(s, texts, &ev);
	sqlite3_reset(s);
	/* No row: taken away since, by the end of its retention. */
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 0 : -1;
	fn(&ev, arg);
	for (int i = 0; i < NTEXTS; i++)
		free(texts[i]);
	return 0;
}

static int tell_all(sqlite3 *db, const struct ids *ids,
    void (*fn)(const struct history_event *ev, void *arg), void *arg,
    struct err *e)
{
	sqlite3_stmt *s = prepare(db, row_sql, e);
	int rc = s != NULL ? 0 : -1;

	for (size_t i = ids->n; i-- > 0 && rc == 0; )
		if ((rc = tell(s, ids->v[i], fn, arg)) != 0)
			sql_fail(db, e, "read the history");
	sqlite3_finalize(s);
	return rc;
}

int history_events(const char *path, const struct history_query *q,
    void (*fn)(const struct history_event *ev, void *arg), void *arg,
    struct err *e)
{
	sqlite3 *db = reader_open(path, e);
	struct ids ids = { NULL, 0, 0 };
	int rc;

	if (db == NULL)
		return -1;
	rc = find(db, q, &ids, e);
	if (rc == 0)
		rc = tell_all(db, &ids, fn, arg, e);
	free(ids.v);
	sqlite3_close(db);
	return rc;
}
