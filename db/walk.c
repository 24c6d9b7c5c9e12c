/* Brings the stays of subjects in order.  A question about few is answered by
 * walking back along each from its last stay; one about many by a scan from
 * the first stay seen in the range, since ids grow with time; what was in
 * force then is the stay before it.  instance_uptime.c, service_uptime.c and
 * outages.c make of it what they are asked for. */
#include "db/walk.h"

#include <stdlib.h>

#include "core/xalloc.h"

enum { WALK_SHARE = 16 };	/* of the rows of the roll: fewer are walked */

/* The stay of a subject that waits for its end. */
struct waiting {
	struct stay stay;
	const struct subject_row *row;
	unsigned char before;
	bool is, first;
	int64_t before_id;
};

struct walking {
	struct stays *stays;
	const struct subjects *s;
	int64_t from;
	struct waiting *waiting;	/* one for each subject */
	void (*fn)(const struct step *step, void *arg);
	bool (*enough)(void *arg);
	void *arg;
	int rc;
	struct err *e;
};

static void tell(struct walking *w, const struct waiting *one,
    const struct stay *next)
{
	struct step step = {
		.subject = one->row->subject, .row = one->row,
		.stay = one->stay, .before = one->before,
		.first = one->first, .before_id = one->before_id,
		.earliest_end = INT64_MAX, .to = INT64_MAX,
	};

	if (next != NULL) {
		step.after = next->state;
		step.after_id = next->id;
		step.to = next->from;
		step.earliest_end = next->doubt_from;
	}
	w->fn(&step, w->arg);
}

/* Where a clock was set back an hour is there twice: what began in its second
 * half has no length in it. */
static void not_before(struct stay *stay, int64_t from)
{
	if (stay->from < from)
		stay->from = from;
	if (stay->doubt_from < from)
		stay->doubt_from = from;
	if (stay->doubt_to < from)
		stay->doubt_to = from;
}

/* From the beginning up to its first stay a subject was not there. */
static void tell_absence(struct walking *w, const struct subject_row *row,
    const struct stay *first)
{
	struct waiting absent = {
		.stay = { .from = w->from, .doubt_from = w->from,
		    .doubt_to = w->from },
		.row = row,
	};

	if (first->from > w->from)
		tell(w, &absent, first);
}

/* The next stay of a subject. */
static void add(struct walking *w, const struct stay *next, int64_t before_id)
{
	const struct subject_row *row = subjects_row(w->s, next->instance);
	struct waiting *one = &w->waiting[row->subject];
	struct stay stay = *next;

	if (one->is) {
		not_before(&stay, one->stay.from);
		tell(w, one, &stay);
	} else {
		tell_absence(w, row, &stay);
	}
	one->before = one->is ? one->stay.state : 0;
	one->first = !one->is;
	one->before_id = one->is ? 0 : before_id;
	one->is = true;
	one->stay = stay;
	one->row = row;
}

/* --- backwards along each --- */

struct pile {
	struct stay *v;
	size_t n, cap;
	int64_t before_id;	/* of the oldest */
};

static void pile_add(struct pile *p, const struct stay *stay)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->v = xreallocarray(p->v, p->cap, sizeof(*p->v));
	}
	p->v[p->n++] = *stay;
}

/* From the stay `id` back to one that was seen by `from`, as was all before
 * it.  True if that was found. */
static bool pile_up(struct walking *w, struct pile *p, int64_t id)
{
	struct stay stay;

	while (id != 0) {
		int64_t before;
		int rc = stays_get(w->stays, id, &stay, &before, w->e);

		if (rc < 0)
			w->rc = -1;
		if (rc != 1)
			return rc < 0;
		pile_add(p, &stay);
		p->before_id = before;
		if (stay.seen + stays_jumped(w->stays) <= w->from)
			return true;
		id = before;
	}
	return false;
}

/* All lives of a subject, the last one first. */
static void walk_subject(struct walking *w, const struct subject *one,
    struct pile *p)
{
	bool found = false;

	p->n = 0;
	p->before_id = 0;
	for (size_t r = one->n; r-- > 0 && !found && w->rc >= 0; )
		found = pile_up(w, p, w->s->rows[one->first + r].last_stay);
	while (p->n > 0 && w->rc >= 0)
		add(w, &p->v[--p->n], p->before_id);
}

static void walk_each(struct walking *w)
{
	struct pile pile = { NULL, 0, 0, 0 };

	for (size_t i = 0; i < w->s->n && w->rc >= 0; i++)
		walk_subject(w, &w->s->v[i], &pile);
	free(pile.v);
}

/* --- once over all --- */

/* What a subject was at the beginning of the scan: `found` is its first stay
 * in it, or NULL.  That of an earlier life if this one begins here. */
static void enter(struct walking *w, size_t subject,
    const struct stay *found)
{
	const struct subject *one = &w->s->v[subject];
	struct pile pile = { NULL, 0, 0, 0 };
	size_t r = one->n;
	bool done = false;
	int64_t before = 0;
	struct stay same;

	if (found != NULL) {
		r = (size_t)(subjects_row(w->s, found->instance) -
		    w->s->rows) - one->first;
		if (stays_get(w->stays, found->id, &same, &before, w->e) < 0)
			w->rc = -1;
		done = pile_up(w, &pile, before);
	}
	while (r-- > 0 && !done && w->rc >= 0)
		done = pile_up(w, &pile, w->s->rows[one->first + r].last_stay);
	while (pile.n > 0 && w->rc >= 0)
		add(w, &pile.v[--pile.n], pile.before_id);
	free(pile.v);
}

static bool scanned(const struct stay *stay, void *arg)
{
	struct walking *w = arg;
	const struct subject_row *row = subjects_row(w->s, stay->instance);


	if (row == NULL)
		return true;
	if (!w->waiting[row->subject].is)
		enter(w, row->subject, stay);
	add(w, stay, 0);
	return w->rc >= 0;
}

static void scan(struct walking *w, int64_t first)
{
	if (stays_scan(w->stays, first, scanned, w, w->e) < 0)
		w->rc = -1;
	if (w->enough != NULL && w->enough(w->arg))
		return;
	for (size_t i = 0; i < w->s->n && w->rc >= 0; i++)
		if (!w->waiting[i].is)
			enter(w, i, NULL);
}

/* --- */

/* A scan reads what all did since; a walk, what these did, each by itself. */
static bool scan_is_cheaper(const struct subjects *s, int64_t stays,
    int64_t all_rows)
{
	return s->all || (stays > 0 && (int64_t)s->nrows * WALK_SHARE >
	    all_rows);
}

int walk(struct stays *stays, const struct subjects *s, int64_t from,
    void (*fn)(const struct step *step, void *arg),
    bool (*enough)(void *arg), void *arg, struct err *e)
{
	struct walking w = {
		.stays = stays, .s = s, .from = from, .fn = fn,
		.enough = enough, .arg = arg, .rc = 1, .e = e,
	};
	int64_t first, last;

	if (stays_since(stays, from, &first, e) < 0 ||
	    stays_last(stays, &last, e) < 0)
		return -1;
	w.waiting = xcalloc(s->n + 1, sizeof(*w.waiting));
	if (scan_is_cheaper(s, last + 1 - first, s->all_rows))
		scan(&w, first);
	else
		walk_each(&w);
	for (size_t i = 0; i < s->n && w.rc >= 0; i++)
		if (w.waiting[i].is)
			tell(&w, &w.waiting[i], NULL);
	free(w.waiting);
	return w.rc;
}

bool walk_is_known(const struct step *step)
{
	if (step->stay.state == STATE_DEREGISTERED)
		return step->stay.cause != CAUSE_FORGOTTEN &&
		    step->stay.cause != CAUSE_UNWATCHED;
	return step->stay.state != 0;
}

static unsigned may_be(unsigned char state)
{
	if (state == STATE_UP)
		return MAY_BE_UP;
	if (state == STATE_EXPIRED || state == STATE_LOST)
		return MAY_BE_DOWN;
	return MAY_BE_ABSENT;
}

static enum piece_class class_of(unsigned char state)
{
	switch (may_be(state)) {
	case MAY_BE_UP:
		return PIECE_UP;
	case MAY_BE_DOWN:
		return PIECE_DOWN;
	default:
		return PIECE_ABSENT;
	}
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void walk_cut(const struct subjects *s, const struct step *step,
    const struct piece *given,
    void (*fn)(const struct piece *piece, void *arg), void *arg)
{
	const struct subject *one = &s->v[step->subject];
	bool excusable = one->maintenance.n > 0 && walk_is_known(step);
	struct piece piece = *given;

	while (piece.from < given->to) {
		int64_t until;

		piece.class = given->class;
		if (!spans_at(&step->row->watched->spans, piece.from, &until))
			piece.class = PIECE_UNKNOWN;
		piece.to = smaller(given->to, until);
		if (excusable && spans_at(&one->maintenance, piece.from,
		    &until) && piece.class != PIECE_UNKNOWN)
			piece.class = PIECE_MAINTENANCE;
		if (excusable)
			piece.to = smaller(piece.to, until);
		fn(&piece, arg);
		piece.from = piece.to;
	}
}

void walk_pieces(const struct step *step, int64_t from, int64_t to,
    void (*fn)(const struct piece *piece, void *arg), void *arg)
{
	int64_t t = step->stay.from > from ? step->stay.from : from;
	int64_t end = smaller(step->to, to);

	while (t < end) {
		struct piece piece = {
			.from = t, .to = end,
			.class = class_of(step->stay.state),
			.may = may_be(step->stay.state),
		};

		if (t < step->stay.doubt_to) {
			piece.may |= may_be(step->before);
			piece.to = smaller(piece.to, step->stay.doubt_to);
		}
		if (t < step->earliest_end)
			piece.to = smaller(piece.to, step->earliest_end);
		else
			piece.may |= may_be(step->after);
		fn(&piece, arg);
		t = piece.to;
	}
}
