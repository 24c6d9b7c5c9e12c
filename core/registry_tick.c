/* What happens to the roll by the mere passing of time: holds end, the
 * vanished are forgotten, a mass vanish is over when nobody is held.  Called
 * by the loop's timer. */
#include <stdlib.h>

#include "core/config.h"
#include "core/log.h"
#include "core/registry_impl.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { TICK_MS = 1000 };

static void forget(struct instance *i, mono_t now)
{
	struct moment m = { .seen = clock_history(now), .now = now };
	struct service *s = i->service;

	m.earliest = m.seen;
	registry_left(i->directory, i, CAUSE_FORGOTTEN, m.seen, &m,
	    (mono_t){ 0 });
	/* A service whose last instance is forgotten is forgotten with it. */
	if (s->known == 0 && !s->configured)
		service_drop(s->cluster->registry, s);
}

/* While nobody looks it may have come back long ago: nothing is forgotten then
 * but for want of room. */
static bool forgettable(const struct instance *i, wall_t now)
{
	const struct directory *d = i->directory;

	return d->vanished > (size_t)d->config->max_vanished ||
	    (d->looking &&
	    i->period.seen.ms + d->config->forget_after_ms <= now.ms);
}

mono_t registry_tick(struct registry *r, mono_t now)
{
	wall_t when = clock_history(now);
	mono_t next = mono_add(now, TICK_MS);
	struct instance *newer;

	for (struct instance *i = r->oldest; i != NULL; i = newer) {
		const struct instance_rare *rare = instance_rare(i);

		newer = rare->newer;
		if (i->held && mono_due(rare->held_until, now))
			instance_release_hold(i);
		else if (i->held && rare->held_until.ms < next.ms)
			next = rare->held_until;
		if (forgettable(i, when))
			forget(i, now);
	}
	for (size_t k = 0; k < r->nclusters; k++)
		if (r->clusters[k]->mass_vanish && r->clusters[k]->held == 0)
			registry_set_mass_vanish(r->clusters[k], false);
	for (size_t k = 0; k < r->nclusters; k++)
		for (size_t n = 0; n < r->clusters[k]->ndirectories; n++)
			ended_tick(r->clusters[k]->directories[n]);
	service_tick(r, when);
	return next;
}

bool registry_forget(struct registry *r, const char *cluster,
    const char *service, const char *instance_id)
{
	struct cluster *c = registry_cluster(r, cluster);
	char *identity = xasprintf("%s/%s", service, instance_id);
	struct instance *i = c ? table_get(c->by_identity, identity) : NULL;

	free(identity);
	if (i == NULL || i->period.state == STATE_UP)
		return false;
	forget(i, clock_mono());
	return true;
}
