/* Events on their way into the roll.  Writes go in at once.  With the first
 * leave a batch begins, which waits for its judgement (judge.c says when).
 * Then it goes in, in order, each leave with its cause and, in a storm, held:
 * as much in one turn of the loop as there is room for, the rest in the turns
 * that follow.  What comes meanwhile waits behind it.
 *
 * How far the directory is applied moves on only over whole events, so that
 * what a turn leaves for the next one is told again after a crash. */
#include <stdlib.h>
#include <string.h>

#include "collectors/watch_impl.h"
#include "core/event.h"
#include "core/log.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

enum { KEPT_EVENTS = 1024 };		/* room for, when none waits */

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

bool batch_is_leave(enum etcd_action a)
{
	return a == ETCD_DELETE || a == ETCD_COMPARE_AND_DELETE ||
	    a == ETCD_EXPIRE;
}

/* Told as it goes into the roll, heartbeats too: bench/watch.py holds this to
 * the log of those who wrote. */
static void trace(const struct watcher *w, const struct pending *p)
{
	if (!log_writes(LEVEL_DEBUG))
		return;
	log_debug("event", LOG_S("etcd_cluster", w->c->name),
	    LOG_S("directory", w->d->path),
	    LOG_S("action", etcd_action_name(p->action)),
	    LOG_S("key", p->node.key), LOG_I("index", p->node.modified_index));
}

/* --- writes --- */

static wall_t by_our_clock(const struct watcher *w, wall_t etcds)
{
	return wall_add(etcds, -member_skew_ms(w->member));
}

/* Nobody means more than 68 years, and milliseconds of it are counted. */
static int64_t some_ttl(int64_t ttl_s)
{
	if (ttl_s < -INT32_MAX)
		return -INT32_MAX;
	return ttl_s < INT32_MAX ? ttl_s : INT32_MAX;
}

struct key_facts facts_of(const struct watcher *w,
    const struct etcd_node *node)
{
	return (struct key_facts){
		.key = node->key,
		.value = node->value,
		.is_dir = node->dir,
		.has_ttl = node->has_expiration,
		.ttl_s = some_ttl(node->ttl),
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

	if (i == NULL || !p->node.dir || p->node.has_expiration)
		return false;
	leave_now(w, &(struct leave){
		.instance = i, .cause = CAUSE_DELETE, .from = p->seen,
		.moment = moment_of(w, p),
	});
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

	trace(w, p);
	sync_touch(w, k.key, m.index);
	if (!inside(w->d, k.key) || became_directory(w, p))
		return;
	k.renewed = !p->has_prev || lapsed;
	if (lapsed)
		k.lapsed = by_our_clock(w, p->prev.expiration);
	registry_written(w->d, &k, &m);
}

/* --- leaves --- */

static struct leave leave_of(const struct watcher *w,
    const struct pending *p, struct instance *i)
{
	bool own = strcmp(names_key(i->names), p->node.key) == 0;
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

/* An instance may have a key that deep. */
static bool may_have_below(const struct watcher *w, const char *key)
{
	size_t slashes = 0;

	for (; *key != '\0'; key++)
		slashes += *key == '/';
	return slashes < w->d->deepest;
}

static void add_below(struct watcher *w, const struct pending *p, bool whole)
{
	size_t cursor = 0;
	const char *key;
	void *value;

	while (table_next(w->d->by_key, &cursor, &key, &value)) {
		if (!concerns(key, p->node.key, whole))
			continue;
		struct leave one = leave_of(w, p, value);

		leave_add(w, &one);
	}
}

/* A directory that went takes everything below it along, without an event of
 * its own for any of it. */
static void expand(struct watcher *w, const struct pending *p)
{
	struct instance *i = registry_find(w->d, p->node.key);
	bool whole = encloses(w->d, p->node.key);

	trace(w, p);
	sync_touch(w, p->node.key, p->node.modified_index);
	if (!whole && !inside(w->d, p->node.key))
		return;
	if (i != NULL) {
		struct leave one = leave_of(w, p, i);

		leave_add(w, &one);
	} else if (!p->node.dir) {
		registry_left_other(w->d, p->node.key);
	}
	if (!p->node.dir)
		return;
	drop_others(w, w->d->rivals, p->node.key, whole);
	drop_others(w, w->d->bad, p->node.key, whole);
	if (whole || may_have_below(w, p->node.key))
		add_below(w, p, whole);
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

static void drop_first(struct watcher *w)
{
	struct pending *p = &w->batch[w->applied++];

	free_node(&p->node);
	if (p->has_prev)
		free_node(&p->prev);
}

/* Takes out of the list what was applied. */
static void pack(struct watcher *w)
{
	size_t left = w->nbatch - w->applied;

	if (w->applied == 0 || left > w->applied)	/* not worth it */
		return;
	memmove(w->batch, w->batch + w->applied, left * sizeof(*w->batch));
	w->ripe -= w->applied;
	w->nbatch = left;
	w->applied = 0;
	if (left > 0 || w->batch_cap <= KEPT_EVENTS)
		return;
	free(w->batch);
	w->batch = NULL;
	w->batch_cap = 0;
}

bool batch_idle(const struct watcher *w)
{
	return w->nbatch == 0 && w->leaves.n == 0;
}

void batch_free(struct watcher *w)
{
	while (w->applied < w->nbatch)
		drop_first(w);
	free(w->batch);
	free(w->leaves.v);
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

	p.node.ttl = some_ttl(p.node.ttl);
	p.prev.ttl = some_ttl(p.prev.ttl);
	p.live = w->d->looking && live;
	p.earliest = p.seen;
	if (!p.live && w->d->watching_to.ms != 0 &&
	    w->d->watching_to.ms < p.seen.ms)
		p.earliest = w->d->watching_to;
	return p;
}

/* As long as history has more to tell, nothing is proved but its index; and
 * behind a gap not even that. */
static void progress(struct watcher *w, mono_t proof, mono_t now)
{
	wall_t to = w->reached < w->store_index || proof.ms == 0 ?
	    w->d->watching_to : clock_history(proof);

	if (!w->gap)
		registry_progress(w->d, to, w->reached, now);
}

void batch_event(struct watcher *w, const struct etcd_event *e, bool live)
{
	mono_t now = loop_now(w->loop);
	struct pending p = pend(w, e, live);
	bool leave = batch_is_leave(e->action);

	if (inside(w->d, e->node.key) || encloses(w->d, e->node.key)) {
		w->d->watch_events++;
		snapshot_touch(w->c->registry);
	}
	if (batch_idle(w) && !leave) {
		apply_write(w, &p);
		progress(w, now, now);
		return;
	}
	append(w, &p);
	if (leave || w->judging)
		judge_event(w, e);
	else
		w->ripe = w->nbatch;	/* behind what is on its way */
}

/* The next event that is ripe; of leaves in a row all, since they are judged
 * together.  A write in between goes in between. */
static bool take_event(struct watcher *w, mono_t now)
{
	const struct pending *p;

	if (w->applied == w->ripe)
		return false;
	p = &w->batch[w->applied];
	w->taken = p->node.modified_index;
	if (!batch_is_leave(p->action)) {
		apply_write(w, p);
		drop_first(w);
		return true;
	}
	while (w->applied < w->ripe &&
	    batch_is_leave(w->batch[w->applied].action)) {
		w->taken = w->batch[w->applied].node.modified_index;
		expand(w, &w->batch[w->applied]);
		drop_first(w);
	}
	leave_judge_batch(w, &w->outlook, now);
	w->outlook = (struct outlook){ 0 };
	leave_next(w);
	return true;
}

/* One step further; false if there is none. */
static bool step(struct watcher *w, mono_t now)
{
	if (leave_next(w))
		return true;
	if (w->taken != 0)
		w->done = w->taken;	/* and all that it meant */
	w->taken = 0;
	return take_event(w, now);
}

static void drain(struct watcher *w, bool all, mono_t now)
{
	const struct event_bus *bus = w->c->registry->bus;
	size_t steps = 0;
	bool more = true;

	while (more && (all || event_room(bus, steps++)))
		more = step(w, now);
	pack(w);
	if (more)
		timer_set(w->drain, now);
	else
		timer_clear(w->drain);
	if (batch_idle(w)) {
		progress(w, w->proof, now);
		w->proof = (mono_t){ 0 };
	} else if (w->done != 0 && !w->gap) {
		registry_progress(w->d, w->d->watching_to, w->done, now);
	}
	w->done = 0;
}

void batch_drain(struct watcher *w, mono_t now)
{
	drain(w, false, now);
}

static void ripen(struct watcher *w, mono_t now)
{
	w->ripe = w->nbatch;
	w->proof = now;
	judge_end(w);
}

void batch_apply(struct watcher *w, mono_t now)
{
	if (batch_idle(w))
		return;
	ripen(w, now);
	drain(w, false, now);
}

void batch_finish(struct watcher *w, mono_t now)
{
	if (batch_idle(w))
		return;
	ripen(w, now);
	drain(w, true, now);
}
