/* Finds outages: of instances, the stays in which they were down; of services,
 * the times below the minimum in force.  Time that nobody saw, and
 * maintenance, neither ends an outage nor counts as down.  outages.c makes
 * rows of them. */
#include "db/outages.h"

#include <stdlib.h>

#include "core/xalloc.h"
#include "db/history_impl.h"
#include "db/uptime_services.h"
#include "db/walk.h"

/* --- instances --- */

struct finding {
	struct session *s;
	const struct subjects *subjects;
	int64_t from, to;
	struct outages outages;
	size_t *last;		/* of each subject: 1 + its last outage */
	const struct step *step;
	struct outage *now;
	int64_t wanted;		/* the newest so many */
	int rc;
	struct err *e;
};

static bool is_down(unsigned char state)
{
	return state == STATE_EXPIRED || state == STATE_LOST;
}

static void add_cut(const struct piece *piece, void *arg)
{
	struct finding *f = arg;

	f->now->ms[piece->class] += piece->to - piece->from;
}

static void add_piece(const struct piece *piece, void *arg)
{
	struct finding *f = arg;

	walk_cut(f->subjects, f->step, piece, add_cut, f);
}

/* The first stay that was read may go on what began before. */
static void trace_back(struct finding *f, const struct step *step,
    struct outage *o)
{
	int64_t id = step->before_id;
	struct stay stay;

	while (step->first && id != 0) {
		int64_t before;
		int rc = stays_get(f->s->stays, id, &stay, &before, f->e);

		if (rc < 0)
			f->rc = -1;
		if (rc != 1 || !is_down(stay.state))
			return;
		o->from = stay.from;
		o->stay = id;
		id = before;
	}
}

static void find_in(const struct step *step, void *arg)
{
	struct finding *f = arg;
	struct outage one = {
		.who = step->subject, .from = step->stay.from,
		.stay = step->stay.id, .row = step->row->id,
	};

	if (!is_down(step->stay.state))
		return;
	if (is_down(step->before) && f->last[step->subject] > 0) {
		f->now = &f->outages.v[f->last[step->subject] - 1];
	} else {
		trace_back(f, step, &one);
		f->now = outages_add(&f->outages, &one);
		f->last[step->subject] = f->outages.n;
	}
	f->now->to = step->to;
	f->step = step;
	walk_pieces(step, f->from, f->to, add_piece, f);
}

/* All that are left began before the range, and so before these. */
static bool enough(void *arg)
{
	struct finding *f = arg;
	int64_t n = 0;

	for (size_t i = 0; i < f->outages.n; i++)
		n += f->outages.v[i].from >= f->from &&
		    f->outages.v[i].ms[PIECE_DOWN] > 0;
	return n >= f->wanted;
}

int outages_instances(struct session *s,
    const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e)
{
	struct finding f = {
		.s = s, .from = q->from.ms, .to = q->to.ms,
		.wanted = q->limit + q->offset, .rc = 1, .e = e,
	};
	struct subjects *subjects = subjects_load(s->db, &q->who, e);
	int rc;

	if (subjects == NULL)
		return -1;
	f.subjects = subjects;
	f.last = xcalloc(subjects->n + 1, sizeof(*f.last));
	rc = walk(s->stays, subjects, f.from, find_in,
	    q->limit > 0 ? enough : NULL, &f, e);
	session_end(s);
	if (rc == 1 && f.rc == 1)
		rc = outages_tell(s, subjects, &f.outages, q, fn, arg, e);
	free(f.outages.v);
	free(f.last);
	subjects_free(subjects);
	return f.rc < 0 ? -1 : rc;
}

/* --- services --- */

/* Outages may go on behind the range, and so does the sweep. */
#define FAR_AHEAD (INT64_MAX / 2)

struct sweeping {
	int64_t from, to;
	size_t service;
	struct outages *outages;
	struct outage *now;		/* NULL: none goes on */
	bool begins_inside;
	bool begun;
};

static void clip(struct outage *o, const struct piece *p, int64_t from,
    int64_t to)
{
	int64_t a = p->from > from ? p->from : from;
	int64_t b = p->to < to ? p->to : to;

	if (a < b)
		o->ms[p->class] += b - a;
}

static void sweep_piece(const struct service_piece *p, void *arg)
{
	struct sweeping *w = arg;
	enum piece_class class = p->piece.class;

	if (!w->begun)
		w->begins_inside = class == PIECE_UP || class == PIECE_ABSENT;
	w->begun = true;
	if (class == PIECE_UP || class == PIECE_ABSENT) {
		if (w->now != NULL)
			w->now->to = p->piece.from;
		w->now = NULL;
		return;
	}
	if (class == PIECE_DOWN && w->now == NULL)
		w->now = outages_add(w->outages, &(struct outage){
			.who = w->service, .from = p->piece.from,
			.to = INT64_MAX, .stay = p->stay, .min = p->min,
			.up_least = p->up,
		});
	if (w->now == NULL)
		return;
	if (class == PIECE_DOWN && p->up < w->now->up_least)
		w->now->up_least = p->up;
	clip(w->now, &p->piece, w->from, w->to);
}

/* Returns true if one may have begun before `from`. */
static bool sweep_all(const struct service_times *times,
    const struct subjects *s, const struct history_outages_query *q,
    struct outages *o)
{
	bool cut = false;

	o->n = 0;
	for (size_t i = 0; i < s->nservices; i++) {
		struct sweeping w = {
			.from = q->from.ms, .to = q->to.ms, .service = i,
			.outages = o,
		};

		service_times_sweep(times, i, q->min_instances, sweep_piece,
		    &w);
		cut |= !w.begins_inside;
	}
	return cut;
}

static int64_t history_begins(const struct subjects *s)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < s->nwatched; i++)
		if (s->watched[i]->spans.n > 0 &&
		    s->watched[i]->spans.v[0].from < first)
			first = s->watched[i]->spans.v[0].from;
	return first;
}

/* Where one goes on at the beginning, looks back further and further. */
static int find_all(struct session *s, const struct subjects *subjects,
    const struct history_outages_query *q, struct outages *o, struct err *e)
{
	int64_t from = q->from.ms, back = q->to.ms - q->from.ms;
	int64_t begins = history_begins(subjects);

	for (;; back *= 4) {
		struct service_times *times;
		int rc = service_times_load(s, subjects, from, FAR_AHEAD,
		    &times, e);
		bool cut = rc == 1 && sweep_all(times, subjects, q, o);

		service_times_free(times);
		if (rc != 1 || !cut || from <= begins)
			return rc;
		from = back < from - begins ? from - back : begins;
	}
}

int outages_services(struct session *s,
    const struct history_outages_query *q,
    bool (*fn)(const struct history_outage *row, void *arg), void *arg,
    struct err *e)
{
	struct subjects *subjects = subjects_load(s->db, &q->who, e);
	struct outages o = { NULL, 0, 0 };
	int rc;

	if (subjects == NULL)
		return -1;
	rc = subjects_load_services(subjects, s->db, &q->who, e);
	if (rc == 0)
		rc = find_all(s, subjects, q, &o, e);
	session_end(s);
	if (rc == 1)
		rc = outages_tell(s, subjects, &o, q, fn, arg, e);
	free(o.v);
	subjects_free(subjects);
	return rc;
}
