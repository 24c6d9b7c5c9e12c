/* Events: each stay is one, told at the moment it was seen.  First the ids are
 * collected, newest first, until there are enough; then each is read by
 * itself and copied before it is told, so that no read transaction is open
 * while the receiver prints.  Called by history.c. */
#include <stdlib.h>

#include "core/xalloc.h"
#include "db/history_impl.h"
#include "db/sql.h"

/* The CROSS JOIN keeps the order of time: the roll is looked up. */
static const char find_sql[] =
	"SELECT p.id FROM stays p CROSS JOIN roll i ON i.id = p.instance"
	" WHERE p.id BETWEEN ?1 AND ?2"
	" AND p.from_ms + p.late_ms >= ?3 AND p.from_ms + p.late_ms < ?4"
	" AND (?5 IS NULL OR matches(?5, i.cluster))"
	" AND (?6 IS NULL OR matches(?6, i.service_name))"
	" AND (?7 IS NULL OR matches(?7, i.instance_id))"
	" ORDER BY p.id DESC LIMIT ?8 OFFSET ?9";

/* The stay before may belong to an earlier life of the same identity, and
 * then it is open: it ends where this one begins. */
static const char row_sql[] =
	"SELECT i.cluster, i.directory, i.service_name, i.instance_id,"
	" i.address, i.key, p.from_ms, p.from_ms - p.early_ms,"
	" p.from_ms + p.late_ms, p.what, p.etcd_index, q.what,"
	" ifnull(q.length_ms, max(p.from_ms - q.from_ms, 0))"
	" FROM stays p JOIN roll i ON i.id = p.instance"
	" LEFT JOIN stays q ON q.id = ifnull(p.id - p.back,"
	"  (SELECT max(j.last_stay) FROM roll j WHERE (j.cluster,"
	"   j.service_name, j.instance_id) = (i.cluster, i.service_name,"
	"   i.instance_id) AND j.id < i.id))"
	" WHERE p.id = ?";

enum { NTEXTS = 6 };	/* the leading columns of row_sql */

struct ids {
	int64_t *v;
	size_t n, cap;
};

static void add_id(struct ids *ids, int64_t id)
{
	if (ids->n == ids->cap) {
		ids->cap = ids->cap ? ids->cap * 2 : 256;
		ids->v = xreallocarray(ids->v, ids->cap, sizeof(*ids->v));
	}
	ids->v[ids->n++] = id;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		sql_fail(db, e, "read the history");
	return s;
}

static void bind(sqlite3_stmt *s, const struct history_events_query *q,
    int64_t first, int64_t last)
{
	const char *globs[] = { q->who.cluster, q->who.service,
	    q->who.instance };

	sqlite3_bind_int64(s, 1, first);
	sqlite3_bind_int64(s, 2, last);
	sqlite3_bind_int64(s, 3, q->from.ms != 0 ? q->from.ms : INT64_MIN);
	sqlite3_bind_int64(s, 4, q->to.ms != 0 ? q->to.ms : INT64_MAX);
	for (int i = 0; i < 3; i++)
		sqlite3_bind_text(s, 5 + i, globs[i], -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 8, q->limit > 0 ? q->limit : -1);
	sqlite3_bind_int64(s, 9, q->offset);
}

/* Newest first. */
static int find(struct session *s, const struct history_events_query *q,
    struct ids *ids, struct err *e)
{
	int64_t first = 0, last = INT64_MAX;
	sqlite3_stmt *find;
	int rc;

	if (q->from.ms != 0 && stays_since(s->stays, q->from.ms, &first,
	    e) < 0)
		return -1;
	if (q->to.ms != 0 && stays_until(s->stays, q->to.ms, &last, e) < 0)
		return -1;
	find = prepare(s->db, find_sql, e);
	if (find == NULL)
		return -1;
	bind(find, q, first, last);
	while ((rc = sqlite3_step(find)) == SQLITE_ROW)
		add_id(ids, sqlite3_column_int64(find, 0));
	if (rc != SQLITE_DONE)
		sql_fail(s->db, e, "read the history");
	sqlite3_finalize(find);
	return rc == SQLITE_DONE ? 1 : -1;
}

static void copy_row(sqlite3_stmt *s, char *texts[NTEXTS],
    struct history_event *ev)
{
	int64_t what = sqlite3_column_int64(s, 9);

	for (int i = 0; i < NTEXTS; i++)
		texts[i] = xstrdup(sql_text_or_null(s, i));
	*ev = (struct history_event){
		.at = sql_wall(s, 6), .earliest = sql_wall(s, 7),
		.seen = sql_wall(s, 8),
		.cluster = texts[0], .directory = texts[1],
		.service = texts[2], .instance = texts[3],
		.address = texts[4], .key = texts[5],
		.state = state_name(stay_state(what)),
		.cause = cause_name(stay_cause(what)),
		.etcd_index = sqlite3_column_int64(s, 10),
		.was_ms = -1,
	};
	if (sqlite3_column_type(s, 11) == SQLITE_NULL)
		return;
	ev->was = state_name(stay_state(sqlite3_column_int64(s, 11)));
	ev->was_ms = sqlite3_column_int64(s, 12);
}

static int tell(struct session *session, sqlite3_stmt *s, int64_t id,
    bool (*fn)(const struct history_event *ev, void *arg), void *arg,
    struct err *e)
{
	struct history_event ev;
	char *texts[NTEXTS];
	bool more;
	int rc;

	sqlite3_bind_int64(s, 1, id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		copy_row(s, texts, &ev);
	else if (rc != SQLITE_DONE)
		sql_fail(session->db, e, "read the history");
	sqlite3_reset(s);
	/* No row: taken away since, by the end of its retention. */
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 1 : -1;
	more = fn(&ev, arg);
	for (int i = 0; i < NTEXTS; i++)
		free(texts[i]);
	return more;
}

int events_find(struct session *s, const struct history_events_query *q,
    bool (*fn)(const struct history_event *row, void *arg), void *arg,
    struct err *e)
{
	struct ids ids = { NULL, 0, 0 };
	sqlite3_stmt *row;
	int rc = find(s, q, &ids, e);

	session_end(s);
	row = prepare(s->db, row_sql, e);
	if (row == NULL)
		rc = -1;
	for (size_t i = 0; i < ids.n && rc == 1; i++)
		rc = tell(s, row, ids.v[q->newest_first ? i : ids.n - 1 - i],
		    fn, arg, e);
	sqlite3_finalize(row);
	free(ids.v);
	return rc;
}
