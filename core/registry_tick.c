/* What happens to the roll by the mere passing of time: holds end, the
 * vanished are forgotten, a mass vanish is over when nobody is held,
 * maintenance windows end, and flapping does.  Where much is to be changed, or
 * many are to be looked at, it takes several turns of the loop.  Called by the
 * loop's timer. */
#include <stdlib.h>

#include "core/config.h"
#include "core/log.h"
#include "core/maintenance.h"
#include "core/registry_impl.h"
#include "core/table.h"
#include "core/xalloc.h"

enum {
	TICK_MS = 1000,
	WALKED = 4096,			/* of the vanished, in one turn */
};

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
	    instance_rare(i)->noticed.seen.ms +
	    d->config->forget_after_ms <= now.ms);
}

/* What time has done to one of the vanished; true if that changed it. */
static bool age(struct registry *r, struct instance *i, mono_t now)
{
	mono_t held_until = instance_rare(i)->held_until;
	bool release = i->held && mono_due(held_until, now);
	bool gone = forgettable(i, clock_history(now));

	if (release)
		instance_release_hold(i);
	else if (i->held && held_until.ms < r->tick_next.ms)
		r->tick_next = held_until;
	if (gone)
		forget(i, now);
	return release || gone;
}

/* Goes on with the walk over the vanished; true at its end. */
static bool age_vanished(struct registry *r, mono_t now)
{
	struct instance *i = r->tick_at;
	size_t changed = 0;

	if (i == NULL) {
		i = r->oldest;
		r->tick_next = mono_add(now, TICK_MS);
	}
	for (size_t n = 0; i != NULL && n < WALKED &&
	    event_room(r->bus, changed); n++) {
		r->tick_at = instance_rare(i)->newer;
		changed += age(r, i, now);
		i = r->tick_at;
	}
	r->tick_at = i;
	return i == NULL;
}

static void end_mass_vanish(struct registry *r)
{
	for (size_t k = 0; k < r->nclusters; k++) {
		struct cluster *c = r->clusters[k];

		if (c->mass_vanish && c->held == 0 && c->leaving == 0)
			registry_set_mass_vanish(c, false);
	}
}

static void end_windows(struct registry *r, mono_t now)
{
	wall_t wall = clock_history(now);
	wall_t next = maintenance_tick(r->maintenance, wall);
	mono_t at = mono_add(now, next.ms - wall.ms);

	if (next.ms != 0 && at.ms < r->tick_next.ms)
		r->tick_next = at;
}

mono_t registry_tick(struct registry *r, mono_t now)
{
	if (!age_vanished(r, now))
		return now;
	end_windows(r, now);
	end_mass_vanish(r);
	flapping_tick(r, now);
	for (size_t k = 0; k < r->nclusters; k++)
		for (size_t n = 0; n < r->clusters[k]->ndirectories; n++)
			ended_tick(r->clusters[k]->directories[n]);
	return service_tick(r, clock_history(now)) ? r->tick_next : now;
}

struct instance *registry_instance(const struct cluster *c,
    const char *service, const char *instance_id)
{
	char *identity = xasprintf("%s/%s", service, instance_id);
	struct instance *i = table_get(c->by_identity, identity);

	free(identity);
	return i;
}

bool registry_forget(struct registry *r, const char *cluster,
    const char *service, const char *instance_id)
{
	struct cluster *c = registry_cluster(r, cluster);
	struct instance *i = c ?
	    registry_instance(c, service, instance_id) : NULL;

	if (i == NULL || i->period.state == STATE_UP)
		return false;
	forget(i, clock_mono());
	return true;
}
