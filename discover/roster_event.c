/* What an event does to the roster.  One of a directory concerns all that is
 * in it, and no other event tells of that; so does one of a directory above
 * those that we follow.  Used by cli/discover_watch.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/xalloc.h"
#include "discover/roster_impl.h"

/* v[from..to) is what lies below the key: '0' follows '/'. */
static void find_below(const struct roster_dir *d, const char *key,
    size_t *from_r, size_t *to_r)
{
	char *bound = xasprintf("%s/", key);

	*from_r = roster_find(d, bound);
	bound[strlen(key)] = '/' + 1;
	*to_r = roster_find(d, bound);
	free(bound);
}

static void insert(struct roster_dir *d, size_t at, struct roster_node *n)
{
	if (d->n == d->cap) {
		d->cap = d->cap > 0 ? d->cap * 2 : 16;
		d->v = xreallocarray(d->v, d->cap,
		    sizeof(struct roster_node *));
	}
	memmove(d->v + at + 1, d->v + at, (d->n - at) * sizeof(*d->v));
	d->v[at] = n;
	d->n++;
}

static void take_out(struct roster *r, struct roster_dir *d, size_t from,
    size_t to, enum roster_change c)
{
	for (size_t i = from; i < to; i++)
		roster_node_leave(r, d, d->v[i], c);
	if (from < to)
		memmove(d->v + from, d->v + to, (d->n - to) * sizeof(*d->v));
	d->n -= to - from;
}

/* The key, or the directory with all that is in it. */
static void gone(struct roster *r, struct roster_dir *d, const char *key,
    enum roster_change c)
{
	size_t from, to;

	find_below(d, key, &from, &to);
	take_out(r, d, from, to, c);
	from = roster_find(d, key);
	take_out(r, d, from, from + roster_is_at(d, from, key), c);
}

/* A directory without a TTL only holds what is in it, which may have been an
 * instance's until now. */
static void only_holds(struct roster *r, struct roster_dir *d,
    const char *key)
{
	size_t from = roster_find(d, key), to;

	take_out(r, d, from, from + roster_is_at(d, from, key),
	    ROSTER_DEREGISTERED);
	find_below(d, key, &from, &to);
	roster_settle(r, d, from, to);
}

static void written(struct roster *r, struct roster_dir *d,
    const struct etcd_node *node, mono_t told)
{
	size_t i = roster_find(d, node->key), from, to;

	if (roster_is_at(d, i, node->key))
		roster_node_update(r, d, d->v[i], node, told);
	else
		insert(d, i, roster_node_new(d, node, told));
	roster_settle(r, d, i, i + 1);
	find_below(d, node->key, &from, &to);
	if (node->dir)
		roster_settle(r, d, from, to);
	else
		take_out(r, d, from, to, ROSTER_DEREGISTERED);
}

/* True if the directory is this one or lies in it. */
static bool is_in(const struct roster_dir *d, const char *key)
{
	size_t n = strlen(key);

	return strncmp(d->path, key, n) == 0 &&
	    (d->path[n] == '/' || d->path[n] == '\0');
}

void roster_event(struct roster *r, size_t directory,
    const struct etcd_result *event)
{
	static const struct {
		bool ends;
		enum roster_change change;
	} actions[] = {
		[ETCD_DELETE] = { true, ROSTER_DEREGISTERED },
		[ETCD_COMPARE_AND_DELETE] = { true, ROSTER_DEREGISTERED },
		[ETCD_EXPIRE] = { true, ROSTER_EXPIRED },
	};
	const struct etcd_node *node = &event->event.node;
	enum etcd_action action = event->event.action;
	struct roster_dir *d = &r->dirs[directory];

	assert(directory < r->n && action <= ETCD_EXPIRE);
	if (action == ETCD_GET)
		return;
	if (actions[action].ends && is_in(d, node->key))
		take_out(r, d, 0, d->n, actions[action].change);
	else if (roster_below(d, node->key) == NULL)
		return;
	else if (actions[action].ends)
		gone(r, d, node->key, actions[action].change);
	else if (roster_wants(d, node))
		written(r, d, node, event->ended);
	else if (node->dir)
		only_holds(r, d, node->key);
}
