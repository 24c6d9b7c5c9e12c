/* The source of history that reads the file: sessions, limits of time, and
 * which file answers which question.  Rows are told after the read
 * transaction is over, so that a slow receiver never makes the daemon's WAL
 * grow. */
#include "db/history.h"

#include <stdlib.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "db/history_impl.h"
#include "db/reader.h"
#include "db/sql.h"

enum {
	OPS_BETWEEN_LOOKS = 20000,	/* of sqlite, about a millisecond */
	MAX_ROWS = 1000000,
};

int session_begin(struct session *s, struct err *e)
{
	return sql_exec(s->db, "BEGIN", e);
}

void session_end(struct session *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sql_exec(s->db, "COMMIT", NULL);
}

static int look_at_clock(void *session)
{
	struct session *s = session;
	mono_t now = clock_mono();

	if (s->progress != NULL)
		s->progress(stays_share(s->stays), s->arg);
	s->late = s->limit_ms > 0 && mono_due(s->deadline, now);
	return s->late;
}

static void *open_session(const void *path, struct err *e)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->db = reader_open(path, e);
	if (s->db != NULL)
		s->stays = stays_new(s->db, e);
	if (s->stays != NULL) {
		sqlite3_progress_handler(s->db, OPS_BETWEEN_LOOKS,
		    look_at_clock, s);
		stays_interrupt(s->stays, look_at_clock, s);
		return s;
	}
	sqlite3_close(s->db);
	free(s);
	return NULL;
}

static void close_session(void *session)
{
	struct session *s = session;

	if (s == NULL)
		return;
	stays_free(s->stays);
	sqlite3_close(s->db);
	free(s);
}

static void set_limits(void *session, int64_t limit_ms,
    void (*progress)(double share, void *arg), void *arg)
{
	struct session *s = session;

	s->limit_ms = limit_ms;
	s->deadline = mono_add(clock_mono(), limit_ms);
	s->progress = progress;
	s->arg = arg;
}

bool session_too_many(struct session *s, size_t subjects,
    const struct history_uptime_query *q, struct err *e)
{
	s->bad = subjects > 0 && q->nedges - 1 > MAX_ROWS / subjects;
	if (s->bad)
		err_set(e, "%zu intervals of %zu services or instances are too"
		    " much at once: ask for fewer", q->nedges - 1, subjects);
	return s->bad;
}

static int begin(struct session *s, struct err *e)
{
	s->late = s->bad = false;
	s->deadline = mono_add(clock_mono(), s->limit_ms);
	return session_begin(s, e) == 0 ? stays_refresh(s->stays, e) : -1;
}

static enum history_rc end(struct session *s, int rc, struct err *e)
{
	session_end(s);
	if (rc == 1)
		return HISTORY_OK;
	if (rc == 0)
		return HISTORY_ENDED;
	if (s->bad)
		return HISTORY_BAD;
	if (!s->late)
		return HISTORY_FAILED;
	err_set(e, "the answer took longer than %d s: ask for less",
	    (int)(s->limit_ms / 1000));
	return HISTORY_TOO_LONG;
}

static enum history_rc bad(struct err *e, const char *what)
{
	err_set(e, "%s", what);
	return HISTORY_BAD;
}

static enum history_rc answer_uptime(void *session,
    const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e)
{
	struct session *s = session;
	int rc;

	if (q->nedges < 2)
		return bad(e, "the range is empty");
	if (q->nedges > MAX_ROWS)
		return bad(e, "more than a million intervals");
	for (size_t i = 1; i < q->nedges; i++)
		if (q->edges[i].ms <= q->edges[i - 1].ms)
			return bad(e, "the range is empty");
	if (q->of == HISTORY_SERVICES && q->who.instance != NULL)
		return bad(e, "an instance can be chosen only among "
		    "instances, not of services");
	rc = begin(s, e);
	if (rc == 0)
		rc = q->of == HISTORY_SERVICES ?
		    uptime_services(s, q, fn, arg, e) :
		    uptime_instances(s, q, fn, arg, e);
	return end(s, rc, e);
}

static enum history_rc answer_outages(void *session,
    const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e)
{
	struct session *s = session;
	int rc;

	if (q->from.ms >= q->to.ms)
		return bad(e, "the range is empty");
	if (q->of == HISTORY_SERVICES && q->who.instance != NULL)
		return bad(e, "an instance can be chosen only among "
		    "instances, not of services");
	rc = begin(s, e);
	if (rc == 0)
		rc = q->of == HISTORY_SERVICES ?
		    outages_services(s, q, fn, arg, e) :
		    outages_instances(s, q, fn, arg, e);
	return end(s, rc, e);
}

static enum history_rc answer_events(void *session,
    const struct history_events_query *q,
    bool (*fn)(const struct history_event *row, void *arg), void *arg,
    struct err *e)
{
	struct session *s = session;
	int rc = begin(s, e);

	if (rc == 0)
		rc = events_find(s, q, fn, arg, e);
	return end(s, rc, e);
}

static void keep_bounds(sqlite3_stmt *row, void *arg)
{
	wall_t *bounds = arg;

	bounds[0] = sql_wall(row, 0);
	bounds[1] = sql_wall(row, 1);
}

static enum history_rc looked(void *session, wall_t *since_r,
    wall_t *until_r, struct err *e)
{
	struct session *s = session;
	wall_t bounds[2] = { { 0 }, { 0 } };

	if (sql_each(s->db, "SELECT min(from_ms), max(to_ms) FROM watching",
	    keep_bounds, bounds, e) != 0)
		return HISTORY_FAILED;
	*since_r = bounds[0];
	*until_r = bounds[1];
	return HISTORY_OK;
}

struct history_source history_of_file(const char *path)
{
	return (struct history_source){
		.open = open_session, .close = close_session,
		.uptime = answer_uptime, .outages = answer_outages,
		.events = answer_events, .looked = looked,
		.limits = set_limits, .arg = path,
	};
}
