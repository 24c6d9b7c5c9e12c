/* Those who leave.  What is taken out of the roll together is judged together:
 * whether it is a storm, or an outage of etcd, so that its alerts are held for
 * a TTL (DESIGN.md, "Words"); then each goes with its cause.  Who leaves, and
 * why, is found out by batch.c from events and by sync.c from listings. */
#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/table.h"

enum { MIN_OUTAGE_S = 5 };

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

/* At a full second, so that those who went together are let go together. */
static mono_t hold_until(const struct instance *i, mono_t now)
{
	int64_t ms = now.ms + storm_hold_ms(i->ttl_s) + 999;

	return (mono_t){ ms - ms % 1000 };
}

/* Instances that come and go by nature are no storm and nobody is paged for
 * them. */
static bool ephemeral(const struct directory *d)
{
	return d->config->instances == INSTANCES_EPHEMERAL;
}

void leave_one(struct watcher *w, const struct leave *l, bool storm)
{
	struct instance *i = l->instance;
	mono_t now = l->moment.now, hold = { 0 };
	bool outage = disturbed(w, i, now);
	enum cause cause = l->cause;

	if (cause == CAUSE_EXPIRE && outage)
		cause = CAUSE_ETCD_OUTAGE;
	if ((storm || outage) && !ephemeral(w->d))
		hold = hold_until(i, now);
	registry_left(w->d, i, cause, l->from, &l->moment, hold);
	if (outage && w->c->held >= 2)
		registry_set_mass_vanish(w->c, true);
}

static bool alerts(enum cause c)
{
	return c == CAUSE_EXPIRE || c == CAUSE_DIR_EXPIRE || c == CAUSE_DIFF;
}

/* When time is up before a burst is at its end, the headers tell how many
 * events of the store are still to come; as many of them will be leaves as
 * were so far.  Judged earlier, nothing of ours is to come: what the headers
 * count is what others wrote. */
static size_t coming(const struct watcher *w, size_t leaving, mono_t now)
{
	uint64_t more, range;
	double likely;

	if (!w->judging || w->nbatch < 2 || !mono_due(w->judge_at, now) ||
	    w->store_index <= w->reached)
		return 0;
	more = w->store_index - w->reached;
	range = w->reached - w->judging_from + 1;
	likely = (double)more * (double)leaving / (double)range;
	return (size_t)(likely < (double)more ? likely : (double)more);
}

static size_t stable_up(const struct cluster *c)
{
	size_t up = 0;

	for (size_t k = 0; k < c->ndirectories; k++)
		if (!ephemeral(c->directories[k]))
			up += table_count(c->directories[k]->by_key);
	return up;
}

void leave_count(struct watcher *w, struct storm_case *c,
    const struct leave *l)
{
	if (ephemeral(w->d) || !alerts(l->cause))
		return;
	c->leaving++;
	storm_again(w->storm, l->instance->left_at);
	if (l->instance->ttl_s > c->largest_ttl_s)
		c->largest_ttl_s = l->instance->ttl_s;
}

bool leave_judge(struct watcher *w, struct storm_case *c, mono_t now)
{
	c->up = stable_up(w->c);
	c->coming = coming(w, c->leaving, now);
	if (c->leaving == 0 || !storm_judge(w->storm, c, now))
		return false;
	registry_set_mass_vanish(w->c, true);
	return true;
}

void leave_all(struct watcher *w, struct leave *v, size_t n, mono_t now)
{
	struct storm_case c = { 0 };
	bool storm;

	for (size_t k = 0; k < n; k++)
		leave_count(w, &c, &v[k]);
	storm = leave_judge(w, &c, now);
	for (size_t k = 0; k < n; k++)
		leave_one(w, &v[k], storm);
}
