/* What a configuration that changed means for what is in the roll.  Pattern,
 * names of services and what is ignored may give a key another identity than
 * the one it was entered under: then that instance ends (cause unwatched), and
 * the next listing enters the key as what it is now.  Until then its directory
 * counts as not compared.  Called by registry_config.c, at each reload and once
 * everything is restored. */
#include <stdlib.h>
#include <string.h>

#include "core/labels.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

static enum verdict claim(const struct directory *d, const char *key,
    struct claim *c)
{
	return registry_claim(d, &(struct key_facts){ .key = key }, c);
}

/* True if the key is the instance's by what is configured now. */
static bool claims(const struct directory *d, const char *key,
    const struct instance *i)
{
	struct claim c;
	bool same = claim(d, key, &c) == KEY_INSTANCE &&
	    strcmp(c.service, i->service->name) == 0 &&
	    strcmp(c.instance_id, names_instance_id(i->names)) == 0;

	registry_claim_free(&c);
	return same;
}

/* Where it came from is no longer where it would be missed. */
static void end(struct instance *i)
{
	struct moment m = { .seen = clock_now(), .now = clock_mono() };
	struct directory *d = i->directory;
	struct service *s = i->service;

	m.earliest = m.seen;
	registry_left(d, i, CAUSE_UNWATCHED, m.seen, &m, (mono_t){ 0 });
	service_unfeed(s, d);
	d->synced = false;
}

static void reclaim_rivals(struct directory *d)
{
	size_t cursor = 0;
	const char *key;
	void *value;

	while (table_next(d->rivals, &cursor, &key, &value)) {
		const struct rival *rival = value;

		if (claims(d, key, rival->instance))
			continue;
		registry_left_other(d, key);
		d->synced = false;
	}
}

/* Those that are not bad any more, or waited for an identity that ended. */
static void reclaim_bad(struct directory *d)
{
	size_t cursor = 0;
	const char *key;
	void *value;

	while (table_next(d->bad, &cursor, &key, &value)) {
		struct claim c;
		enum verdict v = claim(d, key, &c);

		registry_claim_free(&c);
		if (v == KEY_BAD || table_get(d->rivals, key) != NULL)
			continue;
		free(table_del(d->bad, key));
		d->synced = false;
	}
}

void registry_reclaim(struct registry *r)
{
	for (size_t k = r->nslots; k-- > 0;) {
		struct instance *i = r->slots[k];

		if (i->directory->removed)
			continue;	/* on its way out */
		snapshot_touch_instance(r, i);	/* instance_detail, perhaps */
		if (claims(i->directory, names_key(i->names), i))
			instance_refresh_extra(i);
		else
			end(i);
	}
	for (size_t i = 0; i < r->nclusters; i++) {
		struct cluster *c = r->clusters[i];

		for (size_t k = 0; k < c->ndirectories; k++) {
			reclaim_rivals(c->directories[k]);
			reclaim_bad(c->directories[k]);
		}
	}
	for (size_t k = 0; k < r->nservice_slots; k++)
		service_refresh(r->service_slots[k]);
}
