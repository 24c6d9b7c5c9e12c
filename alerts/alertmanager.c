/* The Alertmanagers that are configured, and what an alert looks like to them.
 * Called by alerts.c; knows neither rules nor when alerts change.  How one of
 * them is spoken to is in peer.c. */
#include "alerts/alertmanager.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/alert.h"
#include "alerts/peer.h"
#include "core/buf.h"
#include "core/config.h"
#include "core/log.h"
#include "core/timefmt.h"
#include "core/xalloc.h"

struct alertmanagers {
	struct peer_shared shared;
	struct peer *peers;
	size_t n;
};

/* --- what to send --- */

static wall_t earlier(wall_t a, wall_t b)
{
	return a.ms < b.ms ? a : b;
}

void alertmanager_render(const struct alert *a, wall_t now,
    int64_t lifetime_ms, const char *generator_url, struct buf *out)
{
	const struct machine *m = &a->machine;
	wall_t ends = wall_add(now, lifetime_ms);
	char text[TIMEFMT_MAX];

	/* Not in the future, where the system clock was set back: what ends
	 * there fires until then.  Nor before its start, which is a 400. */
	if (!alert_firing(a))
		ends = earlier(m->resolved_at, now);
	wall_t starts = earlier(m->fired_at, earlier(ends, now));

	buf_adds(out, "{\"labels\":");
	labels_json(&a->full, out);
	buf_adds(out, ",\"annotations\":");
	labels_json(&a->annotations, out);
	buf_addf(out, ",\"startsAt\":\"%s\"",
	    timefmt_rfc3339(starts, text));
	buf_addf(out, ",\"endsAt\":\"%s\",\"generatorURL\":",
	    timefmt_rfc3339(ends, text));
	buf_add_json(out, generator_url);
	buf_addc(out, '}');
}

static struct am_node *nodes_of(struct alertmanagers *all, struct alert *a)
{
	if (a->nodes == NULL && all->n > 0) {
		a->nodes = xcalloc(all->n, sizeof(*a->nodes));
		for (size_t i = 0; i < all->n; i++)
			a->nodes[i].alert = a;
	}
	return a->nodes;
}

void alertmanagers_tell(struct alertmanagers *all, struct alert *a,
    bool first)
{
	struct am_node *nodes = nodes_of(all, a);

	for (size_t i = 0; i < all->n; i++)
		peer_tell(&all->peers[i], &nodes[i], first);
}

void alertmanagers_forget(struct alertmanagers *all, struct alert *a)
{
	if (a->nodes == NULL)
		return;
	for (size_t i = 0; i < all->n; i++)
		peer_forget(&all->peers[i], &a->nodes[i]);
	free(a->nodes);
	a->nodes = NULL;
}

void alertmanagers_pump(struct alertmanagers *all, mono_t now)
{
	for (size_t i = 0; i < all->n; i++)
		peer_pump(&all->peers[i], now);
}

/* --- configuration --- */

struct alertmanagers *alertmanagers_new(struct loop *l, struct gate *g)
{
	struct alertmanagers *all = xcalloc(1, sizeof(*all));

	all->shared.loop = l;
	all->shared.gate = g;
	return all;
}

static void forget_list(struct alertmanagers *all, struct am_list *l)
{
	while (l->head != NULL)
		alertmanagers_forget(all, l->head->alert);
}

/* Every alert with nodes is in some list of every peer. */
static void drop_peers(struct alertmanagers *all)
{
	if (all->n > 0) {
		forget_list(all, &all->peers[0].edges);
		forget_list(all, &all->peers[0].sent);
		forget_list(all, &all->peers[0].inflight);
	}
	for (size_t i = 0; i < all->n; i++)
		peer_fini(&all->peers[i]);
	free(all->peers);
	all->peers = NULL;
	all->n = 0;
}

void alertmanagers_free(struct alertmanagers *all)
{
	if (all == NULL)
		return;
	drop_peers(all);
	free(all->shared.generator_url);
	free(all);
}

/* host:port of a URL, and its path if it has one; never its user. */
static char *name_of(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	const char *at = memchr(host, '@', strcspn(host, "/"));

	return xstrdup(at ? at + 1 : host);
}

static struct peer *find_peer(struct peer *peers, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(peers[i].name, name) == 0)
			return &peers[i];
	return NULL;
}

static bool is_configured(const struct config *c, const char *name)
{
	bool found = false;

	for (size_t i = 0; i < c->alertmanagers.n && !found; i++) {
		char *other = name_of(config_alertmanager(c, i)->url);

		found = strcmp(name, other) == 0;
		free(other);
	}
	return found;
}

static bool is_known(const struct alertmanagers *all,
    const struct alertmanager_config *ac)
{
	char *name = name_of(ac->url);
	bool known = find_peer(all->peers, all->n, name) != NULL;

	free(name);
	return known;
}

/* Counting would not do: two URLs may be of one name. */
static bool same_list(const struct alertmanagers *all, const struct config *c)
{
	for (size_t i = 0; i < c->alertmanagers.n; i++)
		if (!is_known(all, config_alertmanager(c, i)))
			return false;
	for (size_t i = 0; i < all->n; i++)
		if (!is_configured(c, all->peers[i].name))
			return false;
	return true;
}

/* One peer per name; counters go on counting. */
static void make_peers(struct alertmanagers *all, const struct config *c,
    const struct alertmanagers *old)
{
	all->peers = xcalloc(c->alertmanagers.n + 1, sizeof(*all->peers));
	for (size_t i = 0; i < c->alertmanagers.n; i++) {
		char *name = name_of(config_alertmanager(c, i)->url);
		struct peer *was = find_peer(old->peers, old->n, name);

		if (find_peer(all->peers, all->n, name) != NULL) {
			log_warn("alertmanager is configured twice",
			    LOG_S("alertmanager", name));
			free(name);
			continue;
		}
		struct peer *p = &all->peers[all->n++];

		p->name = name;
		if (was != NULL)
			p->tally = was->tally;
	}
}

static void rebuild(struct alertmanagers *all, const struct config *c)
{
	struct alertmanagers fresh = { 0 };

	make_peers(&fresh, c, all);
	drop_peers(all);
	all->peers = fresh.peers;
	all->n = fresh.n;
	for (size_t i = 0; i < all->n; i++)
		peer_init(&all->peers[i], &all->shared);
}

static void set_configs(struct alertmanagers *all, const struct config *c)
{
	for (size_t i = c->alertmanagers.n; i-- > 0;) {
		struct alertmanager_config *ac = config_alertmanager(c, i);
		char *name = name_of(ac->url);
		struct peer *p = find_peer(all->peers, all->n, name);

		peer_configure(p, ac);
		free(name);
	}
}

static char *with_slash(const char *url)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	return xasprintf("%.*s/", (int)n, url);
}

bool alertmanagers_configure(struct alertmanagers *all,
    const struct config *c, const char *external_url)
{
	int64_t every = c->global.evaluation_interval_ms;
	bool other = !same_list(all, c);

	if (other)
		rebuild(all, c);
	set_configs(all, c);
	if (every < AM_RESEND_MS)
		every = AM_RESEND_MS;
	all->shared.lifetime_ms = 4 * every;
	free(all->shared.generator_url);
	all->shared.generator_url = with_slash(external_url);
	return other;
}

size_t alertmanagers_count(const struct alertmanagers *all)
{
	return all->n;
}

bool alertmanagers_drained(const struct alertmanagers *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->peers[i].untried > 0)
			return false;
	return true;
}

void alertmanagers_samples(const struct alertmanagers *all,
    struct sample_sink *s)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct peer *p = &all->peers[i];

		tally_samples(&p->tally, p->name, "alertmanager",
		    p->edges.n + p->inflight.n, s);
	}
}
