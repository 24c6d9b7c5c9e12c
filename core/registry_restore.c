/* The last known set as the database saved it, put back before the loop runs.
 * No events: nothing of it is news.  What belongs to a directory that is no
 * longer configured is put back as well and then ended by
 * registry_restored(), so that its open periods close. */
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/log.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

/* Stands in for the configuration of what is not configured any more. */
static struct cluster_config no_cluster = { .name = NULL };
static struct directory_config no_directory = { .max_vanished = 1 };

static struct cluster *cluster_for(struct registry *r, const char *name)
{
	struct cluster *c = registry_cluster(r, name);

	if (c == NULL) {
		c = cluster_new(r, name);
		c->config = &no_cluster;
	}
	return c;
}

static struct directory *directory_for(struct registry *r,
    const char *cluster, const char *path)
{
	struct cluster *c = cluster_for(r, cluster);
	struct directory *d = registry_directory(c, path);

	if (d == NULL) {
		no_directory.path = xstrdup(path);
		d = directory_new(c, &no_directory);
		free(no_directory.path);
		no_directory.path = NULL;
	}
	return d;
}

/* Two that are held are a mass vanish, whoever judged it one. */
static void restore_hold(struct instance *i, wall_t until)
{
	struct cluster *c = i->service->cluster;
	mono_t now = clock_mono();
	int64_t left = until.ms - clock_history(now).ms;

	if (until.ms == 0 || i->period.state == STATE_UP)
		return;
	i->held = true;
	instance_rarely(i)->held_until = mono_add(now, left > 0 ? left : 0);
	i->service->held++;
	c->held++;
	c->mass_vanish = c->held >= 2;
}

void registry_restore_instance(struct registry *r,
    const struct restored_instance *saved)
{
	struct directory *d = directory_for(r, saved->cluster,
	    saved->directory);
	struct service *s = registry_service(r, d->cluster, saved->service);
	char *id = xstrdup(saved->instance_id);
	struct claim claim = { .instance_id = id };
	struct key_facts k = { .key = saved->key, .value = saved->value };
	char *identity = xasprintf("%s/%s", s->name, id);
	bool known = table_get(d->cluster->by_identity, identity) != NULL;

	free(identity);
	if (known) {
		log_warn("saved twice, the older one is used",
		    LOG_S("service_name", saved->service),
		    LOG_S("instance_id", saved->instance_id));
		free(id);
		return;
	}
	struct instance *i = instance_new(d, s, &claim, &k);

	free(id);
	i->id = saved->id;
	i->ttl_s = saved->ttl_s;
	i->expires = saved->expires;
	i->last_beat = saved->last_beat;
	i->created_index = saved->created_index;
	i->modified_index = saved->modified_index;
	i->index_saved = true;
	i->expirations = (uint32_t)saved->expirations;
	instance_restore(i, &saved->period, &saved->noticed);
	restore_hold(i, saved->held_until);
}

void registry_restore_service(struct registry *r, const char *cluster,
    const char *service, const uint64_t counters[4])
{
	struct cluster *c = registry_cluster(r, cluster);
	struct service *s = c ? registry_service(r, c, service) : NULL;

	if (s == NULL)
		return;
	s->registrations = counters[0];
	s->expirations = counters[1];
	s->deregistrations = counters[2];
	s->losses = counters[3];
	if (s->known == 0)
		s->empty_since = clock_now();
}

/* Until it is looked at again, what is replayed is noted in the last row. */
void registry_restore_directory(struct registry *r,
    const struct restored_directory *saved)
{
	struct cluster *c = registry_cluster(r, saved->cluster);
	struct directory *d = c ? registry_directory(c, saved->path) : NULL;

	if (d == NULL)
		return;
	d->applied_index = saved->applied_index;
	d->watching_id = saved->watching_id;
	d->watching_from = saved->watching_from;
	d->watching_to = saved->watching_to;
}

void registry_restore_feed(struct registry *r, const char *cluster,
    const char *path, const char *service, wall_t last_change)
{
	struct cluster *c = registry_cluster(r, cluster);
	struct directory *d = c ? registry_directory(c, path) : NULL;
	struct service *s = d ? service_find(r, c, service) : NULL;

	if (s == NULL)
		return;
	service_feed(s, d, 0);
	if (s->known == 0)
		s->empty_since = last_change;
}

void registry_restore_cluster(struct registry *r,
    const struct restored_cluster *saved)
{
	struct cluster *c = registry_cluster(r, saved->name);
	mono_t now = clock_mono();
	int64_t ago = clock_history(now).ms - saved->disturbed_until.ms;

	if (c == NULL)
		return;
	free(c->cluster_id);
	c->cluster_id = saved->cluster_id != NULL &&
	    saved->cluster_id[0] != '\0' ? xstrdup(saved->cluster_id) : NULL;
	c->raft_term = saved->raft_term;
	c->leader_changes = saved->leader_changes;
	c->disturbed = saved->disturbed_until.ms != 0;
	c->disturbed_until = mono_add(now, ago > 0 ? -ago : 0);
}

void registry_restore_ids(struct registry *r, int64_t next_instance,
    int64_t next_period, int64_t next_watching)
{
	r->next_instance_id = next_instance;
	r->next_period_id = next_period;
	r->next_watching_id = next_watching;
}
