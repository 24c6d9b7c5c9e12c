/* Who expires again and again: marked from the expiry that makes it so until
 * it has been quiet for a while, through all its returns in between.  What was
 * before a restart is not known.  Called where an instance expires and goes,
 * and by registry_tick.c. */
#include <string.h>

#include "core/registry_impl.h"
#include "core/snapshot.h"

enum { WITHIN_MS = 10 * 60 * 1000, QUIET_MS = 15 * 60 * 1000 };

static void mark(struct instance *i, bool flapping)
{
	struct registry *r = i->service->cluster->registry;

	if (flapping)
		TAILQ_INSERT_TAIL(&r->flapping, i->rare, flapping);
	else
		TAILQ_REMOVE(&r->flapping, i->rare, flapping);
	i->rare->instance = i;
	i->flapping = flapping;
	snapshot_touch_instance(r, i);
}

/* When they happened counts: after an outage, hours of them are caught up with
 * in one moment. */
static bool is_often(const struct instance_rare *own, wall_t seen)
{
	wall_t first = own->expired[0];
	wall_t last = own->expired[FLAPPING_EXPIRIES - 1];

	return first.ms != 0 && last.ms - first.ms <= WITHIN_MS &&
	    seen.ms - last.ms < QUIET_MS;
}

void flapping_expired(struct instance *i, wall_t at, const struct moment *m)
{
	struct instance_rare *own = instance_rarely(i);

	memmove(own->expired, own->expired + 1,
	    sizeof(own->expired) - sizeof(own->expired[0]));
	own->expired[FLAPPING_EXPIRIES - 1] = at;
	if (!i->flapping && !is_often(own, m->seen))
		return;
	flapping_end(i);		/* the list is by the last one */
	own->quiet_since = m->now;
	mark(i, true);
}

void flapping_end(struct instance *i)
{
	if (i->flapping)
		mark(i, false);
}

void flapping_tick(struct registry *r, mono_t now)
{
	struct instance_rare *first;

	while ((first = TAILQ_FIRST(&r->flapping)) != NULL &&
	    mono_due(mono_add(first->quiet_since, QUIET_MS), now))
		flapping_end(first->instance);
}
