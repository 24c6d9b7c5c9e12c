/* Starts and stops the collecting of every configured cluster: its poller,
 * its judge of storms, a watcher for each directory, and hands the outcome of
 * each leader probe to the watchers.  Called by cli/daemon.c. */
#include "collectors/collect.h"

#include <stdlib.h>
#include <string.h>

#include "collectors/poller.h"
#include "collectors/storm.h"
#include "collectors/watcher.h"
#include "core/registry.h"
#include "core/table.h"
#include "core/xalloc.h"

struct collected {
	struct poller *poller;
	struct watcher **watchers;
	size_t nwatchers;
};

/* What left lately counts over a reload. */
struct judge {
	struct storm *storm;
	char name[];
};

struct collect {
	struct loop *loop;
	struct registry *registry;
	struct table *judges;		/* by the cluster's name */
	struct collected *clusters;
	size_t nclusters;
};

static void judge_free(void *judge)
{
	storm_free(((struct judge *)judge)->storm);
	free(judge);
}

static struct storm *storm_of(struct collect *c, const char *cluster)
{
	struct judge *j = table_get(c->judges, cluster);
	size_t n = strlen(cluster) + 1;

	if (j == NULL) {
		j = xmalloc(sizeof(*j) + n);
		memcpy(j->name, cluster, n);
		j->storm = storm_new();
		table_put(c->judges, j->name, j);
	}
	return j->storm;
}

struct collect *collect_new(struct loop *l, struct registry *r)
{
	struct collect *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->registry = r;
	c->judges = table_new(judge_free);
	return c;
}

static void on_probe(void *arg, struct member *m, bool answered,
    bool has_leader, mono_t sent, mono_t now)
{
	struct collected *k = arg;

	for (size_t i = 0; i < k->nwatchers; i++)
		watcher_on_probe(k->watchers[i], m, answered, has_leader,
		    sent, now);
}

static void start_cluster(struct collect *c, struct collected *k,
    struct cluster *cluster)
{
	struct storm *storm = storm_of(c, cluster->name);

	k->nwatchers = cluster->ndirectories;
	k->watchers = xcalloc(k->nwatchers + 1, sizeof(*k->watchers));
	for (size_t i = 0; i < k->nwatchers; i++)
		k->watchers[i] = watcher_new(c->loop,
		    cluster->directories[i], storm);
	k->poller = poller_new(c->loop, c->registry, cluster);
	poller_on_probe(k->poller, on_probe, k);
}

void collect_start(struct collect *c)
{
	struct registry *r = c->registry;

	c->nclusters = r->nclusters;
	c->clusters = xcalloc(c->nclusters + 1, sizeof(*c->clusters));
	for (size_t i = 0; i < c->nclusters; i++)
		start_cluster(c, &c->clusters[i], r->clusters[i]);
}

void collect_stop(struct collect *c)
{
	for (size_t i = 0; i < c->nclusters; i++) {
		struct collected *k = &c->clusters[i];

		poller_free(k->poller);
		for (size_t w = 0; w < k->nwatchers; w++)
			watcher_free(k->watchers[w]);
		free(k->watchers);
	}
	free(c->clusters);
	c->clusters = NULL;
	c->nclusters = 0;
}

void collect_free(struct collect *c)
{
	if (c == NULL)
		return;
	collect_stop(c);
	table_free(c->judges);
	free(c);
}
