/* The uptime of instances: each stay, cut where a doubt, a gap in watching, a
 * maintenance window begins or ends, goes into the sums of its subject.  Only
 * history.c calls it. */
#include "db/history_impl.h"

#include <stdlib.h>

#include "core/xalloc.h"
#include "db/walk.h"

struct summing {
	const struct subjects *s;
	int64_t from, to;		/* the whole range */
	struct track {
		struct tallies tallies;
		bool present;		/* was there at all */
	} *tracks;
	const struct step *step;	/* whose pieces come */
};

static void add_cut(const struct piece *piece, void *arg)
{
	struct summing *sum = arg;

	tallies_add(&sum->tracks[sum->step->subject].tallies, piece);
}

static void add_piece(const struct piece *piece, void *arg)
{
	struct summing *sum = arg;

	walk_cut(sum->s, sum->step, piece, add_cut, sum);
}

static void add_step(const struct step *step, void *arg)
{
	struct summing *sum = arg;
	int64_t from = step->stay.from > sum->from ? step->stay.from :
	    sum->from;

	if (step->stay.state != 0 && step->stay.state != STATE_DEREGISTERED &&
	    from < sum->to && from < step->to)
		sum->tracks[step->subject].present = true;
	sum->step = step;
	walk_pieces(step, sum->from, sum->to, add_piece, sum);
}

static void begin(struct summing *sum, const struct history_uptime_query *q)
{
	size_t n = q->nedges - 1;
	struct tally *v = xcalloc(sum->s->n * n + 1, sizeof(*v));

	sum->from = q->edges[0].ms;
	sum->to = q->edges[n].ms;
	sum->tracks = xcalloc(sum->s->n + 1, sizeof(*sum->tracks));
	/* The first one's also where there is none, for end(). */
	sum->tracks[0].tallies.v = v;
	for (size_t i = 0; i < sum->s->n; i++)
		sum->tracks[i] = (struct track){
			.tallies = { q->edges, q->nedges, 0, v + i * n, 0 },
		};
}

static void end(struct summing *sum)
{
	free(sum->tracks[0].tallies.v);
	free(sum->tracks);
}

static bool tell_one(struct summing *sum, size_t i,
    const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg)
{
	const struct subject *one = &sum->s->v[i];
	struct tallies *t = &sum->tracks[i].tallies;
	struct history_uptime row = {
		.cluster = one->service->cluster,
		.service = one->service->name, .instance = one->instance,
	};

	if (!sum->tracks[i].present)
		return true;
	tallies_end(t);
	for (size_t k = 0; k + 1 < q->nedges; k++) {
		tally_row(&t->v[k], q->edges[k], q->edges[k + 1], &row);
		if (!fn(&row, arg))
			return false;
	}
	return true;
}

int uptime_instances(struct session *s, const struct history_uptime_query *q,
    bool (*fn)(const struct history_uptime *row, void *arg), void *arg,
    struct err *e)
{
	struct summing sum = { .s = NULL };
	struct subjects *subjects = subjects_load(s->db, &q->who, e);
	int rc;

	if (subjects == NULL)
		return -1;
	if (session_too_many(s, subjects->n, q, e)) {
		subjects_free(subjects);
		return -1;
	}
	sum.s = subjects;
	begin(&sum, q);
	rc = walk(s->stays, subjects, sum.from, add_step, NULL, &sum, e);
	session_end(s);
	for (size_t i = 0; i < subjects->n && rc == 1; i++)
		rc = tell_one(&sum, i, q, fn, arg);
	end(&sum);
	subjects_free(subjects);
	return rc;
}
