/* Events on their way into the roll.  Writes go in at once.  With the first
 * leave a batch begins: it is judged when the next poll's headers show that
 * nothing more is to come (they also carry the raft term, which tells an
 * outage's expiries from a service's), at most 50 ms later.  Then the whole
 * batch goes in, in order, each leave with its cause and, in a storm, held. */
#include <stdlib.h>
#include <string.h>

#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

enum {
	JUDGE_MS = 50,			/* after the first leave */
	QUIET_MS = 3,			/* after headers without an event */
};

/* --- whose event is it --- */

static size_t path_len(const struct directory *d)
{
	return strcmp(d->path, "/") == 0 ? 0 : strlen(d->path);
}

static bool inside(const struct directory *d, const char *key)
{
	size_t n = path_len(d);

	return strncmp(key, d->path, n) == 0 && key[n] == '/' &&
	    key[n + 1] != '\0' && strstr(key + n, "/_") == NULL;
}

/* The directory itself, or one above it. */
static bool encloses(const struct directory *d, const char *key)
{
	size_t n = strlen(key);

	return strncmp(d->path, key, n) == 0 &&
	    (d->path[n] == '\0' || d->path[n] == '/' || n <= 1);
}

static bool is_leave(enum etcd_action a)
{
	return a == ETCD_DELETE || a == ETCD_COMPARE_AND_DELETE ||
	    a == ETCD_EXPIRE;
}

/* --- writes --- */

static wall_t by_our_clock(const struct watcher *w, wall_t etcds)
{
	return wall_add(etcds, -member_skew_ms(w->member));
}

struct key_facts facts_of(const struct watcher *w,
    const struct etcd_node *node)
{
	return (struct key_facts){
		.key = node->key,
		.value = node->value,
		.is_dir = node->dir,
		.has_ttl = node->has_expiration,
		.ttl_s = node->ttl,
		.expires = by_our_clock(w, node->expiration),
		.created_index = node->created_index,
		.modified_index = node->modified_index,
	};
}

static struct moment moment_of(const struct watcher *w,
    const struct pending *p)
{
	return (struct moment){
		.earliest = p->earliest,
		.seen = p->seen,
		.now = loop_now(w->loop),
		.index = p->node.modified_index,
	};
}

/* PUT dir=true over a key makes a directory of it: the instance is gone. */
static bool became_directory(struct watcher *w, const struct pending *p)
{
	struct instance *i = registry_find(w->d, p->node.key);
	struct leave l = { .instance = i, .cause = CAUSE_DELETE };

	if (i == NULL || !p->node.dir || p->node.has_expiration)
		return false;
	l.moment = moment_of(w, p);
	l.from = p->seen;
	leave_one(w, &l, false);
	return true;
}

/* The node written over had expired already.  A member that has started since
 * tells its history with the TTLs of its start, when all had run out: then
 * what was written runs out later than the old, but not by a whole TTL.  What
 * comes while the poll waits is told with the TTLs of the moment. */
static bool over_expired(const struct watcher *w, const struct pending *p)
{
	const struct instance *i = registry_find(w->d, p->node.key);
	int64_t granted_s = p->node.ttl;

	if (!p->has_prev || !p->prev.has_expiration || p->prev.ttl > 0)
		return false;
	if (!p->live && i != NULL && i->ttl_s > granted_s)
		granted_s = i->ttl_s;
	return !p->node.has_expiration || p->node.expiration.ms -
	    p->prev.expiration.ms >= granted_s * 1000;
}

static void apply_write(struct watcher *w, const struct pending *p)
{
	struct key_facts k = facts_of(w, &p->node);
	struct moment m = moment_of(w, p);
	bool lapsed = over_expired(w, p);

	sync_touch(w, k.key, m.index);
	if (!inside(w->d, k.key) || became_directory(w, p))
		return;
	k.renewed = !p->has_prev || lapsed;
	if (lapsed)
		k.lapsed = by_our_clock(w, p->prev.expiration);
	registry_written(w->d, &k, &m);
}

/* --- leaves --- */

struct leaves {
	struct leave *v;
	size_t n, cap;
	struct table *who;		/* by identity: those in v */
};

/* Once each: a key may go and its directory right behind it. */
static void add_leave(struct leaves *l, const struct leave *one)
{
	struct instance *i = one->instance;

	if (l->who == NULL)
		l->who = table_new(NULL);
	if (table_put(l->who, i->identity, i) != NULL)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = *one;
}

static struct leave leave_of(const struct watcher *w,
    const struct pending *p, struct instance *i)
{
	bool own = strcmp(i->key, p->node.key) == 0;
	bool expired = p->action == ETCD_EXPIRE;
	struct leave l = { .instance = i, .moment = moment_of(w, p) };

	l.from = p->seen;
	if (expired)
		l.cause = own ? CAUSE_EXPIRE : CAUSE_DIR_EXPIRE;
	else
		l.cause = own ? CAUSE_DELETE : CAUSE_DIR_DELETE;
	if (expired && p->has_prev && p->prev.has_expiration) {
		l.from = by_our_clock(w, p->prev.expiration);
		l.moment.earliest = wall_add(l.from, -1000 * i->ttl_s);
		if (l.moment.earliest.ms > p->seen.ms)
			l.moment.earliest = p->seen;
	}
	return l;
}

static bool is_below(const char *key, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(key, dir, n) == 0 && key[n] == '/';
}

/* The key itself, or below it. */
static bool concerns(const char *key, const char *gone, bool whole)
{
	return whole || strcmp(key, gone) == 0 || is_below(key, gone);
}

/* Rivals and bad keys go without a word. */
static void drop_others(struct watcher *w, const struct table *keys,
    const char *gone, bool whole)
{
	size_t cursor = 0;
	const char *key;
	void *value;

	while (table_next(keys, &cursor, &key, &value))
		if (concerns(key, gone, whole))
			registry_left_other(w->d, key);
}

/* A directory that went takes everything below it along, without an event of
 * its own for any of it. */
static void expand(struct watcher *w, const struct pending *p,
    struct leaves *l)
{
	struct instance *i = registry_find(w->d, p->node.key);
	bool whole = encloses(w->d, p->node.key);
	size_t cursor = 0;
	const char *key;
	void *value;

	sync_touch(w, p->node.key, p->node.modified_index);
	if (!whole && !inside(w->d, p->node.key))
		return;
	if (!p->node.dir) {
		if (i == NULL) {
			registry_left_other(w->d, p->node.key);
			return;
		}
		struct leave one = leave_of(w, p, i);

		add_leave(l, &one);
		return;
	}
	drop_others(w, w->d->rivals, p->node.key, whole);
	drop_others(w, w->d->bad, p->node.key, whole);
	while (table_next(w->d->by_key, &cursor, &key, &value)) {
		if (!concerns(key, p->node.key, whole))
			continue;
		struct leave one = leave_of(w, p, value);

		add_leave(l, &one);
	}
}

/* --- the batch --- */

static void copy_node(struct etcd_node *node)
{
	node->key = xstrdup(node->key);
	node->value = xstrdup(node->value);
}

static void free_node(const struct etcd_node *node)
{
	free((void *)(uintptr_t)node->key);
	free((void *)(uintptr_t)node->value);
}

static void append(struct watcher *w, const struct pending *p)
{
	if (w->nbatch == w->batch_cap) {
		w->batch_cap = w->batch_cap ? w->batch_cap * 2 : 64;
		w->batch = xreallocarray(w->batch, w->batch_cap,
		    sizeof(*w->batch));
	}
	struct pending *own = &w->batch[w->nbatch++];

	*own = *p;
	copy_node(&own->node);
	if (own->has_prev)
		copy_node(&own->prev);
}

static void empty(struct watcher *w)
{
	for (size_t k = 0; k < w->nbatch; k++) {
		free_node(&w->batch[k].node);
		if (w->batch[k].has_prev)
			free_node(&w->batch[k].prev);
	}
	w->nbatch = 0;
	w->judging = false;
	timer_clear(w->judge);
}

void batch_free(struct watcher *w)
{
	empty(w);
	free(w->batch);
}

/* An event the poll found in history may be older than the poll; one that
 * came while the poll was blocked happened just now. */
static struct pending pend(const struct watcher *w,
    const struct etcd_event *e, bool live)
{
	mono_t now = loop_now(w->loop);
	struct pending p = {
		.action = e->action, .node = e->node, .prev = e->prev,
		.has_prev = e->has_prev, .seen = clock_history(now),
	};

	p.live = w->d->looking && live;
	p.earliest = p.seen;
	if (!p.live && w->d->watching_to.ms != 0 &&
	    w->d->watching_to.ms < p.seen.ms)
		p.earliest = w->d->watching_to;
	return p;
}

/* As long as history has more to tell, nothing is proved but its index; and
 * behind a gap not even that. */
static void progress(struct watcher *w, mono_t now)
{
	wall_t to = w->reached < w->store_index ? w->d->watching_to :
	    clock_history(now);

	if (!w->gap)
		registry_progress(w->d, to, w->reached, now);
}

void batch_event(struct watcher *w, const struct etcd_event *e, bool live)
{
	mono_t now = loop_now(w->loop);
	struct pending p = pend(w, e, live);

	if (inside(w->d, e->node.key) || encloses(w->d, e->node.key)) {
		w->d->watch_events++;
		snapshot_touch(w->c->registry);
	}
	if (!w->judging && !is_leave(e->action)) {
		apply_write(w, &p);
		progress(w, now);
		return;
	}
	append(w, &p);
	if (!w->judging) {
		w->judging = true;
		w->judging_from = e->node.modified_index;
		w->judge_at = mono_add(now, JUDGE_MS);
	}
	w->quiet_once = false;
	timer_set(w->judge, w->judge_at);
}

void batch_headed(struct watcher *w)
{
	mono_t quiet = mono_add(loop_now(w->loop), QUIET_MS);

	w->quiet_once = false;
	if (w->judging)
		timer_set(w->judge,
		    quiet.ms < w->judge_at.ms ? quiet : w->judge_at);
}

/* Leaves in a row are judged together; a write in between goes in between. */
static void apply_run(struct watcher *w, struct leaves *l, mono_t now)
{
	table_free(l->who);		/* before its keys may be freed */
	l->who = NULL;
	leave_all(w, l->v, l->n, now);
	l->n = 0;
}

void batch_apply(struct watcher *w, mono_t now)
{
	struct leaves l = { 0 };

	if (w->nbatch == 0)
		return;
	for (size_t k = 0; k < w->nbatch; k++) {
		struct pending *p = &w->batch[k];

		if (is_leave(p->action)) {
			expand(w, p, &l);
			continue;
		}
		apply_run(w, &l, now);
		apply_write(w, p);
	}
	apply_run(w, &l, now);
	free(l.v);
	empty(w);
	progress(w, now);
}
