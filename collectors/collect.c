/* Starts and stops the collecting of every configured cluster: its poller,
 * its judge of storms, a watcher for each directory, and hands the outcome of
 * each leader probe to the watchers.  Called by cli/serve.c. */
#include "collectors/collect.h"

#include <stdlib.h>

#include "collectors/poller.h"
#include "collectors/storm.h"
#include "collectors/watcher.h"
#include "core/registry.h"
#include "core/xalloc.h"

struct collected {
	struct poller *poller;
	struct storm *storm;
	struct watcher **watchers;
	size_t nwatchers;
};

struct collect {
	struct loop *loop;
	struct registry *registry;
	struct collected *clusters;
	size_t nclusters;
};

struct collect *collect_new(struct loop *l, struct registry *r)
{
	struct collect *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->registry = r;
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
	k->storm = storm_new();
	k->nwatchers = cluster->ndirectories;
	k->watchers = xcalloc(k->nwatchers + 1, sizeof(*k->watchers));
	for (size_t i = 0; i < k->nwatchers; i++)
		k->watchers[i] = watcher_new(c->loop,
		    cluster->directories[i], k->storm);
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
		storm_free(k->storm);
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
	free(c);
}
