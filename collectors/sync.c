/* Listing a directory and comparing it with the roll.  A listing shows what no
 * event tells: heartbeats with refresh=true, and whatever a broken chain of
 * events has hidden.  It counts once the watch has come as far as its index;
 * keys that events touched in the meantime are left to the events. */
#include <stdlib.h>
#include <string.h>

#include "collectors/watch_impl.h"
#include "core/config.h"
#include "core/log.h"
#include "core/snapshot.h"
#include "core/table.h"
#include "core/xalloc.h"

enum {
	LIST_DEADLINE_MS = 10 * 1000,
	LIST_RETRY_MS = 500,
	MIN_INTERVAL_MS = 1000,
	MAX_INTERVAL_MS = 30 * 1000,
	SLICE = 500,			/* entries compared in one turn */
	COST_FACTOR = 20,		/* a listing's share: 5 % of the time */
};

struct touch {
	uint64_t index;
	char key[];
};

/* --- keys touched since the listing was asked for --- */

static void forget_touched(struct watcher *w)
{
	size_t cursor = 0;
	const char *key;
	void *value;

	while (table_next(w->touched, &cursor, &key, &value)) {
		table_del(w->touched, key);
		free(value);
	}
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
static bool touched_since(const struct watcher *w, const char *key)
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
	table_free(w->listing.keys);	/* its keys are the answer's */
	etcd_release(w->listing.kept);
	w->listing.kept = NULL;
	w->listing.keys = NULL;
	w->listing.v = NULL;
	w->listing.n = 0;
	w->listing.at = 0;
	timer_clear(w->slice);
	w->listing.ready = false;
	forget_touched(w);
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

static void keep(struct watcher *w, const struct etcd_result *r)
{
	struct listed *l = &w->listing;

	l->kept = etcd_keep(r);
	l->v = r->listing.v;
	l->n = r->listing.n;
	l->index = r->meta.etcd_index;
	l->bad = r->listing.bad;
	l->cost_ms = r->duration_us / 1000 + 1;
	l->ready = true;
	if (r->listing.bad > 0)
		log_warn("listing has entries that make no sense",
		    LOG_S("directory", w->d->path),
		    LOG_I("entries", r->listing.bad),
		    LOG_S("first", r->listing.first_bad));
}

/* --- comparing --- */

static struct moment moment_now(const struct watcher *w, mono_t now)
{
	struct moment m = { .now = now, .seen = clock_history(now) };

	m.earliest = m.seen;
	if (w->d->watching_to.ms != 0 && w->d->watching_to.ms < m.seen.ms)
		m.earliest = w->d->watching_to;
	return m;
}

static void take_listed(struct watcher *w, mono_t now)
{
	struct listed *l = &w->listing;
	struct moment m = moment_now(w, now);
	size_t end = l->at + SLICE < l->n ? l->at + SLICE : l->n;

	/* At the first listing ever nothing is known of before. */
	if (!w->d->synced && w->d->watching_to.ms == 0)
		m.earliest = m.seen;
	for (; l->at < end; l->at++) {
		const struct etcd_node *node = &l->v[l->at];
		struct key_facts f = facts_of(w, node);

		/* It only groups, and is no instance if it was one. */
		if (node->dir && !node->has_expiration)
			continue;
		table_put(l->keys, node->key, (void *)(uintptr_t)node);
		if (touched_since(w, node->key))
			continue;
		m.index = node->modified_index;
		registry_listed(w->d, &f, &m);
	}
}

/* When what is missing can have gone: with a gap in history, since the last
 * proof; else events were lost unnoticed, any time since the last listing. */
static struct moment moment_missed(const struct watcher *w, mono_t now)
{
	struct moment m = moment_now(w, now);
	wall_t listed = w->d->last_sync;

	if (!w->gap && listed.ms != 0 && listed.ms < m.earliest.ms)
		m.earliest = listed;
	return m;
}

static size_t take_absent(struct watcher *w, const struct table *listed,
    mono_t now)
{
	struct leave *v = xmalloc((table_count(w->d->by_key) + 1) *
	    sizeof(*v));
	size_t n = 0, cursor = 0;
	const char *key;
	void *value;

	/* An entry without sense may be any key: none is known to be gone. */
	while (w->listing.bad == 0 &&
	    table_next(w->d->by_key, &cursor, &key, &value)) {
		if (table_get(listed, key) != NULL || touched_since(w, key))
			continue;
		v[n] = (struct leave){ .instance = value,
			.cause = CAUSE_DIFF };
		v[n].moment = moment_missed(w, now);
		v[n].from = v[n].moment.seen;
		n++;
	}
	leave_all(w, v, n, now);
	free(v);
	return n;
}

/* Rivals and bad keys that are not there any more. */
static void take_other_absent(struct watcher *w, const struct table *keys,
    const struct table *listed)
{
	size_t n = 0, cursor = 0;
	char **gone = xmalloc((table_count(keys) + 1) * sizeof(*gone));
	const char *key;
	void *value;

	while (table_next(keys, &cursor, &key, &value))
		if (table_get(listed, key) == NULL && !touched_since(w, key))
			gone[n++] = xstrdup(key);
	for (size_t k = 0; k < n; k++) {
		registry_left_other(w->d, gone[k]);
		free(gone[k]);
	}
	free(gone);
}

/* --- how often --- */

/* The TTL below which a tenth of the instances lie, in seconds; 0: no TTLs. */
static int64_t low_ttl(const struct watcher *w, bool *silent_r)
{
	enum { CAP = 128 };
	size_t count[CAP] = { 0 }, total = 0, sum = 0, cursor = 0;
	void *value;

	while (table_next(w->d->by_key, &cursor, NULL, &value)) {
		const struct instance *i = value;

		*silent_r = *silent_r || i->silent;
		if (i->ttl_s <= 0)
			continue;
		count[i->ttl_s < CAP ? i->ttl_s : CAP - 1]++;
		total++;
	}
	for (int64_t s = 1; s < CAP; s++) {
		sum += count[s];
		if (total > 0 && sum * 10 >= total)
			return s;
	}
	return 0;
}

static int64_t interval(const struct watcher *w)
{
	bool silent = false;
	int64_t ttl_s = low_ttl(w, &silent);
	int64_t ms = MAX_INTERVAL_MS, least = COST_FACTOR * w->listing.cost_ms;

	if (silent && ttl_s > 0)
		ms = ttl_s * 1000 / 3;
	if (ms > MAX_INTERVAL_MS)
		ms = MAX_INTERVAL_MS;
	if (ms < MIN_INTERVAL_MS)
		ms = MIN_INTERVAL_MS;
	return ms > least ? ms : least;
}

static void say_difference(struct watcher *w, size_t absent)
{
	if (w->in_sync || absent > 0)
		registry_resynced(w->d, RESYNC_DIFFERENCE);
	log_warn("listing shows what no event told",
	    LOG_S("etcd_cluster", w->c->name), LOG_S("directory", w->d->path),
	    LOG_I("missing", absent), LOG_I("index", w->listing.index));
}

/* While it goes on looking, a fault that comes again and again would fill the
 * log. */
static void say_in_sync(const struct watcher *w, size_t absent)
{
	enum log_level level = w->d->looking ? LEVEL_DEBUG : LEVEL_INFO;

	LOG_AT_(level, "directory in sync", LOG_S("etcd_cluster", w->c->name),
	    LOG_S("directory", w->d->path), LOG_S("member", w->member->name),
	    LOG_I("instances", table_count(w->d->by_key)),
	    LOG_I("missing", absent), LOG_I("index", w->listing.index));
}

static void compared(struct watcher *w, mono_t now)
{
	size_t absent;

	/* Rivals first: one that is gone as well takes nothing over. */
	take_other_absent(w, w->d->rivals, w->listing.keys);
	take_other_absent(w, w->d->bad, w->listing.keys);
	absent = take_absent(w, w->listing.keys, now);
	if (absent > 0 && !w->gap)
		say_difference(w, absent);
	if (!w->in_sync)
		say_in_sync(w, absent);
	w->in_sync = true;
	w->gap = false;
	w->d->list_interval_ms = interval(w);
	timer_set(w->list_timer, mono_add(now, w->d->list_interval_ms));
	drop_listing(w);
	registry_synced(w->d, clock_history(now));
	if (batch_idle(w))	/* else when the batch is applied */
		registry_progress(w->d, w->d->watching_to, w->reached, now);
	looking_judge(w, now);
}

/* A large listing is compared in slices, one in a turn of the loop, so that
 * events and alerts pass in between; what they touch is left to them. */
void sync_compare(struct watcher *w, mono_t now)
{
	if (w->listing.keys == NULL)
		w->listing.keys = table_new(NULL);
	take_listed(w, now);
	if (w->listing.at < w->listing.n)
		timer_set(w->slice, now);
	else
		compared(w, now);
}

void sync_advanced(struct watcher *w, mono_t now)
{
	if (w->listing.ready && w->listing.keys == NULL &&
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
	if (r->outcome != ETCD_OK || r->meta.etcd_index == 0) {
		forget_touched(w);
		watcher_list_failed(w, r->text);
		return;
	}
	if (watcher_of_another(w, &r->meta))
		return;
	watcher_listed(w);
	keep(w, r);
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

void sync_list(struct watcher *w)
{
	struct etcd_target t = watcher_target(w);
	struct etcd_request r = etcd_list(w->d->path);

	if (w->list_failures > 0 &&
	    !mono_due(w->list_retry_at, loop_now(w->loop))) {
		timer_set(w->list_timer, w->list_retry_at);
		return;
	}
	drop_listing(w);
	w->asked_reached = w->reached;
	w->asked_at = loop_now(w->loop);
	r.recursive = r.quorum = true;
	w->list = etcd_start(&t, &r, LIST_DEADLINE_MS, on_listed, w);
}

/* What the quorum was asked before there was the present leader may be lost;
 * etcd says so only after 7 s. */
void sync_new_leader(struct watcher *w)
{
	if (w->list == NULL || !w->c->disturbed ||
	    w->asked_at.ms >= w->c->disturbed_until.ms)
		return;
	etcd_cancel(w->list);
	sync_list(w);
}
