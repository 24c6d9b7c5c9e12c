/* Listing a directory.  A listing shows what no event tells: heartbeats with
 * refresh=true, and whatever a broken chain of events has hidden.  It is asked
 * for here, and looked at while it arrives: what the roll has just so is marked
 * as listed, what differs is kept, in few bytes.  It counts if it comes whole,
 * and once the watch has come as far as its index; then collectors/compare.c
 * does what it says.  Keys that events touched in the meantime are left to the
 * events. */
#include <stdlib.h>
#include <string.h>

#include "collectors/journal.h"
#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/log.h"
#include "core/pattern.h"
#include "core/table.h"
#include "core/xalloc.h"

enum {
	LIST_DEADLINE_MS = 10 * 1000,
	DEADLINE_FACTOR = 4,		/* times what the last one took */
	MAX_DOUBLED = 4,		/* as often as it failed */
};

struct touch {
	uint64_t index;
	char key[];
};

/* --- keys touched since the listing was asked for --- */

static void forget_touched(struct watcher *w)
{
	if (table_count(w->touched) == 0)
		return;
	table_free(w->touched);
	w->touched = table_new(free);
}

void sync_touch(struct watcher *w, const char *key, uint64_t index)
{
	size_t n = strlen(key) + 1;
	struct touch *t;

	if (w->list == NULL && !w->listing.ready)
		return;
	t = table_get(w->touched, key);
	if (t == NULL) {
		t = xmalloc(sizeof(*t) + n);
		memcpy(t->key, key, n);
		table_put(w->touched, t->key, t);
	}
	t->index = index;
}

/* True if an event behind the listing changed the key or a directory above
 * it. */
bool sync_touched(const struct watcher *w, const char *key)
{
	char *path;
	bool touched = false;
	char *slash;

	if (table_count(w->touched) == 0)
		return false;
	path = xstrdup(key);
	do {
		struct touch *t = table_get(w->touched, path);

		touched = t != NULL && t->index > w->listing.index;
		slash = strrchr(path, '/');
		if (slash != NULL)
			*slash = '\0';
	} while (!touched && slash != NULL && slash != path);
	free(path);
	return touched;
}

/* --- the listing --- */

static void drop_listing(struct watcher *w)
{
	struct listed *l = &w->listing;

	leave_end(w, &l->missing);
	if (l->step != 0)
		w->c->registry->comparing--;
	journal_free(l->differ);
	journal_free(l->deeper);
	table_free(l->bad_keys);
	*l = (struct listed){ .cost_ms = l->cost_ms, .index = l->index };
	timer_clear(w->slice);
	forget_touched(w);
}

void sync_done(struct watcher *w)
{
	drop_listing(w);
}

void sync_drop(struct watcher *w)
{
	etcd_cancel(w->list);
	w->list = NULL;
	drop_listing(w);
	timer_clear(w->list_timer);
}

void sync_free(struct watcher *w)
{
	sync_drop(w);
	table_free(w->touched);
}

static void begin_listing(struct watcher *w)
{
	struct listed *l = &w->listing;
	uint16_t last = w->d->listing;

	drop_listing(w);
	l->number = w->d->listing = last < UINT16_MAX - 2 ? last + 2 : 2;
	l->differ = journal_new();
	l->deeper = journal_new();
	l->bad_keys = table_new(free);
}

/* What lies deeper may be the content of an instance that comes behind it. */
static struct journal *journal_for(struct watcher *w, const char *key)
{
	const struct directory *d = w->d;
	size_t depth = 0;

	for (key += strlen(d->path); *key != '\0'; key++)
		depth += *key == '/';
	depth += strcmp(d->path, "/") == 0;
	return depth > pattern_depth(d->config->pattern) ?
	    w->listing.deeper : w->listing.differ;
}

static void on_node(const struct etcd_node *node, void *arg)
{
	struct watcher *w = arg;
	struct key_facts f = facts_of(w, node);
	struct instance *i;

	/* It only groups, and is no instance if it was one. */
	if (node->dir && !node->has_expiration)
		return;
	i = registry_find(w->d, node->key);
	if (i != NULL) {
		i->listed = w->listing.number;
		if (registry_listed_unchanged(i, &f,
		    clock_history(w->asked_at))) {
			sync_is_listed(w, i);
			return;
		}
		journal_add(journal_for(w, node->key), node,
		    strcmp(names_value(i->names), node->value) != 0);
		return;
	}
	if (table_get(w->d->bad, node->key) != NULL &&
	    table_get(w->d->rivals, node->key) == NULL) {
		sync_is_bad(w, node->key);
		return;
	}
	journal_add(journal_for(w, node->key), node, true);
}

/* The whole of it has come. */
static void arrived(struct watcher *w, const struct etcd_result *r)
{
	struct listed *l = &w->listing;

	l->index = r->meta.etcd_index;
	l->bad = r->listing.bad;
	l->cost_ms = r->duration_us / 1000 + 1;
	l->ready = true;
	w->d->listings++;
	often_listed(w);
	if (r->listing.bad > 0)
		log_warn("listing has entries that make no sense",
		    LOG_S("directory", w->d->path),
		    LOG_I("entries", r->listing.bad),
		    LOG_S("first", r->listing.first_bad));
}

void sync_advanced(struct watcher *w, mono_t now)
{
	if (w->listing.ready && w->listing.step == 0 &&
	    w->reached >= w->listing.index && batch_idle(w))
		sync_compare(w, now);
}

/* --- asking --- */

/* A quorum listing below an index that was reached before it was asked for
 * can only come from another store. */
static bool new_store(const struct watcher *w)
{
	return !w->list_first && w->listing.index < w->asked_reached;
}

static void start_watch(struct watcher *w, mono_t now)
{
	w->reached = w->listing.index;
	w->list_first = false;
	sync_advanced(w, now);
	poll_start(w);
}

static void on_listed(const struct etcd_result *r, void *arg)
{
	struct watcher *w = arg;
	mono_t now = loop_now(w->loop);

	w->list = NULL;
	watcher_answered(w, r->outcome);
	if (r->outcome != ETCD_OK || r->meta.etcd_index == 0) {
		drop_listing(w);
		watcher_list_failed(w, r->text);
		return;
	}
	if (watcher_of_another(w, &r->meta))
		return;
	watcher_listed(w);
	arrived(w, r);
	if (new_store(w)) {
		log_warn("the store is new: its index lies below ours",
		    LOG_S("etcd_cluster", w->c->name),
		    LOG_S("directory", w->d->path),
		    LOG_I("index", w->listing.index),
		    LOG_I("reached", w->asked_reached));
		registry_resynced(w->d, RESYNC_NEW_STORE);
		batch_apply(w, now);
		w->gap = true;
		w->list_first = true;
	}
	if (w->list_first)
		start_watch(w, now);
	else if (w->reached >= w->listing.index)
		sync_advanced(w, now);
	else
		poll_renew(w);	/* its headers show how far the watch is */
}

/* A hung member is left for another by then (watcher_on_probe()); this is for
 * one that answers, but does not list.  A large directory may take its time. */
static int64_t deadline_ms(const struct watcher *w)
{
	unsigned doubled = w->list_failures < MAX_DOUBLED ?
	    w->list_failures : MAX_DOUBLED;
	int64_t ms = (int64_t)LIST_DEADLINE_MS << doubled;
	int64_t least = DEADLINE_FACTOR * w->listing.cost_ms;

	return ms > least ? ms : least;
}

static mono_t not_before(const struct watcher *w)
{
	mono_t t = often_not_before(w);

	if (w->list_failures > 0 && w->list_retry_at.ms > t.ms)
		return w->list_retry_at;
	return t;
}

bool sync_may_list(const struct watcher *w)
{
	return mono_due(not_before(w), loop_now(w->loop));
}

void sync_list(struct watcher *w)
{
	struct etcd_target t = watcher_target(w);
	struct etcd_request r = etcd_list(w->d->path);

	if (!sync_may_list(w)) {
		timer_set(w->list_timer, not_before(w));
		return;
	}
	begin_listing(w);
	w->asked_reached = w->reached;
	w->asked_at = loop_now(w->loop);
	r.recursive = r.quorum = true;
	w->list = etcd_start(&t, &r, deadline_ms(w), on_listed, w);
	etcd_on_nodes(w->list, on_node);
}

/* What the quorum was asked before there was the present leader may be lost;
 * etcd says so only after 7 s. */
void sync_new_leader(struct watcher *w)
{
	if (w->list == NULL || !w->c->disturbed ||
	    w->asked_at.ms >= w->c->disturbed_until.ms)
		return;
	etcd_cancel(w->list);
	w->list = NULL;
	sync_list(w);
}
