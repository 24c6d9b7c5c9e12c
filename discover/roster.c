/* Who is registered: a sorted array of nodes for each directory, kept by what
 * etcd tells.  It holds all keys below the directory, and all directories with
 * a TTL, and shows those that are instances, so that what is shown depends on
 * what is in etcd alone and not on the way there.  Events are applied in
 * discover/roster_event.c, listings compared in discover/roster_listing.c.  It
 * asks etcd nothing; cli/discover_once.c and cli/discover_watch.c feed it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/log.h"
#include "core/xalloc.h"
#include "discover/roster_impl.h"

const char *roster_change_name(enum roster_change c)
{
	static const char *const names[] = {
		[ROSTER_REGISTERED] = "registered",
		[ROSTER_CHANGED] = "changed",
		[ROSTER_EXPIRED] = "expired",
		[ROSTER_DEREGISTERED] = "deregistered",
		[ROSTER_LOST] = "lost",
	};

	assert(c <= ROSTER_LOST);
	return names[c];
}

struct roster *roster_new(const char *const *directories, size_t n,
    roster_fn *fn, void *arg)
{
	struct roster *r = xcalloc(1, sizeof(*r));

	*r = (struct roster){ .n = n, .fn = fn, .arg = arg };
	r->dirs = xcalloc(n, sizeof(*r->dirs));
	for (size_t i = 0; i < n; i++) {
		assert(directories[i][0] == '/');
		r->dirs[i].path = xstrdup(directories[i]);
		r->dirs[i].service = strrchr(r->dirs[i].path, '/') + 1;
	}
	return r;
}

static void node_free(struct roster_node *n)
{
	free(n->key);
	free(n->value);
	free(n->address);
	free(n);
}

void roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		for (size_t j = 0; j < r->dirs[i].n; j++)
			node_free(r->dirs[i].v[j]);
		free(r->dirs[i].v);
		free(r->dirs[i].path);
	}
	free(r->dirs);
	free(r);
}

/* --- what is there --- */

bool roster_complete(const struct roster *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->dirs[i].listed)
			return false;
	return true;
}

size_t roster_directories(const struct roster *r)
{
	return r->n;
}

const char *roster_directory(const struct roster *r, size_t directory)
{
	assert(directory < r->n);
	return r->dirs[directory].path;
}

size_t roster_count(const struct roster *r, size_t directory)
{
	assert(directory < r->n);
	return r->dirs[directory].shown;
}

const struct roster_entry *roster_next(const struct roster *r,
    struct roster_cursor *c)
{
	const struct roster_node *n;

	for (; c->directory < r->n; c->directory++, c->at = 0)
		while (c->at < r->dirs[c->directory].n) {
			n = r->dirs[c->directory].v[c->at++];
			if (n->shown)
				return &n->entry;
		}
	return NULL;
}

int64_t roster_ttl_left(const struct roster_entry *e, mono_t now)
{
	int64_t left = e->ttl_s - mono_since(e->told, now) / 1000;

	return left > 0 ? left : 0;
}

/* --- one node --- */

void roster_tell(struct roster *r, struct roster_dir *d,
    struct roster_node *n, enum roster_change c)
{
	bool there = c == ROSTER_REGISTERED || c == ROSTER_CHANGED;

	assert(n->shown == (c != ROSTER_REGISTERED));
	d->shown += there;
	d->shown -= n->shown;
	n->shown = there;
	r->fn(c, &n->entry, r->arg);
}

static void set_value(struct roster_node *n, const char *value)
{
	free(n->value);
	free(n->address);
	n->value = xstrdup(value);
	n->address = n->dir ? NULL : address_of_value(value);
	n->entry.value = n->value;
	n->entry.address = n->address;
}

/* What changes with every heartbeat, too. */
static void set_rest(struct roster_node *n, const struct etcd_node *node,
    mono_t told)
{
	n->entry.permanent = !node->has_expiration;
	n->entry.expiration = node->expiration;
	n->entry.ttl_s = node->ttl;
	n->entry.told = told;
	n->entry.created_index = node->created_index;
	n->entry.modified_index = node->modified_index;
}

struct roster_node *roster_node_new(const struct roster_dir *d,
    const struct etcd_node *node, mono_t told)
{
	struct roster_node *n = xcalloc(1, sizeof(*n));

	n->key = xstrdup(node->key);
	n->dir = node->dir;
	n->nul = node->key_has_nul;
	n->entry.directory = d->path;
	n->entry.service_name = d->service;
	n->entry.key = n->key;
	n->entry.instance_id = n->key + strlen(d->path) + 1;
	set_value(n, node->value);
	set_rest(n, node, told);
	if (n->nul)
		log_warn("left out: its key has a NUL in it",
		    LOG_S("directory", d->path), LOG_S("key", n->key));
	return n;
}

void roster_node_update(struct roster *r, struct roster_dir *d,
    struct roster_node *n, const struct etcd_node *node, mono_t told)
{
	bool same = strcmp(n->value, node->value) == 0;

	n->dir = node->dir;
	if (!same)
		set_value(n, node->value);
	set_rest(n, node, told);
	if (!same && n->shown)
		roster_tell(r, d, n, ROSTER_CHANGED);
}

void roster_node_leave(struct roster *r, struct roster_dir *d,
    struct roster_node *n, enum roster_change c)
{
	if (n->shown)
		roster_tell(r, d, n, c);
	node_free(n);
}

/* --- where they stand --- */

const char *roster_below(const struct roster_dir *d, const char *key)
{
	size_t n = strlen(d->path);

	if (strncmp(key, d->path, n) != 0 || key[n] != '/' ||
	    key[n + 1] == '\0')
		return NULL;
	return key + n + 1;
}

bool roster_wants(const struct roster_dir *d, const struct etcd_node *node)
{
	const char *relative = roster_below(d, node->key);

	return relative != NULL && relative[0] != '_' &&
	    strstr(relative, "/_") == NULL &&
	    (!node->dir || node->has_expiration);
}

size_t roster_find(const struct roster_dir *d, const char *key)
{
	size_t low = 0, high = d->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(d->v[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool roster_is_at(const struct roster_dir *d, size_t i, const char *key)
{
	return i < d->n && strcmp(d->v[i]->key, key) == 0;
}

/* True if it lies in a directory that is an instance itself. */
static bool inside_instance(const struct roster_dir *d, const char *key)
{
	size_t top = strlen(d->path);
	char *path = xstrdup(key), *slash;
	bool inside = false;

	while (!inside && (slash = strrchr(path, '/')) > path + top) {
		size_t i;

		*slash = '\0';
		i = roster_find(d, path);
		inside = roster_is_at(d, i, path) && d->v[i]->dir;
	}
	free(path);
	return inside;
}

void roster_settle(struct roster *r, struct roster_dir *d, size_t from,
    size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct roster_node *n = d->v[i];
		bool show = !n->nul && !inside_instance(d, n->key);

		if (show != n->shown)
			roster_tell(r, d, n, show ? ROSTER_REGISTERED :
			    ROSTER_DEREGISTERED);
	}
}
