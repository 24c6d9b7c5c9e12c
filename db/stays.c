/* Reads the table `stays` and is the one place outside the schema and the
 * writer's statements that knows its columns.  Ids grow with the moment a stay
 * was seen, so that a moment is found by halving, and what is older is never
 * read.  A scan (prefetch.c) takes the fewest columns: it reads a million
 * rows, and nearly none is in doubt.  Who was where, and for how long, is
 * walk.c. */
#include "db/stays.h"

#include <stdlib.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "db/prefetch.h"
#include "db/sql.h"

enum statement_name { GET, SEEN, LAST, JUMPED, SCAN, STATEMENTS };

enum { IN_DOUBT = 64 };		/* in `what` */

/* So many ids are not worth a thread, and a connection of 250 kB. */
#ifndef STAYS_FEW
#define STAYS_FEW 20000
#endif

static const char *const texts[STATEMENTS] = {
	[GET] = "SELECT instance, what, from_ms, early_ms, late_ms, back"
	    " FROM stays WHERE id = ?1",
	[SEEN] = "SELECT id, from_ms + late_ms FROM stays WHERE id >= ?1"
	    " ORDER BY id LIMIT 1",
	[LAST] = "SELECT max(id) FROM stays",
	[SCAN] = "SELECT id, instance, from_ms, what FROM stays"
	    " WHERE id >= ?1 ORDER BY id",
	[JUMPED] = "SELECT -ifnull(sum(jump_ms), 0) FROM clock_jumps"
	    " WHERE jump_ms < 0",
};

struct stays {
	sqlite3 *db;
	sqlite3_stmt *s[STATEMENTS];
	int64_t jumped;		/* how far clocks went back, all together */
	int64_t first, at, last;	/* of a scan */
	int (*interrupted)(void *arg);	/* or NULL */
	void *arg;
};

static int failed(struct stays *s, struct err *e)
{
	return sql_fail(s->db, e, "read the history");
}

/* The first column of a statement without parameters. */
static int single(struct stays *s, enum statement_name name, int64_t *v_r,
    struct err *e)
{
	sqlite3_stmt *q = s->s[name];
	int rc = sqlite3_step(q);

	if (rc == SQLITE_ROW)
		*v_r = sqlite3_column_int64(q, 0);
	else if (rc != SQLITE_DONE)
		failed(s, e);
	sqlite3_reset(q);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

struct stays *stays_new(sqlite3 *db, struct err *e)
{
	struct stays *s = xcalloc(1, sizeof(*s));

	s->db = db;
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(db, texts[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &s->s[i], NULL) != SQLITE_OK) {
			failed(s, e);
			stays_free(s);
			return NULL;
		}
	return s;
}

int stays_refresh(struct stays *s, struct err *e)
{
	s->first = s->at = s->last = 0;
	return single(s, JUMPED, &s->jumped, e) < 0 ? -1 : 0;
}

void stays_interrupt(struct stays *s, int (*interrupted)(void *arg),
    void *arg)
{
	s->interrupted = interrupted;
	s->arg = arg;
}

int64_t stays_jumped(const struct stays *s)
{
	return s->jumped;
}

double stays_share(const struct stays *s)
{
	return s->last > s->first ? (double)(s->at - s->first) /
	    (double)(s->last - s->first) : 0;
}

void stays_free(struct stays *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->s[i]);
	free(s);
}

static void set_what(struct stay *stay, int64_t what)
{
	stay->state = (unsigned char)stay_state(what);
	stay->cause = (unsigned char)stay_cause(what);
}

int stays_get(struct stays *s, int64_t id, struct stay *stay_r,
    int64_t *before_r, struct err *e)
{
	sqlite3_stmt *q = s->s[GET];
	int64_t back;
	int rc;

	sqlite3_bind_int64(q, 1, id);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW) {
		int64_t what = sqlite3_column_int64(q, 1);

		*stay_r = (struct stay){ .id = id };
		stay_r->instance = sqlite3_column_int64(q, 0);
		set_what(stay_r, what);
		stay_r->from = sqlite3_column_int64(q, 2);
		stay_r->earliest = stay_r->from - sqlite3_column_int64(q, 3);
		stay_r->seen = stay_r->from + sqlite3_column_int64(q, 4);
		stay_r->doubt_from = what & IN_DOUBT ? stay_r->earliest :
		    stay_r->from;
		stay_r->doubt_to = what & IN_DOUBT ? stay_r->seen :
		    stay_r->from;
		back = sqlite3_column_int64(q, 5);
		*before_r = back > 0 && back < id ? id - back : 0;
	} else if (rc != SQLITE_DONE) {
		failed(s, e);
	}
	sqlite3_reset(q);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

int stays_last(struct stays *s, int64_t *id_r, struct err *e)
{
	*id_r = 0;
	return single(s, LAST, id_r, e);
}

/* The first row from id on: 0 if there is none. */
static int seen_at(struct stays *s, int64_t id, int64_t *found_r,
    int64_t *seen_r, struct err *e)
{
	sqlite3_stmt *q = s->s[SEEN];
	int rc;

	sqlite3_bind_int64(q, 1, id);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW) {
		*found_r = sqlite3_column_int64(q, 0);
		*seen_r = sqlite3_column_int64(q, 1);
	} else if (rc != SQLITE_DONE) {
		failed(s, e);
	}
	sqlite3_reset(q);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

/* An id whose row was seen at t or later while the one before it was not. */
static int halve(struct stays *s, int64_t t, int64_t *id_r, struct err *e)
{
	int64_t low = 0, high, found = 0, seen = 0;

	if (stays_last(s, &high, e) < 0)
		return -1;
	high++;
	while (low < high) {
		int64_t mid = low + (high - low) / 2;
		int rc = seen_at(s, mid, &found, &seen, e);

		if (rc < 0)
			return -1;
		if (rc == 0 || seen >= t)
			high = mid;
		else
			low = found + 1;
	}
	*id_r = low;
	return 1;
}

/* Where all clocks together went back by j, a stay was seen at most j before
 * any earlier one. */
int stays_since(struct stays *s, int64_t t, int64_t *id_r, struct err *e)
{
	return halve(s, t - s->jumped, id_r, e);
}

int stays_until(struct stays *s, int64_t t, int64_t *id_r, struct err *e)
{
	return halve(s, t + s->jumped, id_r, e);
}

/* In a scan only what is in doubt is looked up by itself. */
static int stay_of(struct stays *s, const struct prefetch_row *row,
    struct stay *stay, struct err *e)
{
	int64_t before;

	if (row->what & IN_DOUBT)
		return stays_get(s, row->id, stay, &before, e);
	stay->id = row->id;
	stay->instance = row->instance;
	stay->from = stay->doubt_from = stay->doubt_to = row->from;
	set_what(stay, row->what);
	return 1;
}

/* Told so by whoever watches the time. */
static int cut_off(struct err *e)
{
	return err_set(e, "read the history: interrupted");
}

static int scan_few(struct stays *s, int64_t id,
    bool (*fn)(const struct stay *stay, void *arg), void *arg, struct err *e)
{
	sqlite3_stmt *q = s->s[SCAN];
	struct stay stay = { .id = 0 };
	int rc, end = 1;

	sqlite3_bind_int64(q, 1, id);
	while (end == 1 && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		const struct prefetch_row row = {
			sqlite3_column_int64(q, 0),
			sqlite3_column_int64(q, 1),
			sqlite3_column_int64(q, 2),
			sqlite3_column_int64(q, 3),
		};

		if (stay_of(s, &row, &stay, e) < 0)
			end = -1;
		else if (!fn(&stay, arg))
			end = 0;
	}
	if (end == 1 && rc != SQLITE_DONE)
		end = failed(s, e);
	sqlite3_reset(q);
	return end;
}

static int scan(struct stays *s, struct prefetch *a,
    bool (*fn)(const struct stay *stay, void *arg), void *arg, struct err *e)
{
	const struct prefetch_row *rows = NULL;
	struct stay stay = { .id = 0 };
	size_t n;
	int rc;

	while ((rc = prefetch_next(a, &rows, &n, e)) == 1) {
		for (size_t i = 0; i < n; i++) {
			if (stay_of(s, &rows[i], &stay, e) < 0)
				return -1;
			if (!fn(&stay, arg))
				return 0;
		}
		s->at = n > 0 ? rows[n - 1].id : s->at;
		if (s->interrupted != NULL && s->interrupted(s->arg))
			return cut_off(e);
	}
	return rc == 0 ? 1 : -1;
}

int stays_scan(struct stays *s, int64_t id,
    bool (*fn)(const struct stay *stay, void *arg), void *arg,
    struct err *e)
{
	struct prefetch *a;
	int rc;

	s->first = s->at = id;
	if (stays_last(s, &s->last, e) < 0)
		return -1;
	if (s->last - id < STAYS_FEW)
		return scan_few(s, id, fn, arg, e);
	/* Nothing behind what the transaction that is open has seen. */
	a = prefetch_start(sqlite3_db_filename(s->db, NULL), id, s->last, e);
	if (a == NULL)
		return -1;
	rc = scan(s, a, fn, arg, e);
	prefetch_end(a);
	return rc;
}
