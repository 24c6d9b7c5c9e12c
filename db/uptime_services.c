/* The uptime of services: what their instances did becomes changes of four
 * counts (up, surely up, perhaps up, excused by maintenance), and a sweep over
 * them holds the counts against the minimum then in force.  Used by history.c
 * for sums and by outages_services.c for the outages themselves. */
#include "db/uptime_services.h"

#include <assert.h>
#include <stdlib.h>

#include "core/xalloc.h"
#include "db/history_impl.h"
#include "db/walk.h"

enum { UP, SURE, MAYBE, EXCUSED, COUNTS };

struct change {
	int64_t at;
	int64_t stay;		/* the one that begins then, or 0 */
	signed char by[COUNTS];
};

struct changes {
	struct change *v;
	size_t n, cap;
};

struct service_times {
	const struct subjects *s;
	int64_t from, to;
	struct changes *changes;	/* of each service */
	const struct step *step;
};

static void change(struct changes *c, int64_t at, int64_t stay,
    const bool is[COUNTS], int sign)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 32;
		c->v = xreallocarray(c->v, c->cap, sizeof(*c->v));
	}
	c->v[c->n].at = at;
	c->v[c->n].stay = stay;
	for (int i = 0; i < COUNTS; i++)
		c->v[c->n].by[i] = (signed char)(is[i] ? sign : 0);
	c->n++;
}

static void add_change(struct changes *c, const struct step *step,
    int64_t from, int64_t to, const bool is[COUNTS])
{
	if (!is[UP] && !is[SURE] && !is[MAYBE] && !is[EXCUSED])
		return;
	change(c, from, from == step->stay.from ? step->stay.id : 0, is, 1);
	change(c, to, to == step->to ? step->after_id : 0, is, -1);
}

/* Who is not up while maintenance of it is announced is not missed. */
static void add_piece(const struct piece *piece, void *arg)
{
	struct service_times *times = arg;
	const struct step *step = times->step;
	const struct subject *one = &times->s->v[step->subject];
	struct changes *c = &times->changes[one->service->index];
	bool is[COUNTS] = {
		[UP] = piece->class == PIECE_UP,
		[SURE] = piece->may == MAY_BE_UP,
		[MAYBE] = (piece->may & MAY_BE_UP) != 0,
	};
	bool can_be_excused = !is[UP] && walk_is_known(step);
	int64_t t = piece->from, until = piece->to;

	while (t < piece->to) {
		if (can_be_excused && one->maintenance.n > 0) {
			is[EXCUSED] = spans_at(&one->maintenance, t, &until);
			until = until < piece->to ? until : piece->to;
		}
		add_change(c, step, t, until, is);
		t = until;
	}
}

static void add_step(const struct step *step, void *arg)
{
	struct service_times *times = arg;

	times->step = step;
	walk_pieces(step, times->from, times->to, add_piece, times);
}

static int by_time(const void *va, const void *vb)
{
	const struct change *a = va, *b = vb;

	return a->at < b->at ? -1 : a->at > b->at;
}

int service_times_load(struct session *s, const struct subjects *subjects,
    int64_t from, int64_t to, struct service_times **times_r, struct err *e)
{
	struct service_times *times = xcalloc(1, sizeof(*times));
	int rc;

	times->s = subjects;
	times->from = from;
	times->to = to;
	times->changes = xcalloc(subjects->nservices + 1,
	    sizeof(*times->changes));
	rc = walk(s->stays, subjects, from, add_step, NULL, times, e);
	for (size_t i = 0; i < subjects->nservices && rc == 1; i++)
		if (times->changes[i].n > 1)
			qsort(times->changes[i].v, times->changes[i].n,
			    sizeof(struct change), by_time);
	*times_r = times;
	return rc;
}

void service_times_free(struct service_times *times)
{
	if (times == NULL)
		return;
	for (size_t i = 0; i < times->s->nservices; i++)
		free(times->changes[i].v);
	free(times->changes);
	free(times);
}

/* --- the sweep --- */

struct sweep {
	const struct subject_service *service;
	const struct changes *changes;
	size_t next;
	int64_t stay;		/* the last that began */
	int64_t count[COUNTS];
	int64_t min;		/* asked for; -1: the one in force */
};

/* Adds all that happens at or before t; returns when something happens
 * next. */
static int64_t counts_at(struct sweep *w, int64_t t)
{
	const struct changes *c = w->changes;

	while (w->next < c->n && c->v[w->next].at <= t) {
		for (int i = 0; i < COUNTS; i++)
			w->count[i] += c->v[w->next].by[i];
		if (c->v[w->next].stay != 0)
			w->stay = c->v[w->next].stay;
		w->next++;
	}
	return w->next < c->n ? c->v[w->next].at : INT64_MAX;
}

/* The minimum at t, -1 if it was not expected at all; *until_r: until when. */
static int64_t min_at(const struct sweep *w, int64_t t, int64_t *until_r)
{
	const struct subject_service *s = w->service;
	int64_t min = -1;

	*until_r = INT64_MAX;
	for (size_t i = 0; i < s->nexpected; i++) {
		if (s->expected[i].from > t) {
			*until_r = s->expected[i].from;
			break;
		}
		min = s->expected[i].min;
	}
	return min >= 0 && w->min >= 0 ? w->min : min;
}

static void judge(const struct sweep *w, int64_t min, bool known,
    bool maintenance, struct service_piece *p)
{
	const int64_t *n = w->count;

	p->min = min;
	p->up = n[UP];
	p->stay = w->stay;
	p->piece.none = n[UP] == 0;
	p->piece.may = (n[MAYBE] >= min ? MAY_BE_UP : 0) |
	    (n[SURE] + n[EXCUSED] < min ? MAY_BE_DOWN : 0);
	if (!known)
		p->piece.class = PIECE_UNKNOWN;
	else if (min < 0)
		p->piece.class = PIECE_ABSENT;
	else if (maintenance)
		p->piece.class = PIECE_MAINTENANCE;
	else if (n[UP] >= min)
		p->piece.class = PIECE_UP;
	else if (n[UP] + n[EXCUSED] >= min)
		p->piece.class = PIECE_MAINTENANCE;
	else
		p->piece.class = PIECE_DOWN;
	if (min < 0)
		p->piece.may = MAY_BE_ABSENT;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void service_times_sweep(const struct service_times *times, size_t service,
    int64_t min, void (*fn)(const struct service_piece *p, void *arg),
    void *arg)
{
	struct sweep w = {
		.service = times->s->services[service],
		.changes = &times->changes[times->s->services[service]->index],
		.min = min,
	};
	int64_t t = times->from;

	while (t < times->to) {
		struct service_piece p = { .piece = { .from = t } };
		int64_t until = smaller(counts_at(&w, t), times->to), other;
		bool known = spans_at(&w.service->known, t, &other), excused;
		int64_t now;

		until = smaller(until, other);
		excused = spans_at(&w.service->maintenance, t, &other);
		until = smaller(until, other);
		now = min_at(&w, t, &other);
		p.piece.to = smaller(until, other);
		judge(&w, now, known, excused, &p);
		fn(&p, arg);
		t = p.piece.to;
	}
}

/* --- sums --- */

struct summing {
	struct tallies tallies;
	bool present;
};

static void sum_piece(const struct service_piece *p, void *arg)
{
	struct summing *sum = arg;

	sum->present |= p->min >= 0;
	tallies_add(&sum->tallies, &p->piece);
}

static bool tell_one(const struct service_times *times, size_t i,
    const struct history_uptime_query *q, struct tally *v,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg)
{
	const struct subject_service *service = times->s->services[i];
	struct summing sum = { .tallies = { q->edges, q->nedges, 0, v, 0 } };
	struct history_uptime row = {
		.cluster = service->cluster, .service = service->name,
	};

	for (size_t k = 0; k + 1 < q->nedges; k++)
		v[k] = (struct tally){ .outages = 0 };
	service_times_sweep(times, i, q->min_instances, sum_piece, &sum);
	if (!sum.present)
		return true;
	tallies_end(&sum.tallies);
	for (size_t k = 0; k + 1 < q->nedges; k++) {
		tally_row(&v[k], q->edges[k], q->edges[k + 1], &row);
		if (!fn(&row, arg))
			return false;
	}
	return true;
}

int uptime_services(struct session *s, const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e)
{
	struct subjects *subjects = subjects_load(s->db, &q->who, e);
	struct service_times *times = NULL;
	struct tally *v;
	int rc;

	if (subjects == NULL)
		return -1;
	rc = subjects_load_services(subjects, s->db, &q->who, e);
	if (session_too_many(s, subjects->nservices, q, e))
		rc = -1;
	if (rc == 0)
		rc = service_times_load(s, subjects, q->edges[0].ms,
		    q->edges[q->nedges - 1].ms, &times, e);
	session_end(s);
	v = xcalloc(q->nedges, sizeof(*v));
	for (size_t i = 0; i < subjects->nservices && rc == 1; i++)
		rc = tell_one(times, i, q, v, fn, arg);
	free(v);
	service_times_free(times);
	subjects_free(subjects);
	return rc;
}
