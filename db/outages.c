/* Outages as rows: the order, the limit, and what a row says besides its
 * times.  Which there are is found by outages_find.c. */
#include "db/outages.h"

#include <stdlib.h>

#include "core/registry.h"
#include "core/xalloc.h"
#include "db/history_impl.h"
#include "db/sql.h"
#include "db/subjects.h"

struct outage *outages_add(struct outages *o, const struct outage *one)
{
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 64;
		o->v = xreallocarray(o->v, o->cap, sizeof(*o->v));
	}
	o->v[o->n] = *one;
	return &o->v[o->n++];
}

static int newest_first(const void *va, const void *vb)
{
	const struct outage *a = va, *b = vb;

	if (a->from != b->from)
		return a->from > b->from ? -1 : 1;
	return a->who < b->who ? -1 : a->who > b->who;
}

static void keep_those_down(struct outages *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].ms[PIECE_DOWN] > 0)
			o->v[n++] = o->v[i];
	o->n = n;
}

/* The stay an outage begins with may be gone: then its own times must do. */
static int fill_stay(struct session *s, const struct outage *o,
    struct history_outage *row, struct err *e)
{
	struct stay stay = { .id = 0 };
	int64_t before;
	int rc = 0;

	row->earliest = row->seen = row->from;
	if (o->stay != 0)
		rc = stays_get(s->stays, o->stay, &stay, &before, e);
	if (rc == 1) {
		row->earliest.ms = stay.earliest;
		row->seen.ms = stay.seen > o->from ? stay.seen : o->from;
	}
	if (rc == 1 && o->row != 0) {
		row->state = state_name(stay.state);
		row->cause = cause_name(stay.cause);
	}
	return rc;
}

static char *address_of(sqlite3_stmt *address, int64_t row)
{
	char *text = NULL;

	sqlite3_bind_int64(address, 1, row);
	if (sqlite3_step(address) == SQLITE_ROW)
		text = xstrdup(sql_text_or_null(address, 0));
	sqlite3_reset(address);
	return text;
}

static void fill_names(const struct subjects *s, const struct outage *o,
    struct history_outage *row)
{
	const struct subject_service *service = o->row != 0 ?
	    s->v[o->who].service : s->services[o->who];

	row->cluster = service->cluster;
	row->service = service->name;
	row->instance = o->row != 0 ? s->v[o->who].instance : NULL;
}

static int tell_one(struct session *s, const struct subjects *subjects,
    const struct outage *o, sqlite3_stmt *address,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e)
{
	struct history_outage row = {
		.from.ms = o->from,
		.to.ms = o->to == INT64_MAX ? 0 : o->to,
		.down_ms = o->ms[PIECE_DOWN],
		.maintenance_ms = o->ms[PIECE_MAINTENANCE],
		.unknown_ms = o->ms[PIECE_UNKNOWN],
		.min_instances = o->min, .up_least = o->up_least,
	};
	char *text;
	int rc;

	fill_names(subjects, o, &row);
	if (fill_stay(s, o, &row, e) < 0)
		return -1;
	text = o->row != 0 ? address_of(address, o->row) : NULL;
	row.address = text;
	rc = fn(&row, arg);
	free(text);
	return rc;
}

int outages_tell(struct session *s, const struct subjects *subjects,
    struct outages *o, const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e)
{
	size_t from = (size_t)q->offset, to;
	sqlite3_stmt *address = NULL;
	int rc = 1;

	keep_those_down(o);
	if (o->n > 1)
		qsort(o->v, o->n, sizeof(*o->v), newest_first);
	to = q->limit > 0 && (size_t)q->limit < o->n - (from < o->n ?
	    from : o->n) ? from + (size_t)q->limit : o->n;
	if (sqlite3_prepare_v2(s->db, "SELECT address FROM roll WHERE id = ?",
	    -1, &address, NULL) != SQLITE_OK)
		return sql_fail(s->db, e, "read the history");
	for (size_t i = from; i < to && rc == 1; i++)
		rc = tell_one(s, subjects, &o->v[i], address, fn, arg, e);
	sqlite3_finalize(address);
	return rc;
}
