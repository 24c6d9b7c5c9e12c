/* Those who leave.  What is taken out of the roll together is judged together
 * and before the first of it goes: whether it is a storm, or an outage of etcd,
 * so that its alerts are held for a TTL (DESIGN.md, "Words"), and so that the
 * alert of the storm is the first.  Then each goes with its cause, a number of
 * them in one turn of the loop.  Who leaves, and why, is found out by batch.c
 * from events and by compare.c from listings. */
#include <stdlib.h>

#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/table.h"
#include "core/xalloc.h"

enum {
	MIN_OUTAGE_S = 5,
	KEPT_LEAVES = 1024,		/* room for, when nobody leaves */
};

/* One TTL, and long enough for the shortest to be told. */
static int64_t outage_ms(int64_t ttl_s)
{
	return ttl_s > MIN_OUTAGE_S ? ttl_s * 1000 : MIN_OUTAGE_S * 1000;
}

static bool disturbed(const struct watcher *w, const struct instance *i,
    mono_t now)
{
	const struct cluster *c = w->c;

	if (!c->disturbed)
		return false;
	/* Members that do not answer say nothing of their leader. */
	if (c->answers && !c->has_leader)
		return true;
	return mono_since(c->disturbed_until, now) <= outage_ms(i->ttl_s);
}

/* Instances that come and go by nature are no storm and nobody is paged for
 * them. */
static bool ephemeral(const struct directory *d)
{
	return d->config->instances == INSTANCES_EPHEMERAL;
}

/* --- the judgement --- */

static bool alerts(enum cause c)
{
	return c == CAUSE_EXPIRE || c == CAUSE_DIR_EXPIRE || c == CAUSE_DIFF;
}

size_t leave_up(const struct cluster *c)
{
	size_t up = 0;

	for (size_t k = 0; k < c->ndirectories; k++)
		if (!ephemeral(c->directories[k]))
			up += table_count(c->directories[k]->by_key);
	return up > c->leaving ? up - c->leaving : 0;
}

/* By itself. */
static void judge_one(const struct watcher *w, struct leave *l)
{
	l->outage = disturbed(w, l->instance, l->moment.now);
	l->counts = alerts(l->cause) && !ephemeral(w->d);
	if (l->cause == CAUSE_EXPIRE && l->outage)
		l->cause = CAUSE_ETCD_OUTAGE;
}

void leave_count(struct watcher *w, struct storm_case *c, struct leave *l)
{
	const struct instance *i = l->instance;

	judge_one(w, l);
	if (!l->counts)
		return;
	c->leaving++;
	c->outages += l->outage &&
	    instance_rare(i)->rivals == NULL;
	storm_again(w->storm, instance_rare(i)->left_at);
	if (i->ttl_s > c->largest_ttl_s)
		c->largest_ttl_s = i->ttl_s;
}

bool leave_judge(struct watcher *w, struct storm_case *c, mono_t now)
{
	bool storm;

	if (c->leaving == 0)
		return false;
	c->up = leave_up(w->c);
	storm = storm_judge(w->storm, c, now);
	c->going = c->leaving;
	w->c->leaving += c->going;
	if (storm || c->outages > 0)
		storm_hold(w->storm, now);
	if (storm || (c->outages > 0 && w->c->held + c->outages >= 2))
		registry_set_mass_vanish(w->c, true);
	return storm;
}

/* As many of the events still to come will be leaves as were so far. */
static size_t coming(const struct outlook *o, size_t leaving)
{
	double likely;

	if (o->range == 0)
		return 0;
	likely = (double)o->more * (double)leaving / (double)o->range;
	return (size_t)(likely < (double)o->more ? likely : (double)o->more);
}

void leave_judge_batch(struct watcher *w, const struct outlook *o,
    mono_t now)
{
	struct leaves *l = &w->leaves;
	struct storm_case c = { 0 };
	bool storm;

	for (size_t k = l->judged; k < l->n; k++)
		leave_count(w, &c, &l->v[k]);
	c.coming = coming(o, c.leaving);
	storm = leave_judge(w, &c, now);
	for (size_t k = l->judged; k < l->n; k++)
		l->v[k].storm = storm;
	l->judged = l->n;
}

/* --- going --- */

void leave_add(struct watcher *w, const struct leave *one)
{
	struct leaves *l = &w->leaves;

	/* A key may go and its directory right behind it. */
	if (one->instance->leaving)
		return;
	one->instance->leaving = true;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = *one;
}

static void go(struct watcher *w, const struct leave *l)
{
	struct instance *i = l->instance;
	mono_t hold = { 0 };

	if ((l->storm || l->outage) && !ephemeral(w->d))
		hold = storm_hold_until(w->storm, i->ttl_s, l->moment.now);
	w->c->leaving -= l->counts;
	registry_left(w->d, i, l->cause, l->from, &l->moment, hold);
}

bool leave_next(struct watcher *w)
{
	struct leaves *l = &w->leaves;

	if (l->at < l->n) {
		go(w, &l->v[l->at++]);
		return true;
	}
	l->at = l->n = l->judged = 0;
	if (l->cap > KEPT_LEAVES) {
		free(l->v);
		*l = (struct leaves){ 0 };
	}
	return false;
}

void leave_now(struct watcher *w, const struct leave *one)
{
	struct leave l = *one;

	judge_one(w, &l);
	l.counts = false;		/* among those who leave together */
	go(w, &l);
}

void leave_one(struct watcher *w, struct storm_case *c, struct leave *l,
    bool storm)
{
	if (l->instance->leaving)
		return;
	judge_one(w, l);
	l->storm = storm;
	c->going -= l->counts;
	go(w, l);
}

void leave_end(struct watcher *w, struct storm_case *c)
{
	w->c->leaving -= c->going;
	c->going = 0;
}
