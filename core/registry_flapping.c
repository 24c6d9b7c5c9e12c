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

static mono_t last_expiry(const struct instance_rare *own)
{
	return own->expired[FLAPPING_EXPIRIES - 1];
}

void flapping_expired(struct instance *i, mono_t now)
{
	struct instance_rare *own = instance_rarely(i);
	mono_t first;

	memmove(own->expired, own->expired + 1,
	    sizeof(own->expired) - sizeof(own->expired[0]));
	own->expired[FLAPPING_EXPIRIES - 1] = now;
	first = own->expired[0];
	if (i->flapping)
		flapping_end(i);	/* the list is in order of expiry */
	else if (first.ms == 0 || now.ms - first.ms > WITHIN_MS)
		return;
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
	    mono_due(mono_add(last_expiry(first), QUIET_MS), now))
		flapping_end(first->instance);
}
