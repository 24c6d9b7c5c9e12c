/* Makes messages for receivers.  All alerts of one name in one cluster are a
 * group; what changes in it during one unit becomes one message for each
 * webhook of the default route's receiver, or several where there are more
 * than 256 alerts.  Each change is told at once: the default route has a
 * group_wait of 0s, and there is no group_interval yet.
 *
 * Whether and when something is told is decided in set.c. */
#include "alerts/group.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/alert.h"
#include "alerts/notify_config.h"
#include "alerts/outbox.h"
#include "alerts/webhook.h"
#include "core/buf.h"
#include "core/log.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { PAYLOAD_MAX = 64 * 1024 * 1024, KEY_MAX = 64 * 1024 };

struct batch {
	struct alert **v;
	size_t n, cap;
};

struct group {
	char *key, *group_key;
	struct labels labels;
	size_t firing;			/* that receivers know of */
	size_t firing_before;		/* this batch */
	struct batch fired, resolved;	/* fired: or repeated */
	bool news;			/* not only repetitions */
	bool waiting;
};

struct groups {
	struct outbox *outbox;
	struct table *table;
	struct group **waiting;
	size_t nwaiting, cap;
	const struct notify_config *config;
	char *external_url;
	bool *new;			/* webhooks of the route; or NULL */
	bool introducing;		/* to these only */
	bool configured;		/* not for the first time */
};

static void group_free(void *group)
{
	struct group *g = group;

	labels_free(&g->labels);
	free(g->fired.v);
	free(g->resolved.v);
	free(g->key);
	free(g->group_key);
	free(g);
}

static struct group *group_new(char *key, const char *cluster,
    const struct alert *a)
{
	struct group *g = xcalloc(1, sizeof(*g));
	struct buf b;

	g->key = key;
	labels_set(&g->labels, "alertname", a->rule->name);
	labels_set(&g->labels, "etcd_cluster", cluster);
	buf_init(&b, KEY_MAX);
	webhook_group_key(&g->labels, &b);
	g->group_key = buf_take(&b, NULL);
	return g;
}

static struct group *group_of(struct groups *g, struct alert *a)
{
	const char *cluster;
	char *key;

	if (a->group != NULL)
		return a->group;
	cluster = labels_get(&a->labels, "etcd_cluster");
	cluster = cluster ? cluster : "";
	key = xasprintf("%s\xff%s", a->rule->name, cluster);
	a->group = table_get(g->table, key);
	if (a->group != NULL) {
		free(key);
	} else {
		a->group = group_new(key, cluster, a);
		table_put(g->table, a->group->key, a->group);
	}
	return a->group;
}

static void push(struct batch *b, struct alert *a)
{
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 8;
		b->v = xreallocarray(b->v, b->cap, sizeof(struct alert *));
	}
	b->v[b->n++] = a;
}

static void wait_in(struct groups *g, struct group *group)
{
	if (group->waiting)
		return;
	group->waiting = true;
	group->firing_before = group->firing;
	if (g->nwaiting == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 8;
		g->waiting = xreallocarray(g->waiting, g->cap,
		    sizeof(struct group *));
	}
	g->waiting[g->nwaiting++] = group;
}

void groups_add(struct groups *g, struct alert *a, enum group_change c)
{
	struct group *group = group_of(g, a);

	wait_in(g, group);
	push(c == GROUP_RESOLVED ? &group->resolved : &group->fired, a);
	group->news = group->news || c != GROUP_REPEATED;
	a->batched = true;
	if (c == GROUP_FIRED)
		groups_restore(g, a);
	else if (c == GROUP_RESOLVED)
		groups_forget(g, a);
}

void groups_restore(struct groups *g, struct alert *a)
{
	if (!a->told || a->group == NULL)
		group_of(g, a)->firing++;
	a->told = true;
}

void groups_forget(struct groups *g, struct alert *a)
{
	if (a->told)
		group_of(g, a)->firing--;
	a->told = false;
}

/* --- making messages --- */

static const char *reason_of(const struct groups *g,
    const struct group *group)
{
	if (g->introducing)
		return "first notification";
	if (!group->news)
		return "repeat interval elapsed";
	if (group->fired.n > 0)
		return group->firing_before > 0 ? "new alerts added" :
		    "first notification";
	return group->firing > 0 ? "some alerts resolved" :
	    "all alerts resolved";
}

static void queue_message(struct groups *g, const struct group *group,
    const char *receiver, const char *integration,
    const struct webhook_message *m)
{
	struct buf body;

	buf_init(&body, PAYLOAD_MAX);
	webhook_render(m, &body);
	if (body.failed)
		log_error("message too large, not sent",
		    LOG_S("receiver", receiver),
		    LOG_S("group", group->group_key));
	else
		outbox_queue(g->outbox, receiver, integration,
		    group->group_key, buf_str(&body));
	buf_free(&body);
}

/* One webhook: as many messages as it takes; one if it limits what is in a
 * message, since the rest is then left out and counted in it. */
static void send_to(struct groups *g, const struct group *group,
    const struct receiver_config *r, size_t webhook,
    const struct batch *alerts)
{
	const struct webhook_config *c = receiver_webhook(r, webhook);
	char integration[INTEGRATION_MAX];
	size_t step = c->max_alerts > 0 ? alerts->n : GROUP_MESSAGE_MAX;

	outbox_integration(webhook, integration);
	for (size_t i = 0; i < alerts->n; i += step) {
		size_t n = alerts->n - i < step ? alerts->n - i : step;

		queue_message(g, group, r->name, integration,
		    &(struct webhook_message){
			.receiver = r->name, .external_url = g->external_url,
			.group_key = group->group_key,
			.reason = reason_of(g, group), .group = &group->labels,
			.alerts = alerts->v + i, .n = n,
			.max_alerts = (size_t)c->max_alerts,
		});
	}
}

static const struct receiver_config *receiver_of(const struct groups *g)
{
	if (g->config == NULL)
		return NULL;
	return notify_config_receiver(g->config, g->config->route.receiver);
}

static void send_group(struct groups *g, struct group *group)
{
	const struct receiver_config *r = receiver_of(g);
	struct batch all = { 0 };

	for (size_t i = 0; i < group->fired.n; i++)
		push(&all, group->fired.v[i]);
	for (size_t i = 0; i < group->resolved.n; i++)
		push(&all, group->resolved.v[i]);
	for (size_t i = 0; r != NULL && i < r->webhooks.n; i++)
		if (!g->introducing || g->new[i])
			send_to(g, group, r, i,
			    receiver_webhook(r, i)->send_resolved ?
			    &all : &group->fired);
	for (size_t i = 0; i < all.n; i++)
		all.v[i]->batched = false;
	free(all.v);
	group->fired.n = group->resolved.n = 0;
	group->news = group->waiting = false;
}

void groups_send(struct groups *g)
{
	for (size_t i = 0; i < g->nwaiting; i++)
		send_group(g, g->waiting[i]);
	g->nwaiting = 0;
}

/* --- new webhooks --- */

static bool has_url(const struct receiver_config *r, const char *url)
{
	for (size_t i = 0; r != NULL && url != NULL && i < r->webhooks.n; i++)
		if (receiver_webhook(r, i)->url != NULL &&
		    strcmp(receiver_webhook(r, i)->url, url) == 0)
			return true;
	return false;
}

static void forget_new(struct groups *g)
{
	free(g->new);
	g->new = NULL;
}

/* Those of the route now whose URL is not in `old`. */
static void find_new(struct groups *g, const struct receiver_config *old)
{
	const struct receiver_config *r = receiver_of(g);
	size_t found = 0;

	forget_new(g);
	if (r == NULL || r->webhooks.n == 0)
		return;
	g->new = xcalloc(r->webhooks.n, sizeof(*g->new));
	for (size_t i = 0; i < r->webhooks.n; i++) {
		g->new[i] = !has_url(old, receiver_webhook(r, i)->url);
		found += g->new[i];
	}
	if (found == 0)
		forget_new(g);
}

bool groups_have_new(const struct groups *g)
{
	return g->new != NULL;
}

void groups_send_new(struct groups *g)
{
	g->introducing = true;
	groups_send(g);
	g->introducing = false;
	forget_new(g);
}

/* --- the rest --- */

struct groups *groups_new(struct outbox *o)
{
	struct groups *g = xcalloc(1, sizeof(*g));

	g->outbox = o;
	g->table = table_new(group_free);
	g->external_url = xstrdup("");
	return g;
}

void groups_free(struct groups *g)
{
	if (g == NULL)
		return;
	table_free(g->table);
	free(g->waiting);
	free(g->external_url);
	free(g->new);
	free(g);
}

void groups_configure(struct groups *g, const struct notify_config *n,
    const char *external_url)
{
	const struct receiver_config *old = receiver_of(g);
	size_t len = strlen(external_url);

	while (len > 0 && external_url[len - 1] == '/')
		len--;
	g->config = n;
	if (g->configured)		/* at the start, nobody is new */
		find_new(g, old);
	g->configured = true;
	free(g->external_url);
	g->external_url = xstrndup(external_url, len);
}

bool groups_have_receiver(const struct groups *g)
{
	const struct receiver_config *r = receiver_of(g);

	return r != NULL && r->webhooks.n > 0;
}
