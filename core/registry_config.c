/* Clusters and directories as the configuration has them: made, carried over
 * and ended at a reload.  What stays keeps its state; a directory that is no
 * longer configured ends its instances with the cause unwatched. */
#include <stdlib.h>
#include <string.h>

#include "core/config.h"
#include "core/maintenance.h"
#include "core/registry_impl.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

struct registry *registry_new(struct event_bus *bus)
{
	struct registry *r = xcalloc(1, sizeof(*r));

	r->bus = bus;
	r->services = table_new(service_free);
	TAILQ_INIT(&r->flapping);
	r->next_instance_id = 1;
	r->next_period_id = 1;
	r->next_watching_id = 1;
	r->publisher = publisher_new();
	r->maintenance = maintenance_new(r);
	return r;
}

void registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->nslots; i++)
		instance_free(r->slots[i]);
	for (size_t i = 0; i < r->nclusters; i++)
		cluster_free(r->clusters[i]);
	table_free(r->services);
	publisher_free(r->publisher);
	maintenance_free(r->maintenance);
	free(r->clusters);
	free(r->slots);
	free(r->service_slots);
	config_unref(r->config);
	free(r);
}

/* --- directories --- */

struct directory *directory_new(struct cluster *c,
    struct directory_config *config)
{
	struct directory *d = xcalloc(1, sizeof(*d));

	d->cluster = c;
	d->config = config;
	d->path = xstrdup(config->path);
	d->by_key = table_new_of(NULL, instance_key);
	d->rivals = table_new(NULL);
	d->bad = table_new(free);
	d->ended = ended_new();
	c->directories = xreallocarray(c->directories, c->ndirectories + 1,
	    sizeof(struct directory *));
	c->directories[c->ndirectories++] = d;
	return d;
}

void directory_free(struct directory *d)
{
	table_free(d->by_key);
	table_free(d->rivals);
	table_free(d->bad);
	ended_free(d->ended);
	free(d->path);
	free(d);
}

struct directory *registry_directory(const struct cluster *c,
    const char *path)
{
	for (size_t i = 0; i < c->ndirectories; i++)
		if (strcmp(c->directories[i]->path, path) == 0)
			return c->directories[i];
	return NULL;
}

static void unwatch_instances(struct registry *r, struct directory *d)
{
	struct moment m = { .seen = clock_now(), .now = clock_mono() };

	m.earliest = m.seen;
	for (size_t k = r->nslots; k-- > 0;) {
		struct instance *i = r->slots[k];

		if (i->directory == d)
			registry_left(d, i, CAUSE_UNWATCHED, m.seen, &m,
			    (mono_t){ 0 });
	}
}

static void forget_feed(struct registry *r, const struct directory *d)
{
	for (size_t k = 0; k < r->nservice_slots; k++)
		service_unfeed(r->service_slots[k], d);
}

static void drop_rivals(struct directory *d)
{
	const char *key;
	void *value;

	for (;;) {
		size_t cursor = 0;

		if (!table_next(d->rivals, &cursor, &key, &value))
			return;
		registry_left_other(d, key);
	}
}

static void directory_end(struct registry *r, struct directory *d)
{
	struct moment m = { .seen = clock_now(), .now = clock_mono() };

	m.earliest = m.seen;
	registry_set_looking(d, false, &m);
	unwatch_instances(r, d);
	drop_rivals(d);
	forget_feed(r, d);
	d->removed = true;
}

static void free_directory_later(void *d)
{
	directory_free(d);
}

static struct directory_config *configured_directory(
    const struct cluster_config *c, const char *path)
{
	for (size_t i = 0; i < c->directories.n; i++)
		if (strcmp(config_directory(c, i)->path, path) == 0)
			return config_directory(c, i);
	return NULL;
}

static void configure_directories(struct registry *r, struct cluster *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->ndirectories; i++) {
		struct directory *d = c->directories[i];

		d->config = configured_directory(c->config, d->path);
		if (d->config != NULL) {
			c->directories[kept++] = d;
			continue;
		}
		directory_end(r, d);
		event_after_flush(r->bus, free_directory_later, d);
	}
	c->ndirectories = kept;
	for (size_t i = 0; i < c->config->directories.n; i++) {
		struct directory_config *dc = config_directory(c->config, i);

		if (registry_directory(c, dc->path) == NULL)
			directory_new(c, dc);
	}
}

/* --- clusters --- */

static void members_free(struct cluster *c)
{
	for (size_t i = 0; i < c->nmembers; i++)
		member_fini(&c->members[i]);
	free(c->members);
	c->members = NULL;
	c->nmembers = 0;
}

void cluster_free(struct cluster *c)
{
	members_free(c);
	for (size_t i = 0; i < c->ndirectories; i++)
		directory_free(c->directories[i]);
	free(c->directories);
	table_free(c->by_identity);
	free(c->leader_id);
	free(c->cluster_id);
	free(c->name);
	free(c);
}

static bool same_endpoints(const struct cluster *c)
{
	const struct string_list *l = &c->config->endpoints;

	if (c->nmembers != l->n)
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(c->members[i].url, l->v[i]) != 0)
			return false;
	return true;
}

static void configure_members(struct cluster *c)
{
	const struct string_list *l = &c->config->endpoints;

	if (same_endpoints(c))
		return;
	members_free(c);
	c->members = xcalloc(l->n, sizeof(*c->members));
	c->nmembers = l->n;
	for (size_t i = 0; i < l->n; i++) {
		const char *host = strstr(l->v[i], "://");

		c->members[i].cluster = c;
		c->members[i].number = i;
		c->members[i].url = xstrdup(l->v[i]);
		c->members[i].name = xstrdup(host ? host + 3 : l->v[i]);
	}
}

struct cluster *registry_cluster(const struct registry *r, const char *name)
{
	for (size_t i = 0; i < r->nclusters; i++)
		if (strcmp(r->clusters[i]->name, name) == 0)
			return r->clusters[i];
	return NULL;
}

struct cluster *cluster_new(struct registry *r, const char *name)
{
	struct cluster *c = xcalloc(1, sizeof(*c));

	c->registry = r;
	c->name = xstrdup(name);
	c->by_identity = table_new_of(NULL, instance_identity_key);
	r->clusters = xreallocarray(r->clusters, r->nclusters + 1,
	    sizeof(struct cluster *));
	r->clusters[r->nclusters++] = c;
	return c;
}

static void drop_services_of(struct registry *r, const struct cluster *c)
{
	for (size_t i = r->nservice_slots; i-- > 0;)
		if (r->service_slots[i]->cluster == c)
			service_drop(r, r->service_slots[i]);
}

static void free_cluster_later(void *c)
{
	cluster_free(c);
}

static void cluster_end(struct registry *r, struct cluster *c)
{
	for (size_t i = 0; i < c->ndirectories; i++) {
		directory_end(r, c->directories[i]);
		event_after_flush(r->bus, free_directory_later,
		    c->directories[i]);
	}
	c->ndirectories = 0;
	drop_services_of(r, c);
	event_after_flush(r->bus, free_cluster_later, c);
}

static struct cluster_config *configured_cluster(const struct config *c,
    const char *name)
{
	for (size_t i = 0; i < c->clusters.n; i++)
		if (strcmp(config_cluster(c, i)->name, name) == 0)
			return config_cluster(c, i);
	return NULL;
}

static void end_removed_clusters(struct registry *r, struct config *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->nclusters; i++) {
		if (configured_cluster(c, r->clusters[i]->name) != NULL)
			r->clusters[kept++] = r->clusters[i];
		else
			cluster_end(r, r->clusters[i]);
	}
	r->nclusters = kept;
}

void registry_configure(struct registry *r, struct config *c)
{
	struct config *old = r->config;

	r->config = config_ref(c);
	end_removed_clusters(r, c);
	for (size_t i = 0; i < c->clusters.n; i++) {
		struct cluster_config *cc = config_cluster(c, i);
		struct cluster *cluster = registry_cluster(r, cc->name);

		if (cluster == NULL)
			cluster = cluster_new(r, cc->name);
		cluster->config = cc;
		configure_members(cluster);
		configure_directories(r, cluster);
	}
	registry_reclaim(r);
	service_configure_all(r);
	snapshot_touch(r);
	config_unref(old);
}

void registry_restored(struct registry *r)
{
	registry_configure(r, r->config);
}
