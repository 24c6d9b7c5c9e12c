/* Reads the table `stays` and is the one place outside migrations.c that
 * knows its columns.  Ids grow with the moment a stay was seen, so that a
 * moment is found by halving, and what is older is never read.  The scan
 * takes three columns only: it reads a million rows, and nearly none is in
 * doubt.  Who was where, and for how long, is subjects.c. */
#include "db/stays.h"

#include <stdlib.h>

#include "core/err.h"
#include "core/xalloc.h"
#include "db/sql.h"

enum statement_name { GET, SEEN, SCAN, LAST, JUMPED, STATEMENTS };

enum { IN_DOUBT = 64 };		/* in `what` */

static const char *const texts[STATEMENTS] = {
	[GET] = "SELECT instance, what, from_ms, early_ms, late_ms, back"
	    " FROM stays WHERE id = ?1",
	[SEEN] = "SELECT id, from_ms + late_ms FROM stays WHERE id >= ?1"
	    " ORDER BY id LIMIT 1",
	[SCAN] = "SELECT instance, what, from_ms, id FROM stays"
	    " WHERE id BETWEEN ?1 AND ?2",
	[LAST] = "SELECT max(id) FROM stays",
	[JUMPED] = "SELECT -ifnull(sum(jump_ms), 0) FROM clock_jumps"
	    " WHERE jump_ms < 0",
};

struct stays {
	sqlite3 *db;
	sqlite3_stmt *s[STATEMENTS];
	int64_t jumped;		/* how far clocks went back, all together */
	int64_t first, at, last;	/* of a scan */
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
	int64_t low = 0, high, found, seen;

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

/* The row of the scan whose doubt has to be looked up. */
static int fill_doubt(struct stays *s, struct stay *stay, struct err *e)
{
	int64_t before;

	return stays_get(s, stay->id, stay, &before, e);
}

int stays_scan(struct stays *s, int64_t id, int64_t last,
    bool (*fn)(const struct stay *stay, void *arg), void *arg,
    struct err *e)
{
	sqlite3_stmt *q = s->s[SCAN];
	struct stay stay;
	int rc, end = 1;

	s->first = id;
	if (stays_last(s, &s->last, e) < 0)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int64(q, 2, last);
	while (end == 1 && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		int64_t what = sqlite3_column_int64(q, 1);

		stay.instance = sqlite3_column_int64(q, 0);
		stay.from = sqlite3_column_int64(q, 2);
		s->at = stay.id = sqlite3_column_int64(q, 3);
		stay.doubt_from = stay.doubt_to = stay.from;
		set_what(&stay, what);
		if ((what & IN_DOUBT) && fill_doubt(s, &stay, e) < 0)
			end = -1;
		else if (!fn(&stay, arg))
			end = 0;
	}
	if (end == 1 && rc != SQLITE_DONE)
		end = failed(s, e);
	sqlite3_reset(q);
	return end;
}
